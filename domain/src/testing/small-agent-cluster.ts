/**
 * As much of a gateway's cluster as agent and guard meet: a Deployment that surges one pod, pods that pull, start, become
 * Ready and crash, a Lease, a rehearsal, and the processes in the pods, which decide and carry out once a second.
 */

import { isSameAgent } from '../agent-attempt.ts';
import type { TargetAgent } from '../agent-begin.ts';
import type {
  ContainerEnd,
  ObservedAgentDeployment,
  ObservedAgentPod,
  ObservedLease,
  ObservedRehearsal,
} from '../agent-cluster.ts';
import { isLeaseFree, mayAct } from '../agent-lease.ts';
import { type AgentUpdateAction, nextAgentUpdateActions } from '../agent-protocol.ts';
import { changeState } from '../agent-state.ts';
import type { AgentRelease, AgentState } from '../agent-update-types.ts';
import { decideGuard, type GuardAction } from '../guard.ts';
import { emptyGuardMemory, type GuardMemory, rememberPods } from '../guard-memory.ts';
import { type Milliseconds, seconds } from '../instant.ts';
import type { Reason } from '../reason.ts';
import { productionTimings } from '../timings.ts';
import { at, emptyState, oldAgent } from './facts.ts';

/** How an agent's image behaves. `rehearsal`: what it does there; without it, what it does in the Deployment. */
export interface Behaviour {
  readonly deployment:
    | 'good'
    | 'cannot-pull'
    | 'exits'
    | 'hangs'
    | 'trial-refused'
    | 'cannot-reach'
    | 'never-acts'
    | { readonly crashesAfter: Milliseconds };
  readonly rehearsal?: 'passes' | 'cannot-pull' | 'slow-pull' | 'exits' | 'hangs';
}

interface Pod {
  readonly name: string;
  readonly release: AgentRelease;
  readonly createdAt: Milliseconds;
  container:
    | {
        readonly id: string;
        readonly startedAt: Milliseconds;
        renewedAt: Milliseconds;
        hasPassedTrial: boolean;
        believesHolder: boolean;
      }
    | undefined;
  startsAt: Milliseconds;
  readySince: Milliseconds | undefined;
  deletedAt: Milliseconds | undefined;
  restarts: number;
  lastEnd: ContainerEnd | undefined;
}

export interface SmallAgentCluster {
  readonly now: () => Milliseconds;
  /** Lets so many seconds pass, one look of everybody each. */
  readonly run: (span: Milliseconds) => void;
  /** The same, until it holds; throws when it never does. */
  readonly runUntil: (what: string, holds: () => boolean, atMost?: Milliseconds) => void;
  readonly state: () => AgentState;
  readonly deployment: () => ObservedAgentDeployment | undefined;
  readonly holds: () => readonly Reason[];
  /** Versions of the pods that acted in the last look. */
  readonly acting: () => readonly string[];
  readonly actingSeconds: () => { readonly none: number; readonly two: number };
  readonly target: (target: TargetAgent | undefined) => void;
  readonly recall: (release: AgentRelease) => void;
  readonly setServer: (isUp: boolean) => void;
  readonly setGuard: (runs: boolean) => void;
  readonly setRoom: (hasRoom: boolean) => void;
  readonly setPaused: (isPaused: boolean) => void;
  /** Its processes do nothing and notice nothing, for so long. */
  readonly freeze: (release: AgentRelease, span: Milliseconds) => void;
  readonly killContainers: (release?: AgentRelease) => void;
  readonly deletePods: (release: AgentRelease) => void;
  readonly deleteDeployment: () => void;
  readonly setImage: (release: AgentRelease, manager: string) => void;
  readonly swaps: () => readonly { readonly at: Milliseconds; readonly to: AgentRelease }[];
  readonly takeBacks: () => readonly { readonly at: Milliseconds; readonly by: 'agent' | 'guard' }[];
  readonly rehearsals: () => number;
}

