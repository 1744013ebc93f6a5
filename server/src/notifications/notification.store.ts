/** Notifications, in the order in which they were committed, and who has read them. */

import type { Instant } from '@gatehouse/domain/instant';
import { type Notification, notificationKinds } from '@gatehouse/domain/notification';
import { sql, type Updateable } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import type { Tables } from '../database/schema.ts';
import { lockEvents } from '../events/event.store.ts';
import { plainText } from '../http/plain-text.ts';

/** Where the subject lies; neither: it is the platform's. */
export interface NotificationPlace {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
}

export interface NewNotification {
  readonly id: string;
  readonly notification: Notification;
  readonly place: NotificationPlace;
}

/**
 * Inserts those whose key was never there, and what of them is to be sent to webhooks and e-mail addresses. The ids of
 * those that are new. Last in its transaction, as events are.
 */
export async function insertNotifications(
  tx: DatabaseTransaction,
  notifications: readonly NewNotification[],
  now: Instant,
): Promise<readonly string[]> {
  if (notifications.length === 0) return [];
  await lockEvents(tx);
  const inserted = await tx
    .insertInto('notifications')
    .values(
      notifications.map(({ id, notification: told, place }) => ({
        id,
        key: told.key ?? id,
        kind: told.kind,
        severity: told.severity,
        topic: told.topic,
        subject_kind: told.subject.kind,
        subject_id: told.subject.id ?? null,
        subject_name: told.subject.name,
        message: plainText(told.message, 4000),
        next_step: told.nextStep === undefined ? null : plainText(told.nextStep, 1000),
        at: new Date(now),
        tenant_id: place.tenantId ?? null,
        project_id: place.projectId ?? null,
      })),
    )
    .onConflict((conflict) => conflict.column('key').doNothing())
    .returning('id')
    .execute();
  return inserted.map(({ id }) => id);
}

/** What was told of these topics is no longer so. How many notifications that concerned. */
export async function endTopics(tx: DatabaseTransaction, topics: readonly string[], now: Instant): Promise<number> {
  if (topics.length === 0) return 0;
  await lockEvents(tx);
  const ended = await tx
    .updateTable('notifications')
    .set({ over_at: new Date(now), changed: nextChange })
    .where('topic', 'in', topics)
    .where('over_at', 'is', null)
    .executeTakeFirst();
  return Number(ended.numUpdatedRows);
}

const nextChange = sql<number>`nextval('notification_changes')`;

export interface NotificationPart {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
}

export interface NotificationPage extends NotificationPart {
  /** Whose reading counts. */
  readonly tokenId: string;
  readonly state?: 'open' | 'closed' | 'all' | undefined;
  readonly kind?: string | undefined;
  readonly unread?: boolean | undefined;
  readonly subject?: string | undefined;
  readonly before?: number | undefined;
  readonly ids?: readonly string[] | undefined;
  /** Oldest change first, only those after it. */
  readonly changedAfter?: number | undefined;
  readonly limit: number;
}

const isRead = (tokenId: string) => sql<boolean>`exists (
  select from notification_reads as r where r.notification_id = n.id and r.token_id = ${tokenId})`;

/** Newest first, or by change. */
export async function selectNotifications(db: Queryable, page: NotificationPage) {
  const { tokenId, state = 'all' } = page;
  let query = db
    .selectFrom('notifications as n')
    .leftJoin('tenants as t', 't.id', 'n.tenant_id')
    .leftJoin('projects as p', 'p.id', 'n.project_id')
    .selectAll('n')
    .select(['t.name as tenant_name', 'p.name as project_name', isRead(tokenId).as('is_read')])
    // What only a newer replica of the control plane knows is for that one to show.
    .where('n.kind', 'in', [...notificationKinds])
    .limit(page.limit);
  query =
    page.changedAfter === undefined
      ? query.orderBy('n.sequence', 'desc')
      : query.orderBy('n.changed').where('n.changed', '>', page.changedAfter);
  if (page.tenantId !== undefined) query = query.where('n.tenant_id', '=', page.tenantId);
  if (page.projectId !== undefined) query = query.where('n.project_id', '=', page.projectId);
  if (state === 'open') query = query.where('n.done_at', 'is', null).where('n.over_at', 'is', null);
  if (state === 'closed') {
    query = query.where((eb) => eb.or([eb('n.done_at', 'is not', null), eb('n.over_at', 'is not', null)]));
  }
  if (page.kind !== undefined) query = query.where('n.kind', '=', page.kind);
  if (page.subject !== undefined) query = query.where('n.subject_name', '=', page.subject);
  if (page.unread !== undefined) query = query.where(isRead(tokenId), '=', !page.unread);
  if (page.before !== undefined) query = query.where('n.sequence', '<', page.before);
  if (page.ids !== undefined) query = query.where('n.id', 'in', page.ids);
  return query.execute();
}

