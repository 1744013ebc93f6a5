/** Nodes and the Kubernetes version, from the cluster whose nodes they are. */

import type { ObservedNode } from '@gatehouse/domain/gateway';
import { toInstant } from '@gatehouse/domain/instant';
import { type KubernetesVersion, parseKubernetesVersion } from '@gatehouse/domain/version';
import { ClusterUnreachable, type GatewayCluster } from '../cluster.ts';
import { conditionOf, instantAt, type JsonObject, textAt, textsAt } from './json.ts';
import type { KubernetesApi } from './kubernetes-api.ts';

/** `connect`: asked before each read, since the way to a managed cluster may change. */
export function createGatewayCluster(connect: () => Promise<KubernetesApi>): GatewayCluster {
  return {
    async readKubernetesVersion() {
      const api = await connect();
      const text = textAt(await api.get('/version'), 'gitVersion');
      const version = parseNodeVersion(text);
      if (version === undefined)
        throw new ClusterUnreachable(`the API server says ${text ?? 'nothing'} as its version`);
      return version;
    },
    async listNodes() {
      const api = await connect();
      return (await api.list('/api/v1/nodes')).map(toObservedNode);
    },
  };
}

/** Distributions add to it: `v1.33.5+k3s1`, `v1.33.5-eks-1a2b`. What counts is the Kubernetes version in front. */
export function parseNodeVersion(text: string | undefined): KubernetesVersion | undefined {
  const plain = /^v?\d+\.\d+\.\d+(?=$|[-+])/.exec(text ?? '')?.[0];
  return plain === undefined ? undefined : parseKubernetesVersion(plain);
}

export function toObservedNode(node: JsonObject): ObservedNode {
  const labels = textsAt(node, 'metadata', 'labels');
  const ready = conditionOf(node, 'Ready')?.['status'];
  const isControlPlane = 'node-role.kubernetes.io/control-plane' in labels;
  return {
    name: textAt(node, 'metadata', 'name') ?? '',
    role: isControlPlane ? 'control-plane' : 'worker',
    kubernetesVersion: parseNodeVersion(textAt(node, 'status', 'nodeInfo', 'kubeletVersion')) ?? 'unknown',
    ready: ready === 'True' ? true : ready === 'False' ? false : 'unknown',
    createdAt: instantAt(node, 'metadata', 'creationTimestamp') ?? toInstant(0),
  };
}
