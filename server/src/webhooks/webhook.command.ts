/** Webhooks: set up in one's own scope, their secret shown once, tested, and what was lost sent once more. */

import type { Delivery, NotificationKind, Webhook } from '@gatehouse/contract/notification-types';
import { notificationKinds } from '@gatehouse/contract/notification-types';
import { addMilliseconds, hours } from '@gatehouse/domain/instant';
import { receiverTopic } from '@gatehouse/domain/notification';
import {
  countWaitingTests,
  type DeliveryRow,
  insertTestDelivery,
  repeatDelivery,
  selectDeliveries,
} from '../deliveries/delivery.store.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import { limitOf, readCursor, toPage } from '../http/cursor.ts';
import type { CommandContext, Commands, Queries } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import { type Access, placeOf } from '../identity/access.ts';
import { sealSecret } from '../work/sealing.ts';
import { newId, type Work } from '../work/work.ts';
import {
  countWebhooks,
  deleteWebhook,
  insertWebhook,
  lockWebhook,
  selectWebhooks,
  updateWebhook,
  type WebhookChange,
  type WebhookRow,
} from './webhook.store.ts';
import { messageIdOf, newWebhookSecret, secretPlace } from './webhook-message.ts';

/** Of one tenant, or of the platform itself. */
const webhooksMax = 50;
const testsWaitingMax = 5;
const overlapHoursDefault = 24;

export const toKinds = (kinds: readonly string[]): NotificationKind[] =>
  notificationKinds.filter((known) => kinds.includes(known));

function toView(row: WebhookRow): Webhook {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    kinds: toKinds(row.kinds),
    ...(row.tenant_name === null ? {} : { tenant: row.tenant_name }),
    ...(row.project_name === null ? {} : { project: row.project_name }),
    isEnabled: row.is_enabled,
    ...(row.disabled_reason === null ? {} : { disabledReason: row.disabled_reason }),
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    secretSince: row.secret_since.toISOString(),
    ...(row.previous_secret_until === null ? {} : { previousSecretUntil: row.previous_secret_until.toISOString() }),
    ...(row.failing_since === null ? {} : { failingSince: row.failing_since.toISOString() }),
    ...(row.last_at === null || row.last_state === null
      ? {}
      : { lastDelivery: { at: row.last_at.toISOString(), state: row.last_state } }),
  };
}

const toDeliveryView = (row: DeliveryRow): Delivery => ({
  id: row.id,
  messageId: messageIdOf(row.id),
  kind: row.kind ?? 'test',
  ...(row.notification_id === null ? {} : { notification: row.notification_id }),
  message: row.message ?? 'A test.',
  state: row.state,
  createdAt: row.created_at.toISOString(),
  ...(row.state === 'delivered' && row.ended_at !== null ? { deliveredAt: row.ended_at.toISOString() } : {}),
  ...(row.state === 'waiting' ? { nextAttemptAt: row.next_attempt_at.toISOString() } : {}),
  attempts: row.log.map((attempt) => ({
    at: attempt.at.toISOString(),
    durationMilliseconds: attempt.duration_ms,
    ...(attempt.status === null ? {} : { status: attempt.status }),
    ...(attempt.error === null ? {} : { error: attempt.error }),
    ...(attempt.response === null ? {} : { response: attempt.response }),
  })),
});

async function find(db: Parameters<typeof selectWebhooks>[0], access: Access, id: string): Promise<Answer<WebhookRow>> {
  const part = await access.list(db, {});
  if (part.kind === 'refused') return part;
  const [row] = await selectWebhooks(db, { ...part.reply, id });
  if (row !== undefined) return done(row);
  const detail = `There is no webhook ${id}, or it belongs to somebody else.`;
  return refuse('not-found', detail, { reasons: [{ code: 'not-found', message: detail }] });
}

async function findDelivery(
  db: Parameters<typeof selectDeliveries>[0],
  webhookId: string,
  id: string,
): Promise<Answer<Delivery>> {
  const [row] = await selectDeliveries(db, { webhookId, id, limit: 1 });
  if (row !== undefined) return done(toDeliveryView(row));
  const detail = `The webhook has no delivery ${id}; its log is kept for 30 days.`;
  return refuse('not-found', detail, { reasons: [{ code: 'not-found', message: detail }] });
}

