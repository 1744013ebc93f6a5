/**
 * One text for one value, so that a digest names the value and not its spelling: RFC 8785 (keys in the order of their
 * UTF-16 code units, no white space, numbers and strings as ECMAScript writes them). The result is ordinary JSON. TUF's
 * own canonical form is another one (its strings may hold raw line breaks, and it has no fractions); only signatures
 * over TUF metadata use that.
 */

import { createHash } from 'node:crypto';

const depthMax = 500;

/**
 * The RFC 8785 text of a JSON value. Properties that are `undefined` are left out, as on the wire. Throws a `TypeError`
 * on what JSON cannot say (functions, non-finite numbers, lone surrogates, cycles), naming where it stands.
 */
export function canonicalJson(value: unknown): string {
  return write(value, []);
}

/** `sha256:` and 64 hexadecimal digits; a string is taken as UTF-8. */
export function sha256Digest(content: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Digest of a value's canonical form. Throws a `TypeError` as `canonicalJson` does. */
export const jsonDigest = (value: unknown): string => sha256Digest(canonicalJson(value));

/** The same for what came from outside: undefined for what JSON has no canonical form for, such as half a surrogate pair. */
export function jsonDigestIfAny(value: unknown): string | undefined {
  try {
    return jsonDigest(value);
  } catch {
    return undefined;
  }
}

function write(value: unknown, path: readonly (string | number)[]): string {
  if (path.length > depthMax) throw notJson(path.slice(0, 5), `is nested deeper than ${depthMax}`);
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw notJson(path, 'holds half of a surrogate pair');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw notJson(path, `is ${value}`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item, index) => write(item, [...path, index])).join(',')}]`;
      return writeObject(value, path);
    default:
      throw notJson(path, `is of type ${typeof value}`);
  }
}

function writeObject(value: object, path: readonly (string | number)[]): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A Date or a Map would silently become {} or lose its contents.
  if (prototype !== Object.prototype && prototype !== null) throw notJson(path, 'is not a plain object');
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${write(key, [...path, key])}:${write(member, [...path, key])}`);
  return `{${members.join(',')}}`;
}

function notJson(path: readonly (string | number)[], fault: string): TypeError {
  return new TypeError(
    `JSON has no form for the value at ${path.length === 0 ? 'the top' : path.join('.')}: it ${fault}`,
  );
}
