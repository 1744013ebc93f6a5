/**
 * What the agent sees of its gateway, by reads only. What could not be read is `unknown`, not absent, and one thing that
 * cannot be read takes nothing else with it.
 */

import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { Known, ObservedClusterApi } from '@gatehouse/domain/gateway';
import type { ProfileReference } from '@gatehouse/domain/profile';
import type { PreflightResult, ProfileUpdateProgress } from '@gatehouse/domain/profile-update-types';
import type { Reason } from '@gatehouse/domain/reason';
import type { Cluster } from '../cluster/cluster.ts';
import { known } from '../cluster/known.ts';
import { parseAgentState } from '../update/agent-state.ts';
import type { Seen } from './observation-message.ts';

export interface ObserveInput {
  readonly self: AgentRelease;
  readonly agentHolds: readonly Reason[];
  readonly profile: {
    /** Absent on an existing cluster. */
    readonly clusterApi?: Known<ObservedClusterApi>;
    readonly applied?: ProfileReference;
    readonly drift: readonly string[];
    readonly preflight?: { readonly planId: string; readonly results: readonly PreflightResult[] };
    readonly progress?: ProfileUpdateProgress;
  };
}

/** Throws `ClusterUnreachable` only when the agent's own state cannot be read: then nothing is known at all. */
export async function observe(cluster: Cluster, input: ObserveInput): Promise<Seen> {
  const state = parseAgentState(await cluster.readMap('state'));
  const [kubernetes, nodes] = await Promise.all([
    known(() => cluster.readKubernetesVersion()),
    known(() => cluster.listNodes()),
  ]);
  const { profile } = input;
  return {
    agent: input.self,
    ...(state.attempt === undefined ? {} : { attempt: state.attempt }),
    takenBack: state.takenBack,
    agentHolds: input.agentHolds,
    kubernetes,
    nodes,
    ...(profile.clusterApi === undefined ? {} : { clusterApi: profile.clusterApi }),
    ...(profile.applied === undefined ? {} : { appliedProfile: profile.applied }),
    drift: profile.drift,
    ...(profile.preflight === undefined ? {} : { preflight: profile.preflight }),
    ...(profile.progress === undefined ? {} : { profileUpdate: profile.progress }),
  };
}
