/** Rows of gateways: finding, locking, making them. What a decision needs of one is loaded by `gateway-facts.store.ts`. */

import { type Instant, toInstant } from '@gatehouse/domain/instant';
import type { Selectable } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import type { Tables } from '../database/schema.ts';
import type { EventSubject } from '../events/event.store.ts';

export type GatewayRow = Selectable<Tables['gateways']> & {
  readonly tenant_name: string;
  readonly project_name: string | null;
};

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => uuidPattern.test(text);

function gatewayRows(db: Queryable) {
  return db
    .selectFrom('gateways as g')
    .innerJoin('tenants as n', 'n.id', 'g.tenant_id')
    .leftJoin('projects as p', 'p.id', 'g.project_id')
    .selectAll('g')
    .select(['n.name as tenant_name', 'p.name as project_name']);
}

/** By name, where deleted ones have none any more, or by id. Several when tenants use the same name. */
export async function selectGatewaysNamed(
  db: Queryable,
  wanted: { readonly nameOrId: string; readonly tenantId?: string | undefined },
): Promise<readonly GatewayRow[]> {
  const { nameOrId, tenantId } = wanted;
  let query = gatewayRows(db).limit(10);
  if (tenantId !== undefined) query = query.where('g.tenant_id', '=', tenantId);
  const byName = await query.where('g.name', '=', nameOrId).where('g.deleted_at', 'is', null).execute();
  if (byName.length > 0 || !isUuid(nameOrId)) return byName;
  return query.where('g.id', '=', nameOrId).execute();
}

export async function selectGateway(db: Queryable, id: string): Promise<GatewayRow | undefined> {
  return gatewayRows(db).where('g.id', '=', id).executeTakeFirst();
}

/** Waits for whoever else changes that gateway; everything decided after it sees what they did. */
export async function lockGateway(tx: DatabaseTransaction, id: string): Promise<GatewayRow | undefined> {
  return gatewayRows(tx).where('g.id', '=', id).forUpdate('g').executeTakeFirst();
}

export async function selectGatewayByInstallKey(db: Queryable, key: string): Promise<GatewayRow | undefined> {
  return gatewayRows(db).where('g.install_key', '=', key).where('g.deleted_at', 'is', null).executeTakeFirst();
}

export interface GatewayPart {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly ids?: readonly string[] | undefined;
  /** Names after this one, then ids after this one. */
  readonly after?: { readonly name: string; readonly id: string } | undefined;
  readonly limit: number;
}

/** Not the deleted ones. In the order of name, then id. */
export async function selectGateways(db: Queryable, part: GatewayPart): Promise<readonly GatewayRow[]> {
  let query = gatewayRows(db).where('g.deleted_at', 'is', null).orderBy('g.name').orderBy('g.id').limit(part.limit);
  if (part.tenantId !== undefined) query = query.where('g.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('g.project_id', '=', part.projectId);
  if (part.ids !== undefined) query = query.where('g.id', 'in', part.ids);
  const { after } = part;
  if (after !== undefined) {
    query = query.where((eb) =>
      eb.or([eb('g.name', '>', after.name), eb.and([eb('g.name', '=', after.name), eb('g.id', '>', after.id)])]),
    );
  }
  return query.execute();
}

export interface NewGateway {
  readonly id: string;
  readonly tenantId: string;
  readonly projectId?: string | undefined;
  readonly name: string;
  readonly installation: 'cli' | 'existing-cluster';
  readonly provider: string;
  readonly isSandbox: boolean;
  readonly controlPlanes: 1 | 3;
  readonly workers: number;
  readonly installKey: string;
  readonly registryPrefix?: string | undefined;
  readonly now: Instant;
}

/** False when the tenant has a gateway of that name. */
export async function insertGateway(tx: DatabaseTransaction, gateway: NewGateway): Promise<boolean> {
  const inserted = await tx
    .insertInto('gateways')
    .values({
      id: gateway.id,
      tenant_id: gateway.tenantId,
      project_id: gateway.projectId ?? null,
      name: gateway.name,
      installation: gateway.installation,
      provider: gateway.provider,
      is_sandbox: gateway.isSandbox,
      control_planes: gateway.controlPlanes,
      workers: gateway.workers,
      install_key: gateway.installKey,
      registry_prefix: gateway.registryPrefix ?? null,
      created_at: new Date(gateway.now),
      announced_status: 'Pending',
      announced_health: 'unknown',
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

export type GatewayChange = Partial<
  Pick<
    Selectable<Tables['gateways']>,
    | 'initial_release'
    | 'provisioning_begun_at'
    | 'deletion_requested_at'
    | 'deleted_at'
    | 'generation'
    | 'hand_over_number'
    | 'announced_status'
    | 'announced_health'
    | 'silence_expected_until'
    | 'set_back_at'
    | 'clock_difference_milliseconds'
  >
>;

export async function updateGateway(tx: DatabaseTransaction, id: string, change: GatewayChange): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await tx.updateTable('gateways').set(change).where('id', '=', id).execute();
}

export const eventSubject = (row: GatewayRow): EventSubject => ({
  id: row.id,
  name: row.name,
  tenantId: row.tenant_id,
  projectId: row.project_id ?? undefined,
});

export interface PollTime {
  readonly gatewayId: string;
  readonly lastPollAt: Instant;
  readonly nextPollDueAt: Instant;
}

export async function selectNextPollDue(db: Queryable, gatewayId: string): Promise<Instant | undefined> {
  const row = await db
    .selectFrom('gateway_polls as p')
    .select('p.next_poll_due_at')
    .where('p.gateway_id', '=', gatewayId)
    .executeTakeFirst();
  return row && toInstant(row.next_poll_due_at.getTime());
}

/** Many at once. A later poll that another replica has written already stays. */
export async function upsertPollTimes(db: Queryable, times: readonly PollTime[]): Promise<void> {
  if (times.length === 0) return;
  await db
    .insertInto('gateway_polls')
    .values(
      times.map((time) => ({
        gateway_id: time.gatewayId,
        last_poll_at: new Date(time.lastPollAt),
        next_poll_due_at: new Date(time.nextPollDueAt),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .column('gateway_id')
        .doUpdateSet({
          last_poll_at: (eb) => eb.ref('excluded.last_poll_at'),
          next_poll_due_at: (eb) => eb.ref('excluded.next_poll_due_at'),
        })
        .whereRef('excluded.last_poll_at', '>=', 'gateway_polls.last_poll_at'),
    )
    .execute();
}

export async function countGatewaysByStatus(db: Queryable): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('gateways as g')
    .select((eb) => ['g.announced_status', eb.fn.countAll<number>().as('count')])
    .where('g.deleted_at', 'is', null)
    .groupBy('g.announced_status')
    .execute();
  return new Map(rows.map(({ announced_status, count }) => [announced_status, count]));
}

/** Those that should have polled before then and are not announced as unhealthy, or that wait for their deletion. */
export async function selectOverdueGateways(
  db: Queryable,
  dueBefore: Instant,
  limit: number,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('gateways as g')
    .innerJoin('gateway_polls as p', 'p.gateway_id', 'g.id')
    .select('g.id')
    .where('g.deleted_at', 'is', null)
    .where('p.next_poll_due_at', '<', new Date(dueBefore))
    .where((eb) => eb.or([eb('g.announced_health', '!=', 'unhealthy'), eb('g.deletion_requested_at', 'is not', null)]))
    .orderBy('p.next_poll_due_at')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}
