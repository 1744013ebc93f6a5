import { describe, expect, test } from 'vitest';
import { seconds } from './instant.ts';
import type { ProfileUpdateProgress } from './profile-update-types.ts';
import { type ProfileWorld, rolls, runToEnd, startProfileWorld } from './testing/profile-world.ts';

const isOver = (progress: ProfileUpdateProgress | undefined) =>
  progress !== undefined && progress.phase !== 'preflight' && progress.phase !== 'running';

/** Until that step is in that state. */
function until(world: ProfileWorld, stepId: string, state: string): void {
  for (let looks = 0; looks < 100; looks += 1) {
    if (world.progress()?.steps.some((step) => step.id === stepId && step.state === state)) return;
    if (isOver(world.look().progress)) break;
  }
  throw new Error(`the step ${stepId} was never ${state}`);
}

const told = (progress: ProfileUpdateProgress) => (progress.repairs ?? []).map(({ what }) => what);
const topologySetAgain =
  'The topology of the Cluster site-b was changed by somebody else, and is set as the plan says again.';
const changeOs = (world: ProfileWorld, os: string) => world.cluster.apply({ kind: 'setOs', os });

describe('what somebody changes in the middle of a profile update', () => {
  test('a pack that is done: put right, told once, and the update completes', () => {
    const world = startProfileWorld({ version: '1.34.1', packs: ['a', 'b'] });
    until(world, 'pack:network/a', 'done');
    world.changePack('the ConfigMap net/mtu was changed by kubectl-edit');
    const end = runToEnd(world);
    expect(end.phase).toBe('completed');
    expect(told(end)).toEqual(['the ConfigMap net/mtu was changed by kubectl-edit']);
  });

  test('packs are looked at every 15 s, and once after everything is done', () => {
    const world = startProfileWorld({ version: '1.34.1', packs: ['a', 'b', 'c'] });
    runToEnd(world);
    const last = world.actions.slice(-2);
    expect(last).toEqual(['keepPacks', 'recordAppliedProfile']);
  });

  test('the topology, once the control planes are done: their step is taken up again', () => {
    const world = startProfileWorld({ version: '1.34.1', os: 'two', workers: 2 });
    until(world, 'workers', 'running');
    changeOs(world, 'three');
    const end = runToEnd(world);
    expect(end.phase).toBe('completed');
    expect(told(end)).toEqual([topologySetAgain]);
    expect(world.cluster.observe()).toMatchObject({ topologyVariables: { osImage: 'two' }, controlPlaneOverrides: {} });
  });

  test('the topology, while the packs after the nodes are applied', () => {
    const world = startProfileWorld({ os: 'two', workers: 1, packs: ['a'] });
    until(world, 'workers', 'done');
    changeOs(world, 'three');
    const end = runToEnd(world);
    expect([end.phase, told(end)]).toEqual(['completed', [topologySetAgain]]);
    expect(world.cluster.observe().topologyVariables).toEqual({ osImage: 'two' });
  });

  test('the topology, while the control planes roll', () => {
    const world = startProfileWorld({ os: 'two' });
    until(world, 'control-planes', 'running');
    world.look();
    world.cluster.apply({ kind: 'overrideControlPlaneOs', os: 'three' });
    const end = runToEnd(world);
    expect([end.phase, told(end)]).toEqual(['completed', [topologySetAgain]]);
  });

  test('a topology that moves nothing in this plan is left to whoever changes it', () => {
    const world = startProfileWorld({ packs: ['a'] });
    world.look();
    changeOs(world, 'three');
    const end = runToEnd(world);
    expect([told(end), rolls(world)]).toEqual([[], []]);
    expect(world.cluster.observe().topologyVariables).toEqual({ osImage: 'three' });
  });

  test('what is kept of the progress: it goes on from what is there, and replaces nothing twice', () => {
    const world = startProfileWorld({ version: '1.34.1', workers: 1, packs: ['a'] });
    until(world, 'control-planes', 'running');
    world.look();
    world.look();
    world.loseProgress();
    const end = runToEnd(world);
    expect(end).toMatchObject({ phase: 'completed', continues: end.planId });
    expect(told(end)[0]).toContain('gatehouse-agent-state was deleted');
    expect([rolls(world), world.cluster.replaced()]).toEqual([['setVersionAndOs'], 4]);
  });
});

test('a change that cannot be put right stops the update before it counts as applied, until a retry', () => {
  const world = startProfileWorld({ packs: ['a'] });
  world.refuseToKeep('admission webhook "policy" denied the request');
  const end = runToEnd(world);
  expect(end.stopped).toMatchObject({ code: 'pack-not-kept' });
  expect(end.stopped?.message).toContain('denied the request');
  expect(world.actions).not.toContain('recordAppliedProfile');
  world.refuseToKeep(undefined);
  world.wait(seconds(60));
  world.order({ retry: 1 });
  expect(runToEnd(world).phase).toBe('completed');
});
