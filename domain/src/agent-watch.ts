/**
 * What the old agent, standing by, makes of the new one after the swap: still waiting, Ready, or to be taken back, and
 * whether that is the version's fault. Times are stamps of the API server.
 */

import { isSameAgent } from './agent-attempt.ts';
import type { ContainerEnd, ObservedAgentDeployment, ObservedAgentPod, ObservedLease } from './agent-cluster.ts';
import {
  endReason,
  type Fault,
  isPullError,
  nobodysFault,
  notReadyFault,
  pullFault,
  serverUnreachable,
  surroundingsFault,
  unreachableForNewOne,
} from './agent-fault.ts';
import type { AgentAttempt, TrialFailure } from './agent-update-types.ts';
import type { Known } from './gateway.ts';
import { addMilliseconds, type Instant, type Milliseconds, toInstant } from './instant.ts';
import type { Timings } from './timings.ts';

export interface WatchFacts {
  /** In phase `watching`. */
  readonly attempt: AgentAttempt;
  /** Names the attempt's new agent. */
  readonly deployment: ObservedAgentDeployment;
  readonly pods: readonly ObservedAgentPod[];
  /** Start of the watching process. */
  readonly watcherStartedAt: Instant;
  /** Since then the API server has answered the watcher without a longer gap; absent: since its start. */
  readonly watcherSeesSince?: Instant;
  /** By the watcher, now. The guard does not know. */
  readonly isServerReachable: boolean | 'unknown';
  readonly trialFailure: TrialFailure | undefined;
  /** The guard may not read it. */
  readonly lease: Known<ObservedLease | undefined>;
  /** For how long the watcher has seen the Lease as it is, by its own clock; absent where it does not look. */
  readonly leaseUnchangedFor?: Milliseconds;
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
  const crash = ends.find((end) => !isExcused(end, facts.attempt) && !isReboot(end, facts, timings));
  if (crash !== undefined) return { kind: 'take-back', fault: crashFault(crash, facts.attempt) };
  const ready = pods.find((pod) => pod.isReady);
  if (ready !== undefined) {
    const since = ready.readySince ?? now;
    return isIdle(since, facts, now, timings) ? { kind: 'take-back', fault: idle(timings) } : { kind: 'ready', since };
  }
  const silent = pods.find((pod) => pod.nodeSilentSince !== undefined);
  if (facts.attempt.readyAt !== undefined && pods.some((pod) => pod.createdAt <= (facts.attempt.readyAt ?? now))) {
    if (ends.length === 0 && silent === undefined && gapEndedAt(facts) === undefined)
      return { kind: 'take-back', fault: readyLost };
  }
  const excuse = excuseOf(facts, pods, ends, timings);
  const from = toInstant(Math.max(swappedAt(facts.attempt), ...excuse.map(({ at }) => at)));
  const deadline = addMilliseconds(from, timings.agentUpdate.readyDeadline + facts.margin);
  if (now < deadline) return { kind: 'wait' };
  return { kind: 'take-back', fault: lateFault(facts, pods, excuse[0]?.fault, now, timings) };
}

/** When a container ended that only this watcher can tell to be a reboot: to be written down for those after it. */
export function findNewReboot(
  facts: Pick<WatchFacts, 'attempt' | 'pods' | 'watcherStartedAt'>,
  timings: Timings,
): Instant | undefined {
  const { attempt, pods } = facts;
  const ends = pods.flatMap(({ release, lastEnd }) =>
    lastEnd !== undefined && isSameAgent(release, attempt.to) ? [lastEnd] : [],
  );
  return ends.find((end) => isReboot(end, facts, timings) && !isExcused(end, attempt))?.finishedAt;
}

/** Stamps are written in whole milliseconds. */
function isExcused({ finishedAt }: ContainerEnd, { excusedEnds = [] }: AgentAttempt): boolean {
  return excusedEnds.some((end) => Math.trunc(end) === Math.trunc(finishedAt));
}

const readyLost: Fault = {
  isBlamed: true,
  reason: {
    code: 'ready-lost',
    message: 'The new agent was Ready and no longer is: it does not answer, or could not keep the Lease',
  },
};

/**
 * Ready, and yet nobody acts: the old one has let go of the Lease, and the new one does not take it. A Lease that is gone
 * says nothing, since it does not tell for how long.
 */
function isIdle(readySince: Instant, facts: WatchFacts, now: Instant, timings: Timings): boolean {
  const { lease, leaseUnchangedFor = 0, watcherSeesSince, watcherStartedAt } = facts;
  if (lease === 'unknown' || lease === undefined) return false;
  const freeSince = leaseFreeSince(lease, timings);
  if (freeSince === undefined || now <= freeSince) return false;
  // The stamp may be of a clock that was set back since.
  if (leaseUnchangedFor <= timings.agentUpdate.takesLease) return false;
  // While no API server answered, nobody could take it.
  const couldSince = Math.max(readySince, freeSince, watcherSeesSince ?? watcherStartedAt);
  return now > addMilliseconds(toInstant(couldSince), timings.agentUpdate.takesLease);
}

