import { beforeEach, describe, expect, test } from 'vitest';
import type { ObservedClusterApi } from './gateway.ts';
import { minutes } from './instant.ts';
import type { ProfileUpdateDecision } from './profile-update.ts';
import type { ProfileUpdateProgress } from './profile-update-types.ts';
import { kubernetes } from './testing/facts.ts';
import { type Move, type ProfileWorld, rolls, runToEnd, startProfileWorld, stepsOf } from './testing/profile-world.ts';

describe('an update to its end', () => {
  test.each<{ name: string; move: Move; rolls: readonly string[]; replaced: number }>([
    {
      name: 'Kubernetes and OS go in one patch',
      move: { version: '1.34.1', os: 'two' },
      rolls: ['setVersionAndOs'],
      replaced: 3,
    },
    { name: 'with workers too', move: { version: '1.34.1', workers: 2 }, rolls: ['setVersionAndOs'], replaced: 5 },
    {
      name: 'the OS goes to the control planes first',
      move: { os: 'two', workers: 2 },
      rolls: ['overrideControlPlaneOs', 'setOs'],
      replaced: 5,
    },
    {
      name: 'without workers no override stays behind',
      move: { os: 'two' },
      rolls: ['overrideControlPlaneOs', 'setOs'],
      replaced: 3,
    },
    {
      name: 'one control plane',
      move: { version: '1.34.1', controlPlanes: 1 },
      rolls: ['setVersionAndOs'],
      replaced: 1,
    },
    { name: 'nothing is replaced', move: {}, rolls: [], replaced: 0 },
  ])('$name', ({ move, rolls: expected, replaced }) => {
    const world = startProfileWorld(move);
    expect(runToEnd(world).phase).toBe('completed');
    expect(rolls(world)).toEqual(expected);
    expect(world.cluster.replaced()).toBe(replaced);
    expect(world.cluster.observe()).toMatchObject({
      controlPlaneOverrides: {},
      topologyVariables: { osImage: move.os ?? 'one' },
    });
    expect(world.cluster.violations).toEqual([]);
  });

  test('the order is: nodes, milestone, packs, the applied profile, completed', () => {
    const world = startProfileWorld({ version: '1.34.1', workers: 1, packs: ['a', 'b'] });
    const seen: string[] = [];
    let before: ProfileUpdateProgress | undefined;
    while (before?.phase !== 'completed') {
      const { progress, actions } = world.look();
      if (progress.controlPlanesUpdatedAt !== undefined && before?.controlPlanesUpdatedAt === undefined) {
        seen.push(`milestone, ${world.cluster.replaced()} replaced`);
      }
      seen.push(...actions.map((action) => (action.kind === 'applyPack' ? action.stepId : action.kind)));
      before = progress;
    }
    expect(seen).toEqual([
      'setVersionAndOs',
      'milestone, 3 replaced',
      'pack:network/a',
      'pack:network/b',
      'keepPacks',
      'keepPacks',
      'recordAppliedProfile',
    ]);
  });
});

describe('the milestone', () => {
  const isReached = (decision: ProfileUpdateDecision) => decision.progress.controlPlanesUpdatedAt !== undefined;

  test('comes at once when no node had to be replaced', () => {
    expect(isReached(startProfileWorld({}).look())).toBe(true);
  });

  const target = startProfileWorld({ version: '1.34.1' });
  runToEnd(target);
  const done = target.cluster.observe();
  const late: readonly { name: string; seen: ObservedClusterApi }[] = [
    {
      name: 'a fourth replica is still there',
      seen: { ...done, controlPlane: { ...done.controlPlane, replicas: 4 } },
    },
    { name: 'one is not ready', seen: { ...done, controlPlane: { ...done.controlPlane, ready: 2 } } },
    { name: 'one is not available', seen: { ...done, controlPlane: { ...done.controlPlane, available: 2 } } },
    { name: 'one is not up to date', seen: { ...done, controlPlane: { ...done.controlPlane, upToDate: 2 } } },
    { name: 'the rollout goes on', seen: { ...done, controlPlane: { ...done.controlPlane, isRollingOut: true } } },
    {
      name: 'whether it goes on is unknown',
      seen: { ...done, controlPlane: { ...done.controlPlane, isRollingOut: 'unknown' } },
    },
    {
      name: 'the controller has not seen the newest spec',
      seen: { ...done, controlPlane: { ...done.controlPlane, isObserved: false } },
    },
    { name: 'the topology has not seen the newest Cluster', seen: { ...done, isObserved: false } },
    {
      name: 'the lowest version is the old one',
      seen: { ...done, controlPlane: { ...done.controlPlane, statusVersion: kubernetes('1.33.5') } },
    },
    {
      name: 'the spec is the old one',
      seen: { ...done, controlPlane: { ...done.controlPlane, specVersion: kubernetes('1.33.5') } },
    },
    {
      name: 'a machine is being deleted',
      seen: { ...done, machines: done.machines.map((one, index) => ({ ...one, isDeleting: index === 0 })) },
    },
  ];
  test.each(late)('does not come while $name', ({ seen }) => {
    const world = startProfileWorld({ version: '1.34.1' });
    world.look();
    expect(isReached(world.look({ seen }))).toBe(false);
    expect(isReached(world.look({ seen: done }))).toBe(true);
  });

  test('of an OS waits until the control planes are known to be asked for it', () => {
    const os = startProfileWorld({ os: 'two' });
    runToEnd(os);
    const seen = os.cluster.observe();
    const { specOs, ...unknownOs } = seen.controlPlane;
    const world = startProfileWorld({ os: 'two' });
    world.look();
    const behind = { ...seen, isTopologyReconciled: false, controlPlane: unknownOs };
    expect(isReached(world.look({ seen: behind }))).toBe(false);
    expect(isReached(world.look({ seen: { ...behind, controlPlane: { ...unknownOs, specOs: 'one' } } }))).toBe(false);
    expect(isReached(world.look({ seen: { ...behind, isTopologyReconciled: true } }))).toBe(true);
    expect(specOs).toBe('two');
  });

  test('is kept when a control plane becomes unready later', () => {
    const world = startProfileWorld({ version: '1.34.1', workers: 2 });
    let decision = world.look();
    while (!isReached(decision)) decision = world.look();
    const reachedAt = decision.progress.controlPlanesUpdatedAt;
    expect(runToEnd(world).controlPlanesUpdatedAt).toBe(reachedAt);
  });
});

