/** What a control plane orders for a gateway: the plan from what its agent last observed. */

import type { Observation, ProfileUpdateOrder } from '@gatehouse/contract/agent-api';
import { parseInstant } from '@gatehouse/domain/instant';
import { canonicalPlan, planProfileUpdate } from '@gatehouse/domain/profile-plan';
import { sha256Digest } from '@gatehouse/release/canonical-json';
import { toProfile } from '../apply/profile-document.ts';
import type { ControlPlaneInMemory } from './control-plane-in-memory.ts';
import { gatewayId } from './gateway-world.ts';
import type { TestRepository } from './test-repository.ts';

const provider = 'vsphere';

interface Planning {
  readonly releases: TestRepository;
  readonly server: Pick<ControlPlaneInMemory, 'observation'>;
}

export function profilePointer(
  world: Pick<Planning, 'releases'>,
  version: string,
): { version: string; digest: string } {
  const pointer = world.releases.release(version).profiles[provider];
  if (pointer === undefined) throw new Error(`no ${provider} profile in ${version}`);
  return pointer;
}

/** `settings` are those of the gateway; `from` and `to` are releases. Throws when there is nothing to update. */
export function plannedOrder(
  world: Planning,
  move: { readonly from: string; readonly to: string },
  settings: { readonly controlPlanes: 1 | 3; readonly workers: number },
): ProfileUpdateOrder {
  const profile = (version: string) =>
    toProfile(world.releases.profile(version, provider), profilePointer(world, version).digest);
  const decision = planProfileUpdate({
    gatewayId,
    installation: 'cli',
    settings,
    current: profile(move.from),
    target: profile(move.to),
    nodes: nodesOf(world.server.observation).map(({ name, role, createdAt }) => ({
      name,
      role,
      kubernetesVersion: 'unknown',
      ready: true,
      createdAt: parseInstant(createdAt),
    })),
  });
  if (decision.kind === 'none') throw new Error(JSON.stringify(decision.reasons));
  const steps = decision.plan.steps.map((step) =>
    step.kind === 'pack'
      ? { ...step, deletes: [...step.deletes], keeps: [...step.keeps] }
      : { ...step, nodes: [...step.nodes] },
  );
  return {
    planId: sha256Digest(canonicalPlan(decision.plan)),
    release: move.to,
    from: profilePointer(world, move.from),
    to: profilePointer(world, move.to),
    steps,
    retry: 0,
    isCancelled: false,
  };
}

function nodesOf(observation: Observation | undefined): Exclude<Observation['nodes'], 'unknown'> {
  if (observation === undefined || observation.nodes === 'unknown') throw new Error('no nodes were observed');
  return observation.nodes;
}
