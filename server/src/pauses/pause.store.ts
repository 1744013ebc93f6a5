/** Pauses of scopes and exemptions of gateways. */

import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import type { PauseRow } from '../gateways/gateway-facts.store.ts';

export interface NewPause {
  readonly id: string;
  readonly tenantId: string;
  readonly scope: { readonly kind: PauseRow['scope_kind']; readonly id: string; readonly name: string };
  readonly by: string;
  readonly reason: string;
  readonly since: Instant;
  readonly until?: Instant | undefined;
}

/** In place of the one that the scope may have. */
export async function replacePause(tx: DatabaseTransaction, pause: NewPause): Promise<PauseRow> {
  await clearPause(tx, { scopeKind: pause.scope.kind, scopeId: pause.scope.id, by: pause.by, now: pause.since });
  return tx
    .insertInto('pauses')
    .values({
      id: pause.id,
      tenant_id: pause.tenantId,
      scope_kind: pause.scope.kind,
      scope_id: pause.scope.id,
      scope_name: pause.scope.name,
      set_by: pause.by,
      reason: pause.reason,
      since: new Date(pause.since),
      until: pause.until === undefined ? null : new Date(pause.until),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The pause that was open; undefined when there was none. */
export async function clearPause(
  tx: DatabaseTransaction,
  scope: {
    readonly scopeKind: PauseRow['scope_kind'];
    readonly scopeId: string;
    readonly by: string;
    readonly now: Instant;
  },
): Promise<PauseRow | undefined> {
  return tx
    .updateTable('pauses')
    .set({ cleared_at: new Date(scope.now), cleared_by: scope.by })
    .where('scope_kind', '=', scope.scopeKind)
    .where('scope_id', '=', scope.scopeId)
    .where('cleared_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
}

/** Clears those whose end has come, and gives them. */
export async function clearEndedPauses(
  tx: DatabaseTransaction,
  now: Instant,
  limit: number,
): Promise<readonly PauseRow[]> {
  return tx
    .updateTable('pauses')
    .set((eb) => ({ cleared_at: eb.ref('until'), cleared_by: 'its end' }))
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('pauses as p')
        .select('p.id')
        .where('p.cleared_at', 'is', null)
        .where('p.until', '<=', new Date(now))
        .orderBy('p.until')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .execute();
}

export interface PausePart {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** Those of a part of the platform; of a project also its tenant's, which concerns it too. */
export async function selectPauses(db: Queryable, part: PausePart, now: Instant): Promise<readonly PauseRow[]> {
  let query = db
    .selectFrom('pauses as p')
    .selectAll('p')
    .where('p.cleared_at', 'is', null)
    .where((eb) => eb.or([eb('p.until', 'is', null), eb('p.until', '>', new Date(now))]))
    .orderBy('p.since', 'desc')
    .limit(1000);
  const { tenantId, projectId } = part;
  if (tenantId !== undefined) query = query.where('p.tenant_id', '=', tenantId);
  if (projectId !== undefined) {
    query = query.where((eb) =>
      eb.or([
        eb('p.scope_kind', '=', 'tenant'),
        eb('p.scope_id', '=', projectId),
        eb('p.scope_id', 'in', eb.selectFrom('gateways as g').select('g.id').where('g.project_id', '=', projectId)),
      ]),
    );
  }
  return query.execute();
}

export async function selectExemptions(db: Queryable, part: PausePart, now: Instant) {
  let query = db
    .selectFrom('exemptions as x')
    .innerJoin('gateways as g', 'g.id', 'x.gateway_id')
    .selectAll('x')
    .select('g.name as gateway_name')
    .where('x.until', '>', new Date(now))
    .orderBy('x.until')
    .limit(1000);
  if (part.tenantId !== undefined) query = query.where('g.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('g.project_id', '=', part.projectId);
  return query.execute();
}

export async function upsertExemption(
  tx: DatabaseTransaction,
  exemption: {
    readonly gatewayId: string;
    readonly by: string;
    readonly reason: string;
    readonly since: Instant;
    readonly until: Instant;
  },
): Promise<void> {
  const row = {
    set_by: exemption.by,
    reason: exemption.reason,
    since: new Date(exemption.since),
    until: new Date(exemption.until),
  };
  await tx
    .insertInto('exemptions')
    .values({ gateway_id: exemption.gatewayId, ...row })
    .onConflict((conflict) => conflict.column('gateway_id').doUpdateSet(row))
    .execute();
}

/** False when there was none. */
export async function deleteExemption(tx: DatabaseTransaction, gatewayId: string): Promise<boolean> {
  const deleted = await tx.deleteFrom('exemptions').where('gateway_id', '=', gatewayId).executeTakeFirst();
  return deleted.numDeletedRows === 1n;
}

/** Ids of the gateways whose exemptions have ended; the exemptions are gone with it. */
export async function deleteEndedExemptions(tx: DatabaseTransaction, now: Instant): Promise<readonly string[]> {
  const rows = await tx.deleteFrom('exemptions').where('until', '<=', new Date(now)).returning('gateway_id').execute();
  return rows.map(({ gateway_id }) => gateway_id);
}

/** Every gateway that a pause of the scope concerns. */
export async function selectGatewaysOfScope(
  db: Queryable,
  scope: { readonly kind: PauseRow['scope_kind']; readonly id: string },
) {
  const column = ({ tenant: 'g.tenant_id', project: 'g.project_id', gateway: 'g.id' } as const)[scope.kind];
  const rows = await db
    .selectFrom('gateways as g')
    .select(['g.id', 'g.name', 'g.tenant_id', 'g.project_id'])
    .where(column, '=', scope.id)
    .where('g.deleted_at', 'is', null)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    tenantId: row.tenant_id,
    projectId: row.project_id ?? undefined,
  }));
}