test('the OS does not go to the workers while a control plane still rolls', () => {
  const world = startProfileWorld({ os: 'two', workers: 1 });
  let decision = world.look();
  while (decision.progress.steps[1]?.state !== 'running') {
    const isFirst =
      world.progress() === undefined || world.cluster.observe().controlPlaneOverrides['osImage'] === undefined;
    decision = world.look(isFirst ? {} : { crash: 'after' });
  }
  const seen = world.cluster.observe();
  const isRolling = { ...seen, controlPlane: { ...seen.controlPlane, isRollingOut: true } };
  expect(world.decide(isRolling).actions).toEqual([]);
  expect(world.decide(seen).actions).toEqual([{ kind: 'setOs', os: 'two' }]);
});

describe('what cannot be read', () => {
  test('is waited for and never a failure, however long', () => {
    const world = startProfileWorld({ version: '1.34.1' });
    world.look();
    world.look();
    world.wait(minutes(120));
    const decision = world.decide('unknown');
    expect(decision.progress.phase).toBe('running');
    expect(decision.actions).toEqual([]);
    expect(decision.waits).toMatchObject([{ code: 'cluster-unknown' }]);
  });
});

describe('stuck', () => {
  let world: ProfileWorld;
  beforeEach(() => {
    world = startProfileWorld({ os: 'broken' });
    for (let looks = 0; looks < 5; looks += 1) world.look();
  });

  test('is what has not moved for 20 minutes, with what the newest machine says', () => {
    world.wait(minutes(19));
    expect(world.decide().progress.phase).toBe('running');
    world.wait(minutes(1));
    const { progress } = world.decide();
    expect(progress.phase).toBe('stopped');
    expect(progress.stopped?.message).toContain('the newest machine cp-4 is Provisioning: Waiting for a node.');
    expect(progress.steps.map(({ state }) => state)).toEqual(['failed', 'waiting']);
  });

  test('does not count while the Cluster is paused, and starts anew afterwards', () => {
    world.cluster.setPaused(true);
    world.look();
    world.wait(minutes(60));
    expect(world.look()).toMatchObject({ progress: { phase: 'running' }, waits: [{ code: 'cluster-paused' }] });
    world.cluster.setPaused(false);
    expect(world.look().progress.phase).toBe('running');
    world.wait(minutes(19));
    expect(world.decide().progress.phase).toBe('running');
    world.wait(minutes(2));
    expect(world.decide().progress.phase).toBe('stopped');
  });

  test('touches nothing more and stays so', () => {
    world.wait(minutes(25));
    world.look();
    const replaced = world.cluster.replaced();
    world.wait(minutes(60));
    expect(world.look()).toMatchObject({ progress: { phase: 'stopped' }, actions: [] });
    expect(world.cluster.replaced()).toBe(replaced);
  });

  test('a retry deletes the one machine without a node, once, and gives it its time anew', () => {
    world.wait(minutes(25));
    world.look();
    world.order({ retry: 1 });
    expect(world.look()).toMatchObject({ progress: { phase: 'running', retry: 1 }, actions: [] });
    expect(world.look().actions).toEqual([{ kind: 'deleteMachine', name: 'cp-4' }]);
    expect(world.look().actions).toEqual([]);
    expect(world.decide().progress.phase).toBe('running');
  });

  test('a retry waits until it can see which machine that is', () => {
    world.wait(minutes(25));
    world.look();
    world.order({ retry: 1 });
    expect(world.look({ seen: 'unknown' })).toMatchObject({
      progress: { phase: 'stopped', retry: 0 },
      waits: [{ code: 'cluster-unknown' }],
    });
  });

  test('a newer plan with an OS that starts takes its place, replaces that machine and completes', () => {
    world.wait(minutes(25));
    world.look();
    world.order({ planId: 'sha256:next', steps: stepsOf(world.cluster, { os: 'two' }) });
    const { progress } = world.look();
    expect(progress).toMatchObject({ planId: 'sha256:next', continues: 'sha256:plan' });
    expect(runToEnd(world).phase).toBe('completed');
    expect(world.actions.filter((kind) => kind === 'deleteMachine')).toHaveLength(1);
    expect(world.cluster.violations).toEqual([]);
    expect(world.cluster.observe().topologyVariables).toEqual({ osImage: 'two' });
  });

  test('a newer plan with another version does not send a second version into the first', () => {
    const version = startProfileWorld({ version: '1.34.1', os: 'broken' });
    for (let looks = 0; looks < 5; looks += 1) version.look();
    version.wait(minutes(25));
    version.look();
    version.order({
      planId: 'sha256:next',
      steps: stepsOf(version.cluster, { version: '1.34.1', os: 'two', workers: 0 }),
    });
    expect(runToEnd(version).phase).toBe('completed');
    expect(rolls(version)).toEqual(['setVersionAndOs', 'overrideControlPlaneOs', 'deleteMachine', 'setOs']);
    expect(version.cluster.violations).toEqual([]);
  });
});
