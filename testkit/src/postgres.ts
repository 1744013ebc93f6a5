/**
 * PostgreSQL for tests: one server for a whole run, started by the product's own launcher, with a migrated template from
 * which each test file gets a database of its own (`postgres-setup.ts` starts it, vitest's global setup calls that).
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';

// Named by path: what is tested may use the testkit, so the testkit imports nothing of it.
const database = path.join(import.meta.dirname, '..', '..', 'server', 'src', 'database');
const template = 'gatehouse_template';

interface Launcher {
  readonly startEmbeddedPostgres: (options: {
    readonly directory: string;
    readonly settings?: readonly string[];
  }) => Promise<{ readonly url: string; stop(): Promise<void> }>;
}
interface Connector {
  readonly connectDatabase: (options: { readonly url: string; readonly onIdleError: (error: Error) => void }) => {
    readonly db: unknown;
    close(): Promise<void>;
  };
}
interface Migrations {
  readonly migrate: (db: unknown) => Promise<void>;
}

/** The modules' own types cannot be imported; these are the parts that are used. */
const load = async <Module>(file: string): Promise<Module> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What the module at that path exports.
  (await import(pathToFileURL(path.join(database, file)).href)) as Module;

export interface TestPostgres {
  /** Of the server's own database; give it to `createTestDatabase`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a server in a temporary folder and makes the migrated template. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const { startEmbeddedPostgres } = await load<Launcher>('embedded-postgres.ts');
  const { connectDatabase } = await load<Connector>('connection.ts');
  const { migrate } = await load<Migrations>('migrate.ts');
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-test-postgres-'));
  // As durable as in the product: a hop of the platform asks for it.
  const server = await startEmbeddedPostgres({ directory, settings: ['max_connections=300'] });
  await run(server.url, `create database ${template}`);
  const connection = connectDatabase({ url: databaseUrl(server.url, template), onIdleError: () => undefined });
  await migrate(connection.db);
  await connection.close();
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface TestDatabase {
  readonly url: string;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

/** A migrated database of its own, on the server of `startTestPostgres`. */
export async function createTestDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await run(serverUrl, `create database ${name} template ${template}`);
  return {
    url: databaseUrl(serverUrl, name),
    drop: () => run(serverUrl, `drop database if exists ${name} with (force)`),
  };
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function run(url: string, statement: string): Promise<void> {
  await queryDatabase(url, statement);
}

/** One statement on a connection of its own, as somebody who has nothing but the address of the database. */
export async function queryDatabase(
  url: string,
  statement: string,
  values: readonly unknown[] = [],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement, [...values])).rows;
  } finally {
    await client.end();
  }
}
