/** The clocks and the chance a program has, as an argument, so that tests can own them. */

import { randomUUID } from 'node:crypto';
import { type Instant, toInstant } from '@gatehouse/domain/instant';

export interface Clock {
  /** Milliseconds that never go back; for how long something took or is still good for. */
  monotonic(): number;
  /** The machine's wall clock. Only for logs: what is compared comes from the API server. */
  wall(): Instant;
  /** Resolves after the time, or as soon as `signal` is aborted; never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1. */
  random(): number;
  uuid(): string;
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => toInstant(Date.now()),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal?.addEventListener('abort', done, { once: true });
    }),
  random: Math.random,
  uuid: randomUUID,
};
