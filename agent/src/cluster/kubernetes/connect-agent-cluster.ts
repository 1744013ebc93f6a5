/** The guard's way to its cluster: `node:` modules and our own files only. */

import type { AgentCluster } from '../cluster.ts';
import { createAgentCluster } from './agent-cluster.ts';
import { type Environment, inClusterConnection, ownNamespace } from './in-cluster.ts';
import { connectKubernetesApi } from './kubernetes-api.ts';

/** What is written into the Lease for those who look at it. */
export const leaseDurationSeconds = 15;
/** So short that a renewal without an answer can be tried again before the Lease is too old to act on. */
export const leaseTimeoutMilliseconds = 4_000;

/** Reads the pod's own account. Throws when this is not a pod in a cluster. */
export async function connectAgentCluster(options: { readonly environment: Environment }): Promise<AgentCluster> {
  const { environment } = options;
  const connection = await inClusterConnection(environment);
  return createAgentCluster({
    api: connectKubernetesApi(connection),
    leaseApi: connectKubernetesApi(connection, leaseTimeoutMilliseconds),
    namespace: ownNamespace(environment),
    registryPrefix: environment['GATEHOUSE_REGISTRY_PREFIX'],
    leaseDurationSeconds,
  });
}
