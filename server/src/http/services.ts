/** What use cases are given by `main.ts` besides the request. */

import type { Instant } from '@gatehouse/domain/instant';
import type { Timings } from '@gatehouse/domain/timings';
import type { Database } from '../database/connection.ts';

export interface Services {
  readonly db: Database;
  readonly now: () => Instant;
  readonly timings: Timings;
  /** What install commands carry, without a slash at the end. Known once the port is. */
  readonly publicUrl: () => string;
  /** PEM, when agents cannot verify the public address with the authorities everybody knows. */
  readonly publicCa?: string;
  readonly programVersion: string;
  /** Signs what the server hands out and takes back: challenges and session tokens. The same for all replicas. */
  readonly signingKey: Uint8Array;
}
