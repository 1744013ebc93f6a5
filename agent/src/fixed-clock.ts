/** A clock that a test moves by hand. Sleepers wake when their time has come. */

import { toInstant } from '@gatehouse/domain/instant';
import type { Clock } from './clock.ts';

export interface FixedClock extends Clock {
  /** Moves on and lets everything run that was waiting, step by step in the order of time. */
  advance(milliseconds: number): Promise<void>;
}

export function createFixedClock(random: () => number = () => 0.5): FixedClock {
  let now = 1_000_000;
  let ids = 0;
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  const settle = async (): Promise<void> => {
    // A few turns of the event loop: what was woken runs until it waits again.
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    monotonic: () => now,
    wall: () => toInstant(now),
    random,
    uuid: () => {
      ids += 1;
      return `00000000-0000-4000-8000-${String(ids).padStart(12, '0')}`;
    },
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const sleeper = {
          at: now + milliseconds,
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      }),
    async advance(milliseconds) {
      await settle();
      const until = now + milliseconds;
      for (;;) {
        const next = [...sleepers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = Math.max(now, next.at);
        next.wake();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}
