/** To which roles a target path is delegated (TUF specification 5.6.7), in the order in which they are asked. */

import { createHash } from 'node:crypto';
import type { Role } from './tuf-keys.ts';
import type { Delegations, SuccinctRoles } from './tuf-roles.ts';

export interface Delegation {
  readonly name: string;
  readonly role: Role;
  readonly isTerminating: boolean;
}

export function delegationsFor(targetPath: string, { roles }: Delegations): readonly Delegation[] {
  const hash = createHash('sha256').update(targetPath).digest('hex');
  if (!('length' in roles)) return [{ name: binName(roles, hash), role: roles, isTerminating: true }];
  return roles
    .filter(
      ({ paths, pathHashPrefixes }) =>
        (paths ?? []).some((pattern) => matchesPath(targetPath, pattern)) ||
        (pathHashPrefixes ?? []).some((prefix) => hash.startsWith(prefix)),
    )
    .map((role) => ({ name: role.name, role, isTerminating: role.isTerminating }));
}

/** The bin is the first bits of the hash; its number has as many hexadecimal digits as the highest one needs. */
function binName({ bitLength, namePrefix }: SuccinctRoles, hash: string): string {
  const bin = Number.parseInt(hash.slice(0, 8), 16) >>> (32 - bitLength);
  const digits = (2 ** bitLength - 1).toString(16).length;
  return `${namePrefix}-${bin.toString(16).padStart(digits, '0')}`;
}

/** As a shell matches file names: no wildcard stands for a slash. */
export function matchesPath(targetPath: string, pattern: string): boolean {
  const names = targetPath.split('/');
  const patterns = pattern.split('/');
  return names.length === patterns.length && names.every((name, index) => matchesName(name, patterns[index] ?? ''));
}

/**
 * `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`. With one step back to the last `*`, so that no pattern takes longer than its
 * length times that of the name.
 */
function matchesName(name: string, pattern: string): boolean {
  const parts = toParts(pattern);
  const characters = Array.from(name);
  let part = 0;
  let character = 0;
  let star: { readonly part: number; character: number } | undefined;
  while (character < characters.length) {
    const wanted = parts[part];
    if (wanted === 'any') {
      star = { part, character };
      part += 1;
    } else if (wanted?.(characters[character] ?? '') === true) {
      part += 1;
      character += 1;
    } else if (star !== undefined) {
      star.character += 1;
      part = star.part + 1;
      character = star.character;
    } else {
      return false;
    }
  }
  return parts.slice(part).every((rest) => rest === 'any');
}

type Part = 'any' | ((character: string) => boolean);

function toParts(pattern: string): readonly Part[] {
  const parts: Part[] = [];
  const rest = Array.from(pattern);
  for (let index = 0; index < rest.length; index += 1) {
    const character = rest[index] ?? '';
    // The first in the brackets may be the closing one itself.
    const first = rest[index + 1] === '!' ? index + 2 : index + 1;
    const end = character === '[' ? rest.indexOf(']', first + 1) : -1;
    if (character === '*') parts.push('any');
    else if (character === '?') parts.push(() => true);
    else if (end !== -1) {
      const isIn = characterSet(rest.slice(first, end));
      const isNegated = rest[index + 1] === '!';
      parts.push((one) => isIn(one) !== isNegated);
      index = end;
    } else parts.push((one) => one === character);
  }
  return parts;
}

function characterSet(set: readonly string[]): (character: string) => boolean {
  const ranges: (readonly [number, number])[] = [];
  for (let index = 0; index < set.length; index += 1) {
    const from = set[index]?.codePointAt(0) ?? 0;
    const isRange = set[index + 1] === '-' && index + 2 < set.length;
    ranges.push([from, (isRange ? set[index + 2]?.codePointAt(0) : undefined) ?? from]);
    if (isRange) index += 2;
  }
  return (character) => {
    const code = character.codePointAt(0) ?? 0;
    return ranges.some(([from, to]) => code >= from && code <= to);
  };
}
