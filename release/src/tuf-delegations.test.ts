import { expect, test } from 'vitest';
import { matchesPath } from './tuf-delegations.ts';

test.each([
  ['file', 'file', true],
  ['file', 'files', false],
  ['file', '*', true],
  ['', '*', true],
  ['a/file', '*', false],
  ['a/file', 'a/*', true],
  ['a/file', '*/*', true],
  ['a/b/file', 'a/*', false],
  ['foo-1.tgz', 'foo-?.tgz', true],
  ['foo-10.tgz', 'foo-?.tgz', false],
  ['README.MD', '*.md', false],
  ['a.b.c', '*.*', true],
  ['abcabcd', '*abcd', true],
  ['abcabc', '*abcd', false],
  ['aXbXc', 'a*b*c', true],
  ['v1', 'v[0-9]', true],
  ['vx', 'v[0-9]', false],
  ['vx', 'v[!0-9]', true],
  ['v]', 'v[]]', true],
  ['v-', 'v[a-]', true],
  ['v[', 'v[', true],
  ['a/b', 'a[/]b', false],
  ['😀', '?', true],
  ['.+', '.+', true],
  ['ab', '.+', false],
])('%s against %s', (targetPath, pattern, matches) => {
  expect(matchesPath(targetPath, pattern)).toBe(matches);
});

test('takes no time that grows out of bounds', () => {
  const pattern = `${'*a'.repeat(2_000)}b`;
  expect(matchesPath('a'.repeat(4_000), pattern)).toBe(false);
});
