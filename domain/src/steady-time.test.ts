import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addMilliseconds, hours, type Instant, minutes, seconds, toInstant } from './instant.ts';
import { clockMargin, differenceText, jumpBelievedAfter, readSteadyTime, type SteadyTime } from './steady-time.ts';

const start = toInstant(1_800_000_000_000);
const day = hours(24);
const tenYears = 3652 * day;

/** A wall clock that is off by `off`, read after so long by the counting one. */
function clock() {
  let time: SteadyTime | undefined;
  return {
    read(after: number, off = 0, reference?: Instant) {
      const reading = readSteadyTime(time, {
        wall: addMilliseconds(start, after + off),
        counting: 5000 + after,
        reference,
      });
      time = reading.time;
      return { now: reading.now - start, ...(reading.news === undefined ? {} : { news: reading.news.kind }) };
    },
  };
}

describe('a jump beyond the margin', () => {
  test.each([
    ['a day ahead', day],
    ['a day behind', -day],
    ['ten years ahead', tenYears],
    ['ten years behind', -tenYears],
  ])('%s is told once, and believed when it has lasted', (_name, off) => {
    const one = clock();
    expect(one.read(0)).toEqual({ now: 0 });
    expect(one.read(seconds(10), off)).toEqual({ now: seconds(10), news: 'jumped' });
    expect(one.read(seconds(20), off)).toEqual({ now: seconds(20) });
    expect(one.read(seconds(10) + jumpBelievedAfter - 1, off)).toEqual({ now: seconds(10) + jumpBelievedAfter - 1 });
    const after = seconds(10) + jumpBelievedAfter;
    expect(one.read(after, off)).toEqual({ now: after + off, news: 'believed' });
    expect(one.read(after + 1000, off)).toEqual({ now: after + 1000 + off });
  });

  test('that goes back is no longer in doubt', () => {
    const one = clock();
    one.read(0);
    one.read(seconds(10), day);
    expect(one.read(seconds(20))).toEqual({ now: seconds(20), news: 'returned' });
    expect(one.read(seconds(30))).toEqual({ now: seconds(30) });
  });

  test('back and forth is never believed', () => {
    const one = clock();
    one.read(0);
    for (let minute = 1; minute < 60; minute += 1) {
      expect(one.read(minutes(minute), minute % 2 === 0 ? day : -day).now).toBe(minutes(minute));
    }
  });

  test('is believed at once with a reference that agrees, and never with one that speaks for the time before', () => {
    const one = clock();
    one.read(0, tenYears);
    const right = addMilliseconds(start, seconds(10));
    expect(one.read(seconds(10), 0, right)).toEqual({ now: seconds(10), news: 'believed' });
    for (let minute = 1; minute < 30; minute += 1) {
      const reference = addMilliseconds(start, minutes(minute));
      expect(one.read(minutes(minute), day, reference).now).toBe(minutes(minute));
    }
  });
});

test('small corrections are followed, and time does not go back by them', () => {
  const one = clock();
  one.read(0);
  expect(one.read(seconds(10), 500)).toEqual({ now: seconds(10) + 500 });
  expect(one.read(seconds(10) + 100, -400)).toEqual({ now: seconds(10) + 500 });
  expect(one.read(seconds(12), -400)).toEqual({ now: seconds(12) - 400 });
});

test('whatever the wall clock says, time rises unless a jump back was believed, and passes as fast as the counting clock', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          pass: fc.integer({ min: 0, max: minutes(2) }),
          off: fc.integer({ min: -tenYears, max: tenYears }),
        }),
        {
          minLength: 2,
          maxLength: 50,
        },
      ),
      (steps) => {
        const one = clock();
        let passed = 0;
        let last = one.read(0).now;
        for (const { pass, off } of steps) {
          passed += pass;
          const { now, news } = one.read(passed, off);
          const isSteady = now >= last && now - last <= pass + clockMargin;
          expect(isSteady || news === 'believed').toBe(true);
          last = now;
        }
      },
    ),
  );
});

test.each([
  [day, 'a day ahead of'],
  [-day, 'a day behind'],
  [tenYears, '10 years ahead of'],
  [-hours(3), '3 hours behind'],
  [minutes(70), '70 minutes ahead of'],
  [-minutes(6), '6 minutes behind'],
  [100, 'a second ahead of'],
])('%i is %s', (by, text) => {
  expect(differenceText(by)).toBe(text);
});
