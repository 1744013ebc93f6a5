/** Webhooks, with their secrets sealed. */

import type { Instant } from '@gatehouse/domain/instant';
import { sql } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

export interface WebhookPart {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** By name, with how the newest of its deliveries stands. */
export async function selectWebhooks(db: Queryable, part: WebhookPart & { readonly id?: string | undefined }) {
  let query = db
    .selectFrom('webhooks as w')
    .leftJoin('tenants as t', 't.id', 'w.tenant_id')
    .leftJoin('projects as p', 'p.id', 'w.project_id')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('deliveries as d')
          .select(['d.state', 'd.created_at'])
          .whereRef('d.webhook_id', '=', 'w.id')
          .orderBy('d.created_at', 'desc')
          .limit(1)
          .as('l'),
      (join) => join.onTrue(),
    )
    .selectAll('w')
    .select(['t.name as tenant_name', 'p.name as project_name', 'l.state as last_state', 'l.created_at as last_at'])
    .orderBy('w.name')
    .orderBy('w.id')
    .limit(1000);
  if (part.tenantId !== undefined) query = query.where('w.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('w.project_id', '=', part.projectId);
  if (part.id !== undefined) query = query.where('w.id', '=', part.id);
  return query.execute();
}

export type WebhookRow = Awaited<ReturnType<typeof selectWebhooks>>[number];

/** Held until the transaction ends. */
export async function lockWebhook(tx: DatabaseTransaction, id: string) {
  return tx.selectFrom('webhooks as w').selectAll('w').where('w.id', '=', id).forUpdate().executeTakeFirst();
}

/** For sending: the webhook with what is to be told. */
export async function selectWebhookMessage(db: Queryable, deliveryId: string) {
  return db
    .selectFrom('deliveries as d')
    .innerJoin('webhooks as w', 'w.id', 'd.webhook_id')
    .leftJoin('notifications as n', 'n.id', 'd.notification_id')
    .leftJoin('tenants as t', 't.id', 'n.tenant_id')
    .leftJoin('projects as p', 'p.id', 'n.project_id')
    .select([
      'w.id as webhook_id',
      'w.name as webhook_name',
      'w.url',
      'w.secret',
      'w.previous_secret',
      'w.previous_secret_until',
      'd.created_at',
      'n.id as notification_id',
      'n.kind',
      'n.severity',
      'n.subject_kind',
      'n.subject_id',
      'n.subject_name',
      'n.message',
      'n.next_step',
      'n.at',
      't.name as tenant_name',
      'p.name as project_name',
    ])
    .where('d.id', '=', deliveryId)
    .executeTakeFirst();
}

export type WebhookMessageRow = NonNullable<Awaited<ReturnType<typeof selectWebhookMessage>>>;

export async function countWebhooks(db: Queryable, part: WebhookPart): Promise<number> {
  const row = await db
    .selectFrom('webhooks as w')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where(sql<boolean>`w.tenant_id is not distinct from ${part.tenantId ?? null}`)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

export interface NewWebhook {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly kinds: readonly string[];
  readonly secret: Buffer;
  readonly by: string;
  readonly now: Instant;
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** False when the name is taken in its place. */
export async function insertWebhook(tx: DatabaseTransaction, webhook: NewWebhook): Promise<boolean> {
  const now = new Date(webhook.now);
  const inserted = await tx
    .insertInto('webhooks')
    .values({
      id: webhook.id,
      name: webhook.name,
      url: webhook.url,
      kinds: [...webhook.kinds],
      secret: webhook.secret,
      secret_since: now,
      created_at: now,
      created_by: webhook.by,
      tenant_id: webhook.tenantId ?? null,
      project_id: webhook.projectId ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

export interface WebhookChange {
  readonly url?: string | undefined;
  readonly kinds?: readonly string[] | undefined;
  readonly isEnabled?: boolean | undefined;
  readonly disabledReason?: string | null;
  readonly failingSince?: Instant | null;
  readonly secret?: Buffer;
  readonly secretSince?: Instant;
  readonly previousSecret?: Buffer | null;
  readonly previousSecretUntil?: Instant | null;
}

const toDate = (instant: Instant | null): Date | null => (instant === null ? null : new Date(instant));

export async function updateWebhook(tx: DatabaseTransaction, id: string, change: WebhookChange): Promise<void> {
  const set = {
    ...(change.url === undefined ? {} : { url: change.url }),
    ...(change.kinds === undefined ? {} : { kinds: [...change.kinds] }),
    ...(change.isEnabled === undefined ? {} : { is_enabled: change.isEnabled }),
    ...(change.disabledReason === undefined ? {} : { disabled_reason: change.disabledReason }),
    ...(change.failingSince === undefined ? {} : { failing_since: toDate(change.failingSince) }),
    ...(change.secret === undefined ? {} : { secret: change.secret }),
    ...(change.secretSince === undefined ? {} : { secret_since: new Date(change.secretSince) }),
    ...(change.previousSecret === undefined ? {} : { previous_secret: change.previousSecret }),
    ...(change.previousSecretUntil === undefined ? {} : { previous_secret_until: toDate(change.previousSecretUntil) }),
  };
  if (Object.keys(set).length === 0) return;
  await tx.updateTable('webhooks').set(set).where('id', '=', id).execute();
}

export async function deleteWebhook(tx: DatabaseTransaction, id: string): Promise<void> {
  await tx.deleteFrom('webhooks').where('id', '=', id).execute();
}

/** A secret that is not used any more is not kept. */
export async function forgetPreviousSecrets(tx: DatabaseTransaction, now: Instant): Promise<void> {
  await tx
    .updateTable('webhooks')
    .set({ previous_secret: null, previous_secret_until: null })
    .where('previous_secret_until', '<=', new Date(now))
    .execute();
}