export type NotificationRow = Awaited<ReturnType<typeof selectNotifications>>[number];

const countMax = 1000;

/** Open ones that the holder of the token has not read; not counted beyond 1,000. */
export async function countUnread(
  db: Queryable,
  part: NotificationPart & { readonly tokenId: string },
): Promise<number> {
  let inner = db
    .selectFrom('notifications as n')
    .select('n.id')
    .where('n.done_at', 'is', null)
    .where('n.over_at', 'is', null)
    .where(isRead(part.tokenId), '=', false)
    .limit(countMax);
  if (part.tenantId !== undefined) inner = inner.where('n.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) inner = inner.where('n.project_id', '=', part.projectId);
  const row = await db
    .selectFrom(inner.as('u'))
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

export async function insertReads(db: Queryable, tokenId: string, ids: readonly string[]): Promise<void> {
  await db
    .insertInto('notification_reads')
    .values(ids.map((id) => ({ token_id: tokenId, notification_id: id })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

interface SharedAct {
  readonly ids: readonly string[];
  readonly by: string;
  readonly now: Instant;
}

export const acknowledge = (tx: DatabaseTransaction, { ids, by, now }: SharedAct): Promise<void> =>
  saveOnce(tx, ids, 'acknowledged_at', { acknowledged_at: new Date(now), acknowledged_by: by });

export const finish = (tx: DatabaseTransaction, { ids, by, now }: SharedAct): Promise<void> =>
  saveOnce(tx, ids, 'done_at', { done_at: new Date(now), done_by: by });

/** By whoever came first: where `unset` holds something already, that stays. */
async function saveOnce(
  tx: DatabaseTransaction,
  ids: readonly string[],
  unset: 'acknowledged_at' | 'done_at',
  values: Updateable<Tables['notifications']>,
): Promise<void> {
  await lockEvents(tx);
  await tx
    .updateTable('notifications')
    .set({ ...values, changed: nextChange })
    .where('id', 'in', ids)
    .where(unset, 'is', null)
    .execute();
}

/** 0 when there are none yet. */
export async function selectLastChange(db: Queryable): Promise<number> {
  const row = await db
    .selectFrom('notifications as n')
    .select('n.changed')
    .orderBy('n.changed', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.changed ?? 0;
}

/** That a plan waits, for so long, of which it was not told yet that it has waited long. */
export async function selectLongWaits(db: Queryable, before: Date, limit: number) {
  return db
    .selectFrom('notifications as n')
    .select(['n.id', 'n.at', 'n.subject_id', 'n.subject_name', 'n.tenant_id', 'n.project_id'])
    .where('n.kind', '=', 'plan-waits')
    .where('n.subject_id', 'is not', null)
    .where('n.over_at', 'is', null)
    .where('n.at', '<=', before)
    .where(sql<boolean>`not exists (select from notifications as l where l.key = 'plan-waits-long:' || n.id::text)`)
    .orderBy('n.at')
    .limit(limit)
    .execute();
}

/** Open pauses with an end, about which nothing was told yet, with the place of their scope. */
export async function selectEndingPauses(db: Queryable, limit: number) {
  return db
    .selectFrom('pauses as p')
    .leftJoin('gateways as g', (join) => join.onRef('g.id', '=', 'p.scope_id').on('p.scope_kind', '=', 'gateway'))
    .selectAll('p')
    .select('g.project_id as gateway_project_id')
    .where('p.cleared_at', 'is', null)
    .where('p.until', 'is not', null)
    .where(sql<boolean>`not exists (select from notifications as n where n.key = 'pause-ends:' || p.id::text)`)
    .orderBy('p.until')
    .limit(limit)
    .execute();
}

/** Topics of pauses that were told to end and have ended, or were cleared. */
export async function selectEndedPauseTopics(db: Queryable, limit: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('notifications as n')
    .innerJoin('pauses as p', (join) => join.on('n.topic', '=', sql<string>`'pause:' || p.id::text`))
    .select('n.topic')
    .where('n.kind', '=', 'pause-ends')
    .where('n.over_at', 'is', null)
    .where('p.cleared_at', 'is not', null)
    .limit(limit)
    .execute();
  return rows.map(({ topic }) => topic);
}

/** With their deliveries and who has read them. */
export async function deleteNotificationsBefore(tx: DatabaseTransaction, before: Date, limit: number): Promise<void> {
  await tx
    .deleteFrom('notifications')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('notifications as n')
        .select('n.id')
        .where('n.at', '<', before)
        .where((or) => or.or([or('n.done_at', 'is not', null), or('n.over_at', 'is not', null)]))
        .limit(limit),
    )
    .execute();
}

export async function isNotificationThere(db: Queryable, key: string): Promise<boolean> {
  const row = await db.selectFrom('notifications as n').select('n.id').where('n.key', '=', key).executeTakeFirst();
  return row !== undefined;
}
