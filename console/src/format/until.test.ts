import { describe, expect, it } from 'vitest';
import { isUntilChoice, toUntil, untilChoices } from './until.ts';

const now = Date.parse('2026-07-01T09:00:00Z');

describe('an end', () => {
  it.each([
    ['1h', '', { kind: 'at', instant: '2026-07-01T10:00:00.000Z' }],
    ['168h', '', { kind: 'at', instant: '2026-07-08T09:00:00.000Z' }],
    ['none', 'whatever', { kind: 'none' }],
    ['at', '2026-07-01T09:00:01Z', { kind: 'at', instant: '2026-07-01T09:00:01.000Z' }],
    ['at', '2026-07-01T09:00:00Z', { kind: 'invalid' }],
    ['at', '', { kind: 'invalid' }],
    ['at', 'tomorrow', { kind: 'invalid' }],
  ] as const)('chosen as %s %s is %o', (choice, at, until) => {
    expect(toUntil(choice, at, now)).toEqual(until);
  });
  it('is one of those offered, and nothing else is', () => {
    expect(untilChoices.every((choice) => isUntilChoice(choice))).toBe(true);
    expect(isUntilChoice('2h')).toBe(false);
  });
});
