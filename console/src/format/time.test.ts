import { describe, expect, it } from 'vitest';
import { clockTime, dayOf, shownDuration, shownTime } from './time.ts';

const lisbon = { timeZone: 'Europe/Lisbon' };
const today = '2026-07-01';

describe('a time', () => {
  it('is shown in the reader’s zone, without the day when it is today', () => {
    expect(shownTime('2026-07-01T09:42:07.123Z', today, lisbon)).toBe('10:42:07');
    expect(clockTime('2026-07-01T09:42:07Z', lisbon)).toBe('10:42');
  });
  it('carries the day of the reader’s zone when it is another', () => {
    expect(shownTime('2026-06-30T22:59:59Z', today, lisbon)).toBe('2026-06-30 23:59:59');
    expect(shownTime('2026-06-30T23:00:00Z', today, lisbon)).toBe('00:00:00');
    expect(shownTime('2026-07-01T23:30:00Z', today, lisbon)).toBe('2026-07-02 00:30:00');
  });
  it('is of the day that it is where the reader is', () => {
    expect(dayOf(new Date('2026-06-30T23:00:00Z'), lisbon)).toBe(today);
  });
  it('that is none is shown as it came', () => {
    expect(shownTime('soon', today, lisbon)).toBe('soon');
  });
});

describe('a duration', () => {
  it.each([
    [-3, '0 s'],
    [0, '0 s'],
    [45.4, '45 s'],
    [90, '2 min'],
    [1860, '31 min'],
    [5400, '1 h 30 min'],
    [7200, '2 h'],
    [93_900, '26 h 5 min'],
  ])('of %d seconds is %s', (seconds, shown) => {
    expect(shownDuration(seconds)).toBe(shown);
  });
});
