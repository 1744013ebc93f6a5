import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minutes, seconds } from './instant.ts';
import { agent, newAgent, oldAgent } from './testing/facts.ts';
import { type Behaviour, type SmallAgentCluster, startSmallAgentCluster } from './testing/small-agent-cluster.ts';
import { productionTimings } from './timings.ts';

/** The image of an agent that cannot be pulled. */
const unpulled = agent('3.9.0');
const offer = { agent: newAgent, isRetried: false, generation: 2 };

/** Installed by the guard, Ready for long enough, and with an image of that behaviour to come. */
function installed(behaviour: Behaviour = { deployment: 'good' }): SmallAgentCluster {
  const world = startSmallAgentCluster({
    [newAgent.digest]: behaviour,
    [unpulled.digest]: { deployment: 'cannot-pull' },
  });
  world.runUntil('the first agent is good', () => world.state().good.length === 1);
  return world;
}
const ended = (world: SmallAgentCluster) => {
  const phase = world.state().attempt?.phase;
  return phase !== undefined && !['rehearsing', 'swapping', 'watching'].includes(phase);
};
/** Offers the new agent and runs until its first attempt has come to an end. */
function attempted(world: SmallAgentCluster): SmallAgentCluster {
  world.target(offer);
  world.runUntil('the attempt has ended', () => ended(world));
  return world;
}
const untilSwapped = (world: SmallAgentCluster): SmallAgentCluster => {
  world.target(offer);
  world.runUntil('it is swapped', () => world.swaps().length > 0);
  return world;
};
const afterSwap = (world: SmallAgentCluster) =>
  (world.takeBacks()[0]?.at ?? Number.NaN) - (world.swaps()[0]?.at ?? Number.NaN);

describe('a new gateway', () => {
  test('gets its agent from the guard, which becomes good after a minute', () => {
    const world = startSmallAgentCluster({});
    world.run(seconds(30));
    expect([world.acting(), world.state().good]).toEqual([['4.1.12'], []]);
    world.run(seconds(60));
    expect(world.state().good).toEqual([oldAgent]);
  });

  test('gets it back when somebody deletes the Deployment, with what was good', () => {
    const world = attempted(installed());
    world.deleteDeployment();
    world.run(seconds(30));
    expect(world.acting()).toEqual(['4.2.7']);
  });
});

describe('a good update', () => {
  const world = attempted(installed());

  test('is rehearsed, swapped once and settled', () => {
    expect(world.state().attempt).toMatchObject({ phase: 'settled', to: newAgent, interruptions: 0 });
    expect([world.rehearsals(), world.swaps().length, world.takeBacks().length]).toEqual([1, 1, 0]);
  });

  test('is good now, and the one before is still known', () => {
    expect(world.state().good).toEqual([newAgent, oldAgent]);
  });

  test('keeps the old one standing by for 60 s after the new one is Ready', () => {
    const { attempt } = world.state();
    expect((attempt?.endedAt ?? 0) - (attempt?.readyAt ?? 0)).toBeGreaterThanOrEqual(seconds(60));
  });

  test('has never two acting, and none for no longer than a look at the hand-over', () => {
    const before = installed();
    const { none } = before.actingSeconds();
    attempted(before);
    expect(before.actingSeconds().none - none).toBeLessThanOrEqual(1);
    expect(before.actingSeconds().two).toBe(0);
  });
});

