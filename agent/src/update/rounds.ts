/**
 * Whether the loops of the agent come round. One that hangs in the middle, while the others go on, would hold the Lease and
 * do nothing with it; the readiness probe then says no, and the guard takes the version back as one that is not Ready.
 */

import type { Milliseconds } from '@gatehouse/domain/instant';
import type { Clock } from '../clock.ts';

type Loop = 'look' | 'poll';

export interface Rounds {
  /** Does one round of that loop. The pauses between rounds do not count. */
  of<T>(loop: Loop, round: () => Promise<T>): Promise<T>;
  /** A loop that has been in one round for longer than any takes. */
  stuck(): Loop | undefined;
}

export function createRounds(clock: Pick<Clock, 'monotonic'>, roundMax: Milliseconds): Rounds {
  const begun = new Map<Loop, number>();
  return {
    async of(loop, round) {
      begun.set(loop, clock.monotonic());
      try {
        return await round();
      } finally {
        begun.delete(loop);
      }
    },
    stuck: () => [...begun].find(([, at]) => clock.monotonic() - at > roundMax)?.[0],
  };
}
