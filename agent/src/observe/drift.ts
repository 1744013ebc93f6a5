/**
 * What on the gateway is no longer as the profile that was applied last left it: nodes asked for otherwise, objects that
 * are gone. Only shown, never put right by itself. Bounded: at most so many objects are looked at.
 */

import type { Known, ObservedClusterApi } from '@gatehouse/domain/gateway';
import { objectText } from '@gatehouse/domain/object-reference';
import type { Inventory } from '../apply/inventory.ts';
import { ClusterUnreachable, type ProfileCluster } from '../cluster/cluster.ts';

const objectsMax = 100;

export async function readDrift(
  cluster: ProfileCluster,
  inventory: Inventory,
  clusterApi: Known<ObservedClusterApi>,
): Promise<readonly string[]> {
  const { applied } = inventory;
  if (applied === undefined) return [];
  const lines: string[] = [];
  if (clusterApi !== 'unknown' && applied.nodes !== undefined) {
    const { topologyVersion, controlPlane } = clusterApi;
    if (topologyVersion !== applied.nodes.kubernetes) {
      lines.push(
        `The Cluster asks for Kubernetes ${topologyVersion}; profile ${applied.version} has ${applied.nodes.kubernetes}.`,
      );
    }
    if (controlPlane.specOs !== undefined && controlPlane.specOs !== applied.nodes.os) {
      lines.push(
        `The control planes ask for the OS ${controlPlane.specOs}; profile ${applied.version} has ${applied.nodes.os}.`,
      );
    }
  }
  const references = Object.values(inventory.packs).flatMap(({ objects }) => objects);
  for (const reference of references.slice(0, objectsMax)) {
    try {
      if ((await cluster.readObject(reference)) === undefined) lines.push(`${objectText(reference)} is gone.`);
    } catch (error) {
      // Not read is not gone.
      if (!(error instanceof ClusterUnreachable)) throw error;
    }
  }
  return lines;
}
