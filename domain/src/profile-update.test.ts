import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Known, ObservedClusterApi } from './gateway.ts';
import { type Instant, minutes, seconds } from './instant.ts';
import type { PreflightResult, ProfileUpdateProgress, ProfileUpdateStep } from './profile-update-types.ts';
import type { PackObservation, ProfileUpdateAction, ProfileUpdateOrder } from './profile-update-step.ts';
import { nextProfileUpdateActions, type ProfileUpdateDecision } from './profile-update.ts';
import { planProfileUpdate } from './profile-plan.ts';
import { at, kubernetes, node, pack, profile, t0 } from './testing/facts.ts';
import { type SmallClusterApi, startSmallClusterApi } from './testing/small-cluster-api.ts';

const rolling = ['setVersionAndOs', 'overrideControlPlaneOs', 'setOs', 'deleteMachine'];
const passed: readonly PreflightResult[] = [{ check: 'etcd-healthy', outcome: 'passed', message: 'ok' }];

/** A gateway on which an agent carries out what is decided, one look after the other. */
interface World {
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
  readonly actions: readonly ProfileUpdateAction['kind'][];
}

interface Move {
  readonly version?: string;
  readonly os?: string;
  readonly controlPlanes?: 1 | 3;
  readonly workers?: number;
  readonly packs?: readonly string[];
  readonly preflight?: readonly PreflightResult[];
}

function stepsOf(
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

function startWorld(move: Move): World {
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
  const actions: ProfileUpdateAction['kind'][] = [];
  const decide: World['decide'] = (seen = cluster.observe()) =>
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
      },
      now,
    );
  const carryOut = (action: ProfileUpdateAction) => {
    actions.push(action.kind);
    if (action.kind === 'applyPack') packs[action.stepId] = { isApplied: true };
    else if (action.kind === 'recordAppliedProfile') appliedProfile = action.profile;
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
    actions,
  };
}

function runToEnd(world: World, looksMax = 200): ProfileUpdateProgress {
  for (let looks = 0; looks < looksMax; looks += 1) {
    const { progress } = world.look();
    if (progress.phase !== 'preflight' && progress.phase !== 'running') return progress;
  }
  throw new Error(`not at its end after ${looksMax} looks: ${JSON.stringify(world.progress())}`);
}
const rolls = (world: World) => world.actions.filter((kind) => rolling.includes(kind));

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
    const world = startWorld(move);
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
    const world = startWorld({ version: '1.34.1', workers: 1, packs: ['a', 'b'] });
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
      'recordAppliedProfile',
    ]);
  });
});

describe('the milestone', () => {
  const isReached = (decision: ProfileUpdateDecision) => decision.progress.controlPlanesUpdatedAt !== undefined;

  test('comes at once when no node had to be replaced', () => {
    expect(isReached(startWorld({}).look())).toBe(true);
  });

  const target = startWorld({ version: '1.34.1' });
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
    const world = startWorld({ version: '1.34.1' });
    world.look();
    expect(isReached(world.look({ seen }))).toBe(false);
    expect(isReached(world.look({ seen: done }))).toBe(true);
  });

  test('of an OS waits until the topology is reconciled', () => {
    const os = startWorld({ os: 'two' });
    runToEnd(os);
    const seen = os.cluster.observe();
    const world = startWorld({ os: 'two' });
    world.look();
    expect(isReached(world.look({ seen: { ...seen, isTopologyReconciled: false } }))).toBe(false);
    expect(isReached(world.look({ seen }))).toBe(true);
  });

  test('is kept when a control plane becomes unready later', () => {
    const world = startWorld({ version: '1.34.1', workers: 2 });
    let decision = world.look();
    while (!isReached(decision)) decision = world.look();
    const reachedAt = decision.progress.controlPlanesUpdatedAt;
    expect(runToEnd(world).controlPlanesUpdatedAt).toBe(reachedAt);
  });
});

