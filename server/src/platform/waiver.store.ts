/** Gateways left out of the gates, each until an end. */

import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

export interface NewWaiver {
  readonly gatewayId: string;
  readonly by: string;
  readonly reason: string;
  readonly since: Instant;
  readonly until: Instant;
}

const waiversMax = 1000;

/** In place of the one that the gateway may have. */
export async function upsertWaiver(tx: DatabaseTransaction, waiver: NewWaiver): Promise<void> {
  const row = {
    set_by: waiver.by,
    reason: waiver.reason,
    since: new Date(waiver.since),
    until: new Date(waiver.until),
  };
  await tx
    .insertInto('waivers')
    .values({ gateway_id: waiver.gatewayId, ...row })
    .onConflict((conflict) => conflict.column('gateway_id').doUpdateSet(row))
    .execute();
}

/** False when there was none. */
export async function deleteWaiver(tx: DatabaseTransaction, gatewayId: string): Promise<boolean> {
  const deleted = await tx.deleteFrom('waivers').where('gateway_id', '=', gatewayId).executeTakeFirst();
  return deleted.numDeletedRows === 1n;
}

/** Ids of the gateways whose waivers have ended; the waivers are gone with it. */
export async function deleteEndedWaivers(tx: DatabaseTransaction, now: Instant): Promise<readonly string[]> {
  const rows = await tx.deleteFrom('waivers').where('until', '<=', new Date(now)).returning('gateway_id').execute();
  return rows.map(({ gateway_id }) => gateway_id);
}

/** Those that hold now, of a part of the platform; the first to end comes first. */
export async function selectWaivers(
  db: Queryable,
  part: { readonly tenantId?: string | undefined; readonly projectId?: string | undefined },
  now: Instant,
) {
  let query = db
    .selectFrom('waivers as w')
    .innerJoin('gateways as g', 'g.id', 'w.gateway_id')
    .innerJoin('tenants as n', 'n.id', 'g.tenant_id')
    .selectAll('w')
    .select(['g.name as gateway_name', 'n.name as tenant_name'])
    .where('w.until', '>', new Date(now))
    .where('g.deleted_at', 'is', null)
    .orderBy('w.until')
    .limit(waiversMax);
  if (part.tenantId !== undefined) query = query.where('g.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('g.project_id', '=', part.projectId);
  return query.execute();
}

export type WaiverRow = Awaited<ReturnType<typeof selectWaivers>>[number];

export async function selectWaiversOf(db: Queryable, gatewayIds: readonly string[]) {
  if (gatewayIds.length === 0) return [];
  return db.selectFrom('waivers as w').selectAll('w').where('w.gateway_id', 'in', gatewayIds).execute();
}
