/** On which page of a gateway something can be done about a reason. The control plane's next step stands beside it. */

import type { Reason } from '@gatehouse/contract/primitives';

export type ReasonPage = 'updates' | 'settings' | 'install' | 'nodes' | 'events';

const pages: Readonly<Record<string, ReasonPage>> = {
  paused: 'settings',
  'agent-taken-back': 'settings',
  'agent-update-interrupted': 'settings',
  'profile-update-waiting-for-confirmation': 'updates',
  'profile-update-in-progress': 'updates',
  'profile-update-preflight': 'updates',
  'profile-update-stopped': 'updates',
  'profile-update-waiting-for-poll': 'updates',
  'pending-enrolment': 'install',
  'kubernetes-outside-range': 'nodes',
  'kubernetes-unknown': 'nodes',
};

export const reasonPage = ({ code }: Pick<Reason, 'code'>): ReasonPage | undefined =>
  Object.hasOwn(pages, code) ? pages[code] : undefined;