/** Undefined: it may be asked as far as can be told before its name is resolved, which is at each attempt. */
function urlRefusal(text: string) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const message =
    url === undefined
      ? `body.url ${text} is no address; give one such as https://hooks.example/gatehouse.`
      : url.username !== '' || url.password !== ''
        ? 'body.url carries a user name or a password, which would be shown to every administrator here; the signature says who sends.'
        : undefined;
  return message === undefined
    ? undefined
    : refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
}

const disabled = ({ name }: { readonly name: string }) => {
  const detail = `The webhook ${name} is disabled, so nothing is sent to it; enable it first.`;
  return refuse('webhook-disabled', detail, { reasons: [{ code: 'webhook-disabled', message: detail }] });
};

function audit(
  work: Work,
  access: Access,
  verb: string,
  row: Parameters<typeof placeOf>[0] & { readonly name: string },
) {
  const { name: actor } = access.principal;
  return (said: string) =>
    work.audit({
      actor,
      action: `webhook.${verb}`,
      subjectKind: 'webhook',
      subjectName: row.name,
      ...placeOf(row),
      message: `The webhook ${row.name} ${said} by ${actor}.`,
    });
}

export const webhookQueries: Pick<Queries, 'listWebhooks' | 'listDeliveries'> = {
  async listWebhooks({ query }, { db, access }) {
    const part = await access.list(db, { tenant: query?.tenant, project: query?.project });
    if (part.kind === 'refused') return part;
    return done({ items: (await selectWebhooks(db, part.reply)).map(toView) });
  },

  async listDeliveries({ params, query }, { db, access }) {
    const found = await find(db, access, params.webhook);
    if (found.kind === 'refused') return found;
    const cursor = readCursor(query?.cursor, ['string', 'string'] as const);
    if (cursor.kind === 'refused') return cursor;
    const limit = limitOf(query);
    const rows = await selectDeliveries(db, { webhookId: found.reply.id, before: cursor.reply, limit: limit + 1 });
    return done(
      toPage(rows, limit, {
        item: toDeliveryView,
        place: ({ created_at: createdAt, id }) => [createdAt.toISOString(), id],
      }),
    );
  },
};

type WebhookCommands = Pick<
  Commands,
  'createWebhook' | 'changeWebhook' | 'rotateWebhookSecret' | 'deleteWebhook' | 'testWebhook' | 'redeliver'
>;

