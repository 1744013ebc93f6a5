/**
 * Who acts. Exactly one agent does: the holder of the Lease. It is released by emptying it and never handed to
 * somebody; a pod whose image the Deployment's template names now may take it, after its own trial. So a take-back and an
 * owner's edit decide the actor by themselves. Where somebody else's image is named and does not run, the last good one may.
 */

import { isAttemptRunning, isSameAgent } from './agent-attempt.ts';
import type { ObservedAgentDeployment, ObservedAgentPod, ObservedLease } from './agent-cluster.ts';
import type { AgentRelease, AgentState } from './agent-update-types.ts';
import { addMilliseconds, type Instant, type Milliseconds } from './instant.ts';
import { productionTimings, type Timings } from './timings.ts';

/**
 * Whether an effect may be carried out now. `sinceRenewal` is the age of the last successful renewal by the monotonic
 * clock, so that a process that was frozen does nothing when it wakes.
 */
export function mayAct(
  own: { readonly isHolder: boolean; readonly sinceRenewal: Milliseconds },
  timings: Timings['lease'] = productionTimings.lease,
): boolean {
  return own.isHolder && own.sinceRenewal <= timings.actAgeMax;
}

/** The holder that could not renew for the Lease's whole duration is not Ready. A standby is. */
export function isLeaseOverdue(
  own: { readonly isHolder: boolean; readonly sinceRenewal: Milliseconds },
  timings: Timings['lease'] = productionTimings.lease,
): boolean {
  return own.isHolder && own.sinceRenewal > timings.duration;
}

/**
 * Empty, or not renewed for its duration. Stamps alone do not say that: set back in the middle, a clock makes every renewal
 * look old. So whoever asks has seen it unchanged by its own clock for as long as its holder may act after a renewal, or,
 * whatever the stamps say, for its whole duration.
 */
export function isLeaseFree(
  lease: ObservedLease,
  seen: { readonly now: Instant; readonly unchangedFor: Milliseconds },
  timings: Timings['lease'] = productionTimings.lease,
): boolean {
  if (lease.holder === undefined || lease.renewedAt === undefined) return true;
  if (seen.unchangedFor >= timings.duration) return true;
  return seen.unchangedFor > timings.actAgeMax && seen.now > addMilliseconds(lease.renewedAt, timings.duration);
}

export interface LeaseFacts {
  readonly me: {
    readonly podName: string;
    readonly release: AgentRelease;
    /** SIGTERM came. */
    readonly isStopping: boolean;
    /** Started in an attempt whose trial poll it has not passed yet. */
    readonly isTrialPending: boolean;
  };
  readonly isHolder: boolean;
  readonly deployment: ObservedAgentDeployment | undefined;
  readonly pods: readonly ObservedAgentPod[];
  readonly state: Pick<AgentState, 'attempt' | 'good' | 'takingBack'>;
}

/** `take`: if it is free. `keep`: as it is, whoever holds it. */
export function decideLease({ me, isHolder, deployment, pods, state }: LeaseFacts): 'take' | 'release' | 'keep' {
  // By the image that its pod has: somebody who sets another one leaves what the process was told of itself as it was.
  const own = pods.find(({ name }) => name === me.podName)?.release ?? me.release;
  const isNamed = deployment !== undefined && isSameAgent(deployment.release, own);
  // Until the named one is Ready, somebody has to act.
  const isSuccessorReady =
    deployment !== undefined &&
    pods.some((pod) => isSameAgent(pod.release, deployment.release) && pod.isReady && !pod.isDeleting);
  if (!isHolder) {
    if (me.isTrialPending || me.isStopping || deployment === undefined) return 'keep';
    return isNamed || (!isSuccessorReady && isLastGoodOfForeign(own, deployment, state)) ? 'take' : 'keep';
  }
  if (me.isStopping) return 'release';
  if (deployment === undefined || isNamed) return 'keep';
  return isSuccessorReady ? 'release' : 'keep';
}

/** What is named is not being tried, and is not what was taken back: somebody has set it by hand. */
function isLastGoodOfForeign(
  own: AgentRelease,
  deployment: ObservedAgentDeployment,
  { attempt, good, takingBack }: LeaseFacts['state'],
): boolean {
  const isTried = isAttemptRunning(attempt) && isSameAgent(deployment.release, attempt.to);
  return !isTried && takingBack === undefined && good[0] !== undefined && isSameAgent(good[0], own);
}
