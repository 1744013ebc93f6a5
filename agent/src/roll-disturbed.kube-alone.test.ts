/**
 * A profile update on a real Cluster API, disturbed: an API server that answers badly or not at all, agents that are
 * killed, controllers that are restarted.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { type Fault, type FaultyProxy, startFaultyProxy } from '@gatehouse/testkit/faulty-proxy';
import { findLabProcess, type LabProcess } from '@gatehouse/testkit/lab-processes';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countAt } from './cluster/kubernetes/json.ts';
import { size } from './testing/real-gateway.ts';
import { allMachines, firstMove, type RollStory, startRollStory } from './testing/roll-story.ts';

const move = { version: '6.1.0', kubernetes: '1.34.1', os: 'ubuntu-24.04-b' };

let story: RollStory;
let proxy: FaultyProxy;

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
if (!isTried)
  console.error('GATEHOUSE_FAULT_ROUNDS=short: no profile update meets a bad API server on the real Cluster API.');

describe.runIf(isTried)('a profile update on a real Cluster API', () => {
  beforeAll(async () => {
    story = await startRollStory({
      kubeconfigPath: providedKubernetesLab().kubeconfigPath,
      moves: [move],
      async reachThrough({ connection: { server, ca } }) {
        proxy = await startFaultyProxy({ target: new URL(server), ...(ca === undefined ? {} : { targetCa: ca }) });
        return proxy.url;
      },
    });
  });
  afterAll(async () => {
    await story?.end();
    await proxy?.stop();
  });

  it('completes with an API server that fails in every way, agents that are killed and controllers that are restarted', async ({
    annotate,
  }) => {
    const { gateway } = story;
    const generation = await clusterGeneration();
    const made = gateway.machinesMade();
    const samples = gateway.samples.taken().length;
    const order = await gateway.plan({ from: firstMove.version, to: move.version });
    const disturbed = disturbConnection();
    gateway.order({ profileUpdate: order });
    await story.begun(order.planId);
    await gateway.killAgent();
    await story.machineBeyond(made);
    await gateway.killAgent();
    await restartControllers();
    await story.milestoneOf(order.planId);
    await gateway.killAgent();
    const end = await story.completed(order.planId);
    await disturbed.stop();
    const hit = proxy.requests.filter(({ fault }) => fault !== undefined);
    const seen = story.worstSince(samples);
    await annotate(`${hit.length} of ${proxy.requests.length} requests disturbed; ${JSON.stringify(seen)}`);
    expect(new Set(hit.map(({ fault }) => fault))).toEqual(new Set(faults.map(({ kind }) => kind)));
    expect(end.steps.every(({ state }) => state === 'done')).toBe(true);
    // One patch, once; every machine replaced once.
    expect((await clusterGeneration()) - generation).toBe(1);
    expect(gateway.machinesMade() - made).toBe(allMachines);
    expect(story.milestonesOf(order.planId).size).toBe(1);
    expect(seen.ready).toBeGreaterThanOrEqual(size.controlPlanes);
    expect(seen.leaving).toBeLessThanOrEqual(1);
  });
});

async function clusterGeneration(): Promise<number> {
  return countAt(await story.lab.api.get(story.gateway.clusterPath), 'metadata', 'generation');
}

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
