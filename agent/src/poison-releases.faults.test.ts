/**
 * Every poison release, again and again, on gateways of the sandbox's kind: the agent's own code on a simulated cluster, in
 * virtual time and with the product's own spans. No gateway may be left without an agent that acts, with the poison in its
 * place, or unable to take the next good release.
 */

import { productionTimings } from '@gatehouse/domain/timings';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Disturbance,
  type Found,
  type Poison,
  type PoisonedGateway,
  poisons,
  startPoisonedGateway,
  versions,
} from './testing/poison-releases.ts';
import { openRepository, type TestRepository } from './testing/test-repository.ts';
import { parseAgentState } from './update/agent-state.ts';

/** The promise: seconds from the swap until the agent before is put back. */
const takenBackSecondsMax = 210;
/** The promise of the guard: from when the third crash can be seen. */
const afterThirdCrashSecondsMax = 10;
/** Twice the pause after which an interrupted attempt is made again by itself. */
const longAfter = 10 * 60_000;
const { interruptionsMax } = productionTimings.agentUpdate;
const rounds = faultRounds({ whole: 100, short: 5 });

let releases: TestRepository;
beforeAll(async () => {
  releases = await openRepository();
});
afterAll(() => releases.dispose());

const phases = {
  rehearsal: 'rehearsal-failed',
  watch: 'taken-back',
  guard: 'taken-back',
  nobody: 'interrupted',
} as const;

/** With the server gone, some never get so far as to show what is wrong with them, and then nobody is blamed. */
const cannotShow = ({ foundIn, needsServer }: Poison): boolean => foundIn === 'nobody' || needsServer === true;

function expectFound(poison: Poison, found: Found, server: 'there' | 'gone' = 'there'): void {
  const { foundIn, says } = poison;
  expect(found).toMatchObject(
    server === 'gone' && cannotShow(poison)
      ? { phase: 'interrupted', text: expect.stringContaining('neither could the old one') }
      : { phase: phases[foundIn], text: expect.stringMatching(says) },
  );
  expect(found.afterThirdCrashSeconds ?? 0).toBeLessThanOrEqual(afterThirdCrashSecondsMax);
  // The guard's cases are good for ten minutes first.
  const isGuards = foundIn === 'guard' && server === 'there';
  expect(isGuards ? 0 : (found.afterSwapSeconds ?? 0)).toBeLessThanOrEqual(takenBackSecondsMax);
  expect(found.afterSwapSeconds === undefined).toBe(foundIn === 'rehearsal');
}

const stateOf = ({ world }: PoisonedGateway) => parseAgentState(world.simulated.read().maps.state);

/** With the reason, as the server hears it; never again by itself; again when a person asks. */
async function foundAndLeftAlone(poison: Poison, gateway: PoisonedGateway): Promise<Found> {
  const { world } = gateway;
  const first = await gateway.offer();
  expectFound(poison, first);
  const again = poison.foundIn === 'nobody' ? interruptionsMax - 1 : 0;
  let last = first;
  for (let number = 0; number < again; number += 1) {
    last = await gateway.nextAttempt();
    expectFound(poison, last);
  }
  expect(stateOf(gateway).attempt?.interruptions).toBe(poison.foundIn === 'nobody' ? interruptionsMax : 0);
  const { takenBack } = await world.waitFor('the server hears of it', 120, () => {
    const { observation } = world.server;
    return observation?.attempt?.id === last.attemptId && observation.attempt.phase === last.phase
      ? observation
      : undefined;
  });
  const blamed = poison.foundIn === 'nobody' ? [] : [world.agentOf(versions.poison)];
  expect(takenBack.map(({ release }) => release)).toEqual(blamed);
  await gateway.expectToAct(versions.before);

  await world.clock.advance(longAfter);
  expect(gateway.attemptId()).toBe(last.attemptId);

  const retried = await gateway.offer({ isRetried: true });
  expect(retried.attemptId).not.toBe(last.attemptId);
  expectFound(poison, retried);
  return first;
}

/** With the true reason where it can show; where it cannot, nobody is blamed, and it shows when the server is back. */
async function foundWithoutServer(poison: Poison, gateway: PoisonedGateway): Promise<Found> {
  const { world } = gateway;
  const first = await gateway.offer({ disturbances: [{ what: 'server goes', afterSeconds: 0 }] });
  expectFound(poison, first, 'gone');
  expect(stateOf(gateway).takenBack).toHaveLength(cannotShow(poison) ? 0 : 1);
  // A rehearsal that failed was never swapped, so there the server never went.
  await world.clock.advance(longAfter);
  expect(gateway.attemptId()).toBe(first.attemptId);
  world.server.isAway = false;
  await gateway.expectToAct(versions.before);
  if (cannotShow(poison)) expectFound(poison, await gateway.nextAttempt());
  return first;
}

const disturbances = [
  'server is away for 5 min',
  'old pod is deleted',
  'new pod is deleted',
  'guard is deleted',
] as const;

/** Whatever is made of the version: the gateway is not lost. */
async function disturbed(gateway: PoisonedGateway, round: number): Promise<Found> {
  const events = [1, 2, 3].map((number): Disturbance => {
    // Spread over kinds and times without chance, so that a round that failed is found again.
    const what = disturbances[(round * number + number) % disturbances.length] ?? 'new pod is deleted';
    return { what, afterSeconds: (round * 17 * number) % 100 };
  });
  return gateway.offer({ disturbances: events });
}

const table: readonly (readonly [string, Poison])[] = Object.entries(poisons);
const pollsAgainSeconds = [2, 1, 5, 30];

describe.each(table)(`a release whose agent %s, ${rounds} times`, (_, poison) => {
  test('is taken back with the true reason, and the gateway takes the next good one', async ({ annotate }) => {
    const found: Found[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const pollAgainSeconds = pollsAgainSeconds[round % pollsAgainSeconds.length] ?? 2;
      const waitSeconds = (round * 7.3) % 60;
      const gateway = await startPoisonedGateway(poison, { releases, pollAgainSeconds, waitSeconds });
      try {
        const kind = round % 3;
        if (kind === 0) found.push(await foundAndLeftAlone(poison, gateway));
        else if (kind === 1) found.push(await foundWithoutServer(poison, gateway));
        else await disturbed(gateway, round);
        await gateway.expectToAct(versions.before);
        gateway.world.orderAgent(versions.newer);
        await gateway.expectToAct(versions.newer);
      } catch (cause) {
        throw new Error(`round ${round}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      } finally {
        await gateway.world.dispose();
      }
    }
    await annotate(`${rounds} gateways, 0 lost; ${spans(found)}`);
  });
});

function spans(found: readonly Found[]): string {
  const most = (name: string, of: (one: Found) => number | undefined): string => {
    const seen = found.map(of).filter((span) => span !== undefined);
    return seen.length === 0 ? '' : `${name} ${Math.min(...seen)} to ${Math.max(...seen)} s`;
  };
  const afterSwap = most('after the swap', (one) => one.afterSwapSeconds);
  const afterThird = most('after the third crash was seen', (one) => one.afterThirdCrashSeconds);
  return [afterSwap, afterThird].filter((text) => text !== '').join(', ');
}
