/**
 * What an agent does next about its own update: agent-protocol §8, one look at a time. From what it sees of itself, of
 * the Deployment, its pods, the Lease, the rehearsal, and of what was recorded. Every call may follow a crash at any
 * point of the one before. It never touches anything but the agent itself, and never chooses a version.
 */

import { isAttemptRunning, isSameAgent } from './agent-attempt.ts';
import {
  beginHolds,
  imageSetByHold,
  interruptedAttempt,
  isRetry,
  isRolloutComplete,
  pausedHold,
  type TargetAgent,
} from './agent-begin.ts';
import type { ObservedAgentDeployment, ObservedAgentPod, ObservedLease, ObservedRehearsal } from './agent-cluster.ts';
import { nobodysFault, pauserOf } from './agent-fault.ts';
import { decideLease } from './agent-lease.ts';
import { judgeRehearsal } from './agent-rehearsal.ts';
import type { AgentStateChange } from './agent-state.ts';
import type { AgentAttempt, AgentRelease, AgentState, AttemptReason } from './agent-update-types.ts';
import { findNewReboot, watchNewAgent } from './agent-watch.ts';
import { withoutFutureStamps } from './future-stamps.ts';
import type { Known } from './gateway.ts';
import { type Instant, type Milliseconds, toInstant } from './instant.ts';
import type { Reason } from './reason.ts';
import { productionTimings, type Timings } from './timings.ts';
import { unreachable } from './unreachable.ts';

/** Carried out in order; the rest is dropped when one fails or meets a conflict. Then look again. */
export type AgentUpdateAction =
  /** If it is empty or has run out; raises the hand-over number. */
  | { readonly kind: 'takeLease' }
  | { readonly kind: 'releaseLease' }
  /** The signed release of that agent; the result comes back as `verification`. */
  | { readonly kind: 'verifyRelease'; readonly agent: AgentRelease }
  | { readonly kind: 'recordState'; readonly change: AgentStateChange }
  | { readonly kind: 'startRehearsal'; readonly attemptId: string; readonly agent: AgentRelease }
  | { readonly kind: 'endRehearsal' }
  /** Applies the whole Deployment with the new agent, conditional on `resourceVersion`. */
  | {
      readonly kind: 'swap';
      readonly attemptId: string;
      readonly to: AgentRelease;
      readonly minReadySeconds: number;
      readonly resourceVersion: string;
    }
  /** Applies the template that ran before again, conditional on `resourceVersion`. */
  | {
      readonly kind: 'takeBack';
      readonly to: AgentRelease;
      readonly minReadySeconds: 0;
      readonly resourceVersion: string;
    };

export interface AgentUpdateDecisionOnGateway {
  readonly actions: readonly AgentUpdateAction[];
  /** What the agent waits for by itself; reported with the observation. */
  readonly holds: readonly Reason[];
}

export interface AgentUpdateFacts {
  readonly me: {
    readonly podName: string;
    readonly release: AgentRelease;
    /** Start of this process, by the API server's clock. */
    readonly startedAt: Instant;
    readonly isStopping: boolean;
    readonly isTrialPending: boolean;
    /** Since then the API server has answered it without a longer gap; absent: since its start. */
    readonly seesSince?: Instant;
  };
  /** The Lease is this process's. */
  readonly isHolder: boolean;
  /** Holder, and renewed lately enough by the monotonic clock. */
  readonly mayAct: boolean;
  /** Absent while no target names an agent. */
  readonly target?: TargetAgent;
  /** Digest of an agent that was recalled while an attempt to become it had begun. */
  readonly recalledAgent?: string;
  /** Of the target's agent; absent while it was not tried, and when it is to be tried again. */
  readonly verification?: { readonly digest: string; readonly failure?: string };
  /** The control plane, for this agent, now. */
  readonly isServerReachable: boolean;
  readonly isProfileUpdateConfirmed: boolean;
  readonly state: Known<AgentState>;
  readonly deployment: Known<ObservedAgentDeployment | undefined>;
  readonly pods: Known<readonly ObservedAgentPod[]>;
  readonly rehearsal: Known<ObservedRehearsal | undefined>;
  readonly lease: Known<ObservedLease | undefined>;
  /** For how long this process has seen the Lease as it is, by its own clock. */
  readonly leaseUnchangedFor?: Milliseconds;
  /** The API server refused the swap or the rehearsal of this attempt: its own words. */
  readonly refused?: { readonly attemptId: string; readonly message: string };
  /** Made anew for each call; used if an attempt begins. */
  readonly newAttemptId: string;
}

