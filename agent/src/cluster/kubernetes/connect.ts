/**
 * The agent's door to a real gateway, put together: guard and agent in their namespace, the nodes of the cluster that is
 * managed, and, where we installed it, the gateway's own Cluster. On an existing cluster nothing of the last exists.
 */

import { defaultOsVariable } from '@gatehouse/release/gateway-cluster';
import { objectNames } from '@gatehouse/release/object-names';
import type { Cluster, StoredMap } from '../cluster.ts';
import { createProfileCluster, readClusterApi, readClusterKubeconfig } from '../cluster-api/profile-cluster.ts';
import { asAccount } from './account-token.ts';
import { createAgentCluster } from './agent-cluster.ts';
import { leaseDurationSeconds, leaseTimeoutMilliseconds } from './connect-agent-cluster.ts';
import { type Environment, inClusterConnection, ownNamespace } from './in-cluster.ts';
import { connectKubernetesApi, type KubernetesApi } from './kubernetes-api.ts';
import { createGatewayCluster } from './nodes.ts';
import type { KubernetesConnection } from './request.ts';

export interface KubernetesClusterOptions {
  /** With the agent's own account. */
  readonly connection: KubernetesConnection;
  /** Of guard and agent. */
  readonly namespace: string;
  readonly registryPrefix?: string | undefined;
  /** The gateway's own Cluster; only with installation `cli`. */
  readonly own?: OwnClusterOptions | undefined;
}

export interface OwnClusterOptions {
  readonly name: string;
  readonly namespace: string;
  readonly osVariable: string;
  /** Where the nodes are: in the agent's own cluster, or in that of the Cluster's kubeconfig Secret. */
  readonly managed: 'own' | 'kubeconfig';
}

/** How long a kubeconfig is used before it is read again: Cluster API renews its certificate. */
const kubeconfigAgeMaxMilliseconds = 5 * 60_000;

export function createKubernetesCluster(options: KubernetesClusterOptions): Cluster {
  const { connection, namespace, registryPrefix, own } = options;
  const api = connectKubernetesApi(connection);
  const agentCluster = createAgentCluster({
    api,
    leaseApi: connectKubernetesApi(connection, leaseTimeoutMilliseconds),
    namespace,
    registryPrefix,
    leaseDurationSeconds,
  });
  if (own === undefined) {
    return { kind: 'kubernetes', ...agentCluster, ...createGatewayCluster({ connect: () => Promise.resolve(api) }) };
  }
  const accountIn = (name: string): KubernetesApi =>
    connectKubernetesApi(asAccount({ connection, api }, { namespace: own.namespace, name }));
  const roller = accountIn(objectNames.profileRoller);
  const packs = accountIn(objectNames.packApplier);
  const isHere = own.managed === 'own';
  const managed = isHere ? () => Promise.resolve(packs) : managedByKubeconfig(roller, own);
  const profile = createProfileCluster({
    roller,
    packs,
    managed,
    cluster: own,
    osVariable: own.osVariable,
    registryPrefix,
  });
  const nodes = createGatewayCluster({
    connect: isHere ? () => Promise.resolve(api) : managed,
    claimed: async () => {
      // Apart from the profile door's own reads, on which its next patch is conditional.
      const { observed } = await readClusterApi({ roller, cluster: own, osVariable: own.osVariable });
      const { controlPlane, machines } = observed;
      return {
        controlPlane: controlPlane.statusVersion,
        byNode: new Map(
          machines.flatMap(({ nodeName, version }) => (nodeName === undefined ? [] : [[nodeName, version]])),
        ),
      };
    },
  });
  return { kind: 'kubernetes', ...agentCluster, ...nodes, profile };
}

function managedByKubeconfig(roller: KubernetesApi, own: OwnClusterOptions): () => Promise<KubernetesApi> {
  let last: { readonly api: KubernetesApi; readonly readAt: number } | undefined;
  return async () => {
    if (last !== undefined && performance.now() - last.readAt < kubeconfigAgeMaxMilliseconds) return last.api;
    const text = await readClusterKubeconfig(roller, own);
    // Loaded here, since only an agent with a managed cluster elsewhere needs the library.
    const { parseKubeconfig } = await import('./kubeconfig.ts');
    last = { api: connectKubernetesApi(parseKubeconfig(text)), readAt: performance.now() };
    return last.api;
  };
}

/**
 * In a pod: with its account, and the settings of the install manifest. Throws when this is no pod or the settings are
 * missing, and `ClusterUnreachable` when the API server does not answer.
 */
export async function connectKubernetesCluster(options: { readonly environment: Environment }): Promise<Cluster> {
  const { environment } = options;
  const connection = await inClusterConnection(environment);
  const namespace = ownNamespace(environment);
  const registryPrefix = environment['GATEHOUSE_REGISTRY_PREFIX'];
  const existing = createKubernetesCluster({ connection, namespace, registryPrefix });
  const own = parseOwnCluster(await existing.readMap('settings'));
  return own === undefined ? existing : createKubernetesCluster({ connection, namespace, registryPrefix, own });
}

function parseOwnCluster(settings: StoredMap | undefined): OwnClusterOptions | undefined {
  if (settings === undefined) {
    throw new Error(`There is no ConfigMap ${objectNames.settings}. Apply the gateway's install manifest again.`);
  }
  const { data } = settings;
  if (data['installation'] !== 'cli') return undefined;
  const name = data['clusterName'];
  const namespace = data['clusterNamespace'];
  if (name === undefined || namespace === undefined) {
    throw new Error(`The ConfigMap ${objectNames.settings} names no clusterName and clusterNamespace.`);
  }
  return {
    name,
    namespace,
    osVariable: data['osVariable'] ?? defaultOsVariable,
    managed: data['managed'] === 'own' ? 'own' : 'kubeconfig',
  };
}
