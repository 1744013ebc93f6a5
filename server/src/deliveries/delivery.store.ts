/** What is still to be sent, to whom, and what came of each attempt. */

import { addMilliseconds, type Instant, seconds } from '@gatehouse/domain/instant';
import { sql } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

/** E-mails wait a little, so that what comes together is one e-mail. */
const mailGathers = seconds(5);

/** One delivery for each enabled receiver in whose scope the notification lies and who asked for its kind. */
export async function insertDeliveries(
  tx: DatabaseTransaction,
  notificationIds: readonly string[],
  now: Instant,
): Promise<void> {
  if (notificationIds.length === 0) return;
  const ids = sql`${[...notificationIds]}::uuid[]`;
  const fits = sql`r.is_enabled and n.kind = any(r.kinds)
    and (r.tenant_id is null or r.tenant_id = n.tenant_id)
    and (r.project_id is null or r.project_id = n.project_id)`;
  await sql`
    insert into deliveries (id, webhook_id, notification_id, state, created_at, next_attempt_at)
    select gen_random_uuid(), r.id, n.id, 'waiting', ${new Date(now)}, ${new Date(now)}
    from notifications n join webhooks r on ${fits} where n.id = any(${ids})`.execute(tx);
  await sql`
    insert into deliveries (id, subscription_id, notification_id, state, created_at, next_attempt_at)
    select gen_random_uuid(), r.id, n.id, 'waiting', ${new Date(now)}, ${new Date(addMilliseconds(now, mailGathers))}
    from notifications n join mail_subscriptions r on ${fits} where n.id = any(${ids})`.execute(tx);
}

/** A message that says it is a test. */
export async function insertTestDelivery(
  tx: DatabaseTransaction,
  delivery: { readonly id: string; readonly webhookId?: string; readonly subscriptionId?: string },
  now: Instant,
): Promise<void> {
  await tx
    .insertInto('deliveries')
    .values({
      id: delivery.id,
      webhook_id: delivery.webhookId ?? null,
      subscription_id: delivery.subscriptionId ?? null,
      state: 'waiting',
      created_at: new Date(now),
      next_attempt_at: new Date(now),
    })
    .execute();
}

/** Tests that have not come to an end. */
export async function countWaitingTests(
  db: Queryable,
  receiver: { readonly webhookId?: string; readonly subscriptionId?: string },
): Promise<number> {
  let query = db
    .selectFrom('deliveries as d')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('d.notification_id', 'is', null)
    .where('d.state', '=', 'waiting');
  if (receiver.webhookId !== undefined) query = query.where('d.webhook_id', '=', receiver.webhookId);
  if (receiver.subscriptionId !== undefined) query = query.where('d.subscription_id', '=', receiver.subscriptionId);
  return Number((await query.executeTakeFirstOrThrow()).count);
}

export interface ClaimedDelivery {
  readonly id: string;
  readonly webhook_id: string | null;
  readonly subscription_id: string | null;
  readonly notification_id: string | null;
  readonly attempts: number;
  readonly created_at: Date;
}

export interface ClaimLimits {
  readonly rows: number;
  /** At the same time to one webhook, whichever replica sends them. */
  readonly perWebhook: number;
  /** In one e-mail; to one address one e-mail at a time. */
  readonly perMail: number;
}

/**
 * Takes deliveries that are due, for as long as `until`: nobody else takes them before then. A slow receiver holds up
 * only what is for itself.
 */
export async function claimDeliveries(
  db: Queryable,
  limits: ClaimLimits,
  { now, until, withMail }: { readonly now: Instant; readonly until: Instant; readonly withMail: boolean },
): Promise<readonly ClaimedDelivery[]> {
  const at = new Date(now);
  const { rows } = await sql<ClaimedDelivery>`
    with busy as (
      select coalesce(d.webhook_id, d.subscription_id) as receiver, count(*) as sending
      from deliveries d where d.state = 'waiting' and d.claimed_until > ${at} group by 1
    ), due as (
      select d.id, d.webhook_id, coalesce(b.sending, 0) as sending,
        row_number() over (partition by coalesce(d.webhook_id, d.subscription_id) order by d.next_attempt_at, d.id) as place
      from deliveries d
      left join webhooks w on w.id = d.webhook_id
      left join mail_subscriptions m on m.id = d.subscription_id
      left join busy b on b.receiver = coalesce(d.webhook_id, d.subscription_id)
      where d.state = 'waiting' and d.next_attempt_at <= ${at} and (d.claimed_until is null or d.claimed_until <= ${at})
        and coalesce(w.is_enabled, m.is_enabled and ${withMail})
    ), chosen as (
      select d.id from deliveries d join due on due.id = d.id
      where case when due.webhook_id is null then due.sending = 0 and due.place <= ${limits.perMail}
            else due.sending + due.place <= ${limits.perWebhook} end
        and d.state = 'waiting' and (d.claimed_until is null or d.claimed_until <= ${at})
      order by d.next_attempt_at, d.id limit ${limits.rows}
      for update of d skip locked
    )
    update deliveries as d set claimed_until = ${new Date(until)} from chosen where chosen.id = d.id
    returning d.id, d.webhook_id, d.subscription_id, d.notification_id, d.attempts, d.created_at`.execute(db);
  return rows;
}

