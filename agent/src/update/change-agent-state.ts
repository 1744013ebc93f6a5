/** Read, decide, write, and again when somebody else wrote in between: agent and guard share the map `state`. */

import type { AgentState } from '@gatehouse/domain/agent-update-types';
import type { AgentCluster } from '../cluster/cluster.ts';
import { agentStateChanges, parseAgentState } from './agent-state.ts';

const triesMax = 10;

/** `change` is pure and may be called several times. Returns the state as it then stands. */
export async function changeAgentState(
  cluster: AgentCluster,
  change: (state: AgentState) => AgentState,
): Promise<AgentState> {
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const map = await cluster.readMap('state');
    const before = parseAgentState(map);
    const after = change(before);
    const changes = agentStateChanges(map, after);
    if (Object.keys(changes).length === 0) return after;
    const written = await cluster.writeMap('state', changes, map?.resourceVersion);
    if (written !== 'conflict') return after;
  }
  throw new Error(`The ConfigMap gatehouse-agent-state changed under each of ${triesMax} attempts to write it.`);
}
