import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAttemptRunning } from './agent-attempt.ts';
import { beginHolds } from './agent-begin.ts';
import { decideAgentUpdate } from './agent-update.ts';
import type { AgentAttempt, AgentRelease } from './agent-update-types.ts';
import { decideCancel, decideConfirm, decideRetry } from './confirm.ts';
import type { ConfirmedProfileUpdate, GatewayFacts, ObservationFacts } from './gateway-facts.ts';
import { confirmedProgress } from './gateway-status.ts';
import { acceptTarget, nextGeneration } from './generation.ts';
import { type Instant, seconds } from './instant.ts';
import { nextProfileUpdateActions } from './profile-update.ts';
import type { PackObservation, ProfileUpdateAction, ProfileUpdateFacts } from './profile-update-step.ts';
import type { ProfileUpdateProgress } from './profile-update-types.ts';
import {
  agent,
  agentPod,
  at,
  attempt as attemptOf,
  deployment,
  emptyState,
  gateway,
  kubernetes,
  newProfile,
  observation,
  oldAgent,
  oldProfile,
  pause,
  plan,
  release,
} from './testing/facts.ts';
import { startSmallClusterApi } from './testing/small-cluster-api.ts';
import { productionTimings } from './timings.ts';

interface Target {
  readonly generation: number;
  readonly agent: AgentRelease;
  readonly order: ConfirmedProfileUpdate | undefined;
}

/** Server and gateway with all that may lie between them: old observations, replies that are lost or come late. */
function startWorld() {
  const cluster = startSmallClusterApi({ version: kubernetes('1.33.5'), os: 'ubuntu-1', controlPlanes: 3, workers: 0 });
  let now: Instant = at(0);
  // The gateway.
  let own: AgentRelease = oldAgent;
  let attempt: AgentAttempt | undefined;
  let progress: ProfileUpdateProgress | undefined;
  let appliedProfile = oldProfile;
  let stored: Target = { generation: 1, agent: oldAgent, order: undefined };
  const packs: Record<string, PackObservation> = {};
  // The server.
  let facts: GatewayFacts = gateway({
    generation: 1,
    targetAgent: oldAgent,
    release: release({ profileNeedsAgent: oldAgent.version }),
  });
  let late: Target | undefined;
  let confirmations = 0;
  let version = 7;
  const generations: number[] = [1];

  const seen = (): ObservationFacts => {
    const { appliedProfile: _before, ...base } = observation();
    return {
      ...base,
      receivedAt: now,
      agent: own,
      appliedProfile,
      ...(attempt ? { attempt } : {}),
      ...(progress ? { profileUpdate: progress } : {}),
    };
  };
  const offered = (): Target => ({
    generation: facts.generation,
    agent: facts.targetAgent ?? oldAgent,
    order: facts.profileUpdate,
  });
  const issue = (change: Partial<GatewayFacts>) => {
    facts = { ...facts, ...change, generation: nextGeneration(facts.generation) };
    generations.push(facts.generation);
  };
  const deliver = (target: Target) => {
    if (acceptTarget({ stored: stored.generation, offered: target.generation }) === 'accept') stored = target;
  };
  /** The server takes an observation in and decides. */
  const report = () => {
    facts = { ...facts, observation: seen() };
    const reportedPhase = confirmedProgress(facts)?.phase;
    if (reportedPhase === 'completed' || reportedPhase === 'cancelled') {
      const { profileUpdate: _done, ...rest } = facts;
      facts = rest;
      issue({});
    }
    const decision = decideAgentUpdate(facts, now);
    const named = decision.kind === 'update' || decision.kind === 'continue' ? decision.to : own;
    if (named.digest !== facts.targetAgent?.digest) issue({ targetAgent: named });
  };
  const currentPlan = () =>
    plan({ planId: `plan-${version}-${appliedProfile.digest}`, from: appliedProfile, to: newProfile });

  let kept: ProfileUpdateFacts['kept'];
  const carryOut = (action: ProfileUpdateAction) => {
    if (action.kind === 'applyPack') packs[action.stepId] = { isApplied: true };
    else if (action.kind === 'recordAppliedProfile') appliedProfile = newProfile;
    else if (action.kind === 'keepPacks') kept = { at: now, repairs: [] };
    else if (action.kind !== 'checkPreflight') cluster.apply(action);
  };
  const events: Readonly<Record<string, () => void>> = {
    poll: () => {
      report();
      deliver(offered());
    },
    'poll, and the reply is lost': report,
    'poll, and the reply comes late': () => {
      report();
      late = offered();
    },
    'the late reply comes': () => {
      if (late !== undefined) deliver(late);
    },
    'a newer release': () => {
      version += 1;
      const next = agent(`4.2.${version}`);
      facts = {
        ...facts,
        release: release({ profileNeedsAgent: oldAgent.version, agent: { ...release().agent, ...next } }),
      };
    },
    pause: () => {
      facts = { ...facts, pauses: facts.pauses.length > 0 ? [] : [pause({ since: at(0) })] };
    },
    confirm: () => {
      const current = appliedProfile.digest === newProfile.digest ? { reasons: [] } : currentPlan();
      const request = { planId: currentPlan().planId, acknowledgePause: true };
      const decision = decideConfirm({ facts, plan: current, request, now });
      if (decision.kind === 'accepted') {
        confirmations += 1;
        issue({
          profileUpdate: {
            plan: decision.plan,
            confirmedAt: now,
            confirmedBy: 'ann',
            retry: confirmations,
            isCancelled: false,
          },
        });
      }
    },
    cancel: () => {
      const order = facts.profileUpdate;
      if (order !== undefined && decideCancel(facts).kind === 'accepted')
        issue({ profileUpdate: { ...order, isCancelled: true } });
    },
    retry: () => {
      const order = facts.profileUpdate;
      const decision = decideRetry(facts);
      if (order !== undefined && decision.kind === 'accepted')
        issue({ profileUpdate: { ...order, retry: decision.retry } });
    },
    'the agent looks at its own update': () => {
      if (isAttemptRunning(attempt) || stored.agent.digest === own.digest) return;
      const holds = beginHolds(
        {
          me: { podName: 'pod', release: own },
          target: { agent: stored.agent, isRetried: false, generation: stored.generation },
          state: { ...emptyState, ...(attempt ? { attempt } : {}) },
          deployment: deployment({ release: own }),
          pods: [agentPod('pod', own, { isReady: true, readySince: at(-seconds(60)) })],
          verificationFailure: undefined,
          isProfileUpdateConfirmed: stored.order !== undefined,
          isServerReachable: true,
        },
        now,
        productionTimings,
      );
      if (holds.length === 0) attempt = attemptOf({ from: own, to: stored.agent, phase: 'rehearsing', startedAt: now });
    },
    'the agent looks at its profile update': () => {
      const { order } = stored;
      if (order === undefined) return;
      const decision = nextProfileUpdateActions(
        {
          order: {
            planId: order.plan.planId,
            to: order.plan.to,
            steps: order.plan.steps,
            retry: order.retry,
            isCancelled: order.isCancelled,
          },
          ...(progress ? { progress } : {}),
          clusterApi: cluster.observe(),
          osVariable: 'osImage',
          packs,
          preflight: { at: now, results: [{ check: 'etcd-healthy', outcome: 'passed', message: 'ok' }] },
          appliedProfile,
          ...(kept === undefined ? {} : { kept }),
          isAgentUpdateRunning: isAttemptRunning(attempt),
        },
        now,
      );
      progress = decision.progress;
      decision.actions.forEach(carryOut);
      cluster.step();
    },
    'the attempt goes well': () => {
      if (!isAttemptRunning(attempt)) return;
      own = attempt.to;
      attempt = { ...attempt, phase: 'settled' };
    },
    'the attempt is taken back': () => {
      if (isAttemptRunning(attempt)) attempt = { ...attempt, phase: 'interrupted', interruptions: 1, endedAt: now };
    },
  };
  return {
    events,
    happen: (name: string) => {
      now = at(now - at(0) + seconds(30));
      events[name]?.();
    },
    isAgentUpdating: () => isAttemptRunning(attempt),
    isProfileUpdating: () => progress?.phase === 'running',
    isProfileApplied: () => appliedProfile.digest === newProfile.digest,
    generations,
    storedGeneration: () => stored.generation,
    ownVersion: () => own.version,
  };
}

