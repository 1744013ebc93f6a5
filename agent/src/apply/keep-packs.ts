/**
 * Looks whether packs that were applied are still as they were, and puts right what somebody changed or deleted since:
 * the fields that the packs have, and no others. Can be repeated; what it cannot finish it does the next time.
 */

import type { Instant } from '@gatehouse/domain/instant';
import { objectText, referenceOf } from '@gatehouse/domain/object-reference';
import type { LayerKind, Pack } from '@gatehouse/domain/profile';
import type { Repair } from '@gatehouse/domain/profile-update-types';
import type { KeepResult, Refused } from '../cluster/cluster.ts';
import { type PackDoor, packDigest } from './apply-pack.ts';
import { packKey, readInventory, writePack } from './inventory.ts';

export interface Kept {
  readonly at: Instant;
  readonly repairs: readonly Repair[];
  readonly refusal?: string;
}

interface KeptPack {
  readonly layer: LayerKind;
  readonly pack: Pack;
}

/** Undefined when it may not act any more, or somebody wrote in between: then nothing is known of the rest. */
export async function keepPacks(door: PackDoor, packs: readonly KeptPack[], at: Instant): Promise<Kept | undefined> {
  const repairs: Repair[] = [];
  for (const kept of packs) {
    const what = await keepInventory(door, kept);
    if (what !== undefined) repairs.push({ at, what });
    for (const object of kept.pack.objects) {
      if (!door.mayAct()) return undefined;
      const result = await door.profile.keepObject(object);
      if (result === 'conflict') return undefined;
      const text = objectText(referenceOf(object));
      if (isRefused(result)) return { at, repairs, refusal: `${text}: ${result.message}` };
      const sentence = repairText(text, result);
      if (sentence !== undefined) repairs.push({ at, what: sentence });
    }
  }
  return { at, repairs };
}

function isRefused(result: Exclude<KeepResult, 'conflict'>): result is Refused {
  return result.kind === 'refused';
}

function repairText(what: string, result: Exclude<KeepResult, 'conflict' | Refused>): string | undefined {
  switch (result.kind) {
    case 'same':
      return undefined;
    case 'made-again':
      return `${what} was deleted by somebody, and is made again.`;
    case 'repaired': {
      const by = result.by.length === 0 ? 'somebody' : result.by.join(', ');
      return `${what} was changed by ${by}, and is as the profile says again.`;
    }
  }
}

/** What was applied must stand in the inventory, or nobody would ever prune it. */
async function keepInventory({ cluster, mayAct }: PackDoor, { layer, pack }: KeptPack): Promise<string | undefined> {
  const key = packKey(layer, pack.name);
  const digest = packDigest(pack);
  const known = (await readInventory(cluster)).packs[key];
  if (known?.digest === digest || !mayAct()) return undefined;
  await writePack(cluster, key, { digest, objects: pack.objects.map(referenceOf) });
  return `The entry of the pack ${pack.name} in the ConfigMap gatehouse-agent-inventory was deleted by somebody, and is written again.`;
}
