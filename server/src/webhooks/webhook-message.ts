/** A message of a webhook as the Standard Webhooks specification has it, signed with HMAC-SHA256 (`v1`). */

import { createHmac, randomBytes } from 'node:crypto';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import { openSecret } from '../work/sealing.ts';
import type { WebhookMessageRow } from './webhook.store.ts';

const secretPrefix = 'whsec_';
/** The specification wants 24 to 64. */
const secretBytes = 32;

export const newWebhookSecret = (): string => `${secretPrefix}${randomBytes(secretBytes).toString('base64')}`;

/** Where a sealed secret belongs. */
export const secretPlace = (webhookId: string): string => `webhook ${webhookId}`;

/** Without a full stop, which separates it from what is signed with it; the same at every attempt. */
export const messageIdOf = (deliveryId: string): string => `msg_${deliveryId.replaceAll('-', '')}`;

export function signMessage(
  secret: string,
  message: { readonly id: string; readonly timestamp: number; readonly body: string },
): string {
  const key = Buffer.from(secret.slice(secretPrefix.length), 'base64');
  const signed = createHmac('sha256', key)
    .update(`${message.id}.${message.timestamp}.${message.body}`)
    .digest('base64');
  return `v1,${signed}`;
}

export interface WebhookMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface MessageContext {
  readonly deliveryId: string;
  readonly now: Instant;
  readonly signingKey: Uint8Array;
  readonly publicUrl: string;
}

/** Its body is the same at every attempt, timestamp and signature are of this one. */
export function toMessage(
  row: WebhookMessageRow,
  { deliveryId, now, signingKey, publicUrl }: MessageContext,
): WebhookMessage {
  const body = JSON.stringify(row.notification_id === null ? testBody(row) : notificationBody(row, publicUrl));
  const id = messageIdOf(deliveryId);
  const timestamp = Math.floor(now / 1000);
  const place = secretPlace(row.webhook_id);
  const isOverlapping = row.previous_secret_until !== null && now < toInstant(row.previous_secret_until.getTime());
  const secrets = [row.secret, ...(isOverlapping && row.previous_secret !== null ? [row.previous_secret] : [])];
  const signatures = secrets.map((sealed) =>
    signMessage(openSecret(signingKey, place, sealed), { id, timestamp, body }),
  );
  return {
    url: row.url,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatures.join(' '),
    },
    body,
  };
}

const testBody = ({ created_at: createdAt, webhook_name: name }: WebhookMessageRow) => ({
  type: 'test',
  timestamp: createdAt.toISOString(),
  data: { message: `This is a test of the webhook ${name}.` },
});

function notificationBody(row: WebhookMessageRow, publicUrl: string) {
  const path = row.subject_kind === 'gateway' ? `/gateways/${row.subject_id ?? ''}` : '/notifications';
  return {
    // Hierarchical, and of letters, digits and underscores, as the specification asks.
    type: `notification.${(row.kind ?? '').replaceAll('-', '_')}`,
    timestamp: row.at?.toISOString(),
    data: {
      id: row.notification_id,
      kind: row.kind,
      severity: row.severity,
      subject: {
        kind: row.subject_kind,
        ...(row.subject_id === null ? {} : { id: row.subject_id }),
        name: row.subject_name,
      },
      ...(row.tenant_name === null ? {} : { tenant: row.tenant_name }),
      ...(row.project_name === null ? {} : { project: row.project_name }),
      message: row.message,
      ...(row.next_step === null ? {} : { nextStep: row.next_step }),
      url: `${publicUrl}${path}`,
    },
  };
}
