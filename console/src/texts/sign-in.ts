/** What the page of signing in says. */

export const signInTexts = {
  pageTitle: 'Sign in',
  title: 'Sign in to Gatehouse',
  ended: 'Your session has ended',
  endedDetail: 'Sign in again to go on where you were.',
  token: 'API token',
  submit: 'Sign in',
  link: 'Or by a one-time link',
  linkDetail: 'The control plane prints one when it starts. The first API token is in the file',
  tokenFile: 'admin-token',
  tokenFilePlace: 'of its data directory.',
} as const;
