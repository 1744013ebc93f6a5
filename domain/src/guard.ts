/**
 * What the guard does: it makes a missing agent Deployment, and takes a bad agent back when nobody else did. From the
 * Deployment, its pods, what is recorded of attempts, and what it remembers of pods that ended. It never polls, never
 * chooses a version, and does nothing while the owner has paused the Deployment.
 */

import { attemptReasonText, isAttemptRunning, isSameAgent } from './agent-attempt.ts';
import type { ObservedAgentDeployment, ObservedAgentPod } from './agent-cluster.ts';
import { endReason, type Fault, notReadyFault, pauserOf } from './agent-fault.ts';
import type { AgentStateChange } from './agent-state.ts';
import type { AgentRelease, AgentState, TakingBack } from './agent-update-types.ts';
import { watchNewAgent } from './agent-watch.ts';
import { isOfAnotherTime, withoutFutureStamps } from './future-stamps.ts';
import type { Known } from './gateway.ts';
import { crashesInWindow, type GuardMemory } from './guard-memory.ts';
import { addMilliseconds, type Instant } from './instant.ts';
import type { Reason } from './reason.ts';
import { productionTimings, type Timings } from './timings.ts';

/** Carried out in order; the rest is dropped when one fails or meets a conflict. Then look again. */
export type GuardAction =
  /** There must be none yet. */
  | { readonly kind: 'makeDeployment'; readonly release: AgentRelease; readonly minReadySeconds: number }
  | {
      readonly kind: 'takeBack';
      readonly to: AgentRelease;
      readonly minReadySeconds: 0;
      readonly resourceVersion: string;
    }
  | { readonly kind: 'recordState'; readonly change: AgentStateChange };

export interface GuardDecision {
  readonly actions: readonly GuardAction[];
  /** Why it does what it does, or does nothing although something is wrong. */
  readonly reasons: readonly Reason[];
}

export interface GuardFacts {
  /** The agent of the guard's own image; with it a gateway starts. */
  readonly ownRelease: AgentRelease;
  /** Start of this process, by the API server's clock. */
  readonly startedAt: Instant;
  readonly state: Known<AgentState>;
  readonly deployment: Known<ObservedAgentDeployment | undefined>;
  readonly pods: Known<readonly ObservedAgentPod[]>;
  /** Brought up to date with these facts by `rememberPods`. */
  readonly memory: GuardMemory;
}

type Seen = Omit<GuardFacts, 'state' | 'deployment' | 'pods'> & {
  readonly state: AgentState;
  readonly deployment: ObservedAgentDeployment;
  readonly pods: readonly ObservedAgentPod[];
};

const nothing: GuardDecision = { actions: [], reasons: [] };

export function decideGuard(facts: GuardFacts, now: Instant, timings: Timings = productionTimings): GuardDecision {
  const { state, deployment, pods } = facts;
  if (state === 'unknown' || deployment === 'unknown' || pods === 'unknown') return nothing;
  if (deployment === undefined) return makeDeployment(facts.ownRelease, state, now, timings);
  const seen: Seen = {
    ...facts,
    ...withoutFutureStamps({ state, pods }, { now, since: facts.startedAt }),
    deployment,
  };
  const { takingBack } = state;
  if (takingBack !== undefined) return goOnTakingBack(takingBack, deployment, now, timings);
  const fault = findFault(seen, now, timings);
  return fault === undefined ? nothing : takeBack(seen, fault, now);
}

function makeDeployment(ownRelease: AgentRelease, state: AgentState, now: Instant, timings: Timings): GuardDecision {
  const bad = state.takingBack?.release;
  const release = state.good.find((good) => bad === undefined || !isSameAgent(good, bad)) ?? ownRelease;
  const { attempt } = state;
  const interrupted: readonly GuardAction[] = isAttemptRunning(attempt)
    ? [
        {
          kind: 'recordState',
          change: {
            kind: 'interrupted',
            attemptId: attempt.id,
            reason: { code: 'deployment-deleted', message: 'The Deployment gatehouse-agent was deleted' },
            at: now,
          },
        },
      ]
    : [];
  return {
    actions: [
      ...interrupted,
      { kind: 'makeDeployment', release, minReadySeconds: Math.ceil(timings.agentUpdate.watch / 1000) },
    ],
    reasons: [
      {
        code: 'deployment-missing',
        message: `There is no Deployment gatehouse-agent; it is made with agent ${release.version}.`,
      },
    ],
  };
}

/** Decided before, here or by the old agent, which is given its time to finish by itself. */
function goOnTakingBack(
  takingBack: TakingBack,
  deployment: ObservedAgentDeployment,
  now: Instant,
  timings: Timings,
): GuardDecision {
  const { release, to } = takingBack;
  const isTheirs = now < addMilliseconds(takingBack.at, timings.guard.margin) && !isOfAnotherTime(takingBack.at, now);
  if (isTheirs) return nothing;
  const done: GuardAction = { kind: 'recordState', change: { kind: 'taken-back', release, at: now } };
  if (!isSameAgent(deployment.release, release)) return { actions: [done], reasons: [] };
  return {
    actions: [{ kind: 'takeBack', to, minReadySeconds: 0, resourceVersion: deployment.resourceVersion }, done],
    reasons: [reasonOf(takingBack)],
  };
}

