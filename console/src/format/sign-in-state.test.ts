import { expect, test } from 'vitest';
import { pageAfterSignIn } from './sign-in-state.ts';

test.each([
  ['a page', '/gateways/site-a/updates?tenant=acme#difference', '/gateways/site-a/updates?tenant=acme#difference'],
  ['a page whose name begins like it', '/sign-ins', '/sign-ins'],
  ['nothing', undefined, '/'],
  ['what is no text', 7, '/'],
  ['signing in', '/sign-in', '/'],
  ['signing in with a key', '/sign-in#key=x', '/'],
  ['another host', 'https://hostile.example/', '/'],
  ['another host without a scheme', '//hostile.example/', '/'],
  ['another host as browsers read it', '/\\hostile.example/', '/'],
  ['a script', 'javascript:alert(1)', '/'],
])('after signing in, %s leads where it may', (_what, next, expected) => {
  expect(pageAfterSignIn(next)).toBe(expected);
});
