/** What the bell and the page of notifications say. */

import type { NotificationKind } from '@gatehouse/contract/notification-types';

export const kindTexts: Readonly<Record<NotificationKind, string>> = {
  'plan-waits': 'A plan waits',
  'plan-waits-long': 'A plan has waited long',
  'update-failed': 'An update failed',
  'update-taken-back': 'An update was taken back',
  'hop-held': 'A hop is held',
  'pause-ends': 'A pause is about to end',
  'two-agents': 'Two agents, one identity',
  'control-plane-recovered': 'The control plane was set back',
  'receiver-disabled': 'A receiver was disabled',
};

export const allKindsText = 'All';

export const notificationTexts = {
  title: 'Notifications',
  bell: (unread: number) =>
    unread === 0 ? 'Notifications, none unread' : `Notifications, ${shownCount(unread)} unread`,
  detail: 'What a person should know of. What has been put right by itself leaves the list by itself.',
  states: { open: 'Open', closed: 'Done or over', all: 'All' },
  stateLabel: 'Which notifications',
  kind: 'Kind',
  everyKind: 'Every kind',
  unreadOnly: 'Unread only',
  table: 'Notifications',
  columns: { select: 'Choose', what: 'What', subject: 'About', at: 'When', state: 'State' },
  choose: (message: string) => `Choose: ${message}`,
  chooseAll: 'Choose all that are shown',
  unread: 'Unread',
  acknowledged: (by: string) => `${by} takes care of it`,
  done: (by: string) => `Done by ${by}`,
  over: 'Over by itself',
  new: 'Open',
  read: 'Mark as read',
  acknowledge: 'Acknowledge',
  finish: 'Done',
  chosen: (count: number) => `${count} chosen`,
  nothingChosen: 'Choose at least one below.',
  act: 'acknowledging notifications',
  actDone: 'marking notifications as done',
  none: 'Nothing waits for you',
  noneDetail:
    'Notifications appear by themselves. An administrator can send them to a webhook or by e-mail in Settings.',
  noneSuch: 'No notification fits',
  noneSuchDetail: 'Choose other filters to see more.',
  older: 'Show older notifications',
  platform: 'Platform',
} as const;

const shownMax = 999;
export const shownCount = (count: number): string => (count > shownMax ? `${shownMax}+` : String(count));