const tick = seconds(1);

export function startSmallAgentCluster(behaviours: Readonly<Record<string, Behaviour>>): SmallAgentCluster {
  let now: Milliseconds = 0;
  let state: AgentState = emptyState;
  let deployment:
    | { release: AgentRelease; minReadySeconds: number; version: number; isPaused: boolean; imageSetBy?: string }
    | undefined;
  /** Named before: its ReplicaSet keeps its pod until one of the named agent has been Ready for long enough. */
  let outgoing: AgentRelease | undefined;
  let pods: Pod[] = [];
  let lease: { holder: string | undefined; renewedAt: Milliseconds } = { holder: undefined, renewedAt: 0 };
  let rehearsal: { attemptId: string; release: AgentRelease; startedAt: Milliseconds } | undefined;
  let target: TargetAgent | undefined;
  let recalledAgent: string | undefined;
  let holds: readonly Reason[] = [];
  let acting: readonly string[] = [];
  let memory: GuardMemory = emptyGuardMemory;
  let frozen: { readonly release: AgentRelease; readonly until: Milliseconds } | undefined;
  let guardStartedAt: Milliseconds | undefined = 0;
  let isServerUp = true;
  let hasRoom = true;
  let verified: string | undefined;
  let count = 0;
  const actingSeconds = { none: 0, two: 0 };
  const swaps: { at: Milliseconds; to: AgentRelease }[] = [];
  const takeBacks: { at: Milliseconds; by: 'agent' | 'guard' }[] = [];
  let rehearsals = 0;

  const behaviourOf = (release: AgentRelease): Behaviour => behaviours[release.digest] ?? { deployment: 'good' };
  const unique = (prefix: string) => {
    count += 1;
    return `${prefix}-${count}`;
  };
  const isReady = (pod: Pod) => pod.readySince !== undefined;
  const isAvailable = (pod: Pod, minReadySeconds: number) =>
    pod.readySince !== undefined && now - pod.readySince >= seconds(minReadySeconds);

  // --- Kubernetes

  const controlRollout = () => {
    if (deployment === undefined) return;
    const { release, minReadySeconds, isPaused } = deployment;
    const live = pods.filter(({ deletedAt }) => deletedAt === undefined);
    const podsOf = (wanted: AgentRelease) => live.filter((pod) => isSameAgent(pod.release, wanted));
    const named = podsOf(release);
    if (named.length === 0 && !isPaused && hasRoom) makePod(release);
    if (outgoing !== undefined && podsOf(outgoing).length === 0 && hasRoom) makePod(outgoing);
    if (named.some((pod) => isAvailable(pod, minReadySeconds))) {
      for (const pod of live) if (!isSameAgent(pod.release, release)) pod.deletedAt = now;
      outgoing = undefined;
    }
  };

  const makePod = (release: AgentRelease) => {
    pods.push({
      name: unique('pod'),
      release,
      createdAt: now,
      container: undefined,
      startsAt: now + tick,
      readySince: undefined,
      deletedAt: undefined,
      restarts: 0,
      lastEnd: undefined,
    });
  };

  const nameAnother = (release: AgentRelease) => {
    if (deployment === undefined || isSameAgent(deployment.release, release)) return;
    const { release: before, minReadySeconds } = deployment;
    const isBefore = (pod: Pod) => isSameAgent(pod.release, before);
    if (outgoing === undefined || pods.some((pod) => isBefore(pod) && isAvailable(pod, minReadySeconds))) {
      outgoing = before;
    } else {
      // What has not been Ready for long enough goes first; the one that stood by stays.
      for (const pod of pods.filter(isBefore)) pod.deletedAt ??= now;
    }
  };

  const end = (pod: Pod, exitCode: number, message?: string) => {
    pod.container = undefined;
    pod.readySince = undefined;
    pod.restarts += 1;
    pod.lastEnd = { exitCode, reason: 'Error', ...(message === undefined ? {} : { message }), finishedAt: at(now) };
    pod.startsAt = now + Math.min(seconds(10) * 2 ** (pod.restarts - 1), seconds(300));
  };

  const runKubelet = () => {
    pods = pods.filter(({ deletedAt }) => deletedAt === undefined || now < deletedAt + 2 * tick);
    for (const pod of pods) {
      const does = behaviourOf(pod.release).deployment;
      if (pod.container === undefined && does !== 'cannot-pull' && now >= pod.startsAt && pod.deletedAt === undefined) {
        pod.container = {
          id: unique('container'),
          startedAt: now,
          renewedAt: now,
          hasPassedTrial: false,
          believesHolder: false,
        };
      } else if (pod.container !== undefined) {
        const age = now - pod.container.startedAt;
        if (does === 'exits') end(pod, 1, 'cannot read the settings');
        else if (typeof does === 'object' && age >= does.crashesAfter) end(pod, 2, 'heap exhausted');
      }
    }
  };

  const observePod = (pod: Pod): ObservedAgentPod => ({
    name: pod.name,
    release: pod.release,
    createdAt: at(pod.createdAt),
    isReady: isReady(pod),
    ...(pod.readySince === undefined ? {} : { readySince: at(pod.readySince) }),
    isDeleting: pod.deletedAt !== undefined,
    restarts: pod.restarts,
    ...(behaviourOf(pod.release).deployment === 'cannot-pull'
      ? { waiting: { reason: 'ImagePullBackOff', message: 'manifest unknown' } }
      : {}),
    ...(pod.container === undefined ? {} : { runningSince: at(pod.container.startedAt) }),
    ...(pod.lastEnd === undefined ? {} : { lastEnd: pod.lastEnd }),
  });

  const observeDeployment = (): ObservedAgentDeployment | undefined => {
    if (deployment === undefined) return undefined;
    const { release, minReadySeconds, version, isPaused, imageSetBy } = deployment;
    const live = pods.filter(({ deletedAt }) => deletedAt === undefined);
    return {
      resourceVersion: String(version),
      release,
      minReadySeconds,
      isPaused,
      isObserved: true,
      replicas: live.length,
      updatedReplicas: live.filter((pod) => isSameAgent(pod.release, release)).length,
      availableReplicas: live.filter((pod) => isAvailable(pod, minReadySeconds)).length,
      ...(hasRoom ? {} : { replicaFailure: 'exceeded quota' }),
      ...(imageSetBy === undefined ? {} : { imageSetBy }),
    };
  };

  const observeRehearsal = (): ObservedRehearsal | undefined => {
    if (rehearsal === undefined) return undefined;
    const { attemptId, release, startedAt } = rehearsal;
    const { deployment: later, rehearsal: does = later === 'good' ? 'passes' : later } = behaviourOf(release);
    const age = now - startedAt;
    const pod: ObservedAgentPod = {
      name: 'rehearsal',
      release,
      createdAt: at(startedAt),
      isReady: false,
      isDeleting: false,
      restarts: 0,
    };
    const base = { attemptId, startedAt: at(startedAt), state: 'running' } as const;
    if (does === 'cannot-pull')
      return { ...base, pod: { ...pod, waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } } };
    if (does === 'hangs') return { ...base, pod: { ...pod, runningSince: at(startedAt) } };
    if (does === 'slow-pull' && age < seconds(300))
      return { ...base, pod: { ...pod, waiting: { reason: 'ContainerCreating' } } };
    if (age < seconds(3)) return { ...base, pod };
    const isFailing = does === 'exits' || !isServerUp;
    const message = does === 'exits' ? 'cannot read the settings' : 'no answer from the control plane';
    const lastEnd = { exitCode: 1, message, finishedAt: at(startedAt + seconds(3)) };
    return isFailing ? { ...base, state: 'failed', pod: { ...pod, lastEnd } } : { ...base, state: 'succeeded' };
  };

  const applyDeployment = (
    release: AgentRelease,
    minReadySeconds: number,
    resourceVersion: string | undefined,
  ): boolean => {
    if (resourceVersion !== (deployment === undefined ? undefined : String(deployment.version))) return false;
    nameAnother(release);
    deployment = {
      release,
      minReadySeconds,
      version: (deployment?.version ?? 0) + 1,
      isPaused: deployment?.isPaused ?? false,
    };
    return true;
  };

  // --- processes

  const carryOut = (by: 'agent' | 'guard', action: AgentUpdateAction | GuardAction): boolean => {
    switch (action.kind) {
      case 'recordState':
        state = changeState(state, action.change);
        return true;
      case 'startRehearsal':
        rehearsals += 1;
        rehearsal ??= { attemptId: action.attemptId, release: action.agent, startedAt: now };
        return true;
      case 'endRehearsal':
        rehearsal = undefined;
        return true;
      case 'verifyRelease':
        verified = action.agent.digest;
        return true;
      case 'swap':
        swaps.push({ at: now, to: action.to });
        return applyDeployment(action.to, action.minReadySeconds, action.resourceVersion);
      case 'takeBack':
        takeBacks.push({ at: now, by });
        return applyDeployment(action.to, action.minReadySeconds, action.resourceVersion);
      case 'makeDeployment':
        return applyDeployment(action.release, action.minReadySeconds, undefined);
      case 'takeLease':
      case 'releaseLease':
        throw new Error('the Lease belongs to a container');
      default:
        return action satisfies never;
    }
  };

  const isFrozen = (pod: Pod) => frozen !== undefined && now < frozen.until && isSameAgent(pod.release, frozen.release);
  const isActing = (pod: Pod) =>
    pod.container !== undefined &&
    !isFrozen(pod) &&
    mayAct({ isHolder: pod.container.believesHolder, sinceRenewal: now - pod.container.renewedAt });

  const observeLease = (): ObservedLease => ({
    resourceVersion: '',
    ...(lease.holder === undefined ? {} : { holder: lease.holder }),
    renewedAt: at(lease.renewedAt),
  });

  const runAgent = (pod: Pod): void => {
    const { container } = pod;
    const does = behaviourOf(pod.release).deployment;
    if (container === undefined || does === 'hangs' || does === 'exits' || isFrozen(pod)) return;
    const { attempt } = state;
    const isTried =
      attempt !== undefined && ['swapping', 'watching'].includes(attempt.phase) && isSameAgent(attempt.to, pod.release);
    const isReached = isServerUp && does !== 'cannot-reach';
    if (isReached && does !== 'trial-refused') container.hasPassedTrial = true;
    const isTrialPending = isTried && !container.hasPassedTrial;
    if (isTrialPending) {
      const kind = isReached ? 'refused' : 'unreachable';
      state = { ...state, trialFailure: { attemptId: attempt.id, kind, message: 'no answer, or none that helps' } };
    }
    if (!isTrialPending && now > container.startedAt) pod.readySince ??= now;
    if (does === 'never-acts') return;
    const isHolder = lease.holder === container.id;
    if (isHolder && now - lease.renewedAt >= productionTimings.lease.renewEvery) lease.renewedAt = now;
    if (isHolder) container.renewedAt = lease.renewedAt;
    const decision = nextAgentUpdateActions(
      {
        me: {
          podName: pod.name,
          release: pod.release,
          startedAt: at(container.startedAt),
          isStopping: pod.deletedAt !== undefined,
          isTrialPending,
        },
        isHolder,
        mayAct: mayAct({ isHolder, sinceRenewal: now - container.renewedAt }),
        ...(target === undefined ? {} : { target }),
        ...(recalledAgent === undefined ? {} : { recalledAgent }),
        ...(verified === undefined ? {} : { verification: { digest: verified } }),
        isServerReachable: isServerUp,
        isProfileUpdateConfirmed: false,
        state,
        deployment: observeDeployment(),
        pods: pods.map(observePod),
        rehearsal: observeRehearsal(),
        lease: observeLease(),
        leaseUnchangedFor: now - (lease.renewedAt ?? 0),
        newAttemptId: unique('attempt'),
      },
      at(now),
    );
    if (isHolder) holds = decision.holds;
    for (const action of decision.actions) {
      if (action.kind === 'takeLease') {
        const unchangedFor = now - (lease.renewedAt ?? 0);
        if (isLeaseFree(observeLease(), { now: at(now), unchangedFor })) {
          lease = { holder: container.id, renewedAt: now };
          container.renewedAt = now;
        }
      } else if (action.kind === 'releaseLease') lease = { holder: undefined, renewedAt: now };
      else if (!carryOut('agent', action)) break;
    }
    container.believesHolder = lease.holder === container.id;
  };

  const runGuard = () => {
    const observed = { deployment: observeDeployment(), pods: pods.map(observePod) };
    memory = rememberPods(memory, observed, at(now));
    if (guardStartedAt === undefined) return;
    const facts = { ownRelease: oldAgent, startedAt: at(guardStartedAt), state, memory, ...observed };
    for (const action of decideGuard(facts, at(now)).actions) if (!carryOut('guard', action)) break;
  };

  const restartGuard = (runs: boolean) => {
    guardStartedAt = runs ? now : undefined;
    memory = emptyGuardMemory;
  };

  const step = () => {
    now += tick;
    controlRollout();
    runKubelet();
    // Each acts in the belief of its last look, before it looks again.
    const actors = pods.filter(isActing);
    acting = actors.map(({ release }) => release.version);
    if (actors.length === 0) actingSeconds.none += 1;
    if (actors.length > 1) actingSeconds.two += 1;
    pods.forEach(runAgent);
    runGuard();
  };
  const run = (span: Milliseconds) => {
    for (let looks = 0; looks < span / tick; looks += 1) step();
  };

  return {
    now: () => now,
    run,
    runUntil: (what, isSo, atMost = seconds(1200)) => {
      const stop = now + atMost;
      while (!isSo()) {
        if (now >= stop) throw new Error(`not within ${atMost / 1000} s: ${what}; ${JSON.stringify(state)}`);
        step();
      }
    },
    state: () => state,
    deployment: observeDeployment,
    holds: () => holds,
    acting: () => acting,
    actingSeconds: () => ({ ...actingSeconds }),
    target: (next) => {
      target = next;
    },
    recall: ({ digest }) => {
      recalledAgent = digest;
    },
    setServer: (isUp) => {
      isServerUp = isUp;
    },
    setGuard: (runs) => {
      if (runs && guardStartedAt !== undefined) return;
      restartGuard(runs);
    },
    setRoom: (next) => {
      hasRoom = next;
    },
    setPaused: (isPaused) => {
      if (deployment !== undefined) deployment.isPaused = isPaused;
    },
    freeze: (release, span) => {
      frozen = { release, until: now + span };
    },
    killContainers: (release) => {
      for (const pod of pods) {
        if (pod.container !== undefined && (release === undefined || isSameAgent(pod.release, release))) {
          end(pod, 137);
          pod.startsAt = now + tick;
        }
      }
      if (release === undefined && guardStartedAt !== undefined) restartGuard(true);
    },
    deletePods: (release) => {
      for (const pod of pods) if (isSameAgent(pod.release, release)) pod.deletedAt = now;
    },
    deleteDeployment: () => {
      deployment = undefined;
      outgoing = undefined;
      pods = [];
    },
    setImage: (release, manager) => {
      nameAnother(release);
      if (deployment !== undefined)
        deployment = { ...deployment, release, version: deployment.version + 1, imageSetBy: manager };
    },
    swaps: () => swaps,
    takeBacks: () => takeBacks,
    rehearsals: () => rehearsals,
  };
}
