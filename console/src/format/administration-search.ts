/** What is chosen on the pages of the audit and of notifications, as an address has it. What does not fit is not there. */

import { type NotificationKind, notificationKinds } from '@gatehouse/contract/notification-types';

export interface AuditSearch {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
}

const textLengthMax = 100;

function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, textLengthMax) : undefined;
}

/** With the fields that have a value. */
function given<Fields extends object>(fields: Fields): { readonly [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What is undefined was taken out.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    readonly [Key in keyof Fields]?: NonNullable<Fields[Key]>;
  };
}

export const readAuditSearch = ({ actor, action, subject, since, until }: Record<string, unknown>): AuditSearch =>
  given({
    actor: readText(actor),
    action: readText(action),
    subject: readText(subject),
    since: readText(since),
    until: readText(until),
  });

export interface NotificationSearch {
  readonly state?: 'closed' | 'all';
  readonly kind?: NotificationKind;
  readonly unread?: true;
}

export const readNotificationSearch = ({ state, kind, unread }: Record<string, unknown>): NotificationSearch =>
  given({
    state: state === 'closed' || state === 'all' ? state : undefined,
    kind: notificationKinds.find((known) => known === kind),
    unread: unread === true ? unread : undefined,
  });
