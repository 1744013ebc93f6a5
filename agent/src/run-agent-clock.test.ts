/**
 * The clock of a gateway's API server is set in the middle of an agent update: the update goes on by the time that passes,
 * never two act, the old agent stands by for its whole watch, and a good version is not blamed.
 */

import { describe, expect, test } from 'vitest';
import type { GatewayWorld } from './testing/gateway-world.ts';
import { gatewayWorlds, isHeldBy, podsOf, stateOf } from './testing/gateway-worlds.ts';
import { strangers } from './testing/who-acted.ts';

const day = 86_400_000;
const [from, to] = ['4.1.12', '4.2.7'];

const createWorld = gatewayWorlds();

const attemptOf = (world: GatewayWorld) => stateOf(world).attempt;

const steps = {
  'before it begins': () => true,
  'while it rehearses': (world) => attemptOf(world)?.phase === 'rehearsing',
  'when it has swapped': (world) => attemptOf(world)?.phase === 'watching',
  'when the new one is Ready': (world) => podsOf(world, to).some(({ isReady }) => isReady),
  'when the new one has taken over': (world) => isHeldBy(world, to),
} satisfies Record<string, (world: GatewayWorld) => boolean>;

const sets = {
  'a day back': [-day],
  'ten years back': [-3_652 * day],
  'a day ahead': [day],
  'ten years ahead': [3_652 * day],
  'back and forth': [-day, day, -day],
};

async function startUpdate(how?: Parameters<GatewayWorld['misbehave']>[1]): Promise<GatewayWorld> {
  const world = await createWorld({ installation: 'existing-cluster' });
  world.server.pollAgainSeconds = 2;
  if (how !== undefined) world.misbehave(to, how);
  await world.waitFor('an observation', 60, () => world.server.observation);
  await world.clock.advance(60_000);
  world.orderAgent(to);
  return world;
}

/** Says how long the old agent was there after the new one had taken over, in seconds. */
async function untilSettled(world: GatewayWorld): Promise<number> {
  let tookOver: number | undefined;
  let gone: number | undefined;
  await world.waitFor('the update', 600, () => {
    const now = world.clock.wall();
    if (isHeldBy(world, to)) tookOver ??= now;
    if (tookOver !== undefined && podsOf(world, from).every(({ isDeleting }) => isDeleting)) gone ??= now;
    return attemptOf(world)?.phase === 'settled' ? true : undefined;
  });
  return ((gone ?? world.clock.wall()) - (tookOver ?? 0)) / 1_000;
}

describe.each(Object.entries(sets))('a clock that is set %s', (_set, offsets) => {
  test.each(Object.entries(steps))('%s', async (_step, isThere) => {
    const world = await startUpdate();
    await world.waitFor('the step', 300, () => (isThere(world) ? true : undefined));
    for (const by of offsets) {
      world.setClock(by);
      await world.clock.advance(500);
    }
    expect(await untilSettled(world)).toBeGreaterThanOrEqual(55);
    expect(strangers(world.acts)).toEqual([]);
    expect(stateOf(world).takenBack).toEqual([]);
  });
});

test.each([
  ['a day back', -day],
  ['ten years ahead', 3_652 * day],
])('a bad agent is taken back in its time when the clock is set %s after the swap', async (_name, by) => {
  const world = await startUpdate({ hangs: true });
  await world.waitFor('the swap', 300, () => (attemptOf(world)?.phase === 'watching' ? true : undefined));
  const swapped = world.clock.wall();
  world.setClock(by);
  await world.waitFor('the take-back', 600, () =>
    world.simulated.read().deployment?.template.release.digest === world.agentOf(from).digest ? true : undefined,
  );
  expect((world.clock.wall() - swapped) / 1_000).toBeLessThanOrEqual(210);
  expect(isHeldBy(world, from)).toBe(true);
});