type Seen = Omit<AgentUpdateFacts, 'state' | 'deployment' | 'pods' | 'rehearsal'> & {
  readonly state: AgentState;
  readonly deployment: ObservedAgentDeployment | undefined;
  readonly pods: readonly ObservedAgentPod[];
  readonly rehearsal: ObservedRehearsal | undefined;
};

const nothing: AgentUpdateDecisionOnGateway = { actions: [], holds: [] };
const doing = (...actions: readonly AgentUpdateAction[]): AgentUpdateDecisionOnGateway => ({ actions, holds: [] });
const record = (change: AgentStateChange): AgentUpdateAction => ({ kind: 'recordState', change });

export function nextAgentUpdateActions(
  facts: AgentUpdateFacts,
  now: Instant,
  timings: Timings = productionTimings,
): AgentUpdateDecisionOnGateway {
  const { state, deployment, pods, rehearsal } = facts;
  if (state === 'unknown' || deployment === 'unknown' || pods === 'unknown' || rehearsal === 'unknown') return nothing;
  const seen: Seen = {
    ...facts,
    ...withoutFutureStamps({ state, pods }, { now, since: facts.me.startedAt }),
    deployment,
    rehearsal,
  };
  const lease = decideLease(seen);
  // Whoever stops or hands over does nothing else with it.
  if (lease === 'release') return doing({ kind: 'releaseLease' });
  const next = nextOfUpdate(seen, now, timings);
  return lease === 'take' ? { ...next, actions: [{ kind: 'takeLease' }, ...next.actions] } : next;
}

function nextOfUpdate(seen: Seen, now: Instant, timings: Timings): AgentUpdateDecisionOnGateway {
  const { state, deployment } = seen;
  // The guard makes a missing one; until then there is nothing to compare with.
  if (deployment === undefined || seen.me.isStopping) return nothing;
  if (state.takingBack !== undefined) return goOnTakingBack(seen, deployment, now);
  const { attempt } = state;
  if (!isAttemptRunning(attempt)) return seen.mayAct ? nextWithoutAttempt(seen, deployment, now, timings) : nothing;
  if (isSameAgent(seen.me.release, attempt.from)) return nextOfOldAgent(seen, attempt, deployment, now, timings);
  if (isSameAgent(seen.me.release, attempt.to)) return nextOfNewAgent(seen, attempt, deployment, now);
  return seen.mayAct ? interrupt(attempt, setBySomebody(deployment), now) : nothing;
}

/** Decided before, by old agent or guard; anybody but the agent that is taken back goes on with it. */
function goOnTakingBack(
  { state, me }: Seen,
  deployment: ObservedAgentDeployment,
  now: Instant,
): AgentUpdateDecisionOnGateway {
  const { takingBack } = state;
  if (takingBack === undefined || isSameAgent(me.release, takingBack.release)) return nothing;
  const { release, to } = takingBack;
  if (!isSameAgent(deployment.release, release)) return doing(record({ kind: 'taken-back', release, at: now }));
  return doing(
    { kind: 'takeBack', to, minReadySeconds: 0, resourceVersion: deployment.resourceVersion },
    record({ kind: 'taken-back', release, at: now }),
  );
}