const bad: readonly { name: string; behaviour: Behaviour; reason: object; within: number }[] = [
  {
    name: 'exits at start',
    behaviour: { deployment: 'exits', rehearsal: 'passes' },
    reason: { code: 'exited', exitCode: 1, lastLogLines: 'cannot read the settings' },
    within: seconds(5),
  },
  {
    name: 'left the registry in between',
    behaviour: { deployment: 'cannot-pull', rehearsal: 'passes' },
    reason: { code: 'image-pull-failed', message: 'The image cannot be pulled (ImagePullBackOff): manifest unknown' },
    within: seconds(121),
  },
  {
    name: 'hangs',
    behaviour: { deployment: 'hangs', rehearsal: 'passes' },
    reason: { code: 'not-ready' },
    within: seconds(121),
  },
  {
    name: 'is refused by the server',
    behaviour: { deployment: 'trial-refused', rehearsal: 'passes' },
    reason: { code: 'trial-failed', message: 'Its trial poll failed: no answer, or none that helps' },
    within: seconds(121),
  },
  {
    name: 'is Ready and never takes the Lease',
    behaviour: { deployment: 'never-acts', rehearsal: 'passes' },
    reason: { code: 'not-acting', message: 'The new agent was Ready and did not begin to act within 20 s' },
    within: seconds(27),
  },
  {
    name: 'crashes 45 s after it was Ready',
    behaviour: { deployment: { crashesAfter: seconds(45) }, rehearsal: 'passes' },
    reason: { code: 'exited', exitCode: 2, lastLogLines: 'heap exhausted' },
    within: seconds(50),
  },
];

describe('a bad update is taken back by the old agent, with the true reason', () => {
  test.each(bad)('when it $name', ({ behaviour, reason, within }) => {
    const world = attempted(installed(behaviour));
    expect(world.state()).toMatchObject({
      attempt: { phase: 'taken-back', reason },
      takenBack: [{ release: newAgent, reason, generation: 2 }],
      good: [oldAgent],
    });
    expect(world.state()).not.toHaveProperty('takingBack');
    expect(world.takeBacks()).toMatchObject([{ by: 'agent' }]);
    expect(afterSwap(world)).toBeLessThanOrEqual(within);
    world.run(seconds(20));
    expect([world.acting(), world.deployment()?.release, world.deployment()?.minReadySeconds]).toEqual([
      ['4.1.12'],
      oldAgent,
      0,
    ]);
  });

  test('and is not tried again by itself', () => {
    const world = attempted(installed({ deployment: 'exits', rehearsal: 'passes' }));
    world.run(minutes(60));
    expect(world.swaps()).toHaveLength(1);
    expect(world.holds().map(({ code }) => code)).toEqual(['agent-taken-back']);
  });

  test('but once for each time a person asks, and for a newer one', () => {
    const world = attempted(installed({ deployment: 'exits', rehearsal: 'passes' }));
    world.target({ agent: newAgent, isRetried: true, generation: 3 });
    world.run(minutes(30));
    expect(world.swaps()).toHaveLength(2);
    world.target({ agent: newAgent, isRetried: true, generation: 4 });
    world.run(minutes(30));
    expect(world.swaps()).toHaveLength(3);
    world.target({ agent: agent('4.2.8'), isRetried: false, generation: 5 });
    world.runUntil('the newer one is settled', () => world.state().attempt?.phase === 'settled');
    expect(world.acting()).toEqual(['4.2.8']);
  });

  test.each(bad.filter(({ name }) => name !== 'is refused by the server'))(
    'also with the server gone from the swap on, when it $name',
    ({ behaviour, reason, within }) => {
      const world = untilSwapped(installed(behaviour));
      // The trial of one that would be Ready passes before the server goes.
      if (typeof behaviour.deployment === 'object' || behaviour.deployment === 'never-acts') world.run(seconds(4));
      world.setServer(false);
      world.runUntil('the attempt has ended', () => ended(world));
      expect(world.state()).toMatchObject({ attempt: { phase: 'taken-back', reason }, takenBack: [{ reason }] });
      expect(afterSwap(world)).toBeLessThanOrEqual(within);
    },
  );
});

