import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideIdentityUse, type IdentityUse, unusedIdentity } from './identity-place.ts';
import { addMilliseconds, type Instant, minutes, toInstant } from './instant.ts';
import { productionTimings } from './timings.ts';

const start = toInstant(1_000_000_000);
const at = (minute: number): Instant => addMilliseconds(start, minutes(minute));

/** Polls in order, as [minute, place]; the next one of whoever is answered is due 15 minutes later. */
function run(polls: readonly (readonly [minute: number, uid: string | undefined])[]) {
  let use: IdentityUse = unusedIdentity;
  let due: Instant | undefined;
  const kinds: string[] = [];
  for (const [minute, uid] of polls) {
    const verdict = decideIdentityUse(use, { uid, due }, at(minute), productionTimings);
    use = verdict.use;
    if (verdict.kind === 'answered') due = at(minute + 15);
    kinds.push(verdict.kind === 'answered' && verdict.news !== undefined ? verdict.news : verdict.kind);
  }
  return { kinds, use };
}

describe('one identity', () => {
  test.each([
    [
      'one place, however often and whoever holds the Lease',
      [
        [0, 'a'],
        [15, 'a'],
        [15, 'a'],
        [400, 'a'],
      ],
      ['answered', 'answered', 'answered', 'answered'],
    ],
    [
      'a copy is held at its first poll, and both at the next one of the first',
      [
        [0, 'a'],
        [5, 'b'],
        [15, 'a'],
        [16, 'b'],
        [17, 'a'],
      ],
      ['answered', 'waits', 'shared', 'shared', 'shared'],
    ],
    [
      'a restored gateway waits until the one before has been silent',
      [
        [0, 'a'],
        [5, 'b'],
        [20, 'b'],
        [44, 'b'],
        [45, 'b'],
        [60, 'b'],
      ],
      ['answered', 'waits', 'waits', 'waits', 'moved', 'answered'],
    ],
    [
      'one that is restored long after the one before fell silent does not wait',
      [
        [0, 'a'],
        [45, 'b'],
      ],
      ['answered', 'moved'],
    ],
    [
      'the one before comes back after the move',
      [
        [0, 'a'],
        [45, 'b'],
        [50, 'a'],
        [60, 'b'],
        [61, 'a'],
      ],
      ['answered', 'moved', 'waits', 'shared', 'shared'],
    ],
    [
      'one of two falls silent: the other is let in',
      [
        [0, 'a'],
        [5, 'b'],
        [15, 'a'],
        [20, 'a'],
        [44, 'a'],
        [45, 'a'],
        [60, 'a'],
      ],
      ['answered', 'waits', 'shared', 'shared', 'shared', 'single-again', 'answered'],
    ],
    [
      'it comes back, and is found again',
      [
        [0, 'a'],
        [5, 'b'],
        [15, 'a'],
        [45, 'a'],
        [46, 'b'],
        [60, 'a'],
      ],
      ['answered', 'waits', 'shared', 'single-again', 'waits', 'shared'],
    ],
    [
      'a third one while two are held',
      [
        [0, 'a'],
        [5, 'b'],
        [15, 'a'],
        [20, 'c'],
        [45, 'c'],
        [46, 'a'],
      ],
      ['answered', 'waits', 'shared', 'shared', 'single-again', 'waits'],
    ],
    [
      'an older agent names no place and is told from nobody',
      [
        [0, undefined],
        [15, 'a'],
        [30, undefined],
      ],
      ['answered', 'answered', 'answered'],
    ],
    [
      'it shares the fate of the others',
      [
        [0, 'a'],
        [5, 'b'],
        [15, 'a'],
        [16, undefined],
      ],
      ['answered', 'waits', 'shared', 'shared'],
    ],
  ] as const)('%s', (_, polls, kinds) => {
    expect(run(polls).kinds).toEqual(kinds);
  });

  const uids = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const gaps = fc.integer({ min: 0, max: 60 });

  test('polls from one place are always answered', () => {
    fc.assert(
      fc.property(fc.array(gaps), (waits) => {
        let minute = 0;
        const polls = waits.map((wait) => [(minute += wait), 'a'] as const);
        expect(run(polls).kinds.every((kind) => kind === 'answered')).toBe(true);
      }),
    );
  });

  test('of two that poll at least every 16 minutes, from the second poll after the second came neither is answered', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 3 }), (waits) => {
        let minute = 0;
        const polls = waits.map((wait, index) => [(minute += wait), index % 2 === 0 ? 'a' : 'b'] as const);
        expect(run(polls).kinds.slice(0, 3)).toEqual(['answered', 'waits', 'shared']);
        expect(
          run(polls)
            .kinds.slice(2)
            .every((kind) => kind === 'shared'),
        ).toBe(true);
      }),
    );
  });

  test('whatever is invented, little is kept, and what is answered is one place', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(gaps, fc.option(uids, { nil: undefined }))), (steps) => {
        let minute = 0;
        const { use, kinds } = run(steps.map(([wait, uid]) => [(minute += wait), uid] as const));
        expect(use.places.length).toBeLessThanOrEqual(4);
        expect(new Set(use.places.map(({ uid }) => uid)).size).toBe(use.places.length);
        const isEnded = kinds.at(-1) === 'moved' || kinds.at(-1) === 'single-again';
        expect(isEnded && use.places.length > 1).toBe(false);
      }),
    );
  });
});
