/** The pool of connections to PostgreSQL, and the types that pass through it. */

import { type Dialect, Kysely, PostgresDialect, type Transaction } from 'kysely';
import { Pool, TypeOverrides, types } from 'pg';
import type { DatabaseWatch } from './database-watch.ts';
import { guardPool } from './guarded-pool.ts';
import type { Tables } from './schema.ts';

export type Database = Kysely<Tables>;
export type DatabaseTransaction = Transaction<Tables>;
/** What a store needs: it reads and writes the same way inside and outside of a transaction. */
export type Queryable = Kysely<Tables>;

const { builtins } = types;

export interface Connection {
  readonly db: Database;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly url: string;
  readonly connectionsMax?: number;
  /**
   * A session is replaced after so long, however busy it is: what is set for a database or a role is got by sessions that
   * begin, and one that began before would keep what was set then.
   */
  readonly sessionSecondsMax?: number;
  /** A connection that idles was lost; the pool makes another one. */
  readonly onIdleError: (error: Error) => void;
  /** Says when the database does not answer; then nobody waits for it. */
  readonly watch?: DatabaseWatch;
  /** Laid around the way to the database; a test's fail points are. */
  readonly around?: (dialect: Dialect) => Dialect;
}

export function connectDatabase(options: ConnectOptions): Connection {
  const { url, connectionsMax = 20, sessionSecondsMax = 60, onIdleError, watch, around } = options;
  const parsers = new TypeOverrides();
  parsers.setTypeParser(builtins.INT8, parseBigint);
  const pool = new Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: 10_000,
    maxLifetimeSeconds: sessionSecondsMax,
    keepAlive: true,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 60_000,
    types: parsers,
  });
  let isClosing = false;
  // What a connection says while it is being closed is of no interest.
  pool.on('error', (error) => (isClosing ? undefined : onIdleError(error)));
  // One that is lost in the middle of a transaction fails the statement that comes next, and says so in an event besides,
  // which would end the process if nobody heard it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const dialect = new PostgresDialect({ pool: watch === undefined ? pool : guardPool(pool, watch) });
  const db = new Kysely<Tables>({ dialect: around === undefined ? dialect : around(dialect) });
  return {
    db,
    close() {
      isClosing = true;
      return db.destroy();
    },
  };
}

/** Generations and sequences; a number that a double cannot hold is a broken row. */
function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`the database holds a number that is too large: ${text}`);
  return value;
}
