/** What gateways told that a person should know of. */

import type { Instant } from '@gatehouse/domain/instant';
import type { NamedGateways } from '@gatehouse/domain/status-warnings';
import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';

export interface GatewayPart {
  readonly tenantId?: string;
  readonly projectId?: string;
}

function gatewaysOf(db: Queryable, { tenantId, projectId }: GatewayPart) {
  let query = db.selectFrom('gateways as g').where('g.deleted_at', 'is', null);
  if (tenantId !== undefined) query = query.where('g.tenant_id', '=', tenantId);
  if (projectId !== undefined) query = query.where('g.project_id', '=', projectId);
  return query;
}

/** Whose agents were heard to know more than the database. */
export function selectSetBack(
  db: Queryable,
  part: GatewayPart,
  { since, namesMax }: { readonly since: Instant; readonly namesMax: number },
): Promise<NamedGateways> {
  return named(gatewaysOf(db, part).where('g.set_back_at', '>', new Date(since)), namesMax);
}

/** Whose clocks are off. */
export function selectClockDifferences(db: Queryable, part: GatewayPart, namesMax: number): Promise<NamedGateways> {
  return named(gatewaysOf(db, part).where('g.clock_difference_milliseconds', 'is not', null), namesMax);
}

async function named(query: ReturnType<typeof gatewaysOf>, namesMax: number): Promise<NamedGateways> {
  const rows = await query
    .select(['g.name', sql<number>`count(*) over ()`.as('total')])
    .orderBy('g.name')
    .limit(namesMax)
    .execute();
  return { total: rows[0]?.total ?? 0, names: rows.map(({ name }) => name) };
}
