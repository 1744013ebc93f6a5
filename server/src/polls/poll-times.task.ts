/** Writes when gateways polled, many at once: each poll of a quiet fleet costs a share of one statement. */

import type { Database } from '../database/connection.ts';
import { type PollTime, upsertPollTimes } from '../gateways/gateway.store.ts';

export interface PollTimes {
  record(time: PollTime): void;
  flush(): Promise<void>;
}

const rowsPerStatement = 1000;

export function createPollTimes(db: Database, onError: (error: unknown) => void): PollTimes {
  let waiting = new Map<string, PollTime>();
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const batch = waiting;
    waiting = new Map();
    const times = [...batch.values()].toSorted((a, b) => (a.gatewayId < b.gatewayId ? -1 : 1));
    try {
      for (let from = 0; from < times.length; from += rowsPerStatement) {
        await upsertPollTimes(db, times.slice(from, from + rowsPerStatement));
      }
    } catch (error) {
      onError(error);
      // Written with the next batch, unless the gateway has polled again since.
      for (const [id, time] of batch) if (!waiting.has(id)) waiting.set(id, time);
    }
  }

  return {
    record: (time) => waiting.set(time.gatewayId, time),
    flush() {
      writing = writing.then(() => (waiting.size === 0 ? undefined : write()));
      return writing;
    },
  };
}
