import { describe, expect, test } from 'vitest';
import { type AttemptOutcome, afterAttempt, attemptsMax, disabledAfter } from './delivery.ts';
import { addMilliseconds, hours, minutes, parseInstant, seconds } from './instant.ts';

const now = parseInstant('2026-11-23T10:00:00Z');
const failed: AttemptOutcome = { kind: 'failed' };
const answered = (status: number, retryAfter?: number): AttemptOutcome => ({
  kind: 'answered',
  status,
  ...(retryAfter === undefined ? {} : { retryAfter }),
});

/** How long until the next attempt, or how it ended. */
function wait(attempt: number, outcome: AttemptOutcome, jitter = 0): number | string {
  const { delivery } = afterAttempt({ attempt, outcome }, now, jitter);
  return delivery.state === 'waiting' ? delivery.nextAttemptAt - now : delivery.state;
}

describe('the next attempt', () => {
  test('comes after the schedule of the specification, and the tenth was the last', () => {
    const waits = Array.from({ length: attemptsMax }, (_, index) => wait(index + 1, failed));
    const expected = [
      seconds(5),
      minutes(5),
      minutes(30),
      hours(2),
      hours(5),
      hours(10),
      hours(14),
      hours(20),
      hours(24),
    ];
    expect(waits).toEqual([...expected, 'given-up']);
    expect(wait(attemptsMax + 1, failed)).toBe('given-up');
  });
  test('comes up to a fifth later, never earlier', () => {
    expect(wait(2, failed, 0.5)).toBe(minutes(5.5));
    expect(wait(2, failed, 1)).toBe(minutes(6));
  });
  test.each([301, 400, 401, 404, 408, 429, 500, 502, 503, 504])('%s is a failure like another', (status) => {
    expect(wait(1, answered(status))).toBe(seconds(5));
  });
  test('is not earlier than the receiver asks for, nor more than a day later', () => {
    expect(wait(1, answered(429, minutes(10)))).toBe(minutes(10));
    expect(wait(2, answered(503, seconds(1)))).toBe(minutes(5));
    expect(wait(1, answered(503, hours(1000)))).toBe(hours(24));
  });
  test('never comes when the receiver refused for good', () => {
    expect(wait(1, { kind: 'refused-for-good' })).toBe('given-up');
  });
});

describe('the receiver', () => {
  test('something came through: it does not fail any more', () => {
    const facts = {
      attempt: 4,
      outcome: { kind: 'accepted' },
      failingSince: addMilliseconds(now, -hours(200)),
    } as const;
    expect(afterAttempt(facts, now, 0)).toEqual({ delivery: { state: 'delivered' } });
  });
  test('fails since the first failure', () => {
    expect(afterAttempt({ attempt: 1, outcome: failed }, now, 0).failingSince).toBe(now);
    const failingSince = addMilliseconds(now, -hours(1));
    expect(afterAttempt({ attempt: 2, outcome: failed, failingSince }, now, 0)).toMatchObject({ failingSince });
  });
  test('is disabled when nothing came through for five days, and not a moment before', () => {
    const at = (span: number) =>
      afterAttempt({ attempt: 1, outcome: failed, failingSince: addMilliseconds(now, -span) }, now, 0).disabled;
    expect(at(disabledAfter - 1)).toBeUndefined();
    expect(at(disabledAfter)).toBe('failing');
  });
  test('is disabled when it says that it is gone', () => {
    expect(afterAttempt({ attempt: 1, outcome: answered(410) }, now, 0)).toMatchObject({
      delivery: { state: 'given-up' },
      disabled: 'gone',
    });
  });
});
