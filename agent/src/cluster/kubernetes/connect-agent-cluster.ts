/** The guard's way to its cluster: `node:` modules and our own files only. */

import type { AgentCluster } from '../cluster.ts';
import { createAgentCluster } from './agent-cluster.ts';
import { type Environment, inClusterConnection, ownNamespace } from './in-cluster.ts';
import { connectKubernetesApi } from './kubernetes-api.ts';

/** What is written into the Lease for those who look at it. */
const leaseDurationSeconds = 15;

/** Reads the pod's own account. Throws when this is not a pod in a cluster. */
export async function connectAgentCluster(options: { readonly environment: Environment }): Promise<AgentCluster> {
  const { environment } = options;
  return createAgentCluster({
    api: connectKubernetesApi(await inClusterConnection(environment)),
    namespace: ownNamespace(environment),
    registryPrefix: environment['GATEHOUSE_REGISTRY_PREFIX'],
    leaseDurationSeconds,
  });
}
