/**
 * A profile update on a real Cluster API, disturbed: an API server that answers badly or not at all, agents that are
 * killed, controllers that are restarted.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Observation } from '@gatehouse/contract/agent-api';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { type Fault, type FaultyProxy, startFaultyProxy } from '@gatehouse/testkit/faulty-proxy';
import { findLabProcess, type LabProcess } from '@gatehouse/testkit/lab-processes';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countAt } from './cluster/kubernetes/json.ts';
import { type Lab, openLab } from './cluster/kubernetes/lab-gateway.ts';
import { from, type RealGateway, realRelease, size, startRealGateway } from './testing/real-gateway.ts';
import { openRepositoryOf } from './testing/test-repository.ts';

const allMachines = size.controlPlanes + size.workers;
const rollSeconds = 900;

let lab: Lab;
let gateway: RealGateway;
let proxy: FaultyProxy;
let noted: { readonly milestones: ReadonlyMap<string, ReadonlySet<string>> };
const namespace = `packs-${randomUUID().slice(0, 8)}`;
const undo: (() => Promise<void>)[] = [];

/** Nothing moved for so long is stuck: longer than a step of a machine takes on a busy machine, shorter than 20 min. */
const stuckAfter = 60_000;

/** Two packs each; the second moves Kubernetes and the OS too. */
const moves = [
  { version: '6.0.0', kubernetes: from.version, os: from.os },
  { version: '6.1.0', kubernetes: '1.34.1', os: 'ubuntu-24.04-b' },
] as const;

beforeAll(async () => {
  lab = await openLab(providedKubernetesLab().kubeconfigPath);
  const releases = await openRepositoryOf(
    moves.map(({ version, kubernetes, os }, index) =>
      realRelease({
        version,
        kubernetes,
        os,
        namespace,
        upgradeFrom: moves.slice(0, index).map((move) => move.version),
        packs: [
          { name: 'cloud', beforeNodes: true, data: { kubernetes, of: version } },
          { name: 'metrics', beforeNodes: false, data: { of: version } },
        ],
      }),
    ),
  );
  undo.push(releases.dispose);
  const { server, ca } = lab.connection;
  proxy = await startFaultyProxy({ target: new URL(server), ...(ca === undefined ? {} : { targetCa: ca }) });
  undo.push(proxy.stop);
  const timings = { profileUpdate: { stuckAfter, keepEvery: 5_000 }, poll: { duringUpdate: 1_000 } };
  gateway = await startRealGateway({ lab, apiUrl: proxy.url, releases, packs: namespace, first: '6.0.0', timings });
  undo.push(gateway.remove);
  noted = noteProgress(gateway);
});
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

type Progress = NonNullable<Observation['profileUpdate']>;

/** By plan: when it said that all control planes are updated, noted as it comes. */
function noteProgress({ server }: RealGateway): typeof noted {
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
  return { milestones };
}

const progressOf = ({ server }: RealGateway, planId: string): Progress | undefined => {
  const seen = server.observation?.profileUpdate;
  return seen?.planId === planId ? seen : undefined;
};
const completed = (gateway: RealGateway, planId: string) =>
  gateway.waitFor('the update is completed', rollSeconds, () => {
    const seen = progressOf(gateway, planId);
    return seen?.phase === 'completed' ? seen : undefined;
  });
const newControlPlane = (gateway: RealGateway, made: number) =>
  gateway.waitFor('a new control plane is on its way', rollSeconds, () =>
    gateway.machinesMade() > made ? true : undefined,
  );
const milestoneOf = (gateway: RealGateway, planId: string) =>
  gateway.waitFor(
    'all control planes are updated',
    rollSeconds,
    () => progressOf(gateway, planId)?.controlPlanesUpdatedAt,
  );

/** Of all control planes: how few were ready, and how many went at once. */
function worst(
  gateway: RealGateway,
  since: number,
): { readonly ready: number; readonly leaving: number; readonly samples: number } {
  const taken = gateway.samples.taken().slice(since);
  return {
    ready: Math.min(...taken.map(({ ready }) => ready)),
    leaving: Math.max(...taken.map(({ leaving }) => leaving.length)),
    samples: taken.length,
  };
}

