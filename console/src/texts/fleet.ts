/** The words for all gateways together: states, reasons, filters. */

import type { Gateway } from '@gatehouse/contract/operator-types';

type GatewayState = Gateway['states'][number];

export const stateTexts: Readonly<Record<GatewayState, string>> = {
  current: 'Current',
  updating: 'Updating',
  'waiting-for-confirmation': 'Waiting for confirmation',
  held: 'Held',
  paused: 'Paused',
  unhealthy: 'Unhealthy',
};

/** What is said of a reason where only its code is known: `agent-taken-back` as `Agent taken back`. */
export const reasonCodeText = (code: string): string => {
  const words = code.replaceAll('-', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
};

export const overviewTexts = {
  title: 'Overview',
  gateways: 'Gateways',
  gatewayCount: (count: number) => (count === 1 ? '1 gateway' : `${count.toLocaleString('en')} gateways`),
  stateDetail: {
    current: 'run what they should',
    updating: 'something is on its way',
    'waiting-for-confirmation': 'a person has to confirm a profile update',
    held: 'the system waits, and says why',
    paused: 'a person has stopped agent updates',
    unhealthy: 'not heard for too long',
  } satisfies Record<GatewayState, string>,
  several: 'A gateway counts for every state it is in.',
  heldBy: 'What holds them',
  nothingHeld: 'Nothing holds a gateway.',
  agentVersions: 'Agent versions',
  noAgent: 'no agent yet',
  share: (count: number, total: number) => `${total === 0 ? 0 : Math.round((count / total) * 100)} %`,
  platform: {
    title: 'Platform',
    version: 'Version',
    noVersion: 'No platform version yet',
    noVersionNext: 'Import a release; the first one gives the platform its version.',
    channel: 'Channel',
    plan: 'Plan',
    noPlan: 'No plan is under way.',
    next: 'Next hop',
    to: (from: string, to: string) => `${from} → ${to}`,
    moving: 'Nothing holds it.',
    opensAt: 'Time alone lets it go on at',
    heldBy: 'What holds it',
    more: (count: number) => `and ${count} more`,
    reachable: 'May be taken next',
    nothingReachable: 'Nothing newer was imported',
    planTo: (version: string) => `Plan the upgrade to ${version}`,
    open: 'Open the platform page',
  },
} as const;

export const gatewaysTexts = {
  title: 'Gateways',
  create: 'Create a gateway',
  columns: {
    select: 'Select',
    name: 'Name',
    provider: 'Provider',
    installation: 'Installation',
    status: 'Status',
    health: 'Health',
    agentVersion: 'Agent Version',
    profileVersion: 'Profile',
    updates: 'Updates Available',
    paused: 'Paused',
    lastPoll: 'Last poll',
    hostClusters: 'Host clusters',
  },
  never: 'never',
  notYet: 'not yet',
  keptByOwner: "its owner's",
  no: 'No',
  more: (count: number) => `and ${count} more`,
  select: (name: string) => `Select ${name}`,
  selectPage: 'Select all on this page',
  selected: (count: number) => (count === 1 ? '1 gateway selected' : `${count} gateways selected`),
  clearSelection: 'Clear selection',
  range: (from: number, to: number, total: number) =>
    total === 0 ? 'None' : `${from.toLocaleString('en')}–${to.toLocaleString('en')} of ${total.toLocaleString('en')}`,
  first: 'First page',
  previous: 'Previous page',
  next: 'Next page',
  pages: 'Pages of the list',
  noneFits: 'No gateway fits',
  noneFitsDetail: 'None has all that the filters ask for.',
  clearFilters: 'Clear all filters',
  filters: {
    label: 'Filters',
    search: 'Search by name',
    any: 'Any',
    state: 'State',
    status: 'Status',
    health: 'Health',
    provider: 'Provider',
    installation: 'Installation',
    agentVersion: 'Agent Version',
    profileVersion: 'Profile',
    updatesAvailable: 'Updates Available',
    paused: 'Paused',
    reason: 'Reason',
    tenant: 'Tenant',
    project: 'Project',
    name: 'Name',
    sort: 'Sort by',
    descending: (column: string) => `${column}, from the last`,
    more: 'More filters',
    fewer: 'Fewer filters',
    remove: (filter: string) => `Remove the filter ${filter}`,
    none: 'none',
    yes: 'Yes',
    no: 'No',
  },
  bulk: {
    label: 'Acts on the selected gateways',
    pause: 'Pause',
    resume: 'Resume',
    review: 'Review updates',
    pauseAct: 'pausing gateways',
    resumeAct: 'resuming gateways',
    nothingSelected: 'No gateway is selected; tick the ones you mean.',
    pauseTitle: (count: number) => `Pause agent updates of ${gateways(count)}?`,
    pauseDetail:
      'Each of them gets a pause of its own. Agent updates wait until it ends; profile updates can still be confirmed.',
    resumeTitle: (count: number) => `Resume agent updates of ${gateways(count)}?`,
    resumeDetail: 'Ends the pause of each gateway itself. What pauses its tenant or project stays.',
    resultTitle: 'What came of it',
    column: { gateway: 'Gateway', result: 'Result' },
    paused: 'Paused',
    resumed: 'Resumed',
    stillPaused: (scopes: string) => `Resumed, and still paused by ${scopes}`,
    waiting: 'Waiting',
    done: (count: number, of: number) => `${count} of ${of} done`,
    refused: (count: number) => `${count} refused`,
    close: 'Close',
  },
} as const;

function gateways(count: number): string {
  return count === 1 ? '1 gateway' : `${count} gateways`;
}

export const reviewListTexts = {
  title: 'Review updates',
  detail:
    'One gateway after another. Each confirmation is of the plan that is shown for that gateway, and of no other.',
  list: 'Gateways to review',
  place: (number: number, of: number) => `${number} of ${of}`,
  previous: 'Previous gateway',
  next: 'Next gateway',
  waits: 'waits',
  confirmed: 'confirmed',
  notWaiting: 'nothing to confirm',
  none: 'Nothing waits for confirmation',
  noneDetail: 'No gateway that you see has a profile update to confirm. What becomes available appears here by itself.',
  toGateways: 'Go to the gateways',
  nothing: 'This gateway has nothing to confirm now.',
  confirmedDetail: 'Confirmed: it starts with the gateway’s next poll.',
  around: 'Before and after',
  follow: 'Follow the update',
  page: 'Open on its own page',
} as const;

export const eventsTexts = {
  title: 'Events',
  detail: 'Everything that happens on any gateway, newest first and live.',
  search: 'Search in messages',
  severity: 'Severity',
  any: 'Any',
  warning: 'Warnings',
  normal: 'Normal',
  type: 'Type',
  anyType: 'Any type',
  filters: 'Filters',
  older: 'Show older events',
  none: 'Nothing has happened yet. Events appear by themselves.',
  noneFits: 'No event fits.',
  clear: 'Clear all filters',
} as const;

export const noGatewaysTexts = {
  title: 'No gateways yet',
  detail:
    'Create one. On a Kubernetes cluster that you have, two `kubectl` commands install its agent; or let Gatehouse make the cluster through Cluster API.',
  sandbox:
    'This is a sandbox, and its gateways are just being made: they appear here by themselves. For gateways of your own, start a control plane with `npm start -- --no-sandbox`.',
  create: 'Create a gateway',
} as const;
