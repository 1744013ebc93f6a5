/** Chooses the cluster an agent stands on: a simulated one when the environment names its socket, else the pod's own. */

import type { Cluster } from './cluster/cluster.ts';
import { connectKubernetesCluster } from './cluster/kubernetes/connect.ts';
import { simulatedCluster } from './connect-agent-cluster.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export async function connectCluster(environment: Environment, podName: string): Promise<Cluster> {
  return (await simulatedCluster(environment, podName)) ?? connectKubernetesCluster({ environment });
}
