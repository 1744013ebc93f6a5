/** What the frame of every page says. */

export const frameTexts = {
  brand: 'Gatehouse',
  home: 'Gatehouse: overview',
  skip: 'Skip to content',
  navigation: 'Pages',
  navigationToggle: 'Show or hide the pages',
  platform: (version: string | undefined) =>
    version === undefined ? 'No platform version yet' : `Platform ${version}`,
  sandbox: 'Sandbox',
  signOut: 'Sign out',
  signOutAgain: 'Sign out again',
  toDark: 'Use dark colours',
  toLight: 'Use light colours',
  live: {
    connecting: 'Connecting',
    live: 'Live',
    lost: 'Connection lost',
  },
  lostSince: 'The connection to the control plane is lost since',
  lostAdvice: '; trying again. What you see may be older than it looks.',
  healed: 'The connection to the control plane is back, and this page is up to date.',
  status: {
    label: 'The control plane itself',
    several: (count: number) => `${count} things are wrong with the control plane itself`,
    gateways: 'Gateways:',
  },
} as const;

export const pageNames = {
  overview: 'Overview',
  gateways: 'Gateways',
  platform: 'Platform',
  events: 'Events',
  audit: 'Audit',
  settings: 'Settings',
  notifications: 'Notifications',
} as const;
