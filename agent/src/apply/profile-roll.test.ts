/** A profile update in a whole gateway, in virtual time: the order of the nodes, and what stops it. */

import type { ProfileUpdateOrder } from '@gatehouse/contract/agent-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClusterApiState } from '../cluster/simulated/cluster-api-state.ts';
import { createGatewayWorld, type GatewayWorld } from '../testing/gateway-world.ts';
import { plannedOrder, profilePointer } from '../testing/planned-order.ts';
import { anotherOs } from '../testing/test-repository.ts';

const settings = { controlPlanes: 3, workers: 2 } as const;
const rollSeconds = 500;
/** Instead of 20 minutes; longer than any step of a machine lasts. */
const timings = { profileUpdate: { stuckAfter: 60_000 } };

let world: GatewayWorld;

beforeEach(async () => {
  world = await createGatewayWorld({ installation: 'cli', ...settings, timings });
  world.server.pollAgainSeconds = 2;
  world.order({ initialProfile: { release: '4.1.12', digest: profilePointer(world, '4.1.12').digest } });
  await world.waitFor('the first profile', 300, () => world.server.observation?.appliedProfile);
});
afterEach(async () => {
  await world.dispose();
});

function clusterApi(): ClusterApiState {
  const state = world.simulated.read().clusterApi;
  if (state === undefined) throw new Error('there is no Cluster');
  return state;
}

const progress = () => world.server.observation?.profileUpdate;
const stateOf = (stepId: string) => progress()?.steps.find(({ id }) => id === stepId)?.state;
const newest = () => clusterApi().controlPlane.machines.at(-1);
const osOf = (machines: ClusterApiState['controlPlane']['machines']) => new Set(machines.map(({ os }) => os));

function order(from: string, to: string): ProfileUpdateOrder {
  const planned = plannedOrder(world, { from, to }, settings);
  world.order({ profileUpdate: planned });
  return planned;
}

const completed = (planId: string) =>
  world.waitFor('the update is completed', rollSeconds, () => {
    const seen = progress();
    return seen?.planId === planId && seen.phase === 'completed' ? seen : undefined;
  });

test('the OS alone moves the control planes first and the workers after them', async () => {
  await completed(order('4.1.12', '4.2.7').planId);
  const { planId } = order('4.2.7', '4.2.9');
  // Whatever is seen in between: no worker has the new OS while a control plane still has the old one.
  let tooEarly = 0;
  world.simulated.onChange(() => {
    const { controlPlane, workers } = clusterApi();
    const isControlPlaneMixed = osOf(controlPlane.machines).size > 1;
    if (isControlPlaneMixed && workers.some((set) => osOf(set.machines).has(anotherOs))) tooEarly += 1;
  });
  const end = await completed(planId);
  expect(tooEarly).toBe(0);
  expect(end.controlPlanesUpdatedAt).toBeDefined();
  const { topology, controlPlane, workers } = clusterApi();
  expect(topology).toMatchObject({ variables: { osImage: anotherOs }, controlPlaneOverrides: {} });
  for (const set of [controlPlane, ...workers]) expect([...osOf(set.machines)]).toEqual([anotherOs]);
  expect(controlPlane.machines).toHaveLength(3);
});

test('a machine that never starts stops the update, leaves alone what works, and is replaced by a retry', async () => {
  world.simulated.setTroubles(() => ({ noAddress: true }));
  const before = clusterApi().controlPlane.machines.map(({ name }) => name);
  const planned = order('4.1.12', '4.2.7');
  const stopped = await world.waitFor('the update has stopped', rollSeconds, () =>
    progress()?.phase === 'stopped' ? progress() : undefined,
  );
  expect(stopped.stopped?.message).toContain('no free address');
  expect(stateOf('control-planes')).toBe('failed');
  expect(stateOf('workers')).toBe('waiting');
  expect(clusterApi().controlPlane.machines.slice(0, 3)).toMatchObject(
    before.map((name) => ({ name, phase: 'Running' })),
  );
  const stuck = newest()?.name;

  world.simulated.setTroubles(() => ({}));
  await world.clock.advance(120_000);
  expect(newest()?.name).toBe(stuck);
  world.order({ profileUpdate: { ...planned, retry: 1 } });
  const end = await completed(planned.planId);
  expect(end.retry).toBe(1);
  expect(clusterApi().controlPlane.machines.map(({ name }) => name)).not.toContain(stuck);
});

test('a Cluster that its owner paused moves nothing, is not called stuck, and goes on afterwards', async () => {
  const { planId } = order('4.1.12', '4.2.7');
  await world.waitFor('a new machine', 300, () => (newest()?.phase === 'Provisioning' ? true : undefined));
  world.simulated.owner.pauseCluster(true);
  await world.clock.advance(180_000);
  expect(progress()?.phase).toBe('running');
  expect(progress()?.steps.find(({ id }) => id === 'control-planes')?.message).toMatch(/paused/);
  world.simulated.owner.pauseCluster(false);
  await completed(planId);
});

test('a control plane that somebody deletes in the middle is made again, and the update completes once', async () => {
  const { planId } = order('4.1.12', '4.2.7');
  await world.waitFor('a new machine', 300, () => (newest()?.phase === 'Provisioned' ? true : undefined));
  world.simulated.owner.deleteMachine(clusterApi().controlPlane.machines[0]?.name ?? '');
  const end = await completed(planId);
  expect(end.controlPlanesUpdatedAt).toBeDefined();
  expect(clusterApi().controlPlane.machines).toHaveLength(3);
  expect(new Set(clusterApi().controlPlane.machines.map(({ version }) => version))).toEqual(new Set(['1.27.11']));
});
