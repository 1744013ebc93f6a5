import { expect, test } from 'vitest';
import { mailUrlFault } from './mail-url.ts';

test.each([
  'smtp://mail.example',
  'smtps://user:p%40ss@mail.example:465',
  'smtp://[::1]:25',
  'smtp://m.example?starttls=optional',
])('%s fits', (url) => {
  expect(mailUrlFault(url)).toBeUndefined();
});

test.each([
  ['mail.example', /is no address/],
  ['https://mail.example', /has to begin with smtp/],
  ['smtp:///', /names no host/],
  ['smtp://mail.example?secure=false', /a parameter secure/],
  ['smtp://mail.example?starttls=never', /starttls=optional/],
])('%s does not', (url, why) => {
  expect(mailUrlFault(url)).toMatch(why);
});
