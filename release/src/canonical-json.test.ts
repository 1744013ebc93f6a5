import { assert, jsonValue, pre, property } from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, sha256Digest } from './canonical-json.ts';

test.each([
  [
    'keys in the order of their code units',
    { b: 1, a: { d: 2, c: 3 }, é: 4, A: 5 },
    '{"A":5,"a":{"c":3,"d":2},"b":1,"é":4}',
  ],
  ['fractions and minus zero', [0.1, 1e21, -0, 1e-7], '[0.1,1e+21,0,1e-7]'],
  ['line breaks are escaped', 'a\n"b"\\', '"a\\n\\"b\\"\\\\"'],
  ['undefined properties are left out', { a: undefined, b: null }, '{"b":null}'],
  ['a key named like the prototype', JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
])('%s', (_, value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test.each([
  ['an undefined item', { a: [undefined] }, 'a.0'],
  ['not a number', { a: { b: Number.NaN } }, 'a.b'],
  ['half of a surrogate pair', ['\ud800'], '0'],
  ['a date', { at: new Date(0) }, 'at'],
])('%s is refused with its place', (_, value, place) => {
  expect(() => canonicalJson(value)).toThrow(`at ${place}:`);
});

test('a cycle is refused', () => {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  expect(() => canonicalJson(value)).toThrow('nested deeper');
});

test('it is JSON of the same value, and the same text whatever the order of the keys', () => {
  assert(
    property(jsonValue({ noUnicodeString: false, maxDepth: 3 }), (value) => {
      pre(JSON.stringify(value).isWellFormed() && !JSON.stringify(value).includes('\\ud'));
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reversed(value))).toBe(text);
    }),
  );
});

test('digest', () => {
  expect(sha256Digest('')).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256Digest(new TextEncoder().encode('é'))).toBe(sha256Digest('é'));
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
