/** What stands beside an act that is not possible, and in the dialogs that ask before one. */

export const actTexts = {
  notPermitted: (role: string, act: string) => `Your role ${role} does not permit ${act}.`,
  askAdmin: 'Ask an operator or an admin of this gateway.',
  askPlatformAdmin: 'Ask a Platform Admin.',
  cancel: 'Cancel',
  close: 'Close',
  copy: 'Copy',
  copied: 'Copied',
  reason: 'Reason',
  reasonHint: 'Whoever meets it reads this. It stays in the audit.',
  until: 'Until',
  untilAt: 'At',
  untilInvalid: 'Choose a time that is still to come.',
} as const;

/** How long something holds; the key is what `format/until.ts` reads. */
export const untilChoiceTexts = {
  '1h': '1 hour from now',
  '8h': '8 hours from now',
  '24h': '1 day from now',
  '72h': '3 days from now',
  '168h': '1 week from now',
  at: 'a time of your choice',
  none: 'somebody ends it',
} as const;