describe('what the rehearsal catches is never swapped', () => {
  test.each<{ name: string; behaviour: Behaviour; reason: object; within: number }>([
    {
      name: 'it exits',
      behaviour: { deployment: 'good', rehearsal: 'exits' },
      reason: { code: 'exited', exitCode: 1 },
      within: seconds(10),
    },
    {
      name: 'a pull error, seen twice',
      behaviour: { deployment: 'good', rehearsal: 'cannot-pull' },
      reason: { code: 'image-pull-failed' },
      within: seconds(30),
    },
    {
      name: 'it hangs',
      behaviour: { deployment: 'good', rehearsal: 'hangs' },
      reason: { code: 'rehearsal-hangs' },
      within: seconds(605),
    },
  ])('$name', ({ behaviour, reason, within }) => {
    const world = attempted(installed(behaviour));
    const { attempt, takenBack } = world.state();
    expect(attempt).toMatchObject({ phase: 'rehearsal-failed', reason });
    expect(takenBack).toMatchObject([{ release: newAgent, reason }]);
    expect((attempt?.endedAt ?? 0) - (attempt?.startedAt ?? 0)).toBeLessThanOrEqual(within);
    world.run(minutes(60));
    expect([world.swaps(), world.rehearsals(), world.acting()]).toEqual([[], 1, ['4.1.12']]);
  });

  test('a slow pull may use its time', () => {
    const world = attempted(installed({ deployment: 'good', rehearsal: 'slow-pull' }));
    expect(world.state().attempt?.phase).toBe('settled');
  });

  test('the running agent is undisturbed', () => {
    const world = installed({ deployment: 'good', rehearsal: 'exits' });
    const { none } = world.actingSeconds();
    attempted(world);
    expect(world.actingSeconds().none).toBe(none);
  });
});

