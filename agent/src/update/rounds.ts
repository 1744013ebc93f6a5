/**
 * Whether the loops of the agent come round. One that hangs in the middle, while the others go on, would hold the Lease and
 * do nothing with it; the readiness probe then says no, and the guard takes the version back as one that is not Ready.
 *
 * A round may take long, as when a large pack is applied or a control plane answers slowly: what counts is the time since a
 * door last answered in it. Every exchange has a limit of its own, so neither a slow API server nor a control plane in the
 * wrong hands can make a round look stuck, and a good version be taken back.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Milliseconds } from '@gatehouse/domain/instant';
import type { Clock } from '../clock.ts';

type Loop = 'look' | 'poll';

export interface Rounds {
  /** Does one round of that loop. The pauses between rounds do not count. */
  of<T>(loop: Loop, round: () => Promise<T>): Promise<T>;
  /** The same door; whatever ends at it counts as a step of the round that asked. */
  steps<T extends object>(door: T): T;
  /** A loop in whose round nothing has ended for longer than anything takes. */
  stuck(): Loop | undefined;
}

export function createRounds(clock: Pick<Clock, 'monotonic'>, roundMax: Milliseconds): Rounds {
  const lastStep = new Map<Loop, number>();
  const current = new AsyncLocalStorage<Loop>();
  const note = (): void => {
    const loop = current.getStore();
    if (loop !== undefined && lastStep.has(loop)) lastStep.set(loop, clock.monotonic());
  };

  const steps = <T extends object>(door: T): T =>
    new Proxy(door, {
      get(target, property, receiver): unknown {
        const value: unknown = Reflect.get(target, property, receiver);
        if (typeof value === 'object' && value !== null) return steps(value);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, target, given);
          if (result instanceof Promise) void result.then(note, note);
          return result;
        };
      },
    });

  return {
    of: (loop, round) =>
      current.run(loop, async () => {
        lastStep.set(loop, clock.monotonic());
        try {
          return await round();
        } finally {
          lastStep.delete(loop);
        }
      }),
    steps,
    stuck: () => [...lastStep].find(([, at]) => clock.monotonic() - at > roundMax)?.[0],
  };
}
