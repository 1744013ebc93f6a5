/** What runs on the gateway or has begun, read from what the agent has written down in its cluster. */

import { isAttemptRunning } from '@gatehouse/domain/agent-attempt';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { hasBegun } from '@gatehouse/domain/gateway-status';
import { readInventory } from '../apply/inventory.ts';
import { parseProgress } from '../apply/profile-progress.ts';
import type { AgentCluster } from '../cluster/cluster.ts';
import { parseAgentState } from '../update/agent-state.ts';
import type { Standing } from './verify-target.ts';

export async function readStanding(cluster: AgentCluster, self: AgentRelease): Promise<Standing> {
  const [map, inventory] = await Promise.all([cluster.readMap('state'), readInventory(cluster)]);
  const { attempt } = parseAgentState(map);
  const progress = parseProgress(map);
  return {
    agents: new Set([self.digest, ...(isAttemptRunning(attempt) ? [attempt.to.digest] : [])]),
    plans: new Map(progress !== undefined && hasBegun(progress) ? [[progress.planId, progress.to]] : []),
    profiles: new Set(inventory.applied === undefined ? [] : [inventory.applied.digest]),
  };
}
