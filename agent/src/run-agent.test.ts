import { describe, expect, test } from 'vitest';
import type { GatewayWorld } from './testing/gateway-world.ts';
import { type CreateWorld, gatewayWorlds } from './testing/gateway-worlds.ts';
import { plannedOrder, profilePointer } from './testing/planned-order.ts';

const startGateway = gatewayWorlds();

const observed = (world: GatewayWorld) => world.server.observation;

describe('a new gateway', () => {
  test('is enrolled and reports what it sees', async () => {
    const world = await startGateway({ installation: 'existing-cluster' });
    const observation = await world.waitFor('an observation', 60, () => observed(world));
    expect(observation).toMatchObject({ agent: world.agentOf('4.1.12'), kubernetes: '1.26.8', takenBack: [] });
    expect(observation.clusterApi).toBeUndefined();
  });
});

const storedAttempt = (world: GatewayWorld): Readonly<Record<string, unknown>> | undefined => {
  const text = world.simulated.read().maps.state?.data['attempt'];
  // Written by the agent as an object.
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
};

const agentPods = (world: GatewayWorld) =>
  world.simulated.read().pods.filter(({ owner }) => owner.kind === 'replica-set');

/** Each poll that acted, as `<pod digest>`: who, when. */
const actingPolls = (world: GatewayWorld) => world.server.polls.filter(({ request }) => request.isTrial !== true);

async function startRunning(options: Parameters<CreateWorld>[0]): Promise<GatewayWorld> {
  const world = await startGateway(options);
  await world.waitFor('an observation', 60, () => observed(world));
  return world;
}