const names = Object.keys(startWorld().events);
const anyWalk = fc.array(fc.constantFrom(...names), { minLength: 20, maxLength: 200 });

test('whatever order things happen in, agent and profile are never updated at once, and no generation falls', () => {
  fc.assert(
    fc.property(anyWalk, (walk) => {
      const world = startWorld();
      let before = world.storedGeneration();
      for (const name of walk) {
        world.happen(name);
        expect(world.isAgentUpdating() && world.isProfileUpdating(), `after "${name}"`).toBe(false);
        expect(world.storedGeneration()).toBeGreaterThanOrEqual(before);
        before = world.storedGeneration();
      }
      expect(new Set(world.generations).size).toBe(world.generations.length);
    }),
    { numRuns: 300 },
  );
});

test('left alone afterwards, both updates come to their end', () => {
  fc.assert(
    fc.property(anyWalk, (walk) => {
      const world = startWorld();
      for (const name of walk) world.happen(name);
      const calm = [
        'poll',
        'the agent looks at its own update',
        'the attempt goes well',
        'retry',
        'confirm',
        'the agent looks at its profile update',
      ];
      for (let round = 0; round < 60; round += 1) calm.forEach((name) => world.happen(name));
      expect(world.isAgentUpdating() || world.isProfileUpdating()).toBe(false);
      expect(world.isProfileApplied()).toBe(true);
    }),
    { numRuns: 50 },
  );
});
