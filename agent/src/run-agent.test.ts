import { afterEach, describe, expect, test } from 'vitest';
import { createGatewayWorld, type GatewayWorld } from './testing/gateway-world.ts';

const worlds: GatewayWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.dispose();
});

async function startGateway(options: Parameters<typeof createGatewayWorld>[0]): Promise<GatewayWorld> {
  const world = await createGatewayWorld(options);
  worlds.push(world);
  return world;
}

const observed = (world: GatewayWorld) => world.server.observation;

describe('a new gateway', () => {
  test('is enrolled and reports what it sees', async () => {
    const world = await startGateway({ installation: 'existing-cluster' });
    const observation = await world.waitFor('an observation', 60, () => observed(world));
    expect(observation).toMatchObject({ agent: world.agentOf('4.1.12'), kubernetes: '1.26.8', takenBack: [] });
    expect(observation.clusterApi).toBeUndefined();
  });
});
