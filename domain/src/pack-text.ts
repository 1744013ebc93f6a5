/** A pack as the review shows it: YAML with its version, its values and the list of its objects. */

import { isJsonArray, isJsonObject } from './json.ts';
import { objectKey, objectText, referenceOf } from './object-reference.ts';
import type { Json, Pack } from './profile.ts';

/** Texts that YAML reads as themselves without quotes; everything else is written as JSON, which is YAML too. */
const plain = /^[A-Za-z_/][A-Za-z0-9_./@ ()-]*(?<! )$/;
const notPlain = /^(?:true|false|null|yes|no|on|off|y|n|~)$/i;

function scalar(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return plain.test(value) && !notPlain.test(value) ? value : JSON.stringify(value);
}

/** Lines of block style, keys sorted, so that the order in which a release wrote them makes no difference. */
export function yamlLines(value: Json, indent = ''): readonly string[] {
  if (isJsonArray(value)) {
    if (value.length === 0) return [`${indent}[]`];
    return value.flatMap((item) => {
      const [first = '', ...rest] = yamlLines(item, `${indent}  `);
      return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
    });
  }
  if (isJsonObject(value)) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
    if (entries.length === 0) return [`${indent}{}`];
    return entries.flatMap(([key, item]) => yamlEntry(scalar(key), item, indent));
  }
  return [`${indent}${scalar(value)}`];
}

/** Several lines that a literal block keeps as they are: no control characters, no line of blanks, none that ends in one. */
function isBlockText(text: string): boolean {
  return /^\S.*\n./u.test(text) && !/[^\P{Cc}\n]/u.test(text) && !/\s\n|\s$/u.test(text.replace(/\n$/, ''));
}

function yamlEntry(key: string, item: Json, indent: string): readonly string[] {
  const isBlock = (isJsonArray(item) && item.length > 0) || (isJsonObject(item) && Object.keys(item).length > 0);
  if (isBlock) return [`${indent}${key}:`, ...yamlLines(item, `${indent}  `)];
  if (typeof item === 'string' && isBlockText(item)) {
    const lines = item.endsWith('\n') ? item.slice(0, -1) : item;
    return [
      `${indent}${key}: ${item.endsWith('\n') ? '|' : '|-'}`,
      ...lines.split('\n').map((line) => `${indent}  ${line}`),
    ];
  }
  return [`${indent}${key}: ${(yamlLines(item, '')[0] ?? '').trimStart()}`];
}

/**
 * The whole pack. Mask it first. `isObjectChanged` marks the objects whose content differs from the other side, since
 * only their names are listed.
 */
export function packText(pack: Pack, isObjectChanged: (key: string) => boolean = () => false): string {
  const objects = pack.objects.map((object) => {
    const reference = referenceOf(object);
    return `${objectText(reference)}${isObjectChanged(objectKey(reference)) ? ' (changed)' : ''}`;
  });
  const lines = [
    `name: ${scalar(pack.name)}`,
    `version: ${scalar(pack.version)}`,
    ...yamlEntry('values', pack.values, ''),
    ...(objects.length === 0 ? [] : ['objects:', ...objects.map((object) => `  - ${scalar(object)}`)]),
  ];
  return `${lines.join('\n')}\n`;
}
