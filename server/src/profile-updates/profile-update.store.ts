/** Plans, which never change, and confirmed profile updates. */

import type { Observation } from '@gatehouse/contract/agent-api';
import type { Instant } from '@gatehouse/domain/instant';
import type { ProfileUpdatePlan } from '@gatehouse/domain/profile-update-types';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import type { ProfileUpdateRow } from '../gateways/gateway-facts.store.ts';

export async function insertPlan(
  tx: DatabaseTransaction,
  plan: ProfileUpdatePlan,
  origin: { readonly release: string; readonly now: Instant },
): Promise<void> {
  await tx
    .insertInto('plans')
    .values({
      gateway_id: plan.gatewayId,
      plan_id: plan.planId,
      release: origin.release,
      body: JSON.stringify(plan),
      created_at: new Date(origin.now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The release that a plan of the gateway was proposed from; undefined when it is not known. */
export async function selectPlanRelease(
  tx: DatabaseTransaction,
  { gatewayId, planId }: { readonly gatewayId: string; readonly planId: string },
): Promise<string | undefined> {
  const row = await tx
    .selectFrom('plans as p')
    .select('p.release')
    .where('p.gateway_id', '=', gatewayId)
    .where('p.plan_id', '=', planId)
    .executeTakeFirst();
  return row?.release;
}

export interface NewProfileUpdate {
  readonly id: string;
  readonly gatewayId: string;
  readonly planId: string;
  readonly release: string;
  readonly confirmedBy: string;
  readonly generation: number;
  readonly startsBy?: Instant | undefined;
  readonly retry: number;
  readonly now: Instant;
}

export async function insertProfileUpdate(tx: DatabaseTransaction, update: NewProfileUpdate): Promise<void> {
  await tx
    .insertInto('profile_updates')
    .values({
      id: update.id,
      gateway_id: update.gatewayId,
      plan_id: update.planId,
      release: update.release,
      confirmed_at: new Date(update.now),
      confirmed_by: update.confirmedBy,
      generation: update.generation,
      starts_by: update.startsBy === undefined ? null : new Date(update.startsBy),
      retry: update.retry,
    })
    .execute();
}

/** With its plan. The newest one; of one plan if it is named. */
export async function selectNewestProfileUpdate(
  db: Queryable,
  wanted: { readonly gatewayId: string; readonly planId?: string },
): Promise<(ProfileUpdateRow & { readonly plan: ProfileUpdatePlan }) | undefined> {
  let query = db
    .selectFrom('profile_updates as u')
    .innerJoin('plans as p', (join) =>
      join.onRef('p.gateway_id', '=', 'u.gateway_id').onRef('p.plan_id', '=', 'u.plan_id'),
    )
    .selectAll('u')
    .select('p.body as plan')
    .where('u.gateway_id', '=', wanted.gatewayId)
    .orderBy('u.generation', 'desc')
    .limit(1);
  if (wanted.planId !== undefined) query = query.where('u.plan_id', '=', wanted.planId);
  return query.executeTakeFirst();
}

/** Its name is `retry` in the order that the agent gets; it carries out a number only once. */
export async function updateProfileUpdateOrder(
  tx: DatabaseTransaction,
  id: string,
  order: {
    readonly retry?: number;
    readonly isCancelled?: boolean;
    readonly generation: number;
    readonly startsBy?: Instant | undefined;
  },
): Promise<void> {
  await tx
    .updateTable('profile_updates')
    .set({
      generation: order.generation,
      starts_by: order.startsBy === undefined ? null : new Date(order.startsBy),
      ...(order.retry === undefined ? {} : { retry: order.retry }),
      ...(order.isCancelled === undefined ? {} : { is_cancelled: order.isCancelled }),
    })
    .where('id', '=', id)
    .execute();
}

export async function updateProgress(
  tx: DatabaseTransaction,
  id: string,
  progress: NonNullable<Observation['profileUpdate']>,
): Promise<void> {
  await tx
    .updateTable('profile_updates')
    .set({ progress: JSON.stringify(progress) })
    .where('id', '=', id)
    .execute();
}

export async function endProfileUpdate(
  tx: DatabaseTransaction,
  id: string,
  end: { readonly outcome: 'completed' | 'cancelled' | 'superseded'; readonly now: Instant },
): Promise<void> {
  await tx
    .updateTable('profile_updates')
    .set({ ended_at: new Date(end.now), outcome: end.outcome })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .execute();
}