/** Since it was emptied, or when what is held runs out; undefined for one that has no stamp. */
function leaseFreeSince({ holder, renewedAt }: ObservedLease, timings: Timings): Instant | undefined {
  if (renewedAt === undefined || holder === undefined) return renewedAt;
  return addMilliseconds(renewedAt, timings.lease.duration);
}

function idle({ agentUpdate }: Timings): Fault {
  const span = Math.round(agentUpdate.takesLease / 1_000);
  return {
    isBlamed: true,
    reason: { code: 'not-acting', message: `The new agent was Ready and did not begin to act within ${span} s` },
  };
}

function swappedAt(attempt: AgentAttempt): Instant {
  return attempt.swappedAt ?? attempt.startedAt;
}

/**
 * It ended when the watcher itself had just been started, in the middle of the attempt: a reboot of the node, and not
 * the version's fault.
 */
function isReboot(
  end: ContainerEnd,
  facts: Pick<WatchFacts, 'attempt' | 'watcherStartedAt'>,
  timings: Timings,
): boolean {
  const { watcherStartedAt, attempt } = facts;
  const isWatcherRestarted = watcherStartedAt > swappedAt(attempt);
  return isWatcherRestarted && Math.abs(end.finishedAt - watcherStartedAt) <= timings.agentUpdate.restartGrace;
}

/** Also with the server away: no agent ends for want of it. */
function crashFault(end: ContainerEnd, { readyAt }: AgentAttempt): Fault {
  return { isBlamed: true, reason: endReason(end, readyAt === undefined ? 'at start' : 'after it was Ready') };
}

/** An agent that cannot renew its Lease is not Ready, and that no API server answered says nothing against it. */
function gapEndedAt({ attempt, watcherSeesSince, watcherStartedAt }: WatchFacts): Instant | undefined {
  const isGap = watcherSeesSince !== undefined && watcherSeesSince > watcherStartedAt;
  return isGap && watcherSeesSince > (attempt.readyAt ?? swappedAt(attempt)) ? watcherSeesSince : undefined;
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
  const isNew = ends.some((end) => isReboot(end, facts, timings));
  const known = ends.filter((end) => isExcused(end, attempt)).map(({ finishedAt }) => finishedAt);
  if (isNew || known.length > 0) {
    excuses.push({
      at: isNew ? facts.watcherStartedAt : toInstant(Math.max(...known)),
      fault: nobodysFault(
        'restarted-together',
        'The new agent was restarted together with the old one, as by a reboot',
      ),
    });
  }
  for (const { nodeSilentSince } of pods) {
    if (nodeSilentSince === undefined) continue;
    const message = 'The node of the new agent has stopped reporting, and did not report again in time';
    excuses.push({ at: nodeSilentSince, fault: nobodysFault('node-silent', message) });
  }
  const gapEnded = gapEndedAt(facts);
  if (gapEnded !== undefined) {
    const message = 'The API server did not answer for a while, and the new agent was not Ready again in time';
    excuses.push({ at: gapEnded, fault: nobodysFault('cluster-unreachable', message) });
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
function lateFault(
  facts: WatchFacts,
  pods: readonly ObservedAgentPod[],
  excuse: Fault | undefined,
  now: Instant,
  timings: Timings,
): Fault {
  const surroundings = surroundingsFault(facts.deployment, pods);
  if (surroundings !== undefined) return excuse && !facts.deployment.isPaused ? excuse : surroundings;
  if (excuse !== undefined) return excuse;
  const pull = pods.find(isPullError);
  if (pull !== undefined) return pullFault(pull);
  const [pod] = pods;
  if (pod === undefined) return nobodysFault('no-room', 'No pod was made for the new agent');
  const fault = notReadyFault(pod);
  return fault.reason.code === 'not-ready' ? (trialFault(facts, pod, now, timings) ?? fault) : fault;
}

/** It runs and waits: for its trial poll, as it says itself or as can be told from the old one. */
function trialFault(facts: WatchFacts, pod: ObservedAgentPod, now: Instant, timings: Timings): Fault | undefined {
  const trial = facts.trialFailure?.attemptId === facts.attempt.id ? facts.trialFailure : undefined;
  if (trial?.kind === 'refused') {
    return { isBlamed: true, reason: { code: 'trial-failed', message: `Its trial poll failed: ${trial.message}` } };
  }
  if (trial?.kind === 'unreachable') {
    // A network that lets one pod through and not the other is no version's fault either.
    return facts.isServerReachable === false
      ? serverUnreachable()
      : unreachableForNewOne(trial.message, facts.isServerReachable);
  }
  return facts.isServerReachable === false && !hasHadTimeToTell(pod, now, timings) ? serverUnreachable() : undefined;
}

/** One that has run for so long and told nothing of its trial never came to it: it hangs, whether the server is there or not. */
function hasHadTimeToTell({ runningSince }: ObservedAgentPod, now: Instant, timings: Timings): boolean {
  return runningSince !== undefined && now >= addMilliseconds(runningSince, timings.agentUpdate.trialTold);
}