/** Gives back what was taken and not tried. */
export async function releaseClaims(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.updateTable('deliveries').set({ claimed_until: null }).where('id', 'in', ids).execute();
}

export interface NewAttempt {
  readonly deliveryId: string;
  readonly at: Instant;
  readonly durationMilliseconds: number;
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly response?: string | undefined;
}

export async function insertAttempt(tx: DatabaseTransaction, attempt: NewAttempt): Promise<void> {
  await tx
    .insertInto('delivery_attempts')
    .values({
      delivery_id: attempt.deliveryId,
      at: new Date(attempt.at),
      duration_ms: attempt.durationMilliseconds,
      status: attempt.status ?? null,
      error: attempt.error ?? null,
      response: attempt.response ?? null,
    })
    .execute();
}

/** What was sent meanwhile by another sender stays as it is. */
export async function updateDelivery(
  tx: DatabaseTransaction,
  id: string,
  change: {
    readonly state: 'waiting' | 'delivered' | 'given-up';
    readonly nextAttemptAt?: Instant | undefined;
    readonly now: Instant;
  },
): Promise<void> {
  await tx
    .updateTable('deliveries')
    .set((eb) => ({
      state: change.state,
      attempts: eb('attempts', '+', 1),
      claimed_until: null,
      ended_at: change.state === 'waiting' ? null : new Date(change.now),
      ...(change.nextAttemptAt === undefined ? {} : { next_attempt_at: new Date(change.nextAttemptAt) }),
    }))
    .where('id', '=', id)
    .where('state', '=', 'waiting')
    .execute();
}

/** From the first attempt again, whatever had come of it. False: there is no such delivery of the webhook. */
export async function repeatDelivery(
  tx: DatabaseTransaction,
  { id, webhookId, now }: { readonly id: string; readonly webhookId: string; readonly now: Instant },
): Promise<boolean> {
  const repeated = await tx
    .updateTable('deliveries')
    .set({ state: 'waiting', attempts: 0, next_attempt_at: new Date(now), ended_at: null })
    .where('id', '=', id)
    .where('webhook_id', '=', webhookId)
    .executeTakeFirst();
  return repeated.numUpdatedRows === 1n;
}

export interface DeliveryPage {
  readonly webhookId: string;
  readonly id?: string | undefined;
  readonly before?: readonly [string, string] | undefined;
  readonly limit: number;
}

const attemptsShown = 20;

/** Newest first, each with its newest attempts. */
export async function selectDeliveries(db: Queryable, page: DeliveryPage) {
  let query = db
    .selectFrom('deliveries as d')
    .leftJoin('notifications as n', 'n.id', 'd.notification_id')
    .selectAll('d')
    .select(['n.kind', 'n.message'])
    .where('d.webhook_id', '=', page.webhookId)
    .orderBy('d.created_at', 'desc')
    .orderBy('d.id')
    .limit(page.limit);
  if (page.id !== undefined) query = query.where('d.id', '=', page.id);
  const { before } = page;
  if (before !== undefined) {
    const [createdAt, id] = before;
    query = query.where((eb) =>
      eb.or([
        eb('d.created_at', '<', new Date(createdAt)),
        eb.and([eb('d.created_at', '=', new Date(createdAt)), eb('d.id', '>', id)]),
      ]),
    );
  }
  const rows = await query.execute();
  const attempts = await selectAttempts(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({ ...row, log: attempts.filter(({ delivery_id }) => delivery_id === row.id) }));
}

export type DeliveryRow = Awaited<ReturnType<typeof selectDeliveries>>[number];

async function selectAttempts(db: Queryable, deliveryIds: readonly string[]) {
  if (deliveryIds.length === 0) return [];
  return db
    .selectFrom((eb) =>
      eb
        .selectFrom('delivery_attempts as a')
        .selectAll('a')
        .select(sql<number>`row_number() over (partition by a.delivery_id order by a.id desc)`.as('place'))
        .where('a.delivery_id', 'in', deliveryIds)
        .as('t'),
    )
    .selectAll('t')
    .where('t.place', '<=', attemptsShown)
    .orderBy('t.id', 'desc')
    .execute();
}

export async function deleteDeliveriesBefore(tx: DatabaseTransaction, before: Date, limit: number): Promise<void> {
  await tx
    .deleteFrom('deliveries')
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('deliveries as d')
        .select('d.id')
        .where('d.state', '<>', 'waiting')
        .where('d.ended_at', '<', before)
        .limit(limit),
    )
    .execute();
}
