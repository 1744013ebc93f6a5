import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hours, minutes, seconds } from './instant.ts';
import { nextPollDelay, pollIntervalFor } from './poll-schedule.ts';
import {
  attempt,
  confirmed,
  gateway,
  newAgent,
  newProfile,
  observation,
  ownersFacts,
  release,
} from './testing/facts.ts';

const random = fc.integer({ min: 0, max: 999_999 }).map((count) => count / 1_000_000);

describe('the delay before the next poll', () => {
  test('is the interval, ten percent more or less', () => {
    expect(nextPollDelay({ kind: 'answered', pollAgain: minutes(15) }, 0)).toBe(minutes(13.5));
    expect(nextPollDelay({ kind: 'answered', pollAgain: minutes(15) }, 0.5)).toBe(minutes(15));
    fc.assert(
      fc.property(random, (r) => {
        const delay = nextPollDelay({ kind: 'answered', pollAgain: minutes(15) }, r);
        expect(delay).toBeGreaterThanOrEqual(minutes(13.5));
        expect(delay).toBeLessThan(minutes(16.5));
      }),
    );
  });

  test('is never longer than the interval, whatever a server asks for', () => {
    expect(nextPollDelay({ kind: 'answered', pollAgain: hours(1000) }, 0.5)).toBe(minutes(15));
  });

  test.each([
    { failures: 1, limit: seconds(5) },
    { failures: 2, limit: seconds(10) },
    { failures: 4, limit: seconds(40) },
    { failures: 8, limit: seconds(640) },
    { failures: 9, limit: minutes(15) },
    { failures: 5000, limit: minutes(15) },
  ])('after $failures failures is anywhere below $limit ms', ({ failures, limit }) => {
    expect(nextPollDelay({ kind: 'failed', failures }, 0)).toBe(500);
    expect(nextPollDelay({ kind: 'failed', failures }, 0.999_999)).toBeGreaterThan(limit * 0.999);
    fc.assert(
      fc.property(random, (r) => {
        expect(nextPollDelay({ kind: 'failed', failures }, r)).toBeLessThanOrEqual(limit);
      }),
    );
  });

  test('obeys Retry-After, a little later each, up to an hour', () => {
    const after = (retryAfter: number, r: number) => nextPollDelay({ kind: 'failed', failures: 1, retryAfter }, r);
    expect(after(minutes(20), 0)).toBe(minutes(20));
    expect(after(minutes(20), 0.5)).toBe(minutes(21));
    expect(after(hours(100), 0)).toBe(hours(1));
    fc.assert(
      fc.property(random, fc.nat(hours(1)), (r, asked) => {
        expect(after(asked, r)).toBeGreaterThanOrEqual(asked);
      }),
    );
  });
});

describe('the interval the server hands out', () => {
  const current = release({ agent: { ...release().agent, ...newAgent } });
  const calm = gateway({ release: current, observation: observation({ agent: newAgent, appliedProfile: newProfile }) });
  test.each([
    { name: 'nothing to do', facts: calm, isLookedAt: false, interval: minutes(15) },
    { name: 'somebody looks at it', facts: calm, isLookedAt: true, interval: minutes(1) },
    { name: 'a plan waits for confirmation', facts: gateway(), isLookedAt: false, interval: minutes(1) },
    { name: 'no plan on an existing cluster', facts: ownersFacts(), isLookedAt: false, interval: minutes(15) },
    {
      name: 'a profile update is confirmed',
      facts: { ...calm, profileUpdate: confirmed() },
      isLookedAt: false,
      interval: seconds(5),
    },
    {
      name: 'an agent update is on its way',
      facts: gateway({ observation: observation({ attempt: attempt() }) }),
      isLookedAt: false,
      interval: seconds(5),
    },
    {
      name: 'an agent update was just offered',
      facts: gateway({ targetAgent: newAgent }),
      isLookedAt: false,
      interval: seconds(5),
    },
  ])('$name', ({ facts, isLookedAt, interval }) => {
    expect(pollIntervalFor(facts, isLookedAt)).toBe(interval);
  });
});