describe('an agent update', () => {
  test('is rehearsed, swapped, watched and settled, and no two agents act', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.pollAgainSeconds = 1;
    world.orderAgent('4.2.7');
    const phases: unknown[] = [];
    world.simulated.onChange(() => {
      const phase = storedAttempt(world)?.['phase'];
      if (phase !== undefined && phases.at(-1) !== phase) phases.push(phase);
    });
    await world.waitFor('the update is settled', 400, () =>
      observed(world)?.attempt?.phase === 'settled' ? true : undefined,
    );
    expect(phases).toEqual(['rehearsing', 'swapping', 'watching', 'settled']);
    expect(observed(world)).toMatchObject({ agent: world.agentOf('4.2.7'), takenBack: [] });

    const polls = actingPolls(world);
    const changes = polls.filter(({ podName }, index) => podName !== polls[index - 1]?.podName);
    expect(changes.map(({ request }) => request.agent.version)).toEqual(['4.1.12', '4.2.7']);
    const [first = 0, second = 0] = changes.map(({ request }) => request.handOverNumber);
    expect(second).toBeGreaterThan(first);
    const gaps = polls.map(({ at }, index) => at - (polls[index - 1]?.at ?? at));
    expect(Math.max(...gaps.slice(2))).toBeLessThan(2_500);
    await world.waitFor('the old pod is gone', 60, () => (agentPods(world).length === 1 ? true : undefined));
  });

  const ended = (world: GatewayWorld) => {
    const attempt = observed(world)?.attempt;
    return attempt?.endedAt === undefined ? undefined : attempt;
  };
  const namedDigest = (world: GatewayWorld) => world.simulated.read().deployment?.template.release.digest;
  /** Time from the swap until the old agent is named again. */
  const takeBackTime = async (world: GatewayWorld): Promise<number> => {
    await world.waitFor('the swap', 200, () =>
      namedDigest(world) === world.agentOf('4.2.7').digest ? true : undefined,
    );
    const from = world.clock.monotonic();
    await world.waitFor('the take-back', 400, () =>
      namedDigest(world) === world.agentOf('4.1.12').digest ? true : undefined,
    );
    return (world.clock.monotonic() - from) / 1_000;
  };

  test('that exits in its rehearsal is never swapped and not tried again by itself', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.misbehave('4.2.7', { exits: 'in-rehearsal' });
    world.server.pollAgainSeconds = 2;
    const [before] = agentPods(world);
    world.orderAgent('4.2.7');
    const attempt = await world.waitFor('the end of the attempt', 200, () => ended(world));
    expect(attempt).toMatchObject({
      phase: 'rehearsal-failed',
      reason: { code: 'exited', exitCode: 3, lastLogLines: 'cannot start: no such setting' },
    });
    await world.clock.advance(20 * 60_000);
    expect(observed(world)?.attempt?.id).toBe(attempt.id);
    expect(observed(world)?.takenBack).toHaveLength(1);
    expect(agentPods(world)).toMatchObject([{ name: before?.name, restarts: 0, isReady: true }]);
    expect(world.simulated.read().rehearsal).toBeUndefined();

    // A person asks for it again, and this time it behaves.
    world.misbehave('4.2.7', {});
    world.orderAgent('4.2.7', { isRetried: true });
    await world.waitFor('the agent is the new one', 400, () =>
      observed(world)?.attempt?.phase === 'settled' ? true : undefined,
    );
    expect(observed(world)).toMatchObject({ agent: world.agentOf('4.2.7'), takenBack: [] });
  });

  test('that cannot read what the running agent trusts is found in its rehearsal', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.misbehave('4.2.7', { breaksTrust: 'both' });
    world.server.pollAgainSeconds = 2;
    world.orderAgent('4.2.7');
    const attempt = await world.waitFor('the end of the attempt', 200, () => ended(world));
    expect(attempt).toMatchObject({ phase: 'rehearsal-failed', reason: { lastLogLines: 'trust is not iterable' } });
  });

  test.each([
    ['exits at its start', { exits: 'as-agent' }, 'exited', 30],
    ['never becomes ready', { hangs: true }, 'not-ready', 125],
    ['cannot use what is trusted', { breaksTrust: 'as-agent' }, 'not-ready', 125],
    ['crashes after it was ready', { crashes: { afterSeconds: 45 } }, 'exited', 60],
  ] as const)('that %s is taken back with its reason', async (_, how, code, seconds) => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.pollAgainSeconds = 2;
    world.misbehave('4.2.7', how);
    const [before] = agentPods(world);
    world.orderAgent('4.2.7');
    expect(await takeBackTime(world)).toBeLessThan(seconds);
    const attempt = await world.waitFor('the end of the attempt', 30, () => ended(world));
    expect(attempt).toMatchObject({ phase: 'taken-back', reason: { code } });
    expect(observed(world)).toMatchObject({
      agent: world.agentOf('4.1.12'),
      takenBack: [{ release: world.agentOf('4.2.7') }],
    });
    await world.waitFor('only the old pod is left', 60, () => (agentPods(world).length === 1 ? true : undefined));
    expect(agentPods(world)).toMatchObject([{ name: before?.name, restarts: 0 }]);
    await world.clock.advance(20 * 60_000);
    expect(namedDigest(world)).toBe(world.agentOf('4.1.12').digest);
  });

  test('whose image is gone after the rehearsal is taken back with the pull error', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.pollAgainSeconds = 2;
    world.simulated.onChange(() => {
      if (namedDigest(world) === world.agentOf('4.2.7').digest) world.misbehave('4.2.7', { isMissing: true });
    });
    world.orderAgent('4.2.7');
    expect(await takeBackTime(world)).toBeLessThan(210);
    const attempt = await world.waitFor('the end of the attempt', 30, () => ended(world));
    expect(attempt).toMatchObject({ phase: 'taken-back', reason: { code: 'image-pull-failed' } });
  });

  test('that crashes again and again when the old one is gone is taken back by the guard', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.pollAgainSeconds = 2;
    world.misbehave('4.2.7', { crashes: { afterSeconds: 90 } });
    world.orderAgent('4.2.7');
    expect(await takeBackTime(world)).toBeLessThan(600);
    await world.waitFor('the old agent reports it', 120, () =>
      observed(world)?.takenBack.length === 1 && observed(world)?.agent.version === '4.1.12' ? true : undefined,
    );
  });

  test('is not blamed when the server is away, and is tried again', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.pollAgainSeconds = 2;
    const away = (): void => {
      if (namedDigest(world) === world.agentOf('4.2.7').digest) world.server.isAway = true;
    };
    world.simulated.onChange(away);
    world.orderAgent('4.2.7');
    expect(await takeBackTime(world)).toBeLessThan(210);
    world.server.isAway = false;
    const attempt = await world.waitFor('the end of the attempt', 120, () => ended(world));
    expect(attempt).toMatchObject({ phase: 'interrupted', interruptions: 1, reason: { code: 'server-unreachable' } });
    expect(observed(world)?.takenBack).toEqual([]);
  });

  test('goes on in the gateway with the server gone once it is watched', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.pollAgainSeconds = 2;
    world.orderAgent('4.2.7');
    await world.waitFor('the new one polls', 200, () =>
      actingPolls(world).at(-1)?.request.agent.version === '4.2.7' ? true : undefined,
    );
    world.server.isAway = true;
    await world.clock.advance(120_000);
    expect(storedAttempt(world)).toMatchObject({ phase: 'settled' });
    expect(agentPods(world)).toHaveLength(1);
  });
});

