/**
 * The pool of connections as the rest of the server meets it: while the database is known not to answer, nobody waits for
 * it, and what is under way on it is cut off. So every request ends in time, and nothing has to be started anew when the
 * database is back: lost connections leave the pool, and new ones are made as they are needed.
 */

import { setTimeout as wait } from 'node:timers/promises';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { DatabaseAway, sqlStateOf } from './database-fault.ts';
import type { DatabaseWatch } from './database-watch.ts';

/** PostgreSQL ends a statement by itself after `statement_timeout`; beyond this the connection is dead. */
const statementMillisecondsMax = 40_000;
const sweepMilliseconds = 500;
/** With all connections that PostgreSQL takes in use, one of ours may become free. */
const connectMillisecondsMax = 3000;

export function guardPool(pool: Pool, watch: DatabaseWatch): PostgresPool {
  const running = new Map<PoolClient, number>();
  const refuseWhileAway = (): void => {
    const trouble = watch.trouble();
    if (trouble !== undefined && !trouble.isAnswering) throw new DatabaseAway(trouble);
  };
  const sweep = (): void => {
    const isAway = watch.trouble()?.isAnswering === false;
    for (const [client, since] of running) {
      // `end` of a connection with a statement under way destroys its socket, and the statement fails.
      if (isAway || performance.now() - since > statementMillisecondsMax) void client.end().catch(() => undefined);
    }
  };
  const unsubscribe = watch.subscribe(sweep);
  const sweeping = setInterval(sweep, sweepMilliseconds);
  sweeping.unref();

  /** The pool's next free connection, or the word that the database is away, whichever comes first. */
  async function next(): Promise<PoolClient> {
    const connecting = pool.connect();
    const { promise: away, reject } = Promise.withResolvers<never>();
    const stop = watch.subscribe((trouble) => {
      if (trouble !== undefined && !trouble.isAnswering) reject(new DatabaseAway(trouble));
    });
    try {
      return await Promise.race([connecting, away]);
    } catch (error) {
      void connecting.then((late) => late.release()).catch(() => undefined); // Nobody waits for it any more.
      throw error;
    } finally {
      stop();
    }
  }

  async function connect(): Promise<PostgresPoolClient> {
    const until = performance.now() + connectMillisecondsMax;
    for (;;) {
      refuseWhileAway();
      try {
        const client = await next();
        watch.connected();
        return guard(client);
      } catch (error) {
        watch.saw(error);
        if (sqlStateOf(error) !== '53300' || performance.now() > until) throw error;
        await wait(50 + Math.random() * 100);
      }
    }
  }

  function guard(client: PoolClient): PostgresPoolClient {
    const query = async (text: string, values: unknown[]): Promise<unknown> => {
      running.set(client, performance.now());
      try {
        const result = await client.query(text, values);
        watch.answered();
        return result;
      } catch (error) {
        watch.saw(error);
        throw error;
      } finally {
        running.delete(client);
      }
    };
    return {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- One of the two forms; cursors are not used.
      query: query as PostgresPoolClient['query'],
      release: (destroy) => client.release(destroy === true),
    };
  }

  return {
    options: pool.options,
    connect,
    async end() {
      unsubscribe();
      clearInterval(sweeping);
      // A connection whose statement hangs never comes back by itself.
      for (const client of running.keys()) void client.end().catch(() => undefined);
      await pool.end();
    },
  };
}
