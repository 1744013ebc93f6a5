/** The summaries of gateways: written, marked as out of date, and those that are due. */

import type { Instant } from '@gatehouse/domain/instant';
import { sql } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import type { Change } from '../work/change.store.ts';
import { type GatewaySummary, versionOrder } from './gateway-summary.ts';

const toColumns = (summary: GatewaySummary) => ({
  gateway_id: summary.gatewayId,
  status: summary.status,
  health: summary.health,
  states: [...summary.states],
  reason_codes: [...summary.reasonCodes],
  held_by: [...summary.heldBy],
  agent_version: summary.agentVersion ?? null,
  agent_version_order: versionOrder(summary.agentVersion),
  profile_version: summary.profileVersion ?? null,
  profile_version_order: versionOrder(summary.profileVersion),
  updates_available: summary.updatesAvailable,
  is_paused: summary.isPaused,
  holds_hop: summary.holdsHop,
  due_at: new Date(summary.dueAt),
});

/**
 * `keepsMark`: a summary that was marked as out of date stays so, because the mark may be of a change that the facts
 * behind this summary do not hold yet. Only who holds the summary's lock since before the facts were loaded may take it
 * away.
 */
export async function upsertSummaries(
  tx: DatabaseTransaction,
  summaries: readonly GatewaySummary[],
  { keepsMark }: { readonly keepsMark: boolean },
): Promise<void> {
  if (summaries.length === 0) return;
  const dueAt = keepsMark
    ? sql<Date>`case when gateway_summaries.due_at = '-infinity' then gateway_summaries.due_at else excluded.due_at end`
    : sql<Date>`excluded.due_at`;
  await tx
    .insertInto('gateway_summaries')
    .values(summaries.map(toColumns))
    .onConflict((conflict) =>
      conflict.column('gateway_id').doUpdateSet((eb) => ({
        status: eb.ref('excluded.status'),
        health: eb.ref('excluded.health'),
        states: eb.ref('excluded.states'),
        reason_codes: eb.ref('excluded.reason_codes'),
        held_by: eb.ref('excluded.held_by'),
        agent_version: eb.ref('excluded.agent_version'),
        agent_version_order: eb.ref('excluded.agent_version_order'),
        profile_version: eb.ref('excluded.profile_version'),
        profile_version_order: eb.ref('excluded.profile_version_order'),
        updates_available: eb.ref('excluded.updates_available'),
        is_paused: eb.ref('excluded.is_paused'),
        holds_hop: eb.ref('excluded.holds_hop'),
        due_at: dueAt,
      })),
    )
    .execute();
}

/**
 * What was changed in this transaction is out of date from its commit on. Locks in the order of ids, as everybody does, and
 * first, those that are marked too: somebody may be computing one of them anew from facts that do not hold this change, and
 * its mark is gone when that is done. Only the statement after the lock sees whether it is.
 */
export async function markSummaries(tx: DatabaseTransaction, changes: readonly Change[]): Promise<void> {
  const isEverything = changes.some(({ kind }) => kind === 'everything');
  const ids = changes.flatMap((change) => (change.kind === 'gateway' ? [change.gatewayId] : []));
  if (!isEverything && ids.length === 0) return;
  await tx
    .selectFrom((eb) => {
      const changed = eb
        .selectFrom('gateway_summaries as m')
        .select('m.gateway_id')
        .orderBy('m.gateway_id')
        .forUpdate();
      return (isEverything ? changed : changed.where('m.gateway_id', 'in', ids)).as('locked');
    })
    .select((eb) => eb.fn.countAll().as('count'))
    .execute();
  let marked = tx
    .updateTable('gateway_summaries as s')
    .set({ due_at: sql<Date>`'-infinity'` })
    .where('s.due_at', '!=', sql<Date>`'-infinity'`);
  if (!isEverything) marked = marked.where('s.gateway_id', 'in', ids);
  await marked.execute();
}

