/** The page one was at; the overview where that is unknown, not of this console, or the page of signing in itself. */
export function pageAfterSignIn(next: unknown): string {
  if (typeof next !== 'string' || !/^\/(?![/\\])/.test(next)) return '/';
  return /^\/sign-in(?:[/?#]|$)/.test(next) ? '/' : next;
}
