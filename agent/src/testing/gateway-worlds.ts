/** The gateways of a test file: each ends with its test, and the signed repository that they share with the file. */

import { afterAll, afterEach, beforeAll } from 'vitest';
import { parseAgentState } from '../update/agent-state.ts';
import { createGatewayWorld, type GatewayWorld, type GatewayWorldOptions } from './gateway-world.ts';
import { openRepository, type TestRepository } from './test-repository.ts';

export type CreateWorld = (options: Omit<GatewayWorldOptions, 'releases'>) => Promise<GatewayWorld>;

/** To be called where hooks may be. */
export function gatewayWorlds(): CreateWorld {
  let releases: TestRepository;
  const worlds: GatewayWorld[] = [];
  beforeAll(async () => {
    releases = await openRepository();
  });
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.dispose();
  });
  afterAll(async () => {
    await releases.dispose();
  });
  return async (options) => {
    const world = await createGatewayWorld({ ...options, releases });
    worlds.push(world);
    return world;
  };
}

export const stateOf = (world: GatewayWorld) => parseAgentState(world.simulated.read().maps.state);

/** Of the Deployment, on the agent of that release. */
export const podsOf = (world: GatewayWorld, version: string) =>
  world.simulated
    .read()
    .pods.filter((pod) => pod.owner.kind === 'replica-set' && pod.release.digest === world.agentOf(version).digest);

/** Whether the Lease says that an agent of that release acts. */
export function isHeldBy(world: GatewayWorld, version: string): boolean {
  const holder = world.simulated.read().lease?.holder;
  return podsOf(world, version).some(({ name }) => holder?.startsWith(`${name}/`));
}