test('the OS does not go to the workers while a control plane still rolls', () => {
  const world = startWorld({ os: 'two', workers: 1 });
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
    const world = startWorld({ version: '1.34.1' });
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
  let world: World;
  beforeEach(() => {
    world = startWorld({ os: 'broken' });
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
    const version = startWorld({ version: '1.34.1', os: 'broken' });
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

describe('the preflight', () => {
  const failing: readonly PreflightResult[] = [
    { check: 'etcd-healthy', outcome: 'failed', message: 'etcd is not healthy.' },
  ];

  test('that fails holds with its reasons, looks again, and touches nothing', () => {
    const decision = startWorld({ version: '1.34.1', preflight: failing }).look();
    expect(decision.progress.phase).toBe('preflight');
    expect(decision.actions).toEqual([{ kind: 'checkPreflight' }]);
    expect(decision.waits).toEqual([{ code: 'preflight-etcd-healthy', message: 'etcd is not healthy.' }]);
  });

  test('that does not pass for half an hour stops the update, which then can be retried', () => {
    const world = startWorld({ version: '1.34.1', preflight: failing });
    world.look();
    world.wait(minutes(30));
    expect(world.look().progress).toMatchObject({ phase: 'stopped', stopped: { code: 'preflight-failed' } });
    world.order({ retry: 1 });
    expect(world.look().progress).toMatchObject({ phase: 'preflight', retry: 1 });
    expect(rolls(world)).toEqual([]);
  });

  test('that is old is looked at again', () => {
    const world = startWorld({ version: '1.34.1' });
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
    const world = startWorld({});
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
    const world = startWorld({ preflight: failing });
    world.order({ isInitial: true });
    expect(world.look().progress.phase).toBe('running');
  });
});

describe('a cancellation', () => {
  test('of what has not begun ends it', () => {
    const world = startWorld({ version: '1.34.1' });
    world.order({ isCancelled: true });
    expect(world.look()).toMatchObject({ progress: { phase: 'cancelled' }, actions: [] });
    expect(runToEnd(world).phase).toBe('cancelled');
  });

  test('that comes when a control plane is being replaced is too late: it goes forward', () => {
    const world = startWorld({ version: '1.34.1' });
    world.look();
    world.order({ isCancelled: true });
    expect(runToEnd(world).phase).toBe('completed');
  });

  test('can be followed by a new confirmation of the same plan', () => {
    const world = startWorld({ version: '1.34.1' });
    world.order({ isCancelled: true });
    world.look();
    world.order({ isCancelled: false });
    expect(world.look().progress.phase).toBe('cancelled');
    world.order({ retry: 1 });
    expect(runToEnd(world).phase).toBe('completed');
  });

  test('between packs ends it, when no node is replaced', () => {
    const world = startWorld({ packs: ['a', 'b'] });
    world.look();
    world.order({ isCancelled: true });
    expect(world.look().progress.phase).toBe('cancelled');
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
  const world = startWorld({ version: '1.34.1' });
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
  const world = startWorld({ version: '1.34.1' });
  const seen = { ...world.cluster.observe(), topologyVersion: kubernetes('1.34.2') };
  expect(world.look({ seen })).toMatchObject({
    progress: { phase: 'stopped', stopped: { code: 'kubernetes-goes-down' } },
    actions: [],
  });
});

const anyMove: fc.Arbitrary<Move> = fc.record({
  version: fc.constantFrom('1.33.5', '1.33.6', '1.34.1'),
  os: fc.constantFrom('one', 'two'),
  controlPlanes: fc.constantFrom(1 as const, 3 as const),
  workers: fc.nat(2),
  packs: fc.subarray(['a', 'b', 'c']),
});
const anyDisturbance = fc.constantFrom(
  'none',
  'none',
  'none',
  'unknown',
  'crash before',
  'crash after',
  'pause',
  'resume',
  'nothing moves',
);

test('whatever comes in between, it completes, with one milestone, never two sets of nodes at once', () => {
  fc.assert(
    fc.property(anyMove, fc.array(anyDisturbance, { maxLength: 60 }), (move, disturbances) => {
      const world = startWorld(move);
      const milestones = new Set<number>();
      const look = (more: Parameters<World['look']>[0]) => {
        const { progress, actions } = world.look(more);
        expect(actions.filter(({ kind }) => rolling.includes(kind)).length).toBeLessThanOrEqual(1);
        const kept = world.progress()?.controlPlanesUpdatedAt;
        if (kept !== undefined) milestones.add(kept);
        return progress.phase;
      };
      for (const disturbance of disturbances) {
        if (disturbance === 'pause' || disturbance === 'resume') world.cluster.setPaused(disturbance === 'pause');
        else if (disturbance === 'unknown') look({ seen: 'unknown' });
        else if (disturbance === 'crash before') look({ crash: 'before' });
        else if (disturbance === 'crash after') look({ crash: 'after' });
        else if (disturbance === 'none') look({});
        else world.decide();
      }
      world.cluster.setPaused(false);
      let looks = 0;
      while (look({}) !== 'completed') {
        looks += 1;
        expect(looks).toBeLessThan(100);
      }
      expect(milestones.size).toBe(1);
      expect(world.cluster.violations).toEqual([]);
      expect(world.cluster.observe()).toMatchObject({
        topologyVersion: move.version,
        topologyVariables: { osImage: move.os },
        controlPlaneOverrides: {},
      });
    }),
    { numRuns: 300 },
  );
});
