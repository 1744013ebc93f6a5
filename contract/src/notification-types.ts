/** What people are told of, and the webhooks and e-mail by which it reaches them. Replies may gain fields. */

import Type, { type Static } from 'typebox';
import { Id, Name, PageQuery, page, Timestamp } from './primitives.ts';

/** The kinds of notifications; the server checks that they are those of `domain/notification`. */
export const notificationKinds = [
  'plan-waits',
  'plan-waits-long',
  'update-failed',
  'update-taken-back',
  'hop-held',
  'pause-ends',
  'two-agents',
  'control-plane-recovered',
  'receiver-disabled',
] as const;

export const NotificationKind = Type.Enum([...notificationKinds]);
export type NotificationKind = Static<typeof NotificationKind>;

const Kinds = Type.Array(NotificationKind, { minItems: 1, maxItems: notificationKinds.length, uniqueItems: true });
const NamedPlace = Type.Object({ id: Id, name: Type.String() });
const Act = Type.Object({ by: Type.String(), at: Timestamp });

export const Notification = Type.Object(
  {
    id: Id,
    /** Greater for newer ones. */
    sequence: Type.Integer(),
    kind: NotificationKind,
    severity: Type.Enum(['normal', 'warning']),
    at: Timestamp,
    /** What it is about; the platform has no id. */
    subject: Type.Object({
      kind: Type.Enum(['gateway', 'project', 'tenant', 'platform', 'webhook', 'mail-subscription']),
      id: Type.Optional(Id),
      name: Type.String(),
    }),
    tenant: Type.Optional(NamedPlace),
    project: Type.Optional(NamedPlace),
    message: Type.String(),
    nextStep: Type.Optional(Type.String()),
    /** For whoever asks. */
    isUnread: Type.Boolean(),
    /** Somebody takes care of it. */
    acknowledged: Type.Optional(Act),
    /** Somebody has taken care of it. */
    done: Type.Optional(Act),
    /** What it tells of is no longer so, without anybody having said that it is done. */
    overAt: Type.Optional(Timestamp),
  },
  { $id: 'Notification' },
);
export type Notification = Static<typeof Notification>;

export const NotificationQuery = Type.Object(
  {
    ...PageQuery.properties,
    state: Type.Optional(
      Type.Enum(['open', 'closed', 'all'], { default: 'open', description: '`open`: neither done nor over.' }),
    ),
    kind: Type.Optional(NotificationKind),
    unread: Type.Optional(Type.Boolean({ description: 'Only what the caller has not read, or only what they have.' })),
    subject: Type.Optional(Type.String({ maxLength: 63, description: 'Name of what it is about.' })),
    tenant: Type.Optional(Name),
    project: Type.Optional(Name),
  },
  { additionalProperties: false },
);

export const NotificationPage = Type.Object({
  ...page(Notification).properties,
  /** Open ones that the caller has not read, whatever the query asks for; counted up to 1,000. */
  unread: Type.Integer(),
});

export const NotificationIds = Type.Object(
  { ids: Type.Array(Id, { minItems: 1, maxItems: 500, uniqueItems: true }) },
  { additionalProperties: false },
);

const WebhookUrl = Type.String({
  minLength: 8,
  maxLength: 2000,
  pattern: '^https?://[\\x21-\\x7e]+$',
  description: 'http or https, without a user name or password.',
});

const DeliveryState = Type.Enum(['waiting', 'delivered', 'given-up']);

export const Webhook = Type.Object(
  {
    id: Id,
    name: Type.String(),
    url: Type.String(),
    kinds: Type.Array(NotificationKind),
    /** Absent: of the whole platform. */
    tenant: Type.Optional(Type.String()),
    project: Type.Optional(Type.String()),
    isEnabled: Type.Boolean(),
    /** Why it is not, when nobody disabled it. */
    disabledReason: Type.Optional(Type.String()),
    createdAt: Timestamp,
    createdBy: Type.String(),
    secretSince: Timestamp,
    /** Until then messages are signed with the secret before, too. */
    previousSecretUntil: Type.Optional(Timestamp),
    /** Nothing has come through since. */
    failingSince: Type.Optional(Timestamp),
    lastDelivery: Type.Optional(Type.Object({ at: Timestamp, state: DeliveryState })),
  },
  { $id: 'Webhook' },
);
export type Webhook = Static<typeof Webhook>;

const place = { tenant: Type.Optional(Name), project: Type.Optional(Name) };

export const CreateWebhook = Type.Object(
  { name: Name, url: WebhookUrl, kinds: Kinds, ...place },
  { additionalProperties: false },
);

export const ChangeWebhook = Type.Object(
  {
    url: Type.Optional(WebhookUrl),
    kinds: Type.Optional(Kinds),
    isEnabled: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

export const RotateSecret = Type.Object(
  {
    overlapHours: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 168,
        default: 24,
        description: 'For so long messages are signed with the secret before, too.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** The only time that the secret is told. */
export const WebhookWithSecret = Type.Object({ webhook: Webhook, secret: Type.String() });

export const Delivery = Type.Object(
  {
    id: Id,
    /** What the receiver sees as `webhook-id`: the same at every attempt. */
    messageId: Type.String(),
    /** A kind of notification, or `test`. */
    kind: Type.String(),
    notification: Type.Optional(Id),
    /** What was told. */
    message: Type.String(),
    state: DeliveryState,
    createdAt: Timestamp,
    deliveredAt: Type.Optional(Timestamp),
    nextAttemptAt: Type.Optional(Timestamp),
    /** Newest first; at most 20. */
    attempts: Type.Array(
      Type.Object({
        at: Timestamp,
        durationMilliseconds: Type.Integer(),
        /** Absent: there was no answer. */
        status: Type.Optional(Type.Integer()),
        /** Why there was none, or why it was not enough. */
        error: Type.Optional(Type.String()),
        /** The first of what was answered, as text. */
        response: Type.Optional(Type.String()),
      }),
    ),
  },
  { $id: 'Delivery' },
);
export type Delivery = Static<typeof Delivery>;

/** Shorter than RFC 5321 permits, and without the quoted forms, of which nobody has one. */
const MailAddress = Type.String({
  maxLength: 200,
  pattern: "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*$",
  description: 'name@host.example',
});

export const MailSubscription = Type.Object(
  {
    id: Id,
    address: Type.String(),
    kinds: Type.Array(NotificationKind),
    tenant: Type.Optional(Type.String()),
    project: Type.Optional(Type.String()),
    createdAt: Timestamp,
    createdBy: Type.String(),
    isEnabled: Type.Boolean(),
    disabledReason: Type.Optional(Type.String()),
    failingSince: Type.Optional(Timestamp),
    lastDelivery: Type.Optional(Type.Object({ at: Timestamp, state: DeliveryState })),
    /** What went wrong at the last attempt. */
    lastError: Type.Optional(Type.String()),
  },
  { $id: 'MailSubscription' },
);
export type MailSubscription = Static<typeof MailSubscription>;

export const MailSubscriptions = Type.Object({
  /** Whether the control plane was started with a mail server. */
  isConfigured: Type.Boolean(),
  from: Type.Optional(Type.String()),
  items: Type.Array(MailSubscription),
});

export const CreateMailSubscription = Type.Object(
  { address: MailAddress, kinds: Kinds, ...place },
  { additionalProperties: false },
);
