/**
 * Stamps of a clock that was set back since: they lie in the future, and so would keep whoever counts from them waiting
 * for a day or ten years. What began then began at the latest when whoever looks began to look.
 */

import type { ObservedAgentPod } from './agent-cluster.ts';
import type { AgentAttempt } from './agent-update-types.ts';
import { addMilliseconds, type Instant } from './instant.ts';
import { clockMargin } from './steady-time.ts';

/** `since`: the start of whoever looks, by the clock of `now`. */
export interface Looking {
  readonly now: Instant;
  readonly since: Instant;
}

/** Clocks of one cluster may differ by the margin. */
export const isOfAnotherTime = (stamp: Instant, now: Instant): boolean => stamp > addMilliseconds(now, clockMargin);

const notLater = (stamp: Instant, { now, since }: Looking): Instant => (isOfAnotherTime(stamp, now) ? since : stamp);

/** What somebody read of an agent update, as it is to be counted with. */
export function withoutFutureStamps<State extends { readonly attempt?: AgentAttempt }>(
  { state, pods }: { readonly state: State; readonly pods: readonly ObservedAgentPod[] },
  looking: Looking,
): { readonly state: State; readonly pods: readonly ObservedAgentPod[] } {
  const { attempt } = state;
  return {
    state: attempt === undefined ? state : { ...state, attempt: attemptOf(attempt, looking) },
    pods: pods.map((pod) => podOf(pod, looking)),
  };
}

function podOf(pod: ObservedAgentPod, looking: Looking): ObservedAgentPod {
  return {
    ...pod,
    createdAt: notLater(pod.createdAt, looking),
    ...(pod.readySince === undefined ? {} : { readySince: notLater(pod.readySince, looking) }),
    ...(pod.runningSince === undefined ? {} : { runningSince: notLater(pod.runningSince, looking) }),
    ...(pod.nodeSilentSince === undefined ? {} : { nodeSilentSince: notLater(pod.nodeSilentSince, looking) }),
  };
}

function attemptOf(attempt: AgentAttempt, looking: Looking): AgentAttempt {
  return {
    ...attempt,
    startedAt: notLater(attempt.startedAt, looking),
    ...(attempt.swappedAt === undefined ? {} : { swappedAt: notLater(attempt.swappedAt, looking) }),
    ...(attempt.readyAt === undefined ? {} : { readyAt: notLater(attempt.readyAt, looking) }),
    ...(attempt.endedAt === undefined ? {} : { endedAt: notLater(attempt.endedAt, looking) }),
  };
}
