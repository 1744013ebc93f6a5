import process from 'node:process';
import { expect, test } from 'vitest';
import { plainLine, plainText, plainTree } from './plain-text.ts';

test.each([
  ['a tab\tand an escape \u001b[31m', 'a tab and an escape [31m'],
  ['two\r\nlines', 'two\nlines'],
  ['turned \u202ear\u202c round', 'turned ar round'],
  ['zero\u0000byte', 'zerobyte'],
  ['half \ud800 a pair', 'half \ufffd a pair'],
])('%j is kept as %j', (text, kept) => expect(plainText(text)).toBe(kept));

test('a text that is too long ends with an ellipsis', () =>
  expect(plainText('x'.repeat(11), 10)).toBe(`${'x'.repeat(9)}…`));
test('a line has no breaks', () => expect(plainLine('one\n  two')).toBe('one | two'));
test('a line of a million blanks costs at most a second of processor time', () => {
  const begun = process.cpuUsage();
  plainLine(`x${' '.repeat(1_000_000)}y`);
  expect(process.cpuUsage(begun).user).toBeLessThan(1_000_000);
});
test('a tree keeps its shape', () =>
  expect(plainTree({ 'a\u0000': ['b\u001b', 1, null, { c: 'd\ne' }] })).toEqual({ a: ['b', 1, null, { c: 'd\ne' }] }));
