import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectDatabase } from './connection.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createProvidedDatabase();
});
afterAll(async () => {
  await database?.drop();
});

/** In a process of its own, since what is tested is whether it lives on. */
function run(body: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const module = path.join(import.meta.dirname, 'connection.ts');
  const program = `
    import { sql } from ${JSON.stringify(import.meta.resolve('kysely'))};
    import { connectDatabase } from ${JSON.stringify(module)};
    const connect = () => connectDatabase({ url: ${JSON.stringify(database.url)}, onIdleError: () => undefined });
    const { db, close } = connect();
    const other = connect();
    const pidOf = async (tx) => (await sql\`select pg_backend_pid() as pid\`.execute(tx)).rows[0].pid;
    const end = async (pid) => {
      await sql\`select pg_terminate_backend(\${pid})\`.execute(other.db);
      for (;;) {
        const { rows } = await sql\`select 1 from pg_stat_activity as a where a.pid = \${pid}\`.execute(other.db);
        if (rows.length === 0) break;
      }
    };
    ${body}
    await close();
    await other.close();
  `;
  const options = { encoding: 'utf8', timeout: 60_000, cwd: import.meta.dirname } as const;
  return spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], options);
}

test('a connection that is lost in the middle of a transaction fails that transaction and nothing else', () => {
  const { status, stdout, stderr } = run(`
    const outcome = await db.transaction().execute(async (tx) => {
      await sql\`create table never_committed (id int)\`.execute(tx);
      await end(await pidOf(tx));
      await new Promise((resolve) => setImmediate(resolve));
      await sql\`select 1\`.execute(tx);
    }).then(() => 'committed', () => 'failed');
    const { rows } = await sql\`select to_regclass('never_committed') as name\`.execute(db);
    process.stdout.write(outcome + ' ' + rows[0].name);
  `);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'failed null', stderr: '' });
});

test('a session that is never idle is replaced all the same, so that it gets what was set since', async () => {
  const options = { url: database.url, connectionsMax: 1, onIdleError: () => undefined } as const;
  const { db, close } = connectDatabase({ ...options, sessionSecondsMax: 1 });
  const pid = async () => (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows[0]?.pid;
  const first = await pid();
  await expect.poll(pid, { timeout: 30_000, interval: 10 }).not.toBe(first);
  await close();
});