/** The ids of at most `limit` that are out of date, locked; the longest so first. */
export async function lockDueSummaries(
  tx: DatabaseTransaction,
  now: Instant,
  limit: number,
): Promise<readonly string[]> {
  const due = await tx
    .selectFrom('gateway_summaries as s')
    .select('s.gateway_id')
    .where('s.due_at', '<=', new Date(now))
    .orderBy('s.due_at')
    .limit(limit)
    .execute();
  if (due.length === 0) return [];
  const locked = await tx
    .selectFrom('gateway_summaries as s')
    .select('s.gateway_id')
    .where(
      's.gateway_id',
      'in',
      due.map(({ gateway_id }) => gateway_id),
    )
    .where('s.due_at', '<=', new Date(now))
    .orderBy('s.gateway_id')
    .forUpdate()
    .execute();
  return locked.map(({ gateway_id }) => gateway_id);
}

/** A deleted gateway is in no list any more. */
export async function endSummaries(tx: DatabaseTransaction, gatewayIds: readonly string[]): Promise<void> {
  if (gatewayIds.length === 0) return;
  await tx
    .updateTable('gateway_summaries')
    .set({ due_at: sql<Date>`'infinity'` })
    .where('gateway_id', 'in', gatewayIds)
    .execute();
}

export interface FleetPart {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
}

function summariesOf(db: Queryable, { tenantId, projectId }: FleetPart) {
  let query = db
    .selectFrom('gateway_summaries as s')
    .innerJoin('gateways as g', 'g.id', 's.gateway_id')
    .where('g.deleted_at', 'is', null);
  if (tenantId !== undefined) query = query.where('g.tenant_id', '=', tenantId);
  if (projectId !== undefined) query = query.where('g.project_id', '=', projectId);
  return query;
}

/** How many are in each state, and how many there are. */
export async function countStates(
  db: Queryable,
  part: FleetPart,
): Promise<{ readonly total: number; readonly states: ReadonlyMap<string, number> }> {
  const rows = await summariesOf(db, part)
    .select((eb) => ['s.states', eb.fn.countAll<number>().as('count')])
    .groupBy('s.states')
    .execute();
  const states = new Map<string, number>();
  for (const row of rows) {
    for (const state of row.states) states.set(state, (states.get(state) ?? 0) + row.count);
  }
  return { total: rows.reduce((sum, { count }) => sum + count, 0), states };
}

/** Most first; a gateway counts for each code that holds it. */
export async function countHeldBy(
  db: Queryable,
  part: FleetPart,
  limit: number,
): Promise<readonly { readonly code: string; readonly count: number }[]> {
  return summariesOf(db, part)
    .innerJoinLateral(sql<{ code: string }>`unnest(s.held_by)`.as<'h'>(sql`h(code)`), (join) => join.onTrue())
    .select((eb) => ['h.code', eb.fn.countAll<number>().as('count')])
    .groupBy('h.code')
    .orderBy('count', 'desc')
    .orderBy('h.code')
    .limit(limit)
    .execute();
}

export interface VersionCount {
  readonly version: string | null;
  readonly count: number;
}

/** Newest first; without a version, those whose agent nobody has heard yet. */
export async function countAgentVersions(db: Queryable, part: FleetPart): Promise<readonly VersionCount[]> {
  return summariesOf(db, part)
    .select((eb) => ['s.agent_version as version', eb.fn.countAll<number>().as('count')])
    .groupBy(['s.agent_version', 's.agent_version_order'])
    .orderBy('s.agent_version_order', 'desc')
    .execute();
}

/** In the order of their names, at most `limit`. */
export async function selectNamesByAgent(
  db: Queryable,
  part: FleetPart,
  { versions, limit }: { readonly versions: readonly string[]; readonly limit: number },
): Promise<readonly string[]> {
  if (versions.length === 0) return [];
  const rows = await summariesOf(db, part)
    .select('g.name')
    .where('s.agent_version', 'in', versions)
    .orderBy('g.name')
    .limit(limit)
    .execute();
  return rows.map(({ name }) => name);
}

/** Newest first. */
export async function countProfileVersions(db: Queryable, part: FleetPart): Promise<readonly VersionCount[]> {
  return summariesOf(db, part)
    .select((eb) => ['s.profile_version as version', eb.fn.countAll<number>().as('count')])
    .groupBy(['s.profile_version', 's.profile_version_order'])
    .orderBy('s.profile_version_order', 'desc')
    .execute();
}

export async function countProviders(db: Queryable, part: FleetPart) {
  return summariesOf(db, part)
    .select((eb) => ['g.provider', eb.fn.countAll<number>().as('count')])
    .groupBy('g.provider')
    .orderBy('g.provider')
    .execute();
}
