/** Who gets which notifications by e-mail. */

import type { Instant } from '@gatehouse/domain/instant';
import { sql } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

export interface SubscriptionPart {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** By address, with how the newest delivery stands. */
export async function selectSubscriptions(
  db: Queryable,
  part: SubscriptionPart & { readonly id?: string | undefined },
) {
  let query = db
    .selectFrom('mail_subscriptions as m')
    .leftJoin('tenants as t', 't.id', 'm.tenant_id')
    .leftJoin('projects as p', 'p.id', 'm.project_id')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('deliveries as d')
          .select(['d.state', 'd.created_at'])
          .whereRef('d.subscription_id', '=', 'm.id')
          .orderBy('d.created_at', 'desc')
          .limit(1)
          .as('l'),
      (join) => join.onTrue(),
    )
    .selectAll('m')
    .select(['t.name as tenant_name', 'p.name as project_name', 'l.state as last_state', 'l.created_at as last_at'])
    .orderBy('m.address')
    .orderBy('m.id')
    .limit(1000);
  if (part.tenantId !== undefined) query = query.where('m.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('m.project_id', '=', part.projectId);
  if (part.id !== undefined) query = query.where('m.id', '=', part.id);
  return query.execute();
}

export type SubscriptionRow = Awaited<ReturnType<typeof selectSubscriptions>>[number];

/** Held until the transaction ends. */
export async function lockSubscription(tx: DatabaseTransaction, id: string) {
  return tx.selectFrom('mail_subscriptions as m').selectAll('m').where('m.id', '=', id).forUpdate().executeTakeFirst();
}

export async function countSubscriptions(db: Queryable, part: SubscriptionPart): Promise<number> {
  const row = await db
    .selectFrom('mail_subscriptions as m')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where(sql<boolean>`m.tenant_id is not distinct from ${part.tenantId ?? null}`)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

export interface NewSubscription {
  readonly id: string;
  readonly address: string;
  readonly kinds: readonly string[];
  readonly by: string;
  readonly now: Instant;
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** False when the address is there already in its place. */
export async function insertSubscription(tx: DatabaseTransaction, subscription: NewSubscription): Promise<boolean> {
  const inserted = await tx
    .insertInto('mail_subscriptions')
    .values({
      id: subscription.id,
      address: subscription.address,
      kinds: [...subscription.kinds],
      created_at: new Date(subscription.now),
      created_by: subscription.by,
      tenant_id: subscription.tenantId ?? null,
      project_id: subscription.projectId ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

export async function updateSubscription(
  tx: DatabaseTransaction,
  id: string,
  change: {
    readonly isEnabled?: boolean;
    readonly disabledReason?: string | null;
    readonly failingSince?: Instant | null;
    readonly lastError?: string | null;
  },
): Promise<void> {
  const { failingSince } = change;
  const set = {
    ...(change.isEnabled === undefined ? {} : { is_enabled: change.isEnabled }),
    ...(change.disabledReason === undefined ? {} : { disabled_reason: change.disabledReason }),
    ...(failingSince === undefined ? {} : { failing_since: failingSince === null ? null : new Date(failingSince) }),
    ...(change.lastError === undefined ? {} : { last_error: change.lastError }),
  };
  if (Object.keys(set).length === 0) return;
  await tx.updateTable('mail_subscriptions').set(set).where('id', '=', id).execute();
}

export async function deleteSubscription(tx: DatabaseTransaction, id: string): Promise<void> {
  await tx.deleteFrom('mail_subscriptions').where('id', '=', id).execute();
}

/** For sending: the address with what is to be told, oldest first. */
export async function selectMailMessages(db: Queryable, deliveryIds: readonly string[]) {
  return db
    .selectFrom('deliveries as d')
    .innerJoin('mail_subscriptions as m', 'm.id', 'd.subscription_id')
    .leftJoin('notifications as n', 'n.id', 'd.notification_id')
    .leftJoin('tenants as t', 't.id', 'n.tenant_id')
    .select([
      'd.id as delivery_id',
      'm.id as subscription_id',
      'm.address',
      'n.id as notification_id',
      'n.kind',
      'n.severity',
      'n.subject_kind',
      'n.subject_id',
      'n.message',
      'n.next_step',
      'n.at',
      't.name as tenant_name',
    ])
    .where('d.id', 'in', deliveryIds)
    .orderBy('n.sequence')
    .orderBy('d.id')
    .execute();
}

export type MailMessageRow = Awaited<ReturnType<typeof selectMailMessages>>[number];