function nextOfOldAgent(
  seen: Seen,
  attempt: AgentAttempt,
  deployment: ObservedAgentDeployment,
  now: Instant,
  timings: Timings,
): AgentUpdateDecisionOnGateway {
  const isSwapped = isSameAgent(deployment.release, attempt.to);
  if (!isSwapped && !isSameAgent(deployment.release, attempt.from)) {
    return seen.mayAct ? interrupt(attempt, setBySomebody(deployment), now) : nothing;
  }
  switch (attempt.phase) {
    case 'rehearsing':
      return seen.mayAct ? rehearse(seen, attempt, now, timings) : nothing;
    case 'swapping':
      if (isSwapped) return doing(recordWatching(seen, attempt, now));
      return seen.mayAct ? swap(seen, attempt, deployment, now, timings) : nothing;
    case 'watching':
      // Set back without a word in the state: by somebody's hand.
      return isSwapped ? watch(seen, attempt, deployment, now, timings) : interrupt(attempt, setBack(deployment), now);
    case 'settled':
    case 'taken-back':
    case 'interrupted':
    case 'rehearsal-failed':
      return nothing;
    default:
      return unreachable(attempt.phase);
  }
}

function rehearse(seen: Seen, attempt: AgentAttempt, now: Instant, timings: Timings): AgentUpdateDecisionOnGateway {
  const { rehearsal } = seen;
  if (isRecalled(seen, attempt)) return interrupt(attempt, recalled(attempt), now, rehearsal);
  const start: AgentUpdateAction = { kind: 'startRehearsal', attemptId: attempt.id, agent: attempt.to };
  if (isRefused(seen, attempt)) return interrupt(attempt, refusal(seen, 'rehearsal'), now, rehearsal);
  if (rehearsal === undefined) {
    const isLost = now >= attempt.startedAt + timings.agentUpdate.rehearsalMax;
    return isLost ? interrupt(attempt, lostRehearsal, now) : doing(start);
  }
  if (rehearsal.attemptId !== attempt.id) return doing({ kind: 'endRehearsal' }, start);
  const verdict = judgeRehearsal({ attempt, rehearsal, isServerReachable: seen.isServerReachable }, now, timings);
  switch (verdict.kind) {
    case 'wait':
      return nothing;
    case 'pull-error':
      return doing(record({ kind: 'pull-error', attemptId: attempt.id, at: now }));
    case 'passed':
      return doing(record({ kind: 'swapping', attemptId: attempt.id }), { kind: 'endRehearsal' });
    case 'failed': {
      const { reason, isBlamed } = verdict.fault;
      if (!isBlamed) return interrupt(attempt, reason, now, rehearsal);
      return doing(record({ kind: 'rehearsal-failed', attemptId: attempt.id, reason, at: now }), {
        kind: 'endRehearsal',
      });
    }
    default:
      return unreachable(verdict);
  }
}

function swap(
  seen: Seen,
  attempt: AgentAttempt,
  deployment: ObservedAgentDeployment,
  now: Instant,
  timings: Timings,
): AgentUpdateDecisionOnGateway {
  if (isRecalled(seen, attempt)) return interrupt(attempt, recalled(attempt), now);
  if (isRefused(seen, attempt)) return interrupt(attempt, refusal(seen, 'swap'), now);
  if (deployment.imageSetBy !== undefined) return interrupt(attempt, setBySomebody(deployment), now);
  if (deployment.isPaused) {
    return interrupt(
      attempt,
      nobodysFault('deployment-paused', `The agent's Deployment is paused by ${pauserOf(deployment)}`).reason,
      now,
    );
  }
  // Something keeps the swap from being made, such as a release that no longer verifies.
  const { rehearsalMax, readyDeadline } = timings.agentUpdate;
  if (now >= attempt.startedAt + rehearsalMax + readyDeadline) return interrupt(attempt, lostSwap, now);
  return doing(
    {
      kind: 'swap',
      attemptId: attempt.id,
      to: attempt.to,
      minReadySeconds: Math.ceil(timings.agentUpdate.watch / 1000),
      resourceVersion: deployment.resourceVersion,
    },
    record({ kind: 'watching', attemptId: attempt.id, swappedAt: now }),
  );
}

