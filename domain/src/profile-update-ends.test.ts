import { describe, expect, test } from 'vitest';
import type { Known } from './gateway.ts';
import { type Instant, minutes, seconds } from './instant.ts';
import { nextProfileUpdateActions } from './profile-update.ts';
import type { PackObservation, ProfileUpdateOrder } from './profile-update-step.ts';
import type { PreflightResult, ProfileUpdateProgress } from './profile-update-types.ts';
import { at, kubernetes, profile, t0 } from './testing/facts.ts';
import { passed, rolls, runToEnd, startProfileWorld, stepsOf } from './testing/profile-world.ts';

describe('the preflight', () => {
  const failing: readonly PreflightResult[] = [
    { check: 'etcd-healthy', outcome: 'failed', message: 'etcd is not healthy.' },
  ];

  test('that fails holds with its reasons, looks again, and touches nothing', () => {
    const decision = startProfileWorld({ version: '1.34.1', preflight: failing }).look();
    expect(decision.progress.phase).toBe('preflight');
    expect(decision.actions).toEqual([{ kind: 'checkPreflight' }]);
    expect(decision.waits).toEqual([{ code: 'preflight-etcd-healthy', message: 'etcd is not healthy.' }]);
  });

  test('that does not pass for half an hour stops the update, which then can be retried', () => {
    const world = startProfileWorld({ version: '1.34.1', preflight: failing });
    world.look();
    world.wait(minutes(30));
    expect(world.look().progress).toMatchObject({ phase: 'stopped', stopped: { code: 'preflight-failed' } });
    world.order({ retry: 1 });
    expect(world.look().progress).toMatchObject({ phase: 'preflight', retry: 1 });
    expect(rolls(world)).toEqual([]);
  });

  test('that is old is looked at again', () => {
    const world = startProfileWorld({ version: '1.34.1' });
    const facts = {
      order: {
        planId: 'p',
        to: { version: profile('new', { kubernetes: '1.33.5', os: 'one' }).version, digest: 'd' },
        steps: [],
        retry: 0,
        isCancelled: false,
      },
      clusterApi: world.cluster.observe(),
      osVariable: 'osImage',
      packs: {},
      isAgentUpdateRunning: false,
    };
    const start = nextProfileUpdateActions({ ...facts, preflight: { at: t0, results: passed } }, at(seconds(1)));
    expect(start.actions).toEqual([{ kind: 'checkPreflight' }]);
    expect(start.waits).toMatchObject([{ code: 'preflight-not-checked' }]);
  });

  test('waits for an agent update that runs', () => {
    const world = startProfileWorld({});
    const decision = nextProfileUpdateActions(
      {
        order: {
          planId: 'p',
          to: { version: profile('new', { kubernetes: '1.33.5', os: 'one' }).version, digest: 'd' },
          steps: [],
          retry: 0,
          isCancelled: false,
        },
        clusterApi: world.cluster.observe(),
        osVariable: 'osImage',
        packs: {},
        preflight: { at: t0, results: passed },
        isAgentUpdateRunning: true,
      },
      t0,
    );
    expect(decision.waits).toMatchObject([{ code: 'agent-update-in-progress' }]);
  });

  test('of a first profile there is none', () => {
    const world = startProfileWorld({ preflight: failing });
    world.order({ isInitial: true });
    expect(world.look().progress.phase).toBe('running');
  });
});

