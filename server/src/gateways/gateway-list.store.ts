/** Pages of gateways: filtered, sorted, from a place on. Found by their summaries; what is shown is loaded for the page. */

import type { GatewaySort } from '@gatehouse/contract/fleet-types';
import { type RawBuilder, sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';
import { containing } from '../database/pattern.ts';
import type { GatewayRow } from './gateway.store.ts';

export interface GatewayFilter {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  /** Exactly. */
  readonly name?: string | undefined;
  /** A part of the name. */
  readonly search?: string | undefined;
  readonly provider?: string | undefined;
  readonly installation?: string | undefined;
  readonly status?: string | undefined;
  readonly health?: string | undefined;
  readonly state?: string | undefined;
  readonly reason?: string | undefined;
  /** A version, or `none`. */
  readonly agentVersion?: string | undefined;
  readonly profileVersion?: string | undefined;
  readonly updatesAvailable?: boolean | undefined;
  readonly paused?: boolean | undefined;
}

/** What a list may be sorted by, as text that sorts so; then by name and id, all in one direction. */
const sortColumns = {
  name: sql<string>`g.name collate "C"`,
  provider: sql<string>`g.provider collate "C"`,
  installation: sql<string>`g.installation collate "C"`,
  status: sql<string>`s.status collate "C"`,
  health: sql<string>`s.health collate "C"`,
  agentVersion: sql<string>`s.agent_version_order`,
  profileVersion: sql<string>`s.profile_version_order`,
  // Of one length from the year 2001 to 2286, and empty for those that were never heard.
  lastPoll: sql<string>`coalesce((extract(epoch from q.last_poll_at) * 1000)::bigint::text, '') collate "C"`,
} as const satisfies Record<GatewaySort, RawBuilder<string>>;

export interface GatewayOrder {
  readonly by: GatewaySort;
  readonly isDescending: boolean;
}

/** Where a row stands in a list: what it is sorted by, its name, its id. */
export type GatewayPlace = readonly [value: string, name: string, id: string];

export type ListedGateway = GatewayRow & { readonly place: string; readonly host_clusters: number };

function filtered(db: Queryable, filter: GatewayFilter) {
  let query = db
    .selectFrom('gateways as g')
    .innerJoin('gateway_summaries as s', 's.gateway_id', 'g.id')
    .innerJoin('tenants as n', 'n.id', 'g.tenant_id')
    .leftJoin('projects as p', 'p.id', 'g.project_id')
    .leftJoin('gateway_polls as q', 'q.gateway_id', 'g.id')
    .where('g.deleted_at', 'is', null);
  if (filter.tenantId !== undefined) query = query.where('g.tenant_id', '=', filter.tenantId);
  if (filter.projectId !== undefined) query = query.where('g.project_id', '=', filter.projectId);
  if (filter.name !== undefined) query = query.where('g.name', '=', filter.name);
  if (filter.search !== undefined) query = query.where('g.name', 'like', containing(filter.search.toLowerCase()));
  if (filter.provider !== undefined) query = query.where('g.provider', '=', filter.provider);
  if (filter.installation !== undefined) {
    query = query.where(sql<boolean>`g.installation = ${filter.installation}`);
  }
  if (filter.status !== undefined) query = query.where('s.status', '=', filter.status);
  if (filter.health !== undefined) query = query.where('s.health', '=', filter.health);
  if (filter.state !== undefined) query = query.where(sql<boolean>`s.states @> array[${filter.state}::text]`);
  if (filter.reason !== undefined) query = query.where(sql<boolean>`s.reason_codes @> array[${filter.reason}::text]`);
  if (filter.agentVersion !== undefined) {
    query = query.where(sql<boolean>`s.agent_version is not distinct from ${versionOf(filter.agentVersion)}`);
  }
  if (filter.profileVersion !== undefined) {
    query = query.where(sql<boolean>`s.profile_version is not distinct from ${versionOf(filter.profileVersion)}`);
  }
  if (filter.updatesAvailable !== undefined) query = query.where('s.updates_available', '=', filter.updatesAvailable);
  if (filter.paused !== undefined) query = query.where('s.is_paused', '=', filter.paused);
  return query;
}

const versionOf = (version: string): string | null => (version === 'none' ? null : version);

export async function countListedGateways(db: Queryable, filter: GatewayFilter): Promise<number> {
  const { count } = await filtered(db, filter)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Not the deleted ones. */
export async function selectListedGateways(
  db: Queryable,
  filter: GatewayFilter,
  page: { readonly order: GatewayOrder; readonly after?: GatewayPlace | undefined; readonly limit: number },
): Promise<readonly ListedGateway[]> {
  const { order, after, limit } = page;
  const value = sortColumns[order.by];
  const direction = order.isDescending ? 'desc' : 'asc';
  let query = filtered(db, filter)
    .selectAll('g')
    .select(['n.name as tenant_name', 'p.name as project_name', value.as('place')])
    .select((eb) =>
      eb
        .selectFrom('host_clusters as h')
        .select((of) => of.fn.countAll<number>().as('count'))
        .whereRef('h.gateway_id', '=', 'g.id')
        .$asScalar()
        .$notNull()
        .as('host_clusters'),
    )
    .orderBy(value, direction)
    .orderBy(sql`g.name collate "C"`, direction)
    .orderBy('g.id', direction)
    .limit(limit);
  if (after !== undefined) {
    const [afterValue, name, id] = after;
    const beyond = order.isDescending ? sql`<` : sql`>`;
    query = query.where(
      sql<boolean>`(${value}, g.name collate "C", g.id) ${beyond} (${afterValue}, ${name}, ${id}::uuid)`,
    );
  }
  return query.execute();
}
