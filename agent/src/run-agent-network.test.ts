/** Faults that are nobody's: what stands between agent and control plane fails, in each phase of an agent update. */

import { minutes, seconds } from '@gatehouse/domain/instant';
import { describe, expect, test } from 'vitest';
import type { ServerFault } from './testing/control-plane-in-memory.ts';
import type { GatewayWorld } from './testing/gateway-world.ts';
import { gatewayWorlds, stateOf } from './testing/gateway-worlds.ts';

const createWorld = gatewayWorlds();

async function startRunning(): Promise<GatewayWorld> {
  const world = await createWorld({ installation: 'existing-cluster' });
  world.server.pollAgainSeconds = 2;
  await world.waitFor('an observation', 60, () => world.server.observation);
  return world;
}

/** As `poll/network-faults.test.ts` shows what becomes of each on a real socket. */
const faults: Readonly<Record<string, ServerFault>> = {
  '429 of the control plane': {
    after: 0,
    says: {
      kind: 'refused',
      status: 429,
      code: 'too-many-requests',
      message: 'Too many requests.',
      retryAfterSeconds: 60,
    },
  },
  '503 with Retry-After': { after: 0, says: { kind: 'unreachable', message: 'status 503', retryAfterSeconds: 60 } },
  '500, TLS, 407, DNS, a connection refused': {
    after: 0,
    says: { kind: 'unreachable', message: 'certificate has expired' },
  },
  'silence until the time limit': { after: seconds(30), says: { kind: 'unreachable', message: 'timeout' } },
  'an answer just before the time limit': { after: seconds(29) },
};

const state = (world: GatewayWorld) => stateOf(world);

/** What the update has to have reached for the fault to come. */
const phases: Readonly<Record<string, (world: GatewayWorld) => boolean>> = {
  'before it is known of': () => true,
  rehearsing: (world) => state(world).attempt?.phase === 'rehearsing',
  'swapped, before the trial poll': (world) => state(world).attempt?.phase === 'watching',
  'in the watch time': (world) => state(world).attempt?.readyAt !== undefined,
  settled: (world) => state(world).attempt?.phase === 'settled',
};

type Cell = readonly [fault: string, phase: string];
const cells = Object.keys(faults).flatMap((fault) => Object.keys(phases).map((phase): Cell => [fault, phase]));

const actingPolls = (world: GatewayWorld) => world.server.polls.filter(({ request }) => request.isTrial !== true);

describe('an agent update', () => {
  test.each(cells)('meets "%s" %s: no version is blamed, and it comes to its end afterwards', async (fault, phase) => {
    const world = await startRunning();
    world.orderAgent('4.2.7');
    await world.waitFor(phase, 400, () => (phases[phase]?.(world) === true ? true : undefined));
    world.server.fault = faults[fault];
    let askingMax = 0;
    const until = world.clock.monotonic() + minutes(12);
    await world.waitFor('12 minutes', 800, () => {
      askingMax = Math.max(askingMax, ...world.server.asking.values());
      return world.clock.monotonic() >= until ? true : undefined;
    });
    world.server.fault = undefined;
    expect(state(world).takenBack).toEqual([]);
    expect(askingMax).toBeLessThanOrEqual(1);

    const healed = world.clock.monotonic();
    await world.waitFor('the next poll', 901, () => ((actingPolls(world).at(-1)?.at ?? 0) > healed ? true : undefined));
    await world.waitFor('the new agent', 1_800, () =>
      world.server.observation?.attempt?.phase === 'settled' ? true : undefined,
    );
    expect(world.server.observation).toMatchObject({ agent: world.agentOf('4.2.7'), takenBack: [] });
  });
});