describe("what is nobody's fault does not count against the version", () => {
  test.each<{
    name: string;
    disturb: (world: SmallAgentCluster) => void;
    heal: (world: SmallAgentCluster) => void;
    code: string;
  }>([
    {
      name: 'the server is down for the old one too',
      disturb: (world) => world.setServer(false),
      heal: (world) => world.setServer(true),
      code: 'server-unreachable',
    },
    {
      name: 'there is no room for the new pod',
      disturb: (world) => world.setRoom(false),
      heal: (world) => world.setRoom(true),
      code: 'no-room',
    },
    {
      name: 'the owner pauses the Deployment',
      disturb: (world) => world.setPaused(true),
      heal: (world) => world.setPaused(false),
      code: 'deployment-paused',
    },
  ])('$name: taken back, and settled once it is over', ({ disturb, heal, code }) => {
    const world = untilSwapped(installed());
    disturb(world);
    world.runUntil('the attempt has ended', () => ended(world));
    expect(world.state()).toMatchObject({
      attempt: { phase: 'interrupted', interruptions: 1, reason: { code } },
      takenBack: [],
    });
    expect(afterSwap(world)).toBeLessThanOrEqual(seconds(210));
    heal(world);
    world.runUntil('it is settled', () => world.state().attempt?.phase === 'settled');
  });

  test('only the new one cannot reach the server: three times, then held', () => {
    const world = installed({ deployment: 'cannot-reach', rehearsal: 'passes' });
    world.target(offer);
    world.run(minutes(60));
    expect(world.state()).toMatchObject({
      attempt: {
        phase: 'interrupted',
        interruptions: 3,
        reason: {
          code: 'server-unreachable',
          message:
            'The new agent could not reach the control plane, which the old one can reach: no answer, or none that helps',
        },
      },
      takenBack: [],
    });
    expect([world.acting(), world.swaps().length]).toEqual([['4.1.12'], 3]);
  });

  test('three times, then it is held with the reason until a person asks', () => {
    const world = installed();
    world.setRoom(false);
    world.target(offer);
    world.run(minutes(60));
    expect(world.state().attempt).toMatchObject({ phase: 'interrupted', interruptions: 3 });
    expect(world.swaps()).toHaveLength(3);
    expect(world.holds()).toMatchObject([
      { code: 'agent-update-interrupted', message: expect.stringContaining('exceeded quota') },
    ]);
    world.setRoom(true);
    world.run(minutes(30));
    expect(world.swaps()).toHaveLength(3);
    world.target({ ...offer, isRetried: true, generation: 3 });
    world.runUntil('it is settled', () => world.state().attempt?.phase === 'settled');
  });

  test('a reboot of the node in the middle: the attempt goes on', () => {
    const world = untilSwapped(installed());
    world.run(seconds(10));
    world.killContainers();
    world.runUntil('the attempt has ended', () => ended(world));
    expect(world.state()).toMatchObject({ attempt: { phase: 'settled' }, takenBack: [] });
  });

  test('a reboot of the node, and the old one is restarted once more when it is long over: it stays a reboot', () => {
    const world = untilSwapped(installed());
    world.run(seconds(2));
    world.killContainers();
    world.run(productionTimings.agentUpdate.restartGrace);
    world.killContainers(oldAgent);
    world.runUntil('the attempt has ended', () => ended(world));
    expect(world.state()).toMatchObject({ attempt: { phase: 'settled' }, takenBack: [] });
  });

  test('the pod of the new one is deleted: the attempt goes on with its successor', () => {
    const world = untilSwapped(installed());
    world.run(seconds(20));
    world.deletePods(newAgent);
    world.runUntil('the attempt has ended', () => ended(world));
    expect(world.state()).toMatchObject({ attempt: { phase: 'settled' }, takenBack: [] });
  });

  test('somebody sets another image in the middle', () => {
    const world = untilSwapped(installed());
    world.setImage(agent('4.0.0'), 'argocd');
    world.runUntil('the attempt has ended', () => ended(world));
    expect(world.state()).toMatchObject({
      attempt: { phase: 'interrupted', reason: { code: 'image-set-by', message: expect.stringContaining('argocd') } },
      takenBack: [],
    });
  });

  test('somebody sets an image that never runs when the new one has taken over: the one before acts, and says who', () => {
    const world = untilSwapped(installed());
    world.runUntil('the new one acts', () => world.acting().includes('4.2.7'));
    world.setImage(unpulled, 'kubectl-set');
    world.run(seconds(3));
    expect(world.state()).toMatchObject({
      attempt: { phase: 'interrupted', reason: { code: 'image-set-by' } },
      takenBack: [],
    });
    world.run(minutes(10));
    expect(world.acting()).toEqual(['4.1.12']);
    const setBy = { code: 'image-set-by', message: expect.stringContaining('kubectl-set') as string };
    expect(world.holds()).toContainEqual(expect.objectContaining(setBy));
  });

  test('somebody undoes the rollout', () => {
    const world = untilSwapped(installed());
    world.setImage(oldAgent, 'kubectl-rollout');
    world.runUntil('the attempt has ended', () => ended(world));
    expect(world.state()).toMatchObject({
      attempt: { phase: 'interrupted', reason: { code: 'image-set-by' } },
      takenBack: [],
    });
  });
});

test('an old agent that was frozen while the new one took over does nothing when it wakes', () => {
  const world = untilSwapped(installed());
  world.freeze(oldAgent, seconds(40));
  world.runUntil('the new one acts', () => world.acting().includes('4.2.7'), seconds(40));
  world.run(seconds(40));
  expect(world.actingSeconds().two).toBe(0);
});

test('the old one hands over as soon as the new one is Ready, and not only when it is stopped', () => {
  const world = untilSwapped(installed());
  world.runUntil('the new one acts', () => world.acting().includes('4.2.7'), seconds(10));
  expect(world.deployment()?.replicas).toBe(2);
});

