/** Nodes and the Kubernetes version, from the cluster whose nodes they are. */

import type { ObservedNode } from '@gatehouse/domain/gateway';
import { toInstant } from '@gatehouse/domain/instant';
import { type KubernetesVersion, parseKubernetesVersion } from '@gatehouse/domain/version';
import { ClusterUnreachable, type GatewayCluster } from '../cluster.ts';
import { conditionOf, instantAt, type JsonObject, textAt, textsAt } from './json.ts';
import type { KubernetesApi } from './kubernetes-api.ts';

/** What is known of nodes from elsewhere, for an API server that does not tell. */
export interface ClaimedVersions {
  readonly controlPlane: KubernetesVersion | undefined;
  readonly byNode: ReadonlyMap<string, KubernetesVersion>;
}

export interface NodeSources {
  /** Asked before each read, since the way to a managed cluster may change. */
  readonly connect: () => Promise<KubernetesApi>;
  /** The versions that Cluster API has made the machines with; used only where a node or its API server says none. */
  readonly claimed?: () => Promise<ClaimedVersions>;
}

export function createGatewayCluster({ connect, claimed }: NodeSources): GatewayCluster {
  return {
    async readKubernetesVersion() {
      const api = await connect();
      const answer = await api.ask({ method: 'GET', path: '/version' });
      const text = textAt(answer.body, 'gitVersion');
      const version = parseNodeVersion(text) ?? (await claimed?.())?.controlPlane;
      if (version === undefined)
        throw new ClusterUnreachable(`the API server says ${text ?? 'nothing'} as its version`);
      return version;
    },
    async listNodes() {
      const api = await connect();
      const nodes = (await api.list('/api/v1/nodes')).map(toObservedNode);
      if (claimed === undefined || nodes.every((node) => node.kubernetesVersion !== 'unknown')) return nodes;
      const { byNode } = await claimed();
      return nodes.map((node) =>
        node.kubernetesVersion === 'unknown'
          ? { ...node, kubernetesVersion: byNode.get(node.name) ?? 'unknown' }
          : node,
      );
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
