/** How the program ends when it is told to: what is under way is finished, nothing new begins, and it takes ten seconds at most. */

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { startServer, type TestServer } from '@gatehouse/testkit/server';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';

let directory: string;
const after: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-ending-'));
});
afterEach(async () => {
  for (const end of after.splice(0).toReversed()) await end();
  await rm(directory, { recursive: true, force: true });
});

const endSecondsMax = 10;

/** A server, and a lock under which a request waits for as long as the test wants. */
async function startWithLock(): Promise<{ readonly server: TestServer; readonly lock: Client }> {
  const database = await createProvidedDatabase();
  after.push(() => database.drop());
  const server = await startServer({ directory, databaseUrl: database.url });
  after.push(() => server.kill());
  const lock = new Client({ connectionString: database.url });
  lock.on('error', () => undefined);
  await lock.connect();
  after.push(() => lock.end());
  await lock.query('begin');
  await lock.query('lock table tenants in access exclusive mode');
  return { server, lock };
}

const authorized = ({ adminToken }: TestServer) => ({ authorization: `Bearer ${adminToken}` });
const createTenant = (server: TestServer) =>
  fetch(`${server.url}/v1/tenants`, {
    method: 'POST',
    headers: { ...authorized(server), 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'late' }),
  });

/** Until PostgreSQL says that somebody waits for the lock. */
async function untilWaiting(lock: Client): Promise<void> {
  const waiting = `select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  await expect
    .poll(async () => (await lock.query<{ waiting: number }>(waiting)).rows[0]?.waiting, { timeout: 20_000 })
    .toBeGreaterThan(0);
}

async function secondsUntilEnd(
  server: TestServer,
): Promise<{ readonly code: number | null; readonly seconds: number }> {
  const from = performance.now();
  const code = await server.ended;
  return { code, seconds: (performance.now() - from) / 1000 };
}

/** The status and body, or why there is none; on a connection of its own. */
function get(url: string): Promise<{ readonly status: number; readonly body: string } | 'refused'> {
  return new Promise((resolve) => {
    const sent = ask(url, { agent: new Agent({ keepAlive: false }) }, (reply) => {
      let body = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => (body += chunk));
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body }));
    });
    sent.on('error', () => resolve('refused'));
    sent.end();
  });
}

test('told to end, it says so at once, finishes what is under way, begins nothing new, and tells who follows', async () => {
  const { server, lock } = await startWithLock();
  // Not held up: asks for no tenant.
  await lock.query('rollback');
  const events = await fetch(`${server.url}/v1/events`, {
    headers: { ...authorized(server), accept: 'text/event-stream' },
  });
  await lock.query('begin');
  await lock.query('lock table idempotency_keys, audit_records in access exclusive mode');
  const underWay = createTenant(server);
  await untilWaiting(lock);
  process.kill(server.pid, 'SIGTERM');
  const ended = secondsUntilEnd(server);
  const read = events.text();
  await expect.poll(async () => get(`${server.url}/readyz`), { timeout: 5000 }).toMatchObject({ status: 503 });
  const readiness = await get(`${server.url}/readyz`);
  expect(readiness).toMatchObject({ body: expect.stringContaining('"stopping"') });
  expect(await get(`${server.url}/healthz`)).toMatchObject({ status: 200 });
  const refused = await fetch(`${server.url}/v1/gateways`, { headers: authorized(server) });
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: 'unavailable', reasons: [{ code: 'stopping' }] });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await read).toContain('retry: 1000');
  await lock.query('rollback');
  expect((await underWay).status).toBe(201);
  const { code, seconds } = await ended;
  expect(code).toBe(0);
  expect(seconds).toBeLessThan(endSecondsMax);
  expect(await get(`${server.url}/readyz`)).toBe('refused');
});

async function tellAgain(server: Awaited<ReturnType<typeof startServer>>): Promise<void> {
  await expect.poll(async () => get(`${server.url}/readyz`), { timeout: 5000 }).toMatchObject({ status: 503 });
  process.kill(server.pid, 'SIGINT');
}

test('a request that does not end is cut off; told twice, that is at once', async () => {
  for (const isToldTwice of [false, true]) {
    const { server, lock } = await startWithLock();
    const cut = createTenant(server).then(
      ({ status }) => status,
      () => 'cut off',
    );
    await untilWaiting(lock);
    process.kill(server.pid, 'SIGTERM');
    const ended = secondsUntilEnd(server);
    if (isToldTwice) await tellAgain(server);
    const { code, seconds } = await ended;
    expect(code).toBe(0);
    expect(seconds).toBeLessThan(endSecondsMax);
    expect(await cut).toBe('cut off');
    expect(server.output()).not.toContain('did not end in order');
    for (const end of after.splice(0).toReversed()) await end();
  }
});

test('its own PostgreSQL is stopped in order, also when it hangs', async () => {
  const log = () => readFile(path.join(directory, 'postgres.log'), 'utf8');
  const pidFile = path.join(directory, 'postgres', 'data', 'postmaster.pid');
  const first = await startServer({ directory });
  process.kill(first.pid, 'SIGTERM');
  expect(await first.ended).toBe(0);
  expect(await log()).toContain('database system is shut down');
  expect(existsSync(pidFile)).toBe(false);

  const second = await startServer({ directory });
  const postmaster = Number((await readFile(pidFile, 'utf8')).split('\n', 1)[0]);
  process.kill(postmaster, 'SIGSTOP');
  process.kill(second.pid, 'SIGTERM');
  const { seconds } = await secondsUntilEnd(second);
  expect(seconds).toBeLessThan(endSecondsMax);
  // What is left of it is dealt with by the next start.
  const third = await startServer({ directory });
  expect((await fetch(`${third.url}/v1/me`, { headers: authorized(third) })).status).toBe(200);
  await third.stop();
}, 120_000);
