/** Text from outside as it may be stored and shown: no control or formatting characters, and an end. */

import { linesOf } from '@gatehouse/domain/lines';

// Controls but the line break; invisible formatting such as a change of writing direction; line separators that some
// viewers obey.
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;

export function plainText(text: string, lengthMax = 2000): string {
  const clean = text
    .toWellFormed()
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll('\t', ' ')
    .replaceAll(unsafe, (character) => (character === '\n' ? '\n' : ''))
    .trim();
  return clean.length <= lengthMax ? clean : `${clean.slice(0, lengthMax - 1).toWellFormed()}…`;
}

export const plainLine = (text: string, lengthMax = 2000): string => plainText(linesOf(text).join(' | '), lengthMax);

/** The same value with the control characters taken out of all its texts: the database cannot keep some of them. */
export function plainTree<Value>(value: Value): Value {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Only texts change, so the shape is the same.
  return clean(value) as Value;
}

const controls = /[^\P{Cc}\n\t]/gu;
const cleanText = (text: string): string => text.toWellFormed().replaceAll(controls, '');

function clean(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [cleanText(key), clean(member)]));
}