/** For the new pod or for the old one to go, neither of which happens while somebody has paused the rollout. */
function waiting(deployment: ObservedAgentDeployment): AgentUpdateDecisionOnGateway {
  return deployment.isPaused ? { actions: [], holds: [pausedHold(deployment)] } : nothing;
}

/** The swap was applied and not recorded: the new agent's first pod tells when. */
function recordWatching({ pods }: Seen, attempt: AgentAttempt, now: Instant): AgentUpdateAction {
  const created = pods.filter((pod) => isSameAgent(pod.release, attempt.to)).map(({ createdAt }) => createdAt);
  return record({ kind: 'watching', attemptId: attempt.id, swappedAt: toInstant(Math.min(now, ...created)) });
}

function watch(
  seen: Seen,
  attempt: AgentAttempt,
  deployment: ObservedAgentDeployment,
  now: Instant,
  timings: Timings,
): AgentUpdateDecisionOnGateway {
  const reboot = findNewReboot({ attempt, pods: seen.pods, watcherStartedAt: seen.me.startedAt }, timings);
  if (reboot !== undefined) return doing(record({ kind: 'excused-end', attemptId: attempt.id, end: reboot }));
  const verdict = watchNewAgent(
    {
      attempt,
      deployment,
      pods: seen.pods,
      watcherStartedAt: seen.me.startedAt,
      ...(seen.me.seesSince === undefined ? {} : { watcherSeesSince: seen.me.seesSince }),
      isServerReachable: seen.isServerReachable,
      trialFailure: seen.state.trialFailure,
      lease: seen.lease,
      ...(seen.leaseUnchangedFor === undefined ? {} : { leaseUnchangedFor: seen.leaseUnchangedFor }),
      margin: 0,
    },
    now,
    timings,
  );
  switch (verdict.kind) {
    case 'wait':
      return waiting(deployment);
    case 'ready':
      if (attempt.readyAt !== undefined) return waiting(deployment);
      return doing(record({ kind: 'ready', attemptId: attempt.id, at: verdict.since }));
    case 'take-back': {
      const { reason, isBlamed } = verdict.fault;
      const takingBack = { release: attempt.to, to: attempt.from, reason, isBlamed, at: now };
      return doing(
        record({ kind: 'taking-back', takingBack }),
        { kind: 'takeBack', to: attempt.from, minReadySeconds: 0, resourceVersion: deployment.resourceVersion },
        record({ kind: 'taken-back', release: attempt.to, at: now }),
      );
    }
    default:
      return unreachable(verdict);
  }
}

function nextOfNewAgent(
  seen: Seen,
  attempt: AgentAttempt,
  deployment: ObservedAgentDeployment,
  now: Instant,
): AgentUpdateDecisionOnGateway {
  if (!isSameAgent(deployment.release, attempt.to)) {
    // Set back to the agent before, which says so itself.
    if (isSameAgent(deployment.release, attempt.from) || !seen.mayAct) return nothing;
    return interrupt(attempt, setBySomebody(deployment), now);
  }
  if (attempt.phase !== 'watching') return doing(recordWatching(seen, attempt, now));
  const own = seen.pods.find(({ name }) => name === seen.me.podName);
  if (attempt.readyAt === undefined && own?.isReady === true) {
    return doing(record({ kind: 'ready', attemptId: attempt.id, at: own.readySince ?? now }));
  }
  if (!seen.mayAct || !isRolloutComplete(deployment)) return waiting(deployment);
  return doing(record({ kind: 'settled', attemptId: attempt.id, at: now }));
}

