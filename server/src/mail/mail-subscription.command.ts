/** Who gets which notifications by e-mail: set up by administrators of the place, for any address. */

import type { MailSubscription } from '@gatehouse/contract/notification-types';
import { receiverTopic } from '@gatehouse/domain/notification';
import { countWaitingTests, insertTestDelivery } from '../deliveries/delivery.store.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import type { Commands, Queries } from '../http/operator-routes.ts';
import { type Access, placeOf } from '../identity/access.ts';
import { toKinds } from '../webhooks/webhook.command.ts';
import { newId, type Work } from '../work/work.ts';
import {
  countSubscriptions,
  deleteSubscription,
  insertSubscription,
  lockSubscription,
  type SubscriptionRow,
  selectSubscriptions,
  updateSubscription,
} from './mail-subscription.store.ts';

/** Of one tenant, or of the platform itself. */
const subscriptionsMax = 100;
const testsWaitingMax = 5;

const toView = (row: SubscriptionRow): MailSubscription => ({
  id: row.id,
  address: row.address,
  kinds: toKinds(row.kinds),
  ...(row.tenant_name === null ? {} : { tenant: row.tenant_name }),
  ...(row.project_name === null ? {} : { project: row.project_name }),
  createdAt: row.created_at.toISOString(),
  createdBy: row.created_by,
  isEnabled: row.is_enabled,
  ...(row.disabled_reason === null ? {} : { disabledReason: row.disabled_reason }),
  ...(row.failing_since === null ? {} : { failingSince: row.failing_since.toISOString() }),
  ...(row.last_at === null || row.last_state === null
    ? {}
    : { lastDelivery: { at: row.last_at.toISOString(), state: row.last_state } }),
  ...(row.last_error === null ? {} : { lastError: row.last_error }),
});

async function find(
  db: Parameters<typeof selectSubscriptions>[0],
  access: Access,
  id: string,
): Promise<Answer<SubscriptionRow>> {
  const part = await access.list(db, {});
  if (part.kind === 'refused') return part;
  const [row] = await selectSubscriptions(db, { ...part.reply, id });
  if (row !== undefined) return done(row);
  const detail = `There is no e-mail subscription ${id}, or it belongs to somebody else.`;
  return refuse('not-found', detail, { reasons: [{ code: 'not-found', message: detail }] });
}

const notConfigured = () => {
  const detail =
    'The control plane was started without a mail server; start it with --mail-from and GATEHOUSE_SMTP_URL (docs/guides/notifications.md).';
  return refuse('mail-not-configured', detail, { reasons: [{ code: 'mail-not-configured', message: detail }] });
};

function audit(work: Work, access: Access, verb: 'create' | 'delete' | 'test', row: SubscriptionRow): void {
  const { name: actor } = access.principal;
  const said = {
    create: `E-mail to ${row.address} was set up by ${actor} for ${row.kinds.join(', ')}.`,
    delete: `E-mail to ${row.address} was ended by ${actor}.`,
    test: `E-mail to ${row.address} was tested by ${actor}.`,
  }[verb];
  work.audit({
    actor,
    action: `mail-subscription.${verb}`,
    subjectKind: 'mail-subscription',
    subjectName: row.address,
    ...placeOf(row),
    message: said,
  });
}

/** `from`: what e-mail comes from; absent where there is no mail server. */
export function mailQueries(from: string | undefined): Pick<Queries, 'listMailSubscriptions'> {
  return {
    async listMailSubscriptions({ query }, { db, access }) {
      const part = await access.list(db, { tenant: query?.tenant, project: query?.project });
      if (part.kind === 'refused') return part;
      return done({
        isConfigured: from !== undefined,
        ...(from === undefined ? {} : { from }),
        items: (await selectSubscriptions(db, part.reply)).map(toView),
      });
    },
  };
}

type MailCommands = Pick<Commands, 'createMailSubscription' | 'deleteMailSubscription' | 'testMailSubscription'>;

export function mailCommands(from: string | undefined): MailCommands {
  return {
    async createMailSubscription({ body }, { work, access }) {
      const place = await access.ownPlace(work.tx, body);
      if (place.kind === 'refused') return place;
      if (from === undefined) return notConfigured();
      const { tenantId, projectId } = place.reply;
      if ((await countSubscriptions(work.tx, { tenantId })) >= subscriptionsMax) {
        const detail = `There are ${subscriptionsMax} e-mail subscriptions already, which is as many as there may be; use a mailing list, or delete one.`;
        return refuse('limit-reached', detail, { reasons: [{ code: 'limit-reached', message: detail }] });
      }
      const id = newId();
      const { name: by } = access.principal;
      const { address, kinds } = body;
      if (!(await insertSubscription(work.tx, { id, address, kinds, by, now: work.now, tenantId, projectId }))) {
        const detail = `${address} gets e-mail already; delete that subscription to change it.`;
        return refuse('name-taken', detail, { reasons: [{ code: 'name-taken', message: detail }] });
      }
      const made = await reread(work, id);
      audit(work, access, 'create', made);
      return done(toView(made));
    },

    async deleteMailSubscription({ params }, { work, access }) {
      const found = await find(work.tx, access, params.subscription);
      if (found.kind === 'refused') return found;
      await deleteSubscription(work.tx, found.reply.id);
      work.over(receiverTopic({ kind: 'mail-subscription', id: found.reply.id }));
      audit(work, access, 'delete', found.reply);
      return done(undefined);
    },

    async testMailSubscription({ params }, { work, access }) {
      const found = await find(work.tx, access, params.subscription);
      if (found.kind === 'refused') return found;
      if (from === undefined) return notConfigured();
      const { id, address } = found.reply;
      if ((await countWaitingTests(work.tx, { subscriptionId: id })) >= testsWaitingMax) {
        const detail = `${testsWaitingMax} tests to ${address} still wait; what went wrong last stands beside the address.`;
        return refuse('limit-reached', detail, { reasons: [{ code: 'limit-reached', message: detail }] });
      }
      await lockSubscription(work.tx, id);
      if (!found.reply.is_enabled) {
        await updateSubscription(work.tx, id, { isEnabled: true, disabledReason: null, failingSince: null });
        work.over(receiverTopic({ kind: 'mail-subscription', id }));
      }
      await insertTestDelivery(work.tx, { id: newId(), subscriptionId: id }, work.now);
      work.changed({ kind: 'notifications' });
      audit(work, access, 'test', found.reply);
      return done(toView(await reread(work, id)));
    },
  };
}

/** As it is after the change. */
async function reread({ tx }: Work, id: string): Promise<SubscriptionRow> {
  const [row] = await selectSubscriptions(tx, { id });
  if (row === undefined) throw new Error(`the e-mail subscription ${id} was written and is not there`);
  return row;
}
