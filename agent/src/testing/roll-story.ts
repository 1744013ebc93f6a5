/**
 * For stories of profile updates on a real Cluster API: a gateway that is ready for them, what became of an update, how its
 * control planes fared meanwhile, and what somebody does to them.
 */

import { randomUUID } from 'node:crypto';
import type { Observation } from '@gatehouse/contract/agent-api';
import { textAt } from '../cluster/kubernetes/json.ts';
import { type Lab, openLab } from '../cluster/kubernetes/lab-gateway.ts';
import { from, type RealGateway, realRelease, size, startRealGateway } from './real-gateway.ts';
import { openRepositoryOf } from './test-repository.ts';

/** Nothing moved for so long is stuck: longer than a step of a machine takes on a busy machine, shorter than 20 min. */
export const stuckAfter = 60_000;
export const allMachines = size.controlPlanes + size.workers;
const rollSeconds = 900;

type Progress = NonNullable<Observation['profileUpdate']>;

/** A release of the story: two packs and the nodes' Kubernetes and OS. */
export interface Move {
  readonly version: string;
  readonly kubernetes: string;
  readonly os: string;
}
/** What the gateway is installed with. */
export const firstMove: Move = { version: '6.0.0', kubernetes: from.version, os: from.os };

export interface RollStory {
  readonly lab: Lab;
  readonly gateway: RealGateway;
  progressOf(planId: string): Progress | undefined;
  /** Waits until it is. */
  begun(planId: string): Promise<void>;
  completed(planId: string): Promise<Progress>;
  /** When all control planes were updated, once they are. */
  milestoneOf(planId: string): Promise<string>;
  /** Each time that was told for it: one, when it was told once. */
  milestonesOf(planId: string): ReadonlySet<string>;
  /** Waits for one more Machine than there ever were. */
  machineBeyond(made: number): Promise<void>;
  /** Since that many samples, of the control planes: how few were ready, and how many went at once. */
  worstSince(samples: number): { readonly ready: number; readonly leaving: number; readonly samples: number };
  /** Those that are not on their way out, oldest first. */
  controlPlanes(): Promise<readonly string[]>;
  deleteMachine(name: string): Promise<void>;
  /** Its health check takes that for a machine that is beyond help, and Cluster API replaces it. */
  markUnhealthy(name: string): Promise<void>;
  /** As `kubectl edit` does. */
  edit(path: string, body: object): Promise<void>;
  end(): Promise<void>;
}

export interface RollStoryOptions {
  readonly kubeconfigPath: string;
  /** After the first one, in order; each can be reached from all before it. */
  readonly moves: readonly Move[];
  /** Where the agent reaches the API server; the lab itself when absent. */
  readonly reachThrough?: (lab: Lab) => Promise<string>;
}

export async function startRollStory({ kubeconfigPath, moves, reachThrough }: RollStoryOptions): Promise<RollStory> {
  const lab = await openLab(kubeconfigPath);
  const packs = `packs-${randomUUID().slice(0, 8)}`;
  const all = [firstMove, ...moves];
  const releases = await openRepositoryOf(
    all.map(({ version, kubernetes, os }, index) =>
      realRelease({
        version,
        kubernetes,
        os,
        namespace: packs,
        upgradeFrom: all.slice(0, index).map((move) => move.version),
        packs: [
          { name: 'cloud', beforeNodes: true, data: { kubernetes, of: version } },
          { name: 'metrics', beforeNodes: false, data: { of: version } },
        ],
      }),
    ),
  );
  const timings = { profileUpdate: { stuckAfter, keepEvery: 5_000 }, poll: { duringUpdate: 1_000 } };
  const apiUrl = await reachThrough?.(lab);
  const gateway = await startRealGateway({ lab, apiUrl, releases, packs, first: firstMove.version, timings });
  const milestones = noteMilestones(gateway);
  const { clusterPath, name, samples, server } = gateway;
  const machines = clusterPath.replace(/\/clusters\/.*/, '/machines');
  const progressOf = (planId: string): Progress | undefined => {
    const seen = server.observation?.profileUpdate;
    return seen?.planId === planId ? seen : undefined;
  };
  return {
    lab,
    gateway,
    progressOf,
    async begun(planId) {
      await gateway.waitFor('it has begun', 240, () => progressOf(planId)?.phase === 'running' || undefined);
    },
    completed: (planId) =>
      gateway.waitFor('the update is completed', rollSeconds, () => {
        const seen = progressOf(planId);
        return seen?.phase === 'completed' ? seen : undefined;
      }),
    milestoneOf: (planId) =>
      gateway.waitFor('all control planes are updated', rollSeconds, () => progressOf(planId)?.controlPlanesUpdatedAt),
    milestonesOf: (planId) => milestones.get(planId) ?? new Set(),
    async machineBeyond(made) {
      await gateway.waitFor(
        'a new machine is on its way',
        rollSeconds,
        () => gateway.machinesMade() > made || undefined,
      );
    },
    worstSince(since) {
      const taken = samples.taken().slice(since);
      return {
        ready: Math.min(...taken.map(({ ready }) => ready)),
        leaving: Math.max(...taken.map(({ leaving }) => leaving.length)),
        samples: taken.length,
      };
    },
    async controlPlanes() {
      const found = await lab.api.list(machines, {
        'cluster.x-k8s.io/cluster-name': name,
        'cluster.x-k8s.io/control-plane': '',
      });
      const madeAt = (machine: object): string => textAt(machine, 'metadata', 'creationTimestamp') ?? '';
      return found
        .filter((machine) => textAt(machine, 'metadata', 'deletionTimestamp') === undefined)
        .toSorted((a, b) => madeAt(a).localeCompare(madeAt(b)))
        .map((machine) => textAt(machine, 'metadata', 'name') ?? '');
    },
    deleteMachine: async (machine) => {
      await lab.api.remove(`${machines}/${machine}`);
    },
    markUnhealthy: async (machine) => {
      await lab.api.merge(`${machines}/${machine}`, {
        metadata: { annotations: { 'cluster.x-k8s.io/remediate-machine': '' } },
      });
    },
    async edit(path, body) {
      const query = { fieldManager: 'kubectl-edit' };
      const answer = await lab.api.ask({ method: 'PATCH', path, query, patch: 'merge', body });
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    },
    async end() {
      await gateway.remove();
      await releases.dispose();
    },
  };
}

/** By plan: when it said that all control planes are updated, noted as it comes. */
function noteMilestones({ server }: RealGateway): ReadonlyMap<string, ReadonlySet<string>> {
  const milestones = new Map<string, Set<string>>();
  let { observation } = server;
  Object.defineProperty(server, 'observation', {
    get: () => observation,
    set: (next: Observation | undefined) => {
      observation = next;
      const { planId, controlPlanesUpdatedAt } = next?.profileUpdate ?? {};
      if (planId === undefined || controlPlanesUpdatedAt === undefined) return;
      milestones.set(planId, (milestones.get(planId) ?? new Set()).add(controlPlanesUpdatedAt));
    },
  });
  return milestones;
}
