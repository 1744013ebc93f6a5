/**
 * Whether the agent may begin an attempt to become the agent its target names, with every reason that keeps it from
 * it. Decided on the gateway: the server only says which agent it should be.
 */

import { attemptReasonText, isSameAgent } from './agent-attempt.ts';
import type { ObservedAgentDeployment, ObservedAgentPod } from './agent-cluster.ts';
import { pauserOf } from './agent-fault.ts';
import type { AgentAttempt, AgentRelease, AgentState } from './agent-update-types.ts';
import { addMilliseconds, formatInstant, type Instant } from './instant.ts';
import type { Reason } from './reason.ts';
import type { Timings } from './timings.ts';
import { compareVersions } from './version.ts';

export interface TargetAgent {
  readonly agent: AgentRelease;
  readonly isRetried: boolean;
  /** Of the target that names it. */
  readonly generation: number;
}

export interface BeginFacts {
  readonly me: { readonly podName: string; readonly release: AgentRelease };
  /** Names another agent than this one. */
  readonly target: TargetAgent;
  readonly state: AgentState;
  readonly deployment: ObservedAgentDeployment;
  readonly pods: readonly ObservedAgentPod[];
  /** Why the signed release of the target could not be verified. */
  readonly verificationFailure: string | undefined;
  readonly isProfileUpdateConfirmed: boolean;
  readonly isServerReachable: boolean;
}

export type BeginHoldCode =
  | 'agent-newer-than-target'
  | 'agent-taken-back'
  | 'agent-update-interrupted'
  | 'agent-update-waits'
  | 'profile-update-in-progress'
  | 'agent-not-ready-long-enough'
  | 'image-set-by'
  | 'deployment-paused'
  | 'rollout-in-progress'
  | 'release-not-verified'
  | 'server-unreachable';

export function beginHolds(facts: BeginFacts, now: Instant, timings: Timings): readonly Reason<BeginHoldCode>[] {
  return [...versionHolds(facts), ...historyHolds(facts, now, timings), ...surroundingHolds(facts, now, timings)];
}

/** A person asked for it again, after what is recorded of it. */
export function isRetry(target: TargetAgent, recordedGeneration: number | undefined): boolean {
  return target.isRetried && target.generation > (recordedGeneration ?? 0);
}

/** The last attempt, when it was for this version and ended through nobody's fault. */
export function interruptedAttempt(state: AgentState, target: TargetAgent): AgentAttempt | undefined {
  const { attempt } = state;
  const isOfTarget = attempt?.phase === 'interrupted' && isSameAgent(attempt.to, target.agent);
  return isOfTarget && !isRetry(target, attempt.generation) ? attempt : undefined;
}

function versionHolds({ me, target, verificationFailure }: BeginFacts): readonly Reason<BeginHoldCode>[] {
  const { version } = target.agent;
  const holds: Reason<BeginHoldCode>[] = [];
  if (compareVersions(version, me.release.version) < 0) {
    holds.push({
      code: 'agent-newer-than-target',
      message: `The agent ${me.release.version} is newer than ${version}; it never goes back to an older version.`,
    });
  }
  if (verificationFailure !== undefined) {
    holds.push({
      code: 'release-not-verified',
      message: `The release of agent ${version} could not be verified: ${verificationFailure}`,
      nextStep: 'Check that the control plane serves the release as it was signed.',
    });
  }
  return holds;
}

function historyHolds({ target, state }: BeginFacts, now: Instant, timings: Timings): readonly Reason<BeginHoldCode>[] {
  const { version } = target.agent;
  const holds: Reason<BeginHoldCode>[] = [];
  const takenBack = state.takenBack.findLast(({ release }) => isSameAgent(release, target.agent));
  if (takenBack !== undefined && !isRetry(target, takenBack.generation)) {
    holds.push({
      code: 'agent-taken-back',
      message: `Agent ${version} was tried and taken back: ${attemptReasonText(takenBack.reason)}`,
      nextStep: 'Retry it, or upgrade to a release with a newer agent.',
    });
  }
  const interrupted = interruptedAttempt(state, target);
  if (interrupted === undefined) return holds;
  const { interruptionsMax, afterInterruption } = timings.agentUpdate;
  const why = interrupted.reason === undefined ? '' : `: ${attemptReasonText(interrupted.reason)}`;
  const next = addMilliseconds(interrupted.endedAt ?? interrupted.startedAt, afterInterruption);
  if (interrupted.interruptions >= interruptionsMax) {
    holds.push({
      code: 'agent-update-interrupted',
      message: `The update to agent ${version} was interrupted ${interrupted.interruptions} times, and the version is not to blame${why}`,
      nextStep: 'Remove the cause, then retry it.',
    });
  } else if (now < next) {
    holds.push({
      code: 'agent-update-waits',
      message: `The update to agent ${version} was interrupted and is tried again at ${formatInstant(next)}${why}`,
    });
  }
  return holds;
}

function surroundingHolds(facts: BeginFacts, now: Instant, timings: Timings): readonly Reason<BeginHoldCode>[] {
  const { me, deployment, pods } = facts;
  const holds: Reason<BeginHoldCode>[] = [];
  if (facts.isProfileUpdateConfirmed) {
    holds.push({
      code: 'profile-update-in-progress',
      message: 'A profile update is confirmed and not completed; only one update runs on a gateway at a time.',
    });
  }
  if (!facts.isServerReachable) {
    holds.push({
      code: 'server-unreachable',
      message: 'The control plane cannot be reached now, so a new agent could not prove itself.',
    });
  }
  if (!isSameAgent(deployment.release, me.release) || deployment.imageSetBy !== undefined) {
    holds.push(imageSetByHold(deployment));
  }
  if (deployment.isPaused) holds.push(pausedHold(deployment));
  if (!isRolloutComplete(deployment)) {
    holds.push({
      code: 'rollout-in-progress',
      message: 'A rollout of the Deployment gatehouse-agent is not complete.',
    });
  }
  const own = pods.find(({ name }) => name === me.podName);
  const readySince = own?.isReady === true ? own.readySince : undefined;
  const { ownPodReadyBefore } = timings.agentUpdate;
  if (readySince === undefined || now < addMilliseconds(readySince, ownPodReadyBefore)) {
    holds.push({
      code: 'agent-not-ready-long-enough',
      message: `The pod ${me.podName} has not been Ready for ${Math.round(ownPodReadyBefore / 1000)} s yet.`,
    });
  }
  return holds;
}

export function imageSetByHold({ imageSetBy }: ObservedAgentDeployment): Reason<BeginHoldCode> {
  return {
    code: 'image-set-by',
    message: `The image of the Deployment gatehouse-agent is set by ${imageSetBy ?? 'somebody else'}.`,
    nextStep: 'Remove the image from what that tool applies, or delete the Deployment: the guard makes it again.',
  };
}

export function pausedHold(deployment: ObservedAgentDeployment): Reason<BeginHoldCode> {
  return {
    code: 'deployment-paused',
    message: `The Deployment gatehouse-agent is paused by ${pauserOf(deployment)}.`,
    nextStep: 'Run `kubectl rollout resume deployment gatehouse-agent` in its namespace.',
  };
}

/** Only the named agent's pods are left, and they have been Ready for `minReadySeconds`. */
export function isRolloutComplete(deployment: ObservedAgentDeployment): boolean {
  const { isObserved, replicas, updatedReplicas, availableReplicas } = deployment;
  return isObserved && replicas >= 1 && updatedReplicas === replicas && availableReplicas === replicas;
}
