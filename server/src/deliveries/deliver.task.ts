/**
 * Sends what is due to webhooks and e-mail addresses, at least once: what is taken is sent and its end written down, and
 * when the sender dies between the two, another one sends it again under the same id. Every replica sends; several at the
 * same time, so that a receiver that does not answer keeps nothing from the others.
 */

import { type AttemptConsequences, afterAttempt } from '@gatehouse/domain/delivery';
import { addMilliseconds, formatInstant, type Instant, seconds, toInstant } from '@gatehouse/domain/instant';
import { disabledReceiver, type Receiver } from '@gatehouse/domain/notification';
import { done } from '../http/answer.ts';
import type { Services } from '../http/services.ts';
import { toMail } from '../mail/mail-message.ts';
import type { MailServer } from '../mail/mail-server.ts';
import { lockSubscription, selectMailMessages, updateSubscription } from '../mail/mail-subscription.store.ts';
import { type SendOptions, type SendResult, sendTimeoutMilliseconds, sendWebhook } from '../webhooks/send-webhook.ts';
import { lockWebhook, selectWebhookMessage, updateWebhook } from '../webhooks/webhook.store.ts';
import { toMessage } from '../webhooks/webhook-message.ts';
import { doWork } from '../work/work.ts';
import {
  type ClaimedDelivery,
  claimDeliveries,
  insertAttempt,
  releaseClaims,
  updateDelivery,
} from './delivery.store.ts';

const limits = { rows: 64, perWebhook: 4, perMail: 50 };
const sendingMax = 24;
/** Longer than any attempt takes, to a webhook or a mail server: what is not ended by then has lost its sender. */
const claimLife = seconds(45);

export interface Deliverer {
  /** Begins to send what is due, without waiting for its end. */
  look(): Promise<void>;
  /** No more attempts are begun; those under way are broken off, and tried again by another sender. */
  stop(): Promise<void>;
}

export interface DelivererOptions {
  readonly services: Services;
  readonly mail?: MailServer | undefined;
  readonly webhooks: Pick<SendOptions, 'allowed' | 'ownUrls' | 'resolve'>;
  /** From 0 up to 1. */
  readonly jitter: () => number;
  readonly onError: (error: unknown) => void;
}

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { services, mail, webhooks, jitter, onError } = options;
  const { db, now } = services;
  const sending = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function look(): Promise<void> {
    while (sending.size < sendingMax && !stopping.signal.aborted) {
      const claimedAt = now();
      const until = addMilliseconds(claimedAt, claimLife);
      const claimed = await claimDeliveries(db, limits, { now: claimedAt, until, withMail: mail !== undefined });
      if (claimed.length === 0) return;
      for (const group of groupsOf(claimed)) start(group);
    }
  }

  function start(group: readonly ClaimedDelivery[]): void {
    const ended = deliver(group)
      .catch(onError)
      .finally(() => {
        sending.delete(ended);
        // More may be due for the same receiver.
        if (!stopping.signal.aborted) look().catch(onError);
      });
    sending.add(ended);
  }

  async function deliver(group: readonly ClaimedDelivery[]): Promise<void> {
    const begun = performance.now();
    const at = now();
    const result = await attempt(group, at);
    const ids = group.map(({ id }) => id);
    if (result === undefined || (stopping.signal.aborted && result.outcome.kind === 'failed')) {
      await releaseClaims(db, ids);
      return;
    }
    const durationMilliseconds = Math.round(performance.now() - begun);
    await settle(group, { ...result, at, durationMilliseconds });
  }

  /** Undefined: there is nothing to send any more. */
  async function attempt(group: readonly ClaimedDelivery[], at: Instant): Promise<SendResult | undefined> {
    const [first] = group;
    if (first?.webhook_id === null) {
      const rows = await selectMailMessages(
        db,
        group.map(({ id }) => id),
      );
      const address = rows[0]?.address;
      return address === undefined ? undefined : mail?.send(address, toMail(rows, services.publicUrl()));
    }
    const row = first === undefined ? undefined : await selectWebhookMessage(db, first.id);
    if (first === undefined || row === undefined) return undefined;
    const { signingKey, programVersion } = services;
    const message = toMessage(row, { deliveryId: first.id, now: at, signingKey, publicUrl: services.publicUrl() });
    return sendWebhook(message, {
      ...webhooks,
      ownUrls: [services.publicUrl(), ...webhooks.ownUrls],
      userAgent: `Gatehouse/${programVersion}`,
      timeoutMilliseconds: sendTimeoutMilliseconds,
      signal: stopping.signal,
    });
  }

  async function settle(group: readonly ClaimedDelivery[], ended: Ended): Promise<void> {
    const chance = jitter();
    const context = { db, now: now(), requestId: 'deliver' };
    await doWork(context, async (work) => {
      const [first] = group;
      const found = first === undefined ? undefined : await lockReceiver(work.tx, first);
      if (found === undefined) return done(undefined);
      let last: AttemptConsequences | undefined;
      for (const { id, attempts } of group) {
        const { failingSince } = found;
        const facts = { attempt: attempts + 1, outcome: ended.outcome, ...(failingSince && { failingSince }) };
        last = afterAttempt(facts, work.now, chance);
        const { delivery } = last;
        const nextAttemptAt = delivery.state === 'waiting' ? delivery.nextAttemptAt : undefined;
        await insertAttempt(work.tx, { deliveryId: id, ...ended });
        await updateDelivery(work.tx, id, { state: delivery.state, nextAttemptAt, now: work.now });
      }
      if (last === undefined) return done(undefined);
      const why = last.disabled === undefined ? undefined : whyDisabled(last, ended);
      await found.save({
        failingSince: last.failingSince ?? null,
        ...(why === undefined ? {} : { isEnabled: false, disabledReason: why }),
        error: ended.outcome.kind === 'accepted' ? null : (ended.error ?? null),
      });
      if (why !== undefined && found.isEnabled) work.tell(disabledReceiver(found.receiver, why), found.place);
      return done(undefined);
    });
  }

  return {
    look,
    async stop() {
      stopping.abort();
      await Promise.all(sending);
    },
  };
}

