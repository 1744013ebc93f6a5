/** What use cases are given by `main.ts` besides the request. */

import type { Instant } from '@gatehouse/domain/instant';
import type { Timings } from '@gatehouse/domain/timings';
import type { Database } from '../database/connection.ts';
import type { DatabaseWatch } from '../database/database-watch.ts';
import type { SteadyClock } from '../work/steady-clock.ts';

export interface Services {
  readonly db: Database;
  /** Whether it answers, without asking it. */
  readonly watch: Pick<DatabaseWatch, 'trouble' | 'time'>;
  readonly now: () => Instant;
  /** Whether `now` can be relied on. `isGiven`: it is a test's. */
  readonly clock: Pick<SteadyClock, 'jumpedBy' | 'isNewTime'> & { readonly isGiven?: boolean };
  readonly timings: Timings;
  /** What install commands carry, without a slash at the end. Known once the port is. */
  readonly publicUrl: () => string;
  /** PEM, when agents cannot verify the public address with the authorities everybody knows. */
  readonly publicCa?: string;
  readonly programVersion: string;
  /** Of this server, as people know it. */
  readonly replicaName: string;
  /** It was told to end: what is under way is finished, and nothing new is begun. */
  readonly isStopping: () => boolean;
  /** Signs what the server hands out and takes back: challenges and session tokens. The same for all replicas. */
  readonly signingKey: Uint8Array;
}
