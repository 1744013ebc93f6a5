/** What the page of audit records says. */

export const auditTexts = {
  title: 'Audit',
  detail: 'What people and tokens did, newest first. Records are kept and cannot be changed.',
  actor: 'By',
  action: 'Act',
  subject: 'Done to',
  since: 'From',
  until: 'To',
  everyAction: 'Every act',
  apply: 'Show',
  clear: 'Clear the filters',
  export: 'Export as CSV',
  table: 'Audit records',
  columns: { time: 'When', actor: 'By', action: 'Act', subject: 'Done to', message: 'What was done' },
  none: 'No record fits',
  noneDetail: 'Change or clear the filters to see more.',
  older: 'Show older records',
  act: 'reading the audit',
  exportAct: 'exporting the audit',
} as const;

/** The first part of an act's name, up to and with its full stop, and what it is about. */
export const auditSubjects = {
  'agent-update.': 'Agent updates',
  'gateway.': 'Gateways',
  'host-cluster.': 'Host clusters',
  'mail-subscription.': 'E-mail',
  'notification.': 'Notifications',
  'pause.': 'Pauses and exemptions',
  'platform.': 'Platform',
  'profile-update.': 'Profile updates',
  'project.': 'Projects',
  'release.': 'Releases',
  'tenant.': 'Tenants',
  'token.': 'Tokens',
  'waiver.': 'Waivers',
  'webhook.': 'Webhooks',
} as const;