interface Ended extends SendResult {
  readonly at: Instant;
  readonly durationMilliseconds: number;
}

interface FoundReceiver {
  readonly receiver: Receiver;
  readonly place: { readonly tenantId?: string | undefined; readonly projectId?: string | undefined };
  readonly isEnabled: boolean;
  readonly failingSince?: Instant;
  save(change: {
    readonly failingSince: Instant | null;
    readonly isEnabled?: boolean;
    readonly disabledReason?: string;
    readonly error: string | null;
  }): Promise<void>;
}

type Tx = Parameters<typeof lockWebhook>[0];

async function lockReceiver(tx: Tx, delivery: ClaimedDelivery): Promise<FoundReceiver | undefined> {
  if (delivery.webhook_id !== null) {
    const row = await lockWebhook(tx, delivery.webhook_id);
    if (row === undefined) return undefined;
    return {
      receiver: { kind: 'webhook', id: row.id, name: row.name },
      ...stateOf(row),
      save: ({ error: _told, ...change }) => updateWebhook(tx, row.id, change),
    };
  }
  const row = delivery.subscription_id === null ? undefined : await lockSubscription(tx, delivery.subscription_id);
  if (row === undefined) return undefined;
  return {
    receiver: { kind: 'mail-subscription', id: row.id, name: row.address },
    ...stateOf(row),
    save: ({ error, ...change }) => updateSubscription(tx, row.id, { ...change, lastError: error }),
  };
}

function stateOf(row: {
  readonly tenant_id: string | null;
  readonly project_id: string | null;
  readonly is_enabled: boolean;
  readonly failing_since: Date | null;
}) {
  return {
    place: { tenantId: row.tenant_id ?? undefined, projectId: row.project_id ?? undefined },
    isEnabled: row.is_enabled,
    ...(row.failing_since === null ? {} : { failingSince: toInstant(row.failing_since.getTime()) }),
  };
}

function whyDisabled({ disabled, failingSince }: AttemptConsequences, { error }: SendResult): string {
  if (disabled === 'gone') return 'it answered 410: it wants no more messages.';
  const since = failingSince === undefined ? '' : ` since ${formatInstant(failingSince)}`;
  return `nothing has come through${since}. The last attempt: ${error ?? 'failed'}.`;
}

/** Each message to a webhook is sent by itself; what is for one e-mail address goes into one e-mail, but for tests. */
function groupsOf(claimed: readonly ClaimedDelivery[]): readonly (readonly ClaimedDelivery[])[] {
  const isAlone = ({ webhook_id: webhook, notification_id: notification }: ClaimedDelivery): boolean =>
    webhook !== null || notification === null;
  const mails = Object.values(
    Object.groupBy(
      claimed.filter((each) => !isAlone(each)),
      ({ subscription_id: id }) => id ?? '',
    ),
  );
  return [
    ...claimed.filter(isAlone).map((each) => [each]),
    ...mails.flatMap((group) => (group === undefined ? [] : [group])),
  ];
}
