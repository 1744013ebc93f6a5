/**
 * One pack onto the gateway: its objects in order, then what the plan says it no longer has. Can be repeated after a
 * break at any point. Pruning has its last check here: only what this agent applied, never what the pack or another one
 * still has, never a definition, namespace, volume or claim, whatever the plan says.
 */

import { objectKey, isNeverDeleted, objectText, referenceOf } from '@gatehouse/domain/object-reference';
import type { LayerKind, Pack } from '@gatehouse/domain/profile';
import type { ObjectReference } from '@gatehouse/domain/profile-update-types';
import { canonicalJson, sha256Digest } from '@gatehouse/release/canonical-json';
import type { AgentCluster, ProfileCluster, WriteResult } from '../cluster/cluster.ts';
import { packKey, readInventory, writePack } from './inventory.ts';

export interface ApplyPackOrder {
  readonly layer: LayerKind;
  readonly name: string;
  /** Undefined: the profile no longer has the pack. */
  readonly pack: Pack | undefined;
  readonly deletes: readonly ObjectReference[];
  /** Keys of all objects of the profile that is being applied: an object may move from one pack to another. */
  readonly stillWanted: ReadonlySet<string>;
}

export type PackResult =
  | { readonly kind: 'applied' }
  /** Somebody wrote in between; look again. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly message: string };

export interface PackDoor {
  readonly cluster: AgentCluster;
  readonly profile: ProfileCluster;
  /** Asked before each write. */
  readonly mayAct: () => boolean;
}

export function packDigest(pack: Pack): string {
  return sha256Digest(canonicalJson(pack));
}

export async function applyPack(door: PackDoor, order: ApplyPackOrder): Promise<PackResult> {
  const { cluster, profile } = door;
  const key = packKey(order.layer, order.name);
  const inventory = await readInventory(cluster);
  const before = inventory.packs[key];
  const wanted = order.pack?.objects ?? [];
  const digest = order.pack === undefined ? undefined : packDigest(order.pack);
  if (before?.digest !== undefined && before.digest === digest && order.deletes.length === 0)
    return { kind: 'applied' };

  const references = wanted.map(referenceOf);
  if (!door.mayAct()) return { kind: 'conflict' };
  await writePack(cluster, key, { objects: union(before?.objects ?? [], references) });
  for (const object of wanted) {
    if (!door.mayAct()) return { kind: 'conflict' };
    const result = await profile.applyObject(object, { dryRun: false });
    if (result !== 'written') return toResult(result, `${objectText(referenceOf(object))} could not be applied`);
  }
  const kept = new Set([
    ...references.map(objectKey),
    ...order.stillWanted,
    ...Object.entries(inventory.packs)
      .filter(([other]) => other !== key)
      .flatMap(([, other]) => other.objects.map(objectKey)),
  ]);
  const ours = new Set((before?.objects ?? []).map(objectKey));
  for (const reference of order.deletes) {
    if (isNeverDeleted(reference) || kept.has(objectKey(reference)) || !ours.has(objectKey(reference))) continue;
    if (!door.mayAct()) return { kind: 'conflict' };
    const result = await profile.deleteObject(reference);
    if (result !== 'written') return toResult(result, `${objectText(reference)} could not be deleted`);
  }
  if (!door.mayAct()) return { kind: 'conflict' };
  await writePack(cluster, key, digest === undefined ? undefined : { digest, objects: references });
  return { kind: 'applied' };
}

function union(a: readonly ObjectReference[], b: readonly ObjectReference[]): readonly ObjectReference[] {
  const byKey = new Map([...a, ...b].map((reference) => [objectKey(reference), reference]));
  return [...byKey.values()];
}

function toResult(result: Exclude<WriteResult, 'written'>, what: string): PackResult {
  return result === 'conflict' ? { kind: 'conflict' } : { kind: 'refused', message: `${what}: ${result.message}` };
}
