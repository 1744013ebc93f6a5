/** The structural difference of two JSON values, key by key, and its application. */

import { isJsonArray, isJsonObject, isSameJson, type JsonObject, ownValue } from './json.ts';
import type { Json } from './profile.ts';

/** Keys of objects and indices of arrays, from the root. Empty: the whole value. */
export type ValuePath = readonly (string | number)[];

export type ValueChange =
  | { readonly kind: 'added'; readonly path: ValuePath; readonly to: Json }
  | { readonly kind: 'removed'; readonly path: ValuePath; readonly from: Json }
  | { readonly kind: 'changed'; readonly path: ValuePath; readonly from: Json; readonly to: Json };

/** Empty if and only if both are the same. Arrays of one length are compared item by item, others as a whole. */
export function diffValues(from: Json, to: Json, path: ValuePath = []): readonly ValueChange[] {
  if (isJsonObject(from) && isJsonObject(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return keys.flatMap((key) => diffKey(ownValue(from, key), ownValue(to, key), [...path, key]));
  }
  if (isJsonArray(from) && isJsonArray(to) && from.length === to.length) {
    return from.flatMap((item, index) => diffKey(item, to[index], [...path, index]));
  }
  return isSameJson(from, to) ? [] : [{ kind: 'changed', path, from, to }];
}

function diffKey(from: Json | undefined, to: Json | undefined, path: ValuePath): readonly ValueChange[] {
  if (from === undefined) return to === undefined ? [] : [{ kind: 'added', path, to }];
  return to === undefined ? [{ kind: 'removed', path, from }] : diffValues(from, to, path);
}

/** Throws when a change does not fit the value it is applied to. */
export function applyValueChanges(value: JsonObject, changes: readonly ValueChange[]): JsonObject {
  const result = changes.reduce<Json>((current, change) => applyAt(current, change, change.path), value);
  if (!isJsonObject(result)) throw new TypeError('values of a pack are an object');
  return result;
}

function applyAt(value: Json, change: ValueChange, path: ValuePath): Json {
  const [step, ...rest] = path;
  if (step === undefined) {
    if (change.kind === 'removed') throw new TypeError('a whole value cannot be removed');
    return change.to;
  }
  if (typeof step === 'number') {
    if (!isJsonArray(value) || step >= value.length) throw new TypeError(`no item ${step} at ${change.path.join('.')}`);
    return value.map((item, index) => (index === step ? applyAt(item, change, rest) : item));
  }
  if (!isJsonObject(value)) throw new TypeError(`no object at ${change.path.join('.')}`);
  const others = Object.entries(value).filter(([key]) => key !== step);
  if (rest.length === 0 && change.kind === 'removed') return Object.fromEntries(others);
  const inner = ownValue(value, step);
  if (inner === undefined && !(rest.length === 0 && change.kind === 'added')) {
    throw new TypeError(`nothing at ${change.path.join('.')}`);
  }
  const changed = rest.length === 0 && change.kind === 'added' ? change.to : applyAt(inner ?? null, change, rest);
  return Object.fromEntries([...others, [step, changed]]);
}
