/** The same choice for guard and rehearsal, which need no more than the agent's own workload and load nothing heavy. */

import type { AgentCluster, Cluster } from './cluster/cluster.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export async function connectAgentCluster(environment: Environment, podName: string): Promise<AgentCluster> {
  const simulated = await simulatedCluster(environment, podName);
  if (simulated !== undefined) return simulated;
  const { connectAgentCluster: connect } = await import('./cluster/kubernetes/connect-agent-cluster.ts');
  return connect({ environment });
}

export async function simulatedCluster(environment: Environment, podName: string): Promise<Cluster | undefined> {
  if (environment['GATEHOUSE_CLUSTER'] !== 'simulated') return undefined;
  const socketPath = environment['GATEHOUSE_SIMULATED_SOCKET'];
  const token = environment['GATEHOUSE_SIMULATED_TOKEN'];
  if (socketPath === undefined || token === undefined) {
    throw new Error('A simulated cluster needs GATEHOUSE_SIMULATED_SOCKET and GATEHOUSE_SIMULATED_TOKEN.');
  }
  const { connectSimulatedCluster } = await import('./cluster/simulated/client.ts');
  return connectSimulatedCluster({ socketPath, token, podName });
}
