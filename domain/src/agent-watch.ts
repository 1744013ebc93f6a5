/**
 * What the old agent, standing by, makes of the new one after the swap: still waiting, Ready, or to be taken back, and
 * whether that is the version's fault. Times are stamps of the API server.
 */

import { isSameAgent } from './agent-attempt.ts';
import type { ContainerEnd, ObservedAgentDeployment, ObservedAgentPod } from './agent-cluster.ts';
import {
  endReason,
  type Fault,
  isPullError,
  nobodysFault,
  notReadyFault,
  pullFault,
  serverUnreachable,
  surroundingsFault,
} from './agent-fault.ts';
import type { AgentAttempt, TrialFailure } from './agent-update-types.ts';
import { addMilliseconds, type Instant, toInstant } from './instant.ts';
import type { Timings } from './timings.ts';

export interface WatchFacts {
  /** In phase `watching`. */
  readonly attempt: AgentAttempt;
  /** Names the attempt's new agent. */
  readonly deployment: ObservedAgentDeployment;
  readonly pods: readonly ObservedAgentPod[];
  /** Start of the watching process. */
  readonly watcherStartedAt: Instant;
  /** By the watcher, now. The guard does not know. */
  readonly isServerReachable: boolean | 'unknown';
  readonly trialFailure: TrialFailure | undefined;
  /** How much longer than the ready deadline to wait; the guard lets the old agent go first. */
  readonly margin: number;
}

export type WatchVerdict =
  | { readonly kind: 'wait' }
  | { readonly kind: 'ready'; readonly since: Instant }
  | { readonly kind: 'take-back'; readonly fault: Fault };

export function watchNewAgent(facts: WatchFacts, now: Instant, timings: Timings): WatchVerdict {
  const pods = facts.pods.filter((pod) => isSameAgent(pod.release, facts.attempt.to) && !pod.isDeleting);
  const ends = pods.flatMap((pod) => (pod.lastEnd === undefined ? [] : [pod.lastEnd]));
  const crash = ends.find((end) => !isReboot(end, facts, timings));
  if (crash !== undefined) return { kind: 'take-back', fault: crashFault(crash, facts) };
  const ready = pods.find((pod) => pod.isReady);
  if (ready !== undefined) return { kind: 'ready', since: ready.readySince ?? now };
  if (facts.attempt.readyAt !== undefined && pods.some((pod) => pod.createdAt <= (facts.attempt.readyAt ?? now))) {
    if (ends.length === 0) return { kind: 'take-back', fault: readyLost };
  }
  const excuse = excuseOf(facts, pods, ends, timings);
  const from = toInstant(Math.max(swappedAt(facts.attempt), ...excuse.map(({ at }) => at)));
  const deadline = addMilliseconds(from, timings.agentUpdate.readyDeadline + facts.margin);
  if (now < deadline) return { kind: 'wait' };
  return { kind: 'take-back', fault: lateFault(facts, pods, excuse[0]?.fault) };
}

const readyLost: Fault = {
  isBlamed: true,
  reason: { code: 'ready-lost', message: 'The new agent was Ready and no longer is' },
};

function swappedAt(attempt: AgentAttempt): Instant {
  return attempt.swappedAt ?? attempt.startedAt;
}

/**
 * It ended when the watcher itself had just been started, in the middle of the attempt: a reboot of the node, and not
 * the version's fault.
 */
function isReboot(end: ContainerEnd, facts: WatchFacts, timings: Timings): boolean {
  const { watcherStartedAt, attempt } = facts;
  const isWatcherRestarted = watcherStartedAt > swappedAt(attempt);
  return isWatcherRestarted && Math.abs(end.finishedAt - watcherStartedAt) <= timings.agentUpdate.restartGrace;
}

function crashFault(end: ContainerEnd, facts: WatchFacts): Fault {
  if (facts.isServerReachable === false) return serverUnreachable();
  return {
    isBlamed: true,
    reason: endReason(end, facts.attempt.readyAt === undefined ? 'at start' : 'after it was Ready'),
  };
}

interface Excuse {
  /** The new agent's time starts anew here. */
  readonly at: Instant;
  readonly fault: Fault;
}

function excuseOf(
  facts: WatchFacts,
  pods: readonly ObservedAgentPod[],
  ends: readonly ContainerEnd[],
  timings: Timings,
): readonly Excuse[] {
  const { attempt } = facts;
  const excuses: Excuse[] = [];
  if (ends.some((end) => isReboot(end, facts, timings))) {
    excuses.push({
      at: facts.watcherStartedAt,
      fault: nobodysFault(
        'restarted-together',
        'The new agent was restarted together with the old one, as by a reboot',
      ),
    });
  }
  const newest = Math.max(...pods.map(({ createdAt }) => createdAt));
  const expected = addMilliseconds(swappedAt(attempt), timings.agentUpdate.readyDeadline / 4);
  // A pod that came late, or after the first one was Ready, takes the place of one that somebody deleted.
  if (pods.length > 0 && newest > Math.min(expected, attempt.readyAt ?? expected)) {
    excuses.push({
      at: toInstant(newest),
      fault: nobodysFault(
        'pod-deleted',
        'The pod of the new agent was deleted or made late, and its successor was not Ready in time',
      ),
    });
  } else if (pods.length === 0 && attempt.readyAt !== undefined) {
    excuses.push({
      at: addMilliseconds(attempt.readyAt, timings.agentUpdate.watch),
      fault: nobodysFault('pod-deleted', 'The pod of the new agent was deleted and not made again'),
    });
  }
  return excuses;
}

/** All its time is over and it is not Ready. */
function lateFault(facts: WatchFacts, pods: readonly ObservedAgentPod[], excuse: Fault | undefined): Fault {
  const surroundings = surroundingsFault(facts.deployment, pods);
  if (surroundings !== undefined) return excuse && !facts.deployment.isPaused ? excuse : surroundings;
  if (excuse !== undefined) return excuse;
  const pull = pods.find(isPullError);
  if (pull !== undefined) return pullFault(pull);
  const [pod] = pods;
  const fault = pod === undefined ? nobodysFault('no-room', 'No pod was made for the new agent') : notReadyFault(pod);
  if (fault.reason.code !== 'not-ready') return fault;
  const trial = facts.trialFailure?.attemptId === facts.attempt.id ? facts.trialFailure : undefined;
  const isUnreachable =
    facts.isServerReachable === false || (facts.isServerReachable === 'unknown' && trial?.kind === 'unreachable');
  if (isUnreachable) return serverUnreachable();
  if (trial === undefined) return fault;
  return { isBlamed: true, reason: { code: 'trial-failed', message: `Its trial poll failed: ${trial.message}` } };
}
