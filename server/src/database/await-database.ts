/**
 * A start does not end because the database is away, hangs or is slow: what it needs of the database is tried again for as
 * long as it takes, and whoever waits for the server is told what it waits for. What else goes wrong ends the start.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { type DatabaseFault, faultOf } from './database-fault.ts';
import type { DatabaseWatch } from './database-watch.ts';

export interface AwaitDatabase {
  readonly watch: Pick<DatabaseWatch, 'trouble'>;
  /** Aborted when the program is told to end. */
  readonly signal?: AbortSignal | undefined;
  /** The start waits for the database, and what is wrong with it: at once, and again while it lasts. */
  readonly onWait: (fault: DatabaseFault, waitedSeconds: number) => void;
  readonly pace?: WaitPace;
}

export interface WaitPace {
  /** The first pause between two tries; each is twice the one before. */
  readonly againMilliseconds: number;
  readonly againMillisecondsMax: number;
  /** How often it is said while it lasts. */
  readonly sayEveryMilliseconds: number;
}

/** Runs a step of the start that may be repeated, until the database has answered it. */
export type UntilDatabaseAnswers = <T>(step: () => Promise<T>) => Promise<T>;

/** The program was told to end while its start waited. */
export class WaitInterrupted extends Error {
  override readonly name = 'WaitInterrupted';

  constructor() {
    super('told to end while the start waited for the database');
  }
}

const defaultPace: WaitPace = { againMilliseconds: 250, againMillisecondsMax: 5000, sayEveryMilliseconds: 60_000 };
/** A database that neither answers nor refuses is looked at so often. */
const lookEveryMilliseconds = 1000;

export function awaitDatabase({ watch, signal, onWait, pace = defaultPace }: AwaitDatabase): UntilDatabaseAnswers {
  let waitingSince: number | undefined;
  let saidAt = Number.NEGATIVE_INFINITY;
  let saidCode: string | undefined;

  const say = (fault: DatabaseFault): void => {
    const now = performance.now();
    waitingSince ??= now;
    if (fault.code === saidCode && now - saidAt < pace.sayEveryMilliseconds) return;
    saidAt = now;
    saidCode = fault.code;
    onWait(fault, Math.round((now - waitingSince) / 1000));
  };

  async function tryOnce<T>(step: () => Promise<T>): Promise<T> {
    const looking = setInterval(() => {
      const trouble = watch.trouble();
      if (trouble !== undefined) say(trouble);
    }, lookEveryMilliseconds);
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(new WaitInterrupted());
    signal?.addEventListener('abort', onAbort, { once: true });
    const trying = step();
    try {
      return await Promise.race([trying, interrupted]);
    } finally {
      clearInterval(looking);
      signal?.removeEventListener('abort', onAbort);
      void trying.catch(() => undefined); // Nobody waits any more for what was interrupted.
    }
  }

  return async (step) => {
    for (let pause = pace.againMilliseconds; ; pause = Math.min(pause * 2, pace.againMillisecondsMax)) {
      if (signal?.aborted === true) throw new WaitInterrupted();
      try {
        return await tryOnce(step);
      } catch (error) {
        const fault = faultOf(error);
        if (fault === undefined) throw error;
        say(fault);
      }
      await wait(pause, undefined, { signal }).catch(() => undefined); // Told to end: the loop says so.
    }
  };
}
