/**
 * The target as the gateway keeps it, in the map `target`: what it was last told to be holds on with the server gone. A
 * target is stored as it came, with what this agent does not understand, since a newer agent may read it. An older
 * generation is refused.
 */

import { Target } from '@gatehouse/contract/agent-api';
import { acceptTarget } from '@gatehouse/domain/generation';
import { Check } from 'typebox/value';
import type { AgentCluster } from '../cluster/cluster.ts';

export const targetKey = 'target';

/** Undefined: none came yet, or what is stored cannot be read by this agent (then the server sends it again). */
export function parseTarget(text: string | undefined): Target | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Check(Target, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function readTarget(cluster: AgentCluster): Promise<Target | undefined> {
  return parseTarget((await cluster.readMap('target'))?.data[targetKey]);
}

const triesMax = 5;

/** `refused`: what is stored is newer. Throws `ClusterUnreachable`. */
export async function storeTarget(cluster: AgentCluster, target: Target): Promise<'stored' | 'same' | 'refused'> {
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const map = await cluster.readMap('target');
    const stored = parseTarget(map?.data[targetKey])?.generation ?? 0;
    const verdict = acceptTarget({ stored, offered: target.generation });
    if (verdict === 'refuse') return 'refused';
    if (verdict === 'same') return 'same';
    const written = await cluster.writeMap('target', { [targetKey]: JSON.stringify(target) }, map?.resourceVersion);
    if (written !== 'conflict') return 'stored';
  }
  throw new Error(`The ConfigMap gatehouse-agent-target changed under each of ${triesMax} attempts to write it.`);
}
