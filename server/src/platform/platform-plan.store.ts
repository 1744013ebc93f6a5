/** Plans of the platform that were started, and the hops that were taken. */

import type { Instant } from '@gatehouse/domain/instant';
import type { Selectable } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import type { AcceptedRisk, KeptHop, Tables } from '../database/schema.ts';

export type PlatformPlanRow = Selectable<Tables['platform_plans']>;

export interface NewPlatformPlan {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly channel?: string | undefined;
  readonly hops: readonly KeptHop[];
  readonly acceptedRisks: readonly AcceptedRisk[];
  readonly startedBy: string;
  readonly now: Instant;
}

export async function insertPlatformPlan(tx: DatabaseTransaction, plan: NewPlatformPlan): Promise<PlatformPlanRow> {
  return tx
    .insertInto('platform_plans')
    .values({
      id: plan.id,
      from_version: plan.from,
      to_version: plan.to,
      channel: plan.channel ?? null,
      hops: JSON.stringify(plan.hops),
      accepted_risks: JSON.stringify(plan.acceptedRisks),
      started_by: plan.startedBy,
      started_at: new Date(plan.now),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function selectOpenPlatformPlan(db: Queryable): Promise<PlatformPlanRow | undefined> {
  return db.selectFrom('platform_plans as p').selectAll('p').where('p.ended_at', 'is', null).executeTakeFirst();
}

/** The one under way; else the one that was started last. */
export async function selectPlatformPlan(db: Queryable): Promise<PlatformPlanRow | undefined> {
  const open = await selectOpenPlatformPlan(db);
  if (open !== undefined) return open;
  return db
    .selectFrom('platform_plans as p')
    .selectAll('p')
    .orderBy('p.started_at', 'desc')
    .orderBy('p.ended_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function updateAcceptedRisks(
  tx: DatabaseTransaction,
  planId: string,
  acceptedRisks: readonly AcceptedRisk[],
): Promise<void> {
  await tx
    .updateTable('platform_plans')
    .set({ accepted_risks: JSON.stringify(acceptedRisks) })
    .where('id', '=', planId)
    .execute();
}

export async function endPlatformPlan(
  tx: DatabaseTransaction,
  planId: string,
  end: { readonly outcome: 'done' | 'cancelled' | 'superseded'; readonly by: string; readonly now: Instant },
): Promise<void> {
  await tx
    .updateTable('platform_plans')
    .set({ ended_at: new Date(end.now), ended_by: end.by, outcome: end.outcome })
    .where('id', '=', planId)
    .where('ended_at', 'is', null)
    .execute();
}

export async function insertPlatformHop(
  tx: DatabaseTransaction,
  hop: {
    readonly planId: string;
    readonly number: number;
    readonly from: string;
    readonly to: string;
    readonly now: Instant;
  },
): Promise<void> {
  await tx
    .insertInto('platform_hops')
    .values({
      plan_id: hop.planId,
      number: hop.number,
      from_version: hop.from,
      to_version: hop.to,
      taken_at: new Date(hop.now),
    })
    .execute();
}

export async function selectTakenHops(db: Queryable, planId: string) {
  return db
    .selectFrom('platform_hops as h')
    .select(['h.number', 'h.taken_at'])
    .where('h.plan_id', '=', planId)
    .orderBy('h.number')
    .execute();
}
