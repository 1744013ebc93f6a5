/** A gateway on which an agent carries out what is decided about a profile update, one look after the other. */

import type { Known, ObservedClusterApi } from '../gateway.ts';
import { type Instant, seconds } from '../instant.ts';
import { planProfileUpdate } from '../profile-plan.ts';
import { nextProfileUpdateActions, type ProfileUpdateDecision } from '../profile-update.ts';
import type {
  PackObservation,
  ProfileUpdateAction,
  ProfileUpdateFacts,
  ProfileUpdateOrder,
} from '../profile-update-step.ts';
import type { PreflightResult, ProfileUpdateProgress, ProfileUpdateStep } from '../profile-update-types.ts';
import { at, kubernetes, node, pack, profile, t0 } from './facts.ts';
import { type SmallClusterApi, startSmallClusterApi } from './small-cluster-api.ts';

export const rolling = ['setVersionAndOs', 'overrideControlPlaneOs', 'setOs', 'deleteMachine'];
export const passed: readonly PreflightResult[] = [{ check: 'etcd-healthy', outcome: 'passed', message: 'ok' }];

export interface ProfileWorld {
  readonly cluster: SmallClusterApi;
  readonly now: () => Instant;
  readonly progress: () => ProfileUpdateProgress | undefined;
  readonly decide: (seen?: Known<ObservedClusterApi>) => ProfileUpdateDecision;
  /** Decides, keeps the progress, carries out, and lets the world take its step. */
  readonly look: (more?: {
    readonly seen?: Known<ObservedClusterApi>;
    readonly crash?: 'before' | 'after';
  }) => ProfileUpdateDecision;
  readonly wait: (span: number) => void;
  readonly order: (change: Partial<ProfileUpdateOrder>) => void;
  /** Somebody changes an object of a pack that is applied. The next look at packs finds and mends it. */
  readonly changePack: (what: string) => void;
  /** From now on what somebody changed cannot be put right, with these words of the API server. */
  readonly refuseToKeep: (refusal: string | undefined) => void;
  /** Somebody deletes what is kept of the progress. */
  readonly loseProgress: () => void;
  /** Takes the reason away again. */
  readonly letGo: () => void;
  readonly actions: readonly ProfileUpdateAction['kind'][];
}

export interface Move {
  readonly version?: string;
  readonly os?: string;
  readonly controlPlanes?: 1 | 3;
  readonly workers?: number;
  readonly packs?: readonly string[];
  readonly preflight?: readonly PreflightResult[];
}

export function stepsOf(
  cluster: SmallClusterApi,
  { version = '1.33.5', os = 'one', workers = 0, controlPlanes = 3, packs = ['cilium'] }: Move,
): readonly ProfileUpdateStep[] {
  const decision = planProfileUpdate({
    gatewayId: 'gw-1',
    installation: 'cli',
    settings: { controlPlanes, workers },
    current: profile('old', { kubernetes: '1.33.5', os: 'one' }),
    target: profile('new', { kubernetes: version, os }, [{ kind: 'network', packs: packs.map((name) => pack(name)) }]),
    nodes: [
      node('cp-1', 'control-plane'),
      ...Array.from({ length: workers }, (_, index) => node(`w-${index}`, 'worker')),
    ],
    clusterApi: cluster.observe(),
  });
  if (decision.kind === 'none') throw new Error(decision.reasons[0].message);
  return decision.plan.steps;
}

export function startProfileWorld(move: Move): ProfileWorld {
  const { controlPlanes = 3, workers = 0 } = move;
  const cluster = startSmallClusterApi({ version: kubernetes('1.33.5'), os: 'one', controlPlanes, workers });
  let order: ProfileUpdateOrder = {
    planId: 'sha256:plan',
    to: { version: profile('new', { kubernetes: '1.33.5', os: 'one' }).version, digest: 'sha256:new' },
    steps: stepsOf(cluster, move),
    retry: 0,
    isCancelled: false,
  };
  let now = t0;
  let progress: ProfileUpdateProgress | undefined;
  let appliedProfile: ProfileUpdateOrder['to'] | undefined;
  const packs: Record<string, PackObservation> = {};
  let refusal: string | undefined;
  let changed: readonly string[] = [];
  let kept: ProfileUpdateFacts['kept'];
  const actions: ProfileUpdateAction['kind'][] = [];
  const decide: ProfileWorld['decide'] = (seen = cluster.observe()) =>
    nextProfileUpdateActions(
      {
        order,
        ...(progress === undefined ? {} : { progress }),
        clusterApi: seen,
        osVariable: 'osImage',
        packs,
        preflight: { at: now, results: move.preflight ?? passed },
        ...(appliedProfile === undefined ? {} : { appliedProfile }),
        isAgentUpdateRunning: false,
        ...(kept === undefined ? {} : { kept }),
      },
      now,
    );
  const carryOut = (action: ProfileUpdateAction) => {
    actions.push(action.kind);
    if (action.kind === 'applyPack') packs[action.stepId] = { isApplied: true };
    else if (action.kind === 'keepPacks') {
      const at = now;
      kept = {
        at,
        repairs: changed.map((what) => ({ at, what })),
        ...(refusal === undefined ? {} : { refusal }),
      };
      changed = [];
    } else if (action.kind === 'recordAppliedProfile') appliedProfile = action.profile;
    else if (action.kind !== 'checkPreflight') cluster.apply(action);
  };
  return {
    cluster,
    now: () => now,
    progress: () => progress,
    decide,
    look: ({ seen, crash } = {}) => {
      const decision = decide(seen);
      if (crash !== 'before') {
        progress = decision.progress;
        if (crash !== 'after') decision.actions.forEach(carryOut);
      }
      cluster.step();
      now = at(now - t0 + seconds(5));
      return decision;
    },
    wait: (span) => {
      now = at(now - t0 + span);
    },
    order: (change) => {
      order = { ...order, ...change };
    },
    changePack: (what) => {
      changed = [...changed, what];
    },
    refuseToKeep: (words) => {
      refusal = words;
    },
    loseProgress: () => {
      progress = undefined;
    },
    letGo: () => {
      const { held: _over, ...rest } = order;
      order = rest;
    },
    actions,
  };
}

export function runToEnd(world: ProfileWorld, looksMax = 200): ProfileUpdateProgress {
  for (let looks = 0; looks < looksMax; looks += 1) {
    const { progress } = world.look();
    if (progress.phase !== 'preflight' && progress.phase !== 'running') return progress;
  }
  throw new Error(`not at its end after ${looksMax} looks: ${JSON.stringify(world.progress())}`);
}
export const rolls = (world: ProfileWorld) => world.actions.filter((kind) => rolling.includes(kind));
