/**
 * The difference of two profiles as a person sees it: each pack as text, current beside pending, secrets masked. A
 * secret that changes is said to change, without either value.
 */

import { isJsonArray, isJsonObject, isSameJson, ownValue } from './json.ts';
import { diffLines, type LineRow } from './line-diff.ts';
import { isNeverDeleted, objectKey, objectText, referenceOf } from './object-reference.ts';
import { packText } from './pack-text.ts';
import type { Json, LayerKind, Pack, Profile } from './profile.ts';
import { diffObjects, diffProfiles, layerOf, type PackDiff } from './profile-diff.ts';
import { mask, maskSecrets } from './secrets.ts';

export interface PackReview {
  readonly name: string;
  readonly change: PackDiff['change'];
  readonly fromVersion?: string;
  readonly toVersion?: string;
  /** YAML, secrets masked: what was last applied, and what would be. */
  readonly current?: string;
  readonly pending?: string;
  readonly lines: readonly LineRow[];
  /** Objects that are deleted with it, as `Deployment kube-system/name`. */
  readonly deletes: readonly string[];
}

export interface LayerReview {
  readonly layer: LayerKind;
  readonly isMoved: boolean;
  readonly packs: readonly PackReview[];
}

export function reviewProfiles(current: Profile, pending: Profile): readonly LayerReview[] {
  const keptKeys = new Set(allKeys(pending));
  return diffProfiles(current, pending).layers.map((layer) => ({
    layer: layer.kind,
    isMoved: layer.isMoved,
    packs: layer.packs.map(({ name, change }) => {
      const find = (profile: Profile) => layerOf(profile, layer.kind)?.packs.find((pack) => pack.name === name);
      return reviewPack(name, change, find(current), find(pending), keptKeys);
    }),
  }));
}

function allKeys(profile: Profile): readonly string[] {
  return profile.layers.flatMap(({ packs }) =>
    packs.flatMap(({ objects }) => objects.map((object) => objectKey(referenceOf(object)))),
  );
}

function reviewPack(
  name: string,
  change: PackDiff['change'],
  from: Pack | undefined,
  to: Pack | undefined,
  keptKeys: ReadonlySet<string>,
): PackReview {
  const objects = diffObjects(from?.objects ?? [], to?.objects ?? []);
  const changedKeys = new Set(objects.changed.map(({ key }) => key));
  const current = from && packText(maskSecrets(from));
  const pending =
    to &&
    packText(
      maskSecrets(to, (path, value) => (isSecretChanged(from, path, value) ? `${mask} (changed)` : mask)),
      (key) => changedKeys.has(key),
    );
  return {
    name,
    change,
    ...(from === undefined ? {} : { fromVersion: from.version }),
    ...(to === undefined ? {} : { toVersion: to.version }),
    ...(current === undefined ? {} : { current }),
    ...(pending === undefined ? {} : { pending }),
    lines: diffLines(current ?? '', pending ?? ''),
    deletes: objects.deleted
      .map(referenceOf)
      .filter((reference) => !isNeverDeleted(reference) && !keptKeys.has(objectKey(reference)))
      .map(objectText),
  };
}

function isSecretChanged(from: Pack | undefined, path: readonly string[], value: Json): boolean {
  if (from === undefined) return false;
  const before = path.reduce<Json | undefined>((inner, key) => {
    if (isJsonArray(inner)) return inner[Number(key)];
    return isJsonObject(inner) ? ownValue(inner, key) : undefined;
  }, from.values);
  return before !== undefined && !isSameJson(before, value);
}
