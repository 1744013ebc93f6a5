/**
 * What changes between two profiles, by layer and pack: versions, values key by key, objects that come, change and go.
 * Complete: applied to the first it gives the second. What a person is shown is made from it elsewhere, with secrets
 * masked (`profile-review.ts`); this here carries them and must not be shown or stored.
 */

import { isSameJson } from './json.ts';
import { objectKey, referenceOf } from './object-reference.ts';
import { type KubernetesObject, type Layer, type LayerKind, layerKinds, type Pack, type Profile } from './profile.ts';
import { applyValueChanges, diffValues, type ValueChange } from './value-diff.ts';

export interface ObjectsDiff {
  readonly added: readonly KubernetesObject[];
  readonly changed: readonly { readonly key: string; readonly from: KubernetesObject; readonly to: KubernetesObject }[];
  readonly deleted: readonly KubernetesObject[];
  /** Keys of all objects of the second, in its order. */
  readonly order: readonly string[];
}

export type PackDiff =
  | { readonly change: 'same'; readonly name: string }
  | { readonly change: 'added'; readonly name: string; readonly pack: Pack }
  | { readonly change: 'removed'; readonly name: string; readonly pack: Pack }
  | {
      readonly change: 'changed';
      readonly name: string;
      readonly version: { readonly from: string; readonly to: string };
      readonly values: readonly ValueChange[];
      readonly objects: ObjectsDiff;
      readonly secretPaths: readonly string[];
      readonly beforeNodes: boolean;
    };

export interface LayerDiff {
  readonly kind: LayerKind;
  /** Whether anything in it differs, if only the order of its packs. */
  readonly isMoved: boolean;
  readonly isInTarget: boolean;
  /** The packs of the second in its order, then those that go. */
  readonly packs: readonly PackDiff[];
}

export interface ProfileDiff {
  readonly from: Pick<Profile, 'provider' | 'version' | 'digest'>;
  readonly to: Pick<Profile, 'provider' | 'version' | 'digest'>;
  /** Every layer of either, in the order of a profile. */
  readonly layers: readonly LayerDiff[];
}

export function diffProfiles(a: Profile, b: Profile): ProfileDiff {
  return {
    from: { provider: a.provider, version: a.version, digest: a.digest },
    to: { provider: b.provider, version: b.version, digest: b.digest },
    layers: layerKinds.flatMap((kind) => {
      const from = layerOf(a, kind);
      const to = layerOf(b, kind);
      return from === undefined && to === undefined ? [] : [diffLayer(kind, from, to)];
    }),
  };
}

/** Throws when the difference was not made from `a`. */
export function applyProfileDiff(diff: ProfileDiff, a: Profile): Profile {
  if (diff.from.digest !== a.digest) {
    throw new TypeError(`the difference is from profile ${diff.from.digest}, not from ${a.digest}`);
  }
  const layers = diff.layers.flatMap((layer): readonly Layer[] => {
    if (!layer.isInTarget) return [];
    const known = packsByName(layerOf(a, layer.kind));
    return [{ kind: layer.kind, packs: layer.packs.flatMap((pack) => applyPackDiff(pack, known)) }];
  });
  return { ...diff.to, layers };
}

export function layerOf(profile: Profile, kind: LayerKind): Layer | undefined {
  return profile.layers.find((layer) => layer.kind === kind);
}

function packsByName(layer: Layer | undefined): ReadonlyMap<string, Pack> {
  const packs = layer?.packs ?? [];
  const byName = new Map(packs.map((pack) => [pack.name, pack]));
  if (byName.size !== packs.length) throw new TypeError(`the layer ${layer?.kind} has two packs of one name`);
  return byName;
}

function diffLayer(kind: LayerKind, from: Layer | undefined, to: Layer | undefined): LayerDiff {
  const before = packsByName(from);
  const after = packsByName(to);
  const packs: readonly PackDiff[] = [
    ...[...after.values()].map((pack): PackDiff => {
      const old = before.get(pack.name);
      return old === undefined ? { change: 'added', name: pack.name, pack } : diffPack(old, pack);
    }),
    ...[...before.values()]
      .filter((pack) => !after.has(pack.name))
      .map((pack): PackDiff => ({ change: 'removed', name: pack.name, pack })),
  ];
  const isReordered = [...before.keys()].join('\n') !== [...after.keys()].join('\n');
  const isMoved =
    isReordered || packs.some(({ change }) => change !== 'same') || (from === undefined) !== (to === undefined);
  return { kind, isMoved, isInTarget: to !== undefined, packs };
}

function diffPack(from: Pack, to: Pack): PackDiff {
  const values = diffValues(from.values, to.values);
  const objects = diffObjects(from.objects, to.objects);
  const isSame =
    from.version === to.version &&
    values.length === 0 &&
    isSameJson(from.objects, to.objects) &&
    isSameJson(from.secretPaths, to.secretPaths) &&
    from.beforeNodes === to.beforeNodes;
  if (isSame) return { change: 'same', name: to.name };
  return {
    change: 'changed',
    name: to.name,
    version: { from: from.version, to: to.version },
    values,
    objects,
    secretPaths: to.secretPaths,
    beforeNodes: to.beforeNodes,
  };
}

function applyPackDiff(diff: PackDiff, known: ReadonlyMap<string, Pack>): readonly Pack[] {
  if (diff.change === 'removed') return [];
  if (diff.change === 'added') return [diff.pack];
  const pack = known.get(diff.name);
  if (pack === undefined) throw new TypeError(`the profile has no pack ${diff.name}`);
  if (diff.change === 'same') return [pack];
  return [
    {
      name: pack.name,
      version: diff.version.to,
      values: applyValueChanges(pack.values, diff.values),
      secretPaths: diff.secretPaths,
      objects: applyObjectsDiff(diff.objects, pack.objects),
      beforeNodes: diff.beforeNodes,
    },
  ];
}

/** Objects by their key; a second one of the same key gets a number, so that none is lost. */
function objectsByKey(objects: readonly KubernetesObject[]): ReadonlyMap<string, KubernetesObject> {
  const byKey = new Map<string, KubernetesObject>();
  for (const object of objects) {
    const key = objectKey(referenceOf(object));
    let unique = key;
    for (let count = 2; byKey.has(unique); count += 1) unique = `${key}#${count}`;
    byKey.set(unique, object);
  }
  return byKey;
}

export function diffObjects(from: readonly KubernetesObject[], to: readonly KubernetesObject[]): ObjectsDiff {
  const before = objectsByKey(from);
  const after = objectsByKey(to);
  return {
    added: [...after].flatMap(([key, object]) => (before.has(key) ? [] : [object])),
    changed: [...after].flatMap(([key, object]) => {
      const old = before.get(key);
      return old === undefined || isSameJson(old, object) ? [] : [{ key, from: old, to: object }];
    }),
    deleted: [...before].flatMap(([key, object]) => (after.has(key) ? [] : [object])),
    order: [...after.keys()],
  };
}

function applyObjectsDiff(diff: ObjectsDiff, from: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const known = new Map(objectsByKey(from));
  for (const { key, to } of diff.changed) known.set(key, to);
  const added = [...diff.added];
  return diff.order.map((key) => {
    const object = known.get(key) ?? added.shift();
    if (object === undefined) throw new TypeError(`the difference has no object ${key}`);
    return object;
  });
}