function takeBack(seen: Seen, fault: Fault, now: Instant): GuardDecision {
  const { state, deployment } = seen;
  const release = deployment.release;
  const hold = holdOf(seen);
  if (hold !== undefined) return { actions: [], reasons: [hold, { code: fault.reason.code, message: text(fault) }] };
  const to = previousGood(state, release);
  if (to === undefined) {
    return {
      actions: [],
      reasons: [
        {
          code: 'nothing-to-go-back-to',
          message: `Agent ${release.version} fails and no other agent was good on this gateway: ${text(fault)}`,
        },
      ],
    };
  }
  const takingBack: TakingBack = { release, to, ...fault, at: now };
  return {
    actions: [
      { kind: 'recordState', change: { kind: 'taking-back', takingBack } },
      { kind: 'takeBack', to, minReadySeconds: 0, resourceVersion: deployment.resourceVersion },
      { kind: 'recordState', change: { kind: 'taken-back', release, at: now } },
    ],
    reasons: [reasonOf(takingBack)],
  };
}

function text(fault: Fault): string {
  return attemptReasonText(fault.reason);
}

function reasonOf({ release, to, reason }: TakingBack): Reason {
  return {
    code: reason.code,
    message: `Agent ${release.version} is taken back to ${to.version}: ${attemptReasonText(reason)}`,
  };
}

/** Who else has their hand on it. */
function holdOf({ state, deployment }: Seen): Reason | undefined {
  if (deployment.isPaused) {
    return {
      code: 'deployment-paused',
      message: `The Deployment gatehouse-agent is paused by ${pauserOf(deployment)}, so the guard leaves it alone.`,
      nextStep: 'Run `kubectl rollout resume deployment gatehouse-agent` in its namespace.',
    };
  }
  if (deployment.imageSetBy !== undefined) {
    return {
      code: 'image-set-by',
      message: `The image of the Deployment gatehouse-agent is set by ${deployment.imageSetBy}, so the guard leaves it alone.`,
    };
  }
  const isTakenBackBefore = state.takenBack.some(({ release }) => isSameAgent(release, deployment.release));
  if (isTakenBackBefore) {
    return {
      code: 'agent-taken-back',
      message: `Agent ${deployment.release.version} was taken back once and put there again, so the guard leaves it alone.`,
    };
  }
  return undefined;
}

function previousGood(state: AgentState, bad: AgentRelease): AgentRelease | undefined {
  const from = state.attempt !== undefined && isSameAgent(state.attempt.to, bad) ? [state.attempt.from] : [];
  return [...state.good, ...from].find(
    (release) => !isSameAgent(release, bad) && !state.takenBack.some((entry) => isSameAgent(entry.release, release)),
  );
}

function findFault(seen: Seen, now: Instant, timings: Timings): Fault | undefined {
  return faultOfAttempt(seen, now, timings) ?? crashLoop(seen, now, timings) ?? neverReady(seen, now, timings);
}

/** What the old agent would have taken back, after the time in which it would have. */
function faultOfAttempt(seen: Seen, now: Instant, timings: Timings): Fault | undefined {
  const { state, deployment, pods } = seen;
  const { attempt } = state;
  if (!isAttemptRunning(attempt) || !isSameAgent(deployment.release, attempt.to)) return undefined;
  const running = pods.filter((pod) => isSameAgent(pod.release, attempt.to) && !pod.isDeleting);
  // A pod that is Ready, or has crashed fewer than three times, is for the watcher and for the crash window.
  if (running.some((pod) => pod.isReady)) return undefined;
  const swappedAt = attempt.swappedAt ?? attempt.startedAt;
  if (now < addMilliseconds(swappedAt, timings.agentUpdate.readyDeadline + timings.guard.margin)) return undefined;
  const verdict = watchNewAgent(
    {
      attempt,
      deployment,
      pods,
      watcherStartedAt: seen.startedAt,
      isServerReachable: 'unknown',
      trialFailure: state.trialFailure,
      lease: 'unknown',
      margin: timings.guard.margin,
    },
    now,
    timings,
  );
  return verdict.kind === 'take-back' ? verdict.fault : undefined;
}

function crashLoop({ deployment, memory, startedAt }: Seen, now: Instant, timings: Timings): Fault | undefined {
  const crashes = crashesInWindow(memory, deployment.release, now, timings).filter(
    // What ended together with the guard ended with the node.
    ({ end }) => Math.abs(end.finishedAt - startedAt) > timings.agentUpdate.restartGrace || end.finishedAt > startedAt,
  );
  const last = crashes.at(-1);
  if (last === undefined || crashes.length < timings.guard.crashes) return undefined;
  const minutes = Math.round(timings.guard.crashWindow / 60_000);
  return { isBlamed: true, reason: endReason(last.end, `${crashes.length} times within ${minutes} min`) };
}

/**
 * Runs and is not Ready, seen so for long enough by this guard without a gap. A pod that does not run, since there is no
 * room or its image is still pulled on a new node, says nothing about the version.
 */
function neverReady({ state, deployment, pods, memory }: Seen, now: Instant, timings: Timings): Fault | undefined {
  const { notReadySince } = memory;
  const isTried = isAttemptRunning(state.attempt) && isSameAgent(state.attempt.to, deployment.release);
  if (isTried) return undefined; // The attempt has its own deadline, and the old agent goes first.
  if (notReadySince === undefined || now < addMilliseconds(notReadySince, timings.guard.notReady)) return undefined;
  const running = pods.find(
    (pod) =>
      isSameAgent(pod.release, deployment.release) &&
      !pod.isDeleting &&
      pod.runningSince !== undefined &&
      pod.unschedulable === undefined,
  );
  return running === undefined ? undefined : notReadyFault(running);
}