describe('a cancellation', () => {
  test('of what has not begun ends it', () => {
    const world = startProfileWorld({ version: '1.34.1' });
    world.order({ isCancelled: true });
    expect(world.look()).toMatchObject({ progress: { phase: 'cancelled' }, actions: [] });
    expect(runToEnd(world).phase).toBe('cancelled');
  });

  test('that comes when a control plane is being replaced is too late: it goes forward', () => {
    const world = startProfileWorld({ version: '1.34.1' });
    world.look();
    world.order({ isCancelled: true });
    expect(runToEnd(world).phase).toBe('completed');
  });

  test('can be followed by a new confirmation of the same plan', () => {
    const world = startProfileWorld({ version: '1.34.1' });
    world.order({ isCancelled: true });
    world.look();
    world.order({ isCancelled: false });
    expect(world.look().progress.phase).toBe('cancelled');
    world.order({ retry: 1 });
    expect(runToEnd(world).phase).toBe('completed');
  });

  test('between packs ends it, when no node is replaced', () => {
    const world = startProfileWorld({ packs: ['a', 'b'] });
    world.look();
    world.order({ isCancelled: true });
    expect(world.look().progress.phase).toBe('cancelled');
  });
});

describe('an update that is held from outside', () => {
  const held = [{ code: 'release-recalled', message: 'Release 4.2.7 was recalled.' }] as const;
  const codes = (waits: readonly { readonly code: string }[]) => waits.map(({ code }) => code);

  test('begins no step, however long, and does not run out of time', () => {
    const world = startProfileWorld({ version: '1.34.1' });
    world.order({ held });
    for (const span of [0, minutes(20), minutes(600)]) {
      world.wait(span);
      const { progress, actions, waits } = world.look();
      expect([progress.phase, actions, codes(waits)]).toEqual(['preflight', [], ['release-recalled']]);
    }
    expect(rolls(world)).toEqual([]);
    world.letGo();
    expect(runToEnd(world).phase).toBe('completed');
  });

  test('has time for its preflight when it is let go', () => {
    const failing: readonly PreflightResult[] = [{ check: 'etcd-healthy', outcome: 'failed', message: 'no' }];
    const world = startProfileWorld({ version: '1.34.1', preflight: failing });
    world.order({ held });
    for (let looks = 0; looks < 100; looks += 1) {
      world.look();
      world.wait(minutes(7));
    }
    world.letGo();
    expect(world.look()).toMatchObject({ progress: { phase: 'preflight' }, actions: [{ kind: 'checkPreflight' }] });
  });

  test('finishes the pack it is at and begins no other', () => {
    const world = startProfileWorld({ packs: ['a', 'b'] });
    expect(world.look().actions).toMatchObject([{ kind: 'applyPack', stepId: 'pack:network/a' }]);
    world.order({ held });
    const { progress, actions, waits } = world.look();
    expect(progress.steps.map(({ id, state }) => [id, state])).toEqual([
      ['control-planes', 'done'],
      ['pack:network/a', 'done'],
      ['pack:network/b', 'waiting'],
    ]);
    expect([actions, codes(waits)]).toEqual([[], ['release-recalled']]);
    world.letGo();
    expect(runToEnd(world).phase).toBe('completed');
  });

  test('can be cancelled', () => {
    const world = startProfileWorld({ packs: ['a', 'b'] });
    world.look();
    world.order({ held });
    world.look();
    world.order({ isCancelled: true });
    expect(world.look().progress.phase).toBe('cancelled');
  });

  test('goes forward when a control plane is being replaced: workers, packs and all', () => {
    const world = startProfileWorld({ os: 'two', workers: 2, packs: ['a'] });
    world.look();
    expect(rolls(world)).toEqual(['overrideControlPlaneOs']);
    world.order({ held });
    expect(runToEnd(world).phase).toBe('completed');
    expect(rolls(world)).toEqual(['overrideControlPlaneOs', 'setOs']);
  });

  test('is not retried where it stopped before its first node', () => {
    const world = startProfileWorld({
      version: '1.34.1',
      preflight: [{ check: 'etcd-healthy', outcome: 'failed', message: 'no' }],
    });
    world.look();
    world.wait(minutes(60));
    expect(world.look().progress.phase).toBe('stopped');
    world.order({ held, retry: 1 });
    expect(world.look()).toMatchObject({ progress: { phase: 'stopped', retry: 0 }, waits: held });
    world.letGo();
    expect(world.look().progress).toMatchObject({ phase: 'preflight', retry: 1 });
  });
});