describe('a recall of the agent that is tried', () => {
  const recalled = (world: SmallAgentCluster) => {
    world.recall(newAgent);
    world.target({ agent: oldAgent, isRetried: false, generation: 3 });
    world.runUntil('the attempt has ended', () => ended(world));
    world.run(minutes(60));
    return world;
  };

  test('ends its rehearsal at once: it is never swapped, and not to blame', () => {
    const world = installed({ deployment: 'good', rehearsal: 'slow-pull' });
    world.target(offer);
    world.runUntil('it is rehearsed', () => world.rehearsals() > 0);
    world.recall(newAgent);
    world.run(seconds(2));
    expect(ended(world)).toBe(true);
    recalled(world);
    expect(world.state().attempt).toMatchObject({
      phase: 'interrupted',
      reason: { code: 'release-recalled', message: 'The release of agent 4.2.7 was recalled' },
    });
    expect([world.swaps(), world.state().takenBack, world.acting()]).toEqual([[], [], ['4.1.12']]);
  });

  test('of another agent changes nothing', () => {
    const world = installed();
    world.target(offer);
    world.runUntil('it is rehearsed', () => world.rehearsals() > 0);
    world.recall(agent('4.2.6'));
    world.runUntil('the attempt has ended', () => ended(world));
    expect(world.state().attempt).toMatchObject({ phase: 'settled' });
  });

  test('lets one that was swapped be judged to its end, good or bad', () => {
    const good = recalled(untilSwapped(installed()));
    expect([good.state().attempt?.phase, good.acting()]).toEqual(['settled', ['4.2.7']]);
    const bad = recalled(untilSwapped(installed({ deployment: 'exits', rehearsal: 'passes' })));
    expect([bad.state().attempt?.phase, bad.acting()]).toEqual(['taken-back', ['4.1.12']]);
  });
});

describe('no attempt begins', () => {
  test.each<{ name: string; disturb: (world: SmallAgentCluster) => void; code: string }>([
    {
      name: 'while the owner has paused the Deployment',
      disturb: (world) => world.setPaused(true),
      code: 'deployment-paused',
    },
    {
      name: 'while another field manager sets the image',
      disturb: (world) => world.setImage(oldAgent, 'argocd'),
      code: 'image-set-by',
    },
    {
      name: 'while the server cannot be reached',
      disturb: (world) => world.setServer(false),
      code: 'server-unreachable',
    },
    { name: 'right after a restart', disturb: (world) => world.killContainers(), code: 'agent-not-ready-long-enough' },
  ])('$name', ({ disturb, code }) => {
    const world = installed();
    disturb(world);
    world.target(offer);
    world.run(seconds(40));
    expect(world.state().attempt).toBeUndefined();
    expect(world.holds().map((hold) => hold.code)).toContain(code);
  });

  test('towards an older version', () => {
    const world = installed();
    world.target({ ...offer, agent: agent('4.0.0') });
    world.run(minutes(5));
    expect(world.holds().map(({ code }) => code)).toEqual(['agent-newer-than-target']);
  });
});

describe('the guard', () => {
  test('takes back what crashes when the old one has gone', () => {
    const world = installed({ deployment: { crashesAfter: seconds(90) }, rehearsal: 'passes' });
    world.target(offer);
    world.runUntil('it is taken back', () => world.takeBacks().length > 0);
    expect(world.takeBacks()).toMatchObject([{ by: 'guard' }]);
    expect(world.state()).toMatchObject({
      attempt: { phase: 'taken-back' },
      good: [oldAgent],
      takenBack: [{ reason: { code: 'exited', exitCode: 2, lastLogLines: 'heap exhausted' } }],
    });
    world.run(seconds(60));
    expect(world.acting()).toEqual(['4.1.12']);
    world.run(minutes(60));
    expect(world.swaps()).toHaveLength(1);
  });

  test('takes back what never becomes Ready when the old one is gone for good, at the deadline and 15 s', () => {
    const world = untilSwapped(installed({ deployment: 'hangs', rehearsal: 'passes' }));
    world.run(seconds(2));
    world.setRoom(false);
    world.deletePods(oldAgent);
    world.runUntil('it is taken back', () => world.takeBacks().length > 0);
    expect(world.takeBacks()).toMatchObject([{ by: 'guard' }]);
    expect(afterSwap(world)).toBe(seconds(135));
    world.setRoom(true);
    world.run(seconds(30));
    expect(world.acting()).toEqual(['4.1.12']);
  });

  test('leaves a good agent alone for hours', () => {
    const world = attempted(installed());
    world.run(minutes(120));
    expect([world.takeBacks(), world.acting()]).toEqual([[], ['4.2.7']]);
  });
});

