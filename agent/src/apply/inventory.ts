/**
 * What this agent has applied to the gateway, in the map `inventory`: the profile that was last applied whole, and for
 * each pack its objects. Only what stands here may be pruned. Written before the first object of a pack and after the
 * last, so that a crash in between forgets nothing.
 */

import type { ProfileReference } from '@gatehouse/domain/profile';
import type { ObjectReference } from '@gatehouse/domain/profile-update-types';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import Type from 'typebox';
import { Check } from 'typebox/value';
import type { AgentCluster } from '../cluster/cluster.ts';

export interface PackInventory {
  /** Digest of the pack as it was last applied whole; absent while it is being applied. */
  readonly digest?: string;
  readonly objects: readonly ObjectReference[];
}

export interface AppliedProfile extends ProfileReference {
  /** What it says of the nodes, so that drift can be told without the release. */
  readonly nodes?: { readonly kubernetes: string; readonly os: string };
}

export interface Inventory {
  readonly applied?: AppliedProfile;
  /** By `<layer>.<pack>`. */
  readonly packs: Readonly<Record<string, PackInventory>>;
}

const appliedKey = 'appliedProfile';
const packPrefix = 'pack.';

const Applied = Type.Object({
  version: Type.String(),
  digest: Type.String(),
  nodes: Type.Optional(Type.Object({ kubernetes: Type.String(), os: Type.String() })),
});
const Reference = Type.Object({
  apiVersion: Type.String(),
  kind: Type.String(),
  namespace: Type.Optional(Type.String()),
  name: Type.String(),
});
const PackEntry = Type.Object({ digest: Type.Optional(Type.String()), objects: Type.Array(Reference) });

export const packKey = (layer: string, pack: string): string => `${layer}.${pack}`;

export async function readInventory(cluster: AgentCluster): Promise<Inventory> {
  return parseInventory((await cluster.readMap('inventory'))?.data ?? {});
}

/** Throws when an entry is not what this agent or an older one wrote: pruning by a guess could delete too much. */
export function parseInventory(data: Readonly<Record<string, string>>): Inventory {
  const applied = data[appliedKey] === undefined ? undefined : parseApplied(data[appliedKey]);
  const packs = Object.entries(data)
    .filter(([key]) => key.startsWith(packPrefix))
    .map(([key, text]) => [key.slice(packPrefix.length), parsePack(key, text)] as const);
  return { ...(applied === undefined ? {} : { applied }), packs: Object.fromEntries(packs) };
}

function parseApplied(text: string): AppliedProfile {
  const value: unknown = JSON.parse(text);
  const version = Check(Applied, value) ? parsePlatformVersion(value.version) : undefined;
  if (!Check(Applied, value) || version === undefined) throw unreadable(appliedKey);
  const { digest, nodes } = value;
  return { version, digest, ...(nodes === undefined ? {} : { nodes }) };
}

function parsePack(key: string, text: string): PackInventory {
  const value: unknown = JSON.parse(text);
  if (!Check(PackEntry, value)) throw unreadable(key);
  return value;
}

function unreadable(key: string): TypeError {
  return new TypeError(`The ConfigMap gatehouse-agent-inventory has an entry ${key} that cannot be read.`);
}

export async function writeAppliedProfile(cluster: AgentCluster, applied: AppliedProfile): Promise<void> {
  const { version, digest, nodes } = applied;
  await writeEntry(cluster, appliedKey, JSON.stringify({ version, digest, ...(nodes === undefined ? {} : { nodes }) }));
}

/** `undefined`: the pack is gone. */
export async function writePack(cluster: AgentCluster, key: string, pack: PackInventory | undefined): Promise<void> {
  await writeEntry(cluster, `${packPrefix}${key}`, pack === undefined ? null : JSON.stringify(pack));
}

async function writeEntry(cluster: AgentCluster, key: string, text: string | null): Promise<void> {
  const map = await cluster.readMap('inventory');
  if (text === null ? map?.data[key] === undefined : map?.data[key] === text) return;
  const written = await cluster.writeMap('inventory', { [key]: text }, map?.resourceVersion);
  // Only who acts writes it: another writer means that this agent was superseded.
  if (written === 'conflict') throw new Error('The ConfigMap gatehouse-agent-inventory is written by somebody else.');
}