describe('a pack', () => {
  const order: ProfileUpdateOrder = {
    planId: 'p',
    to: { version: profile('new', { kubernetes: '1.33.5', os: 'one' }).version, digest: 'd' },
    steps: [{ id: 'pack:network/a', kind: 'pack', layer: 'network', pack: 'a', deletes: [], keeps: [] }],
    retry: 0,
    isCancelled: false,
    isInitial: true,
  };
  const look = (seen: Known<PackObservation> | undefined, now: Instant, progress?: ProfileUpdateProgress) =>
    nextProfileUpdateActions(
      {
        order,
        ...(progress === undefined ? {} : { progress }),
        clusterApi: 'unknown',
        osVariable: 'osImage',
        packs: seen === undefined ? {} : { 'pack:network/a': seen },
        isAgentUpdateRunning: false,
      },
      now,
    );

  test('is applied again while it is refused, and fails when it is refused for too long', () => {
    const refused = { isApplied: false, refusal: 'admission webhook denied the request' };
    const first = look(refused, t0, look(undefined, t0).progress);
    expect(first.actions).toMatchObject([{ kind: 'applyPack' }]);
    expect(first.waits).toEqual([{ code: 'pack-refused', message: refused.refusal }]);
    const later = look(refused, at(minutes(5)), first.progress);
    expect(later.progress).toMatchObject({ phase: 'stopped', stopped: { code: 'pack-not-applied' } });
    expect(later.progress.stopped?.message).toContain('admission webhook denied');
  });

  test('that was taken in between has its time anew', () => {
    const begun = look({ isApplied: false, refusal: 'no' }, t0, look(undefined, t0).progress);
    const taken = look({ isApplied: false }, at(minutes(4)), begun.progress);
    const again = look({ isApplied: false, refusal: 'no' }, at(minutes(6)), taken.progress);
    expect(again.progress.phase).toBe('running');
  });

  test('whose objects come one by one is not late', () => {
    const begun = look({ isApplied: false, movedMark: '1' }, at(minutes(10)), look(undefined, t0).progress);
    expect(look({ isApplied: false, movedMark: '2' }, at(minutes(20)), begun.progress).progress.phase).toBe('running');
    expect(look({ isApplied: false, movedMark: '1' }, at(minutes(26)), begun.progress).progress.phase).toBe('stopped');
  });

  test('that cannot be read is applied again and never fails', () => {
    const decision = look('unknown', at(minutes(60)), look(undefined, t0).progress);
    expect(decision.progress.phase).toBe('running');
    expect(decision.waits).toMatchObject([{ code: 'cluster-unknown' }]);
  });
});

test('a patch that is refused for too long stops with the words of the API server', () => {
  const world = startProfileWorld({ version: '1.34.1' });
  const facts = {
    order: {
      planId: 'p',
      to: { version: profile('new', { kubernetes: '1.33.5', os: 'one' }).version, digest: 'd' },
      steps: stepsOf(world.cluster, { version: '1.34.1' }),
      retry: 0,
      isCancelled: false,
      isInitial: true,
    },
    clusterApi: world.cluster.observe(),
    osVariable: 'osImage',
    packs: {},
    isAgentUpdateRunning: false,
    refusal: 'spec.topology.version: still completing a previous upgrade',
  };
  const first = nextProfileUpdateActions(facts, t0);
  expect(first.actions).toMatchObject([{ kind: 'setVersionAndOs' }]);
  const later = nextProfileUpdateActions({ ...facts, progress: first.progress }, at(minutes(5)));
  expect(later.progress.stopped?.message).toContain('still completing a previous upgrade');
});

test('a Cluster that somebody moved beyond the target is not taken down', () => {
  const world = startProfileWorld({ version: '1.34.1' });
  const seen = { ...world.cluster.observe(), topologyVersion: kubernetes('1.34.2') };
  expect(world.look({ seen })).toMatchObject({
    progress: { phase: 'stopped', stopped: { code: 'kubernetes-goes-down' } },
    actions: [],
  });
});
