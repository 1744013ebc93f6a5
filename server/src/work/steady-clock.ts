/** The server's time for decisions and expiry: the machine's clock, but not its jumps (`domain/steady-time.ts`). */

import type { Instant, Milliseconds } from '@gatehouse/domain/instant';
import { readSteadyTime, type SteadyReading, type SteadyTime } from '@gatehouse/domain/steady-time';

export interface SteadyClock {
  now(): Instant;
  /** How far the machine's clock is off what is told, while that is not believed. */
  jumpedBy(): Milliseconds | undefined;
  /** Whether a jump was believed so lately that what was due by the time before says nothing yet. */
  isNewTime(millisecondsSince: Milliseconds): boolean;
}

export interface SteadyClockOptions {
  readonly wall: () => Instant;
  /** Milliseconds that never go back. */
  readonly counting: () => number;
  /** The time by another machine's clock; undefined where there is none. */
  readonly reference: () => Instant | undefined;
  readonly onNews: (news: NonNullable<SteadyReading['news']>) => void;
}

export function createSteadyClock({ wall, counting, reference, onNews }: SteadyClockOptions): SteadyClock {
  let time: SteadyTime | undefined;
  let believedAt: number | undefined;
  return {
    now() {
      const reading = readSteadyTime(time, { wall: wall(), counting: counting(), reference: reference() });
      ({ time } = reading);
      if (reading.news?.kind === 'believed') believedAt = counting();
      if (reading.news !== undefined) onNews(reading.news);
      return reading.now;
    },
    jumpedBy: () => time?.jump?.by,
    isNewTime: (since) => believedAt !== undefined && counting() - believedAt < since,
  };
}
