/**
 * What time it is for decisions, from a wall clock that may be wrong and one that only counts on. Small corrections are
 * followed, and time never goes back by them. A jump beyond the margin is not believed at once: time counts on as before,
 * so that nothing ends, expires or falls silent because a clock was set, until a reference that is another machine's
 * agrees with the new time, or, where there is none that speaks for the old, until the new one has lasted for a while.
 */

import { type Instant, type Milliseconds, minutes, toInstant } from './instant.ts';

export interface SteadyTime {
  /** Of the wall clock over the counting one, as it is believed. */
  readonly offset: number;
  /** The last time that was told. */
  readonly last: Instant;
  /** A jump that is not believed yet. */
  readonly jump?: ClockJump;
}

export interface ClockJump {
  readonly offset: number;
  /** By the counting clock. */
  readonly since: number;
  /** How far the wall clock is ahead of the time that is told; negative when it is behind. */
  readonly by: Milliseconds;
}

export interface ClockReading {
  readonly wall: Instant;
  /** Milliseconds that never go back. */
  readonly counting: number;
  /** The time by another machine's clock, where there is one. */
  readonly reference?: Instant | undefined;
}

/** Expiry and schedules allow for so much. */
export const clockMargin: Milliseconds = minutes(1);
/** So long a new time has to last before it is believed without a reference. */
export const jumpBelievedAfter: Milliseconds = minutes(5);

export interface SteadyReading {
  readonly time: SteadyTime;
  readonly now: Instant;
  /** Something to tell: the wall clock jumped; the jump is believed now; it went back to what was told all along. */
  readonly news?: { readonly kind: 'jumped' | 'believed' | 'returned'; readonly by: Milliseconds };
}

export function readSteadyTime(before: SteadyTime | undefined, reading: ClockReading): SteadyReading {
  const { wall, counting } = reading;
  const offset = wall - counting;
  if (before === undefined) return { time: { offset, last: wall }, now: wall };
  const expected = toInstant(counting + before.offset);
  const by = wall - expected;
  if (Math.abs(by) <= clockMargin) {
    const now = toInstant(Math.max(before.last, wall));
    const news = before.jump === undefined ? {} : { news: { kind: 'returned' as const, by: before.jump.by } };
    return { time: { offset, last: now }, now, ...news };
  }
  const known = before.jump;
  const isSame = known !== undefined && Math.abs(offset - known.offset) <= clockMargin;
  const jump: ClockJump = isSame ? known : { offset, since: counting, by };
  if (isBelieved(jump, reading, expected)) {
    return { time: { offset, last: wall }, now: wall, news: { kind: 'believed', by } };
  }
  const now = toInstant(Math.max(before.last, expected));
  const time: SteadyTime = { offset: before.offset, last: now, jump };
  return isSame ? { time, now } : { time, now, news: { kind: 'jumped', by } };
}

function isBelieved(jump: ClockJump, { wall, counting, reference }: ClockReading, expected: Instant): boolean {
  if (reference !== undefined && Math.abs(wall - reference) <= clockMargin) return true;
  if (reference !== undefined && Math.abs(expected - reference) <= clockMargin) return false;
  return counting - jump.since >= jumpBelievedAfter;
}

/** `a day ahead of`, `3 hours behind`, and so on: the first is compared with the second. */
export function differenceText(by: Milliseconds): string {
  const size = Math.abs(by);
  const [unit, name] = size >= 86_400_000 * 730 ? [31_557_600_000, 'year'] : unitOf(size);
  const count = Math.max(1, Math.round(size / unit));
  const amount = count === 1 ? `${name === 'hour' ? 'an' : 'a'} ${name}` : `${count} ${name}s`;
  return `${amount} ${by > 0 ? 'ahead of' : 'behind'}`;
}

function unitOf(size: Milliseconds): readonly [Milliseconds, string] {
  if (size >= 22 * 3_600_000) return [86_400_000, 'day'];
  if (size >= 90 * 60_000) return [3_600_000, 'hour'];
  return size >= 60_000 ? [60_000, 'minute'] : [1000, 'second'];
}