const behaviours: readonly Behaviour[] = [
  { deployment: 'good' },
  { deployment: 'exits', rehearsal: 'passes' },
  { deployment: 'hangs', rehearsal: 'passes' },
  { deployment: 'cannot-pull', rehearsal: 'passes' },
  { deployment: 'never-acts', rehearsal: 'passes' },
  { deployment: { crashesAfter: seconds(45) }, rehearsal: 'passes' },
  { deployment: { crashesAfter: seconds(90) }, rehearsal: 'passes' },
  { deployment: 'good', rehearsal: 'exits' },
];
const disturbances: Readonly<Record<string, (world: SmallAgentCluster) => void>> = {
  'kill old': (world) => world.killContainers(oldAgent),
  'freeze old': (world) => world.freeze(oldAgent, seconds(40)),
  'freeze new': (world) => world.freeze(newAgent, seconds(40)),
  reboot: (world) => world.killContainers(),
  'delete old pods': (world) => world.deletePods(oldAgent),
  'delete new pods': (world) => world.deletePods(newAgent),
  'delete the Deployment': (world) => world.deleteDeployment(),
  'server down': (world) => world.setServer(false),
  'server up': (world) => world.setServer(true),
  'no room': (world) => world.setRoom(false),
  room: (world) => world.setRoom(true),
  'guard away': (world) => world.setGuard(false),
  'guard there': (world) => world.setGuard(true),
  'set an image': (world) => world.setImage(agent('4.0.0'), 'kubectl-set'),
  'set an image that never runs': (world) => world.setImage(unpulled, 'kubectl-set'),
  'set it back': (world) => world.setImage(oldAgent, 'kubectl-rollout'),
  pause: (world) => world.setPaused(true),
  resume: (world) => world.setPaused(false),
};
const anyDisturbances = fc.array(
  fc.record({ after: fc.integer({ min: 1, max: 200 }), what: fc.constantFrom(...Object.keys(disturbances)) }),
  { maxLength: 8 },
);

function disturbed(
  behaviour: Behaviour,
  events: readonly { readonly after: number; readonly what: string }[],
): SmallAgentCluster {
  const world = installed(behaviour);
  world.target(offer);
  for (const { after, what } of events) {
    world.run(seconds(after));
    disturbances[what]?.(world);
  }
  world.setServer(true);
  world.setRoom(true);
  world.setGuard(true);
  world.setPaused(false);
  world.run(minutes(2));
  // With what somebody set by hand in it; the guard makes it again.
  world.deleteDeployment();
  world.run(minutes(40));
  return world;
}

test('whatever comes in between: never two act, every attempt ends, and a bad version is never the last', () => {
  fc.assert(
    fc.property(fc.constantFrom(...behaviours), anyDisturbances, (behaviour, events) => {
      const world = disturbed(behaviour, events);
      expect(world.actingSeconds().two).toBe(0);
      expect(world.acting()).toHaveLength(1);
      expect(world.state()).not.toHaveProperty('takingBack');
      expect(ended(world)).toBe(true);
      expect(behaviour === behaviours[0] || world.acting()[0] !== '4.2.7').toBe(true);
    }),
    { numRuns: 10 },
  );
});

test('whatever comes in between: a good version is never blamed for what the surroundings did', () => {
  const surroundings = anyDisturbances.map((events) => events.filter(({ what }) => !what.startsWith('freeze')));
  fc.assert(
    fc.property(surroundings, (events) => {
      expect(disturbed({ deployment: 'good' }, events).state().takenBack).toEqual([]);
    }),
    { numRuns: 10 },
  );
});
