/** What a story reads from a real Kubernetes by itself, past the product: objects, and each change of the agent's Lease. */

import { objectNames } from '@gatehouse/release/object-names';
import { KubeConfig, type KubernetesObject, KubernetesObjectApi, Watch } from '@kubernetes/client-node';
import { items, member, text } from './json.ts';

/** As the API server gave it. What stands beside the metadata is read with `member`, `text` and `items`. */
export interface ClusterObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly namespace?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly unknown[];
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
  };
}

export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
}

export const kinds = {
  pod: { apiVersion: 'v1', kind: 'Pod' },
  configMap: { apiVersion: 'v1', kind: 'ConfigMap' },
  namespace: { apiVersion: 'v1', kind: 'Namespace' },
  secret: { apiVersion: 'v1', kind: 'Secret' },
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment' },
  job: { apiVersion: 'batch/v1', kind: 'Job' },
  cluster: { apiVersion: 'cluster.x-k8s.io/v1beta2', kind: 'Cluster' },
  clusterClass: { apiVersion: 'cluster.x-k8s.io/v1beta2', kind: 'ClusterClass' },
  machine: { apiVersion: 'cluster.x-k8s.io/v1beta2', kind: 'Machine' },
  replicaSet: { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  controlPlane: { apiVersion: 'controlplane.cluster.x-k8s.io/v1beta2', kind: 'KubeadmControlPlane' },
} as const satisfies Record<string, Kind>;

export interface LeaseChange {
  /** When it was seen, in milliseconds of one monotonic clock. */
  readonly at: number;
  readonly resourceVersion: string;
  /** Pod and process; empty when somebody has let it go. */
  readonly holder: string;
}

export interface ClusterView {
  readonly list: (kind: Kind, where?: { namespace?: string; labels?: string }) => Promise<readonly ClusterObject[]>;
  readonly find: (kind: Kind, name: string, namespace?: string) => Promise<ClusterObject | undefined>;
  /** Every change of the Lease of the agent in that namespace, from now on. */
  readonly watchLease: (namespace: string) => Promise<{ changes: () => readonly LeaseChange[]; stop: () => void }>;
}

export function openClusterView(kubeconfigPath: string): ClusterView {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const api = KubernetesObjectApi.makeApiClient(config);
  const list: ClusterView['list'] = async ({ apiVersion, kind }, { namespace, labels } = {}) => {
    const { items } = await api.list(apiVersion, kind, namespace, undefined, undefined, undefined, undefined, labels);
    return items.map((item) => plain(item, kind));
  };
  return {
    list,
    find: async (kind, name, namespace) => {
      const found = await api
        .read({ ...kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } })
        .catch((error: unknown) => {
          if (member(error, 'code') === 404) return undefined;
          throw error;
        });
      return found === undefined ? undefined : plain(found, kind.kind);
    },
    watchLease: async (namespace) => {
      const changes: LeaseChange[] = [];
      const watch = await new Watch(config).watch(
        `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
        { fieldSelector: `metadata.name=${objectNames.lease}` },
        (_phase, object: unknown) => {
          changes.push({
            at: performance.now(),
            resourceVersion: String(member(object, 'metadata', 'resourceVersion')),
            holder: text(object, 'spec', 'holderIdentity') ?? '',
          });
        },
        () => {},
      );
      return { changes: () => changes, stop: () => watch.abort() };
    },
  };
}

/** The client's own classes become what they were on the wire. An object in a list does not say its kind. */
function plain(object: KubernetesObject, kind: string): ClusterObject {
  const value: unknown = JSON.parse(JSON.stringify(object));
  if (!isClusterObject(value)) throw new Error(`the API server gave a ${kind} without a name`);
  return { ...value, kind };
}

function isClusterObject(value: unknown): value is ClusterObject {
  return text(value, 'metadata', 'name') !== undefined && text(value, 'metadata', 'uid') !== undefined;
}

/** The status of a condition: `True`, `False`, `Unknown`, or undefined when it is not there. */
export function condition(object: unknown, type: string): string | undefined {
  const found = items(object, 'status', 'conditions').find((one) => text(one, 'type') === type);
  return text(found, 'status');
}