describe('the one that acts', () => {
  const acting = (world: GatewayWorld) => actingPolls(world).at(-1)?.podName;

  test('hands over at once when its pod is deleted', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.pollAgainSeconds = 1;
    await world.clock.advance(10_000);
    const before = acting(world);
    world.simulated.owner.deletePod(before ?? '');
    const from = world.clock.monotonic();
    await world.waitFor('another one polls', 60, () => (acting(world) !== before ? true : undefined));
    expect(world.clock.monotonic() - from).toBeLessThan(8_000);
  });

  test('is another within 20 s when it was frozen, and does nothing when it wakes', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.pollAgainSeconds = 1;
    await world.clock.advance(10_000);
    const before = acting(world) ?? '';
    world.simulated.freeze(before, true);
    world.simulated.owner.deletePod(before);
    const from = world.clock.monotonic();
    await world.waitFor('another one polls', 60, () => (acting(world) !== before ? true : undefined));
    expect(world.clock.monotonic() - from).toBeLessThan(21_000);
    const polls = actingPolls(world).length;
    world.simulated.freeze(before, false);
    await world.clock.advance(10_000);
    const later = actingPolls(world).slice(polls);
    expect(later.length).toBeGreaterThan(0);
    expect(later.every(({ podName }) => podName !== before)).toBe(true);
  });

  test('is not Ready when it could not renew the Lease for 15 s, and is again when it could', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    await world.clock.advance(10_000);
    const isReady = () => agentPods(world)[0]?.isReady;
    world.simulated.setReachable(false);
    const from = world.clock.monotonic();
    // Renewed up to 5 s before.
    await world.clock.advance(9_500);
    expect(isReady()).toBe(true);
    await world.waitFor('it is not Ready', 10, () => (isReady() === false ? true : undefined));
    expect(world.clock.monotonic() - from).toBeLessThanOrEqual(17_000);
    world.simulated.setReachable(true);
    await world.waitFor('it is Ready again', 5, () => (isReady() === true ? true : undefined));
    expect(agentPods(world)).toMatchObject([{ restarts: 0 }]);
  });
});

describe('a gateway that Gatehouse installed', () => {
  test('gets its first profile without a confirmation', async () => {
    const world = await startRunning({ installation: 'cli', controlPlanes: 1 });
    const { digest } = world.releases.release('4.1.12').profiles['vsphere'] ?? { digest: '' };
    world.order({ initialProfile: { release: '4.1.12', digest } });
    const seen = await world.waitFor('the first profile', 300, () =>
      observed(world)?.appliedProfile === undefined ? undefined : observed(world),
    );
    expect(seen.appliedProfile).toEqual({ version: '4.1.12', digest });
    expect(seen.profileUpdate).toBeUndefined();
    expect(Object.keys(world.simulated.read().objects).length).toBeGreaterThan(5);
  });

  const size = { controlPlanes: 3, workers: 2 } as const;

  async function startWithProfile(): Promise<GatewayWorld> {
    const world = await startRunning({ installation: 'cli', ...size });
    world.server.pollAgainSeconds = 2;
    world.order({ initialProfile: { release: '4.1.12', digest: profilePointer(world, '4.1.12').digest } });
    await world.waitFor('the first profile', 300, () => observed(world)?.appliedProfile && true);
    return world;
  }

  test('reports the preflight of a plan that waits', async () => {
    const world = await startWithProfile();
    const order = plannedOrder(world, { from: '4.1.12', to: '4.2.7' }, size);
    world.order({ proposed: order });
    const preflight = await world.waitFor('the preflight', 60, () => observed(world)?.preflight);
    expect(preflight.planId).toBe(order.planId);
    expect(preflight.results.every(({ outcome }) => outcome === 'passed')).toBe(true);
    expect(preflight.results.length).toBeGreaterThan(5);
    expect(observed(world)?.profileUpdate?.planId).not.toBe(order.planId);
  });

  test('is moved to a newer profile: control planes, workers, packs', async () => {
    const world = await startWithProfile();
    const order = plannedOrder(world, { from: '4.1.12', to: '4.2.7' }, size);
    world.order({ profileUpdate: order });
    const ready: number[] = [];
    const states: string[] = [];
    await world.waitFor('the update is completed', 2_000, () => {
      const seen = observed(world);
      if (seen?.clusterApi !== undefined && seen.clusterApi !== 'unknown')
        ready.push(seen.clusterApi.controlPlane.ready);
      for (const { id, state } of seen?.profileUpdate?.steps ?? []) {
        if (!states.includes(`${id} ${state}`)) states.push(`${id} ${state}`);
      }
      return seen?.profileUpdate?.phase === 'completed' ? true : undefined;
    });
    expect(Math.min(...ready)).toBeGreaterThanOrEqual(3);
    const seen = observed(world);
    expect(seen?.appliedProfile).toEqual(profilePointer(world, '4.2.7'));
    expect(seen?.profileUpdate?.controlPlanesUpdatedAt).toBeDefined();
    expect(seen?.profileUpdate?.steps.map(({ id }) => id)).toEqual(order.steps.map(({ id }) => id));
    const done = states.filter((state) => state.endsWith(' done'));
    expect(done).toEqual(order.steps.map(({ id }) => `${id} done`));
    expect(seen?.clusterApi).toMatchObject({ topologyVersion: '1.27.11', isTopologyReconciled: true });
    expect(seen?.drift).toEqual([]);
    for (const { deletes = [] } of order.steps) {
      for (const reference of deletes) {
        expect(await world.simulated.connect().profile?.readObject(reference)).toBeUndefined();
      }
    }
  });
});