function nextWithoutAttempt(
  seen: Seen,
  deployment: ObservedAgentDeployment,
  now: Instant,
  timings: Timings,
): AgentUpdateDecisionOnGateway {
  const { me, state, target } = seen;
  // Its reason was read when the attempt ended.
  const leftOver: readonly AgentUpdateAction[] = seen.rehearsal === undefined ? [] : [{ kind: 'endRehearsal' }];
  const good = recordGood(seen, deployment, now, timings);
  if (target === undefined || isSameAgent(target.agent, me.release)) {
    // Nothing is wanted, and yet this agent is not the one that its Deployment names.
    const isForeign = !isSameAgent(deployment.release, me.release);
    return { actions: [...leftOver, ...good], holds: isForeign ? [imageSetByHold(deployment)] : [] };
  }
  const isVerificationOfTarget = seen.verification?.digest === target.agent.digest;
  const verificationFailure = isVerificationOfTarget ? seen.verification?.failure : undefined;
  const holds = beginHolds({ ...seen, target, deployment, verificationFailure }, now, timings);
  if (holds.length > 0) return { actions: [...leftOver, ...good], holds };
  if (leftOver.length > 0) return doing(...leftOver);
  if (!isVerificationOfTarget) return doing(...good, { kind: 'verifyRelease', agent: target.agent });
  const attempt: AgentAttempt = {
    id: seen.newAttemptId,
    from: me.release,
    to: target.agent,
    phase: 'rehearsing',
    startedAt: now,
    interruptions: interruptedAttempt(state, target)?.interruptions ?? 0,
    generation: target.generation,
  };
  const known = state.takenBack.find(({ release }) => isSameAgent(release, target.agent));
  const forget = known !== undefined && isRetry(target, known.generation);
  return doing(...good, record({ kind: 'begin', attempt, forget }), {
    kind: 'startRehearsal',
    attemptId: attempt.id,
    agent: attempt.to,
  });
}

/** An agent that came without an attempt, as at the first installation, is good once it has been Ready for long enough. */
function recordGood(
  { me, state, pods }: Seen,
  deployment: ObservedAgentDeployment,
  now: Instant,
  timings: Timings,
): readonly AgentUpdateAction[] {
  const [newest] = state.good;
  if (newest !== undefined && isSameAgent(newest, me.release)) return [];
  const own = pods.find(({ name }) => name === me.podName);
  const isProven =
    own?.isReady === true &&
    own.readySince !== undefined &&
    now >= own.readySince + timings.agentUpdate.ownPodReadyBefore &&
    isSameAgent(deployment.release, me.release);
  return isProven ? [record({ kind: 'good', release: me.release })] : [];
}

function interrupt(
  attempt: AgentAttempt,
  reason: AttemptReason,
  now: Instant,
  rehearsal?: ObservedRehearsal,
): AgentUpdateDecisionOnGateway {
  return doing(
    record({ kind: 'interrupted', attemptId: attempt.id, reason, at: now }),
    ...(rehearsal === undefined ? [] : [{ kind: 'endRehearsal' } as const]),
  );
}

function isRefused({ refused }: Seen, attempt: AgentAttempt): boolean {
  return refused !== undefined && refused.attemptId === attempt.id;
}

/** Before the swap there is nothing to take back: the attempt just ends, and the version is not to blame by itself. */
function isRecalled({ recalledAgent }: Seen, attempt: AgentAttempt): boolean {
  return recalledAgent === attempt.to.digest;
}

function recalled({ to }: AgentAttempt): AttemptReason {
  return nobodysFault('release-recalled', `The release of agent ${to.version} was recalled`).reason;
}

function refusal({ refused }: Seen, what: 'rehearsal' | 'swap'): AttemptReason {
  return nobodysFault(`${what}-refused`, `The API server refused the ${what}: ${refused?.message ?? ''}`).reason;
}

const lostRehearsal = nobodysFault('rehearsal-lost', 'The rehearsal did not come about in its time').reason;

const lostSwap = nobodysFault(
  'swap-not-made',
  'The new agent passed its rehearsal and could not be put in place',
).reason;

function setBySomebody(deployment: ObservedAgentDeployment): AttemptReason {
  return nobodysFault(
    'image-set-by',
    `The image of the Deployment gatehouse-agent was set by ${deployment.imageSetBy ?? 'somebody else'}`,
  ).reason;
}

function setBack(deployment: ObservedAgentDeployment): AttemptReason {
  return nobodysFault(
    'image-set-by',
    `The Deployment gatehouse-agent was set back to the old agent by ${deployment.imageSetBy ?? 'somebody else'}`,
  ).reason;
}