export function webhookCommands({ signingKey }: Pick<Services, 'signingKey'>): WebhookCommands {
  return {
    async createWebhook({ body }, { work, access }) {
      const place = await access.ownPlace(work.tx, body);
      if (place.kind === 'refused') return place;
      const refused = urlRefusal(body.url);
      if (refused !== undefined) return refused;
      const { tenantId, projectId } = place.reply;
      if ((await countWebhooks(work.tx, { tenantId })) >= webhooksMax) {
        const detail = `There are ${webhooksMax} webhooks already, which is as many as there may be; delete one that is not needed.`;
        return refuse('limit-reached', detail, { reasons: [{ code: 'limit-reached', message: detail }] });
      }
      const id = newId();
      const secret = newWebhookSecret();
      const isNew = await insertWebhook(work.tx, {
        id,
        name: body.name,
        url: body.url,
        kinds: body.kinds,
        secret: sealSecret(signingKey, secretPlace(id), secret),
        by: access.principal.name,
        now: work.now,
        tenantId,
        projectId,
      });
      if (!isNew) {
        const detail = `There is a webhook ${body.name} already; choose another name.`;
        return refuse('name-taken', detail, { reasons: [{ code: 'name-taken', message: detail }] });
      }
      const made = await reread(work, id);
      audit(work, access, 'create', made)('was created');
      return done({ webhook: toView(made), secret });
    },

    async changeWebhook({ params, body }, { work, access }) {
      const found = await find(work.tx, access, params.webhook);
      if (found.kind === 'refused') return found;
      const refused = body.url === undefined ? undefined : urlRefusal(body.url);
      if (refused !== undefined) return refused;
      const row = found.reply;
      await lockWebhook(work.tx, row.id);
      const isEnabledAnew = body.isEnabled === true && !row.is_enabled;
      const change: WebhookChange = {
        url: body.url,
        kinds: body.kinds,
        isEnabled: body.isEnabled,
        ...(isEnabledAnew ? { disabledReason: null, failingSince: null } : {}),
      };
      await updateWebhook(work.tx, row.id, change);
      if (isEnabledAnew) work.over(receiverTopic({ kind: 'webhook', id: row.id }));
      const what = [
        ...(body.url === undefined || body.url === row.url ? [] : ['was given another address']),
        ...(body.kinds === undefined ? [] : [`was set to ${body.kinds.join(', ')}`]),
        ...(body.isEnabled === undefined || body.isEnabled === row.is_enabled
          ? []
          : [body.isEnabled ? 'was enabled' : 'was disabled']),
      ];
      if (what.length > 0) audit(work, access, 'change', row)(what.join(' and '));
      return done(toView(await reread(work, row.id)));
    },

    async rotateWebhookSecret({ params, body }, { work, access }) {
      const found = await find(work.tx, access, params.webhook);
      if (found.kind === 'refused') return found;
      const { id } = found.reply;
      const row = (await lockWebhook(work.tx, id)) ?? found.reply;
      const overlap = body.overlapHours ?? overlapHoursDefault;
      const secret = newWebhookSecret();
      await updateWebhook(work.tx, id, {
        secret: sealSecret(signingKey, secretPlace(id), secret),
        secretSince: work.now,
        previousSecret: overlap === 0 ? null : row.secret,
        previousSecretUntil: overlap === 0 ? null : addMilliseconds(work.now, hours(overlap)),
      });
      const until = overlap === 0 ? 'at once' : `after ${overlap} h`;
      audit(work, access, 'rotate', row)(`was given a new secret (the one before ends ${until})`);
      return done({ webhook: toView(await reread(work, id)), secret });
    },

    async deleteWebhook({ params }, { work, access }) {
      const found = await find(work.tx, access, params.webhook);
      if (found.kind === 'refused') return found;
      await deleteWebhook(work.tx, found.reply.id);
      work.over(receiverTopic({ kind: 'webhook', id: found.reply.id }));
      audit(work, access, 'delete', found.reply)('was deleted');
      return done(undefined);
    },

    async testWebhook({ params }, { work, access }) {
      const found = await find(work.tx, access, params.webhook);
      if (found.kind === 'refused') return found;
      const row = found.reply;
      if (!row.is_enabled) return disabled(row);
      if ((await countWaitingTests(work.tx, { webhookId: row.id })) >= testsWaitingMax) {
        const detail = `${testsWaitingMax} tests of the webhook ${row.name} still wait; look at its deliveries for what became of them.`;
        return refuse('limit-reached', detail, { reasons: [{ code: 'limit-reached', message: detail }] });
      }
      const id = newId();
      await insertTestDelivery(work.tx, { id, webhookId: row.id }, work.now);
      work.changed({ kind: 'notifications' });
      audit(work, access, 'test', row)('was tested');
      return findDelivery(work.tx, row.id, id);
    },

    async redeliver({ params }, context: CommandContext) {
      const { work, access } = context;
      const found = await find(work.tx, access, params.webhook);
      if (found.kind === 'refused') return found;
      const row = found.reply;
      if (!row.is_enabled) return disabled(row);
      await repeatDelivery(work.tx, { id: params.delivery, webhookId: row.id, now: work.now });
      const delivery = await findDelivery(work.tx, row.id, params.delivery);
      if (delivery.kind === 'refused') return delivery;
      work.changed({ kind: 'notifications' });
      audit(work, access, 'redeliver', row)(`was sent ${delivery.reply.messageId} once more`);
      return delivery;
    },
  };
}

/** As it is after the change. */
async function reread({ tx }: Work, id: string): Promise<WebhookRow> {
  const [row] = await selectWebhooks(tx, { id });
  if (row === undefined) throw new Error(`the webhook ${id} was written and is not there`);
  return row;
}