const status = (code: number, reason: string, headers: Readonly<Record<string, string>> = {}): Fault => ({
  kind: 'status',
  status: code,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: `faulty: ${reason}`,
    reason,
    code,
  }),
});
const faults: readonly Fault[] = [
  status(429, 'TooManyRequests', { 'retry-after': '1' }),
  status(409, 'Conflict'),
  status(410, 'Expired'),
  status(500, 'InternalError'),
  status(503, 'ServiceUnavailable'),
  status(504, 'Timeout'),
  { kind: 'reset' },
  { kind: 'hang' },
  { kind: 'delay', milliseconds: 3_000 },
  // Done, and the answer never comes.
  { kind: 'cut-reply', afterBytes: 0 },
  { kind: 'stall-reply', afterBytes: 20 },
];

/**
 * One request after the other meets the next fault of the table, and so does one of the writes; between two of them enough pass
 * that what failed is done again. Never more than one is due: faults that wait for a request would meet every one that comes.
 */
function disturbConnection(): { readonly stop: () => Promise<void> } {
  const stopped = new AbortController();
  const inTurn = async (which: { readonly method?: string; readonly skip: number }): Promise<void> => {
    for (let next = 0; !stopped.signal.aborted; next += 1) {
      const fault = faults[next % faults.length];
      if (fault === undefined) return;
      const rule = proxy.add({ ...which, times: 1, fault });
      while (rule.hits() === 0 && !stopped.signal.aborted) await pause(50);
      rule.remove();
    }
  };
  const disturbing = Promise.all([inTurn({ skip: 40 }), inTurn({ method: 'PATCH', skip: 2 })]);
  return {
    async stop() {
      stopped.abort();
      await disturbing;
      proxy.heal();
    },
  };
}

const isTried = faultRounds({ whole: 1, short: 0 }) > 0;
if (!isTried) console.error('GATEHOUSE_FAULT_ROUNDS=short: no profile update is disturbed on the real Cluster API.');

describe.runIf(isTried)('a profile update on a real Cluster API', () => {
  it('completes with an API server that fails in every way, agents that are killed and controllers that are restarted', async ({
    annotate,
  }) => {
    const generation = await generationOf(gateway);
    const made = gateway.machinesMade();
    const samples = gateway.samples.taken().length;
    const order = gateway.plan({ from: '6.0.0', to: '6.1.0' });
    const disturbed = disturbConnection();
    gateway.order({ profileUpdate: order });
    await gateway.waitFor(
      'it has begun',
      240,
      () => progressOf(gateway, order.planId)?.phase === 'running' || undefined,
    );
    await gateway.killAgent();
    await newControlPlane(gateway, made);
    await gateway.killAgent();
    await restartControllers();
    await milestoneOf(gateway, order.planId);
    await gateway.killAgent();
    const end = await completed(gateway, order.planId);
    await disturbed.stop();
    const hit = proxy.requests.filter(({ fault }) => fault !== undefined);
    const seen = worst(gateway, samples);
    await annotate(`${hit.length} of ${proxy.requests.length} requests disturbed; ${JSON.stringify(seen)}`);
    expect(new Set(hit.map(({ fault }) => fault))).toEqual(new Set(faults.map(({ kind }) => kind)));
    expect(end.steps.every(({ state }) => state === 'done')).toBe(true);
    // One patch, once; every machine replaced once.
    expect((await generationOf(gateway)) - generation).toBe(1);
    expect(gateway.machinesMade() - made).toBe(allMachines);
    expect(noted.milestones.get(order.planId)?.size).toBe(1);
    expect(seen.ready).toBeGreaterThanOrEqual(size.controlPlanes);
    expect(seen.leaving).toBeLessThanOrEqual(1);
  });
});

const generationOf = async ({ clusterPath }: RealGateway): Promise<number> =>
  countAt(await lab.api.get(clusterPath), 'metadata', 'generation');

/** Killed, away for a few seconds, and started again. On somebody's own cluster they are not ours to kill. */
async function restartControllers(): Promise<void> {
  const found = await Promise.all(
    (['capi-core', 'capi-control-plane', 'capi-bootstrap'] as const).map((name) =>
      findLabProcess(providedKubernetesLab(), name),
    ),
  );
  const managers = found.filter((one): one is LabProcess => one !== undefined);
  if (managers.length < found.length)
    console.error('Cluster API’s controllers are not ours here, so none is restarted.');
  for (const manager of managers) await manager.kill();
  await pause(5_000);
  for (const manager of managers) await manager.start();
}
