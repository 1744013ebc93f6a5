/** What a gateway's target should say now, as the message that its agent gets. What follows from facts is decided in the domain. */

import type { ProfileUpdateOrder, Target } from '@gatehouse/contract/agent-api';
import type { AgentUpdateDecision } from '@gatehouse/domain/agent-update';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import type { ProfileUpdatePlan, ProfileUpdateStep } from '@gatehouse/domain/profile-update-types';
import { attemptToGiveUp, repaveHolds } from '@gatehouse/domain/recall';
import { canonicalJson } from '@gatehouse/release/canonical-json';
import { toReasonView } from '../gateways/gateway-view.ts';

export type TargetContents = Omit<Target, 'generation'>;

export interface TargetInput {
  readonly facts: GatewayFacts;
  readonly decision: AgentUpdateDecision;
  /** The imported release that has an agent with this digest. */
  readonly releaseOfAgent: (digest: string) => string | undefined;
  /** Of the release the gateway is installed with; only `cli`. */
  readonly initialProfile?: { readonly release: string; readonly digest: string };
  /** The plan that waits for confirmation, and the release it comes from. */
  readonly proposed?: { readonly plan: ProfileUpdatePlan; readonly release: string };
  /** The release of the confirmed update. */
  readonly confirmedRelease?: string;
}

export function desiredTarget(input: TargetInput): TargetContents {
  const { facts, decision, initialProfile, proposed, confirmedRelease } = input;
  const confirmed = facts.profileUpdate;
  const agent = agentToName(facts, decision);
  const release = agent && input.releaseOfAgent(agent.digest);
  const attempted = attemptToGiveUp(facts) && facts.observation?.attempt?.to;
  const held = repaveHolds(facts).map(toReasonView);
  return {
    ...(agent === undefined || release === undefined
      ? {}
      : {
          agent: {
            release,
            version: agent.version,
            digest: agent.digest,
            isRetried: facts.retriedAgentDigests.includes(agent.digest),
          },
        }),
    ...(attempted === undefined ? {} : { recalledAgent: attempted.digest }),
    ...(initialProfile === undefined ? {} : { initialProfile }),
    ...(confirmed === undefined || confirmedRelease === undefined
      ? {}
      : {
          profileUpdate: toOrder(confirmed.plan, {
            release: confirmedRelease,
            retry: confirmed.retry,
            isCancelled: confirmed.isCancelled,
            ...(held.length === 0 ? {} : { held }),
          }),
        }),
    ...(proposed === undefined
      ? {}
      : { proposed: toOrder(proposed.plan, { release: proposed.release, retry: 0, isCancelled: false }) }),
    settings: { controlPlanes: facts.settings.controlPlanes, workers: facts.settings.workers },
  };
}

/** Holding means naming the agent that runs. */
function agentToName(facts: GatewayFacts, decision: AgentUpdateDecision): AgentRelease | undefined {
  switch (decision.kind) {
    case 'update':
    case 'continue':
      return decision.to;
    case 'upToDate':
    case 'hold':
      return facts.observation?.agent;
  }
}

function toOrder(
  plan: ProfileUpdatePlan,
  order: Pick<ProfileUpdateOrder, 'release' | 'retry' | 'isCancelled' | 'held'>,
): ProfileUpdateOrder {
  return { planId: plan.planId, from: plan.from, to: plan.to, steps: plan.steps.map(toStep), ...order };
}

function toStep(step: ProfileUpdateStep): ProfileUpdateOrder['steps'][number] {
  switch (step.kind) {
    case 'pack':
      return { ...step, deletes: [...step.deletes], keeps: [...step.keeps] };
    case 'control-planes':
    case 'workers':
      return { ...step, nodes: [...step.nodes] };
  }
}

/** As an agent computes it of the target it has. */
export function isSameTarget(target: Target | undefined, contents: TargetContents): boolean {
  if (target === undefined) return false;
  const { generation: _generation, ...before } = target;
  return canonicalJson(before) === canonicalJson(contents);
}
