/**
 * JSON of TUF metadata: read with bounds, and written in the form that signatures are over. What is read here comes from
 * whoever answers, before any signature was looked at.
 */

import { fail } from './tuf-fault.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** Metadata nests about six deep; what is deeper would only cost the stack. */
const depthMax = 40;

/** Throws a fault (`metadata-malformed`) on anything but a JSON object in UTF-8. `what` names the file. */
export function parseJsonObject(bytes: Uint8Array, what: string): JsonObject {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    fail('metadata-malformed', `${what} is not UTF-8.`, cause);
  }
  if (nestsTooDeep(text)) fail('metadata-malformed', `${what} is nested deeper than ${depthMax}.`);
  let value: Json;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives is Json by definition
    value = JSON.parse(text) as Json;
  } catch (cause) {
    fail('metadata-malformed', `${what} is no JSON.`, cause);
  }
  if (!isObject(value)) fail('metadata-malformed', `${what} is no JSON object.`);
  return value;
}

/** Before parsing, since a parser's own answer to deep nesting may be the end of the process. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (isInString) {
      if (character === '\\') index += 1;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '[' || character === '{') {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (character === ']' || character === '}') depth -= 1;
  }
  return false;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own member only: the file may name one `constructor` or `__proto__`, or leave it out. */
export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Also `__proto__`, which `Object.entries` gives like any other, and a Map keeps like any other. */
export function members(object: JsonObject): ReadonlyMap<string, Json> {
  return new Map(Object.entries(object));
}

/**
 * The bytes that a signature is over: OLPC canonical JSON, as TUF has it. Keys in the order of their code points, no white
 * space, only `"` and `\` escaped, whole numbers. Throws a fault for what it has no form for.
 */
export function canonicalTufBytes(value: Json, what: string): Uint8Array {
  return Buffer.from(write(value, what), 'utf8');
}

function write(value: Json, what: string): string {
  switch (typeof value) {
    case 'string':
      // Half a surrogate pair would become the replacement character, and so two texts would have one signature.
      if (!value.isWellFormed()) fail('metadata-malformed', `${what} holds half of a surrogate pair.`);
      return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    case 'number':
      // A larger one was already rounded, so that it stands for its neighbours too.
      if (!Number.isSafeInteger(value)) {
        fail('metadata-malformed', `${what} holds ${value}, which is no whole number below 2^53.`);
      }
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'null';
      if (isObject(value)) return writeObject(value, what);
      return `[${value.map((item) => write(item, what)).join(',')}]`;
  }
}

function writeObject(value: JsonObject, what: string): string {
  const ordered = Object.entries(value)
    // UTF-8 keeps the order of code points; UTF-16, in which strings compare, does not.
    .map(([name, item]) => ({ name, item, order: Buffer.from(name, 'utf8') }))
    .toSorted((a, b) => Buffer.compare(a.order, b.order));
  return `{${ordered.map(({ name, item }) => `${write(name, what)}:${write(item, what)}`).join(',')}}`;
}
