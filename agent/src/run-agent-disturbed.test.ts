import { describe, expect, test } from 'vitest';
import type { GatewayWorld } from './testing/gateway-world.ts';
import { type CreateWorld, gatewayWorlds } from './testing/gateway-worlds.ts';
import { plannedOrder, profilePointer } from './testing/planned-order.ts';

const createWorld = gatewayWorlds();

const observed = (world: GatewayWorld) => world.server.observation;
const namedDigest = (world: GatewayWorld) => world.simulated.read().deployment?.template.release.digest;
const agentPods = (world: GatewayWorld) =>
  world.simulated.read().pods.filter(({ owner }) => owner.kind === 'replica-set');

async function startRunning(options: Parameters<CreateWorld>[0]): Promise<GatewayWorld> {
  const world = await createWorld(options);
  world.server.pollAgainSeconds = 2;
  await world.waitFor('an observation', 60, () => observed(world));
  return world;
}

describe('a running agent', () => {
  test('refuses a target that is older than the one it has', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.order({});
    world.orderAgent('4.1.12');
    await world.waitFor('generation 2', 30, () =>
      world.server.polls.at(-1)?.request.generation === 2 ? true : undefined,
    );
    // As from a database that was set back: a number that was given before, with another content.
    const agent = { release: '4.2.7', ...world.agentOf('4.2.7'), isRetried: false };
    world.server.target = { generation: 1, agent, settings: { controlPlanes: 3, workers: 0 } };
    world.server.sendsTargetAlways = true;
    await world.clock.advance(120_000);
    expect(world.server.polls.at(-1)?.request.generation).toBe(2);
    expect(namedDigest(world)).toBe(world.agentOf('4.1.12').digest);
    expect(observed(world)?.agentHolds.map(({ code }) => code)).toContain('target-older');
  });

  test('that was deleted with its Deployment is made again by the guard', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    const before = agentPods(world)[0]?.name;
    world.simulated.owner.deleteDeployment();
    await world.waitFor('another pod polls', 60, () => {
      const last = world.server.polls.at(-1)?.podName;
      return last !== before && agentPods(world).some(({ name }) => name === last) ? true : undefined;
    });
    expect(namedDigest(world)).toBe(world.agentOf('4.1.12').digest);
  });

  test('waits with a reason while its owner has paused the Deployment, and goes on afterwards', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.simulated.owner.pauseDeployment(true);
    world.orderAgent('4.2.7');
    await world.waitFor('the hold', 120, () =>
      observed(world)?.agentHolds.some(({ code }) => code === 'deployment-paused') ? true : undefined,
    );
    expect(observed(world)?.attempt).toBeUndefined();
    world.simulated.owner.pauseDeployment(false);
    await world.waitFor('the update', 300, () => (observed(world)?.attempt?.phase === 'settled' ? true : undefined));
  });

  test('leaves the image to somebody else who sets it, and says who', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    const { digest } = world.agentOf('4.1.12');
    world.simulated.owner.setImage({ digest, repository: 'mirror.example/gatehouse/agent' }, 'kubectl-set');
    world.orderAgent('4.2.7');
    const hold = await world.waitFor('the hold', 120, () =>
      observed(world)?.agentHolds.find(({ code }) => code === 'image-set-by'),
    );
    expect(hold.message).toContain('kubectl-set');
  });

  test('does not become an agent that is not signed', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    const digest = `sha256:${'f'.repeat(64)}`;
    world.order({ agent: { release: '4.2.7', version: '4.2.7', digest, isRetried: false } });
    const hold = await world.waitFor('the hold', 200, () =>
      observed(world)?.agentHolds.find(({ code }) => code === 'release-mismatch'),
    );
    expect(hold.message).toContain('the signed release has');
    await world.clock.advance(120_000);
    expect(observed(world)?.attempt).toBeUndefined();
    expect(namedDigest(world)).toBe(world.agentOf('4.1.12').digest);
  });
});

describe('a profile update', () => {
  const size = { controlPlanes: 3, workers: 2 } as const;

  async function startUpdate() {
    const world = await startRunning({ installation: 'cli', ...size });
    world.order({ initialProfile: { release: '4.1.12', digest: profilePointer(world, '4.1.12').digest } });
    await world.waitFor('the first profile', 300, () => observed(world)?.appliedProfile && true);
    const order = plannedOrder(world, { from: '4.1.12', to: '4.2.7' }, size);
    return { world, order };
  }
  const progress = (world: GatewayWorld) => observed(world)?.profileUpdate;
  const untilCompleted = (world: GatewayWorld) =>
    world.waitFor('the update is completed', 3_000, () => (progress(world)?.phase === 'completed' ? true : undefined));

  test('goes on with the server gone', async () => {
    const { world, order } = await startUpdate();
    world.order({ profileUpdate: order });
    await world.waitFor('control planes roll', 300, () =>
      progress(world)?.steps.some(({ id, state }) => id === 'control-planes' && state === 'running') ? true : undefined,
    );
    world.server.isAway = true;
    await world.waitFor('it is completed in the gateway', 2_000, () =>
      world.simulated.read().maps.inventory?.data['appliedProfile']?.includes('4.2.7') ? true : undefined,
    );
    world.server.isAway = false;
    await world.waitFor('the server hears of it', 1_000, () =>
      progress(world)?.phase === 'completed' ? true : undefined,
    );
  });

  test('goes on after its agent was deleted at every step', async () => {
    const { world, order } = await startUpdate();
    world.order({ profileUpdate: order });
    const hit = new Set<string>();
    await world.waitFor('the update is completed', 3_000, () => {
      const running = progress(world)?.steps.find(({ state }) => state === 'running')?.id;
      if (running !== undefined && !hit.has(running)) {
        hit.add(running);
        for (const { name } of agentPods(world)) world.simulated.owner.deletePod(name);
      }
      return progress(world)?.phase === 'completed' ? true : undefined;
    });
    expect(hit.size).toBeGreaterThan(0);
    expect(progress(world)?.steps.every(({ state }) => state === 'done')).toBe(true);
    expect(observed(world)?.appliedProfile?.digest).toBe(order.to.digest);
  });

  test('that is cancelled before anything has begun leaves everything as it was', async () => {
    const { world, order } = await startUpdate();
    world.order({ profileUpdate: { ...order, isCancelled: true } });
    await world.waitFor('it is cancelled', 60, () => (progress(world)?.phase === 'cancelled' ? true : undefined));
    expect(observed(world)?.clusterApi).toMatchObject({ topologyVersion: '1.26.8' });
    expect(observed(world)?.appliedProfile?.version).toBe('4.1.12');
  });

  test('keeps the agent as it is until it is completed', async () => {
    const { world, order } = await startUpdate();
    const agent = { release: '4.2.8', ...world.agentOf('4.2.8'), isRetried: false };
    world.order({ profileUpdate: order, agent });
    await untilCompleted(world);
    expect(observed(world)?.attempt).toBeUndefined();
    await world.waitFor('the agent follows', 400, () =>
      observed(world)?.attempt?.phase === 'settled' ? true : undefined,
    );
    expect(observed(world)?.agent.version).toBe('4.2.8');
  });
});
