/**
 * One pack onto the gateway: its objects in order, then what the plan says it no longer has. Can be repeated after a
 * break at any point. Pruning has its last check here: only what this agent applied, never what the pack or another one
 * still has, never a definition, namespace, volume or claim, whatever the plan says.
 */

import { isNeverDeleted, objectKey, objectText, referenceOf } from '@gatehouse/domain/object-reference';
import type { LayerKind, Pack } from '@gatehouse/domain/profile';
import type { ObjectReference } from '@gatehouse/domain/profile-update-types';
import { jsonDigest } from '@gatehouse/release/canonical-json';
import type { AgentCluster, ProfileCluster, WriteResult } from '../cluster/cluster.ts';
import { type Inventory, packKey, readInventory, writePack } from './inventory.ts';

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
  /** Somebody wrote in between; look again. `writes`: how many objects were written or deleted before. */
  | { readonly kind: 'conflict'; readonly writes: number }
  | { readonly kind: 'refused'; readonly message: string; readonly writes: number };

export interface PackDoor {
  readonly cluster: AgentCluster;
  readonly profile: ProfileCluster;
  /** Asked before each write. */
  readonly mayAct: () => boolean;
}

const digests = new WeakMap<Pack, string>();

/** Of its contents; computed once for each value, since it is asked for at each look. */
export function packDigest(pack: Pack): string {
  const known = digests.get(pack);
  if (known !== undefined) return known;
  const digest = jsonDigest(pack);
  digests.set(pack, digest);
  return digest;
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
  let writes = 0;
  const failed = (result: Exclude<WriteResult, 'written'>, what: string): PackResult =>
    result === 'conflict'
      ? { kind: 'conflict', writes }
      : { kind: 'refused', message: `${what}: ${result.message}`, writes };

  if (!door.mayAct()) return { kind: 'conflict', writes };
  await writePack(cluster, key, { objects: union(before?.objects ?? [], references) });
  for (const object of wanted) {
    if (!door.mayAct()) return { kind: 'conflict', writes };
    const result = await profile.applyObject(object, { dryRun: false });
    if (result !== 'written') return failed(result, `${objectText(referenceOf(object))} could not be applied`);
    writes += 1;
  }
  for (const reference of prunable(order, inventory, key)) {
    if (!door.mayAct()) return { kind: 'conflict', writes };
    const result = await profile.deleteObject(reference);
    if (result !== 'written') return failed(result, `${objectText(reference)} could not be deleted`);
    writes += 1;
  }
  if (!door.mayAct()) return { kind: 'conflict', writes };
  await writePack(cluster, key, digest === undefined ? undefined : { digest, objects: references });
  return { kind: 'applied' };
}

/** Of what the plan deletes, that which this pack has put there and nobody still has. */
function prunable(order: ApplyPackOrder, inventory: Inventory, key: string): readonly ObjectReference[] {
  const kept = new Set([
    ...(order.pack?.objects ?? []).map((object) => objectKey(referenceOf(object))),
    ...order.stillWanted,
    ...Object.entries(inventory.packs)
      .filter(([other]) => other !== key)
      .flatMap(([, other]) => other.objects.map(objectKey)),
  ]);
  const ours = new Set((inventory.packs[key]?.objects ?? []).map(objectKey));
  return order.deletes.filter(
    (reference) => !isNeverDeleted(reference) && !kept.has(objectKey(reference)) && ours.has(objectKey(reference)),
  );
}

function union(a: readonly ObjectReference[], b: readonly ObjectReference[]): readonly ObjectReference[] {
  const byKey = new Map([...a, ...b].map((reference) => [objectKey(reference), reference]));
  return [...byKey.values()];
}
