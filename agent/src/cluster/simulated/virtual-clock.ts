/**
 * A clock that stands still until it is told to go on, so that an hour of a gateway's life is over in an instant and
 * every run is the same. Whoever sleeps on it wakes in the order of the times, each with the clock at that time.
 */

import { addMilliseconds, type Instant, type Milliseconds } from '@gatehouse/domain/instant';
import type { Clock } from '../../clock.ts';

export interface VirtualClock extends Clock {
  /** Lets that much time pass, waking everyone whose time comes and letting them act before it goes on. */
  advance(span: Milliseconds): Promise<void>;
}

interface Sleeper {
  readonly at: Milliseconds;
  readonly wake: () => void;
}

/** So many turns of the event loop let a chain of promises without input or output come to rest. */
const settleTurns = 4;

export function createVirtualClock(start: Instant): VirtualClock {
  let passed = 0;
  let made = 0;
  let seed = 1;
  let sleepers: readonly Sleeper[] = [];

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < settleTurns; turn += 1) await new Promise(setImmediate);
  };

  return {
    monotonic: () => passed,
    wall: () => addMilliseconds(start, passed),
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const wake = (): void => {
          sleepers = sleepers.filter((one) => one !== sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { at: passed + Math.max(0, milliseconds), wake };
        sleepers = [...sleepers, sleeper];
        signal?.addEventListener('abort', wake, { once: true });
      }),
    // A linear congruential generator (Numerical Recipes): even enough for jitter and names, and the same in each run.
    random: () => {
      seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
      return seed / 2 ** 32;
    },
    uuid: () => {
      made += 1;
      return `00000000-0000-4000-8000-${made.toString(16).padStart(12, '0')}`;
    },
    async advance(span) {
      const until = passed + span;
      await settle();
      for (;;) {
        const next = sleepers.reduce<Sleeper | undefined>(
          (first, one) => (one.at <= until && (first === undefined || one.at < first.at) ? one : first),
          undefined,
        );
        if (next === undefined) break;
        passed = Math.max(passed, next.at);
        next.wake();
        await settle();
      }
      passed = until;
    },
  };
}
