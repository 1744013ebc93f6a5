/**
 * A control plane that is started while its database is away, silent or closed to it: it waits and says what for, on its
 * port too, goes on by itself, and ends in order meanwhile.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Problem } from '@gatehouse/contract/problem';
import { freePort } from '@gatehouse/testkit/free-port';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { type LaunchedServer, launchServer } from '@gatehouse/testkit/server';
import {
  postgresTarget,
  type RelayState,
  startTcpRelay,
  type TcpRelay,
  throughPort,
} from '@gatehouse/testkit/tcp-relay';
import { Parse } from 'typebox/value';
import { afterEach, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 400_000 });

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

interface Waiting {
  readonly server: LaunchedServer;
  readonly relay: TcpRelay;
  readonly url: string;
}

async function startWith(state: RelayState, change: (url: URL) => void = () => undefined): Promise<Waiting> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-starting-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  const database = await createProvidedDatabase();
  ending.push(() => database.drop());
  const relay = await startTcpRelay(postgresTarget(database.url));
  relay.setState(state);
  ending.push(() => relay.stop());
  const databaseUrl = new URL(throughPort(database.url, relay.port));
  change(databaseUrl);
  const port = await freePort();
  const server = await launchServer({ directory, databaseUrl: databaseUrl.href, port, readySecondsMax: 300 });
  ending.push(() => server.kill());
  return { server, relay, url: `http://127.0.0.1:${port}` };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: unknown;
}

/** Undefined while nobody listens yet. */
async function get(url: string): Promise<Answer | undefined> {
  const reply = await fetch(url).catch(() => undefined);
  if (reply === undefined) return undefined;
  return { status: reply.status, retryAfter: reply.headers.get('retry-after'), body: await reply.json() };
}

const reasonCodes = (answer: Answer | undefined): readonly string[] =>
  answer?.status === 503 ? Parse(Problem, answer.body).reasons.map(({ code }) => code) : [];

const untilWaitsFor = (url: string, code: RegExp): Promise<void> =>
  expect
    .poll(async () => reasonCodes(await get(`${url}/readyz`)), { timeout: 60_000 })
    .toEqual(['starting', expect.stringMatching(code)]);

test.each<[state: RelayState, code: RegExp]>([
  ['refused', /^database-away$/],
  ['silent', /^database-(slow|hangs)$/],
])('a database that is %s at the start is waited for, and everybody who asks is told', async (state, code) => {
  const { server, relay, url } = await startWith(state);
  await untilWaitsFor(url, code);
  expect(await get(`${url}/healthz`)).toMatchObject({ status: 200, body: { status: 'ok' } });
  const refused = await get(`${url}/v1/gateways`);
  expect(refused).toMatchObject({ status: 503, retryAfter: '2', body: { code: 'unavailable' } });
  const { detail, reasons } = Parse(Problem, refused?.body);
  expect(detail).toMatch(/^This server is starting and waits: The database .*\. Try again in some seconds\.$/);
  expect(reasons[1]?.nextStep).toMatch(/PostgreSQL/);
  await expect
    .poll(() => server.output())
    .toMatch(/"code":"database-[a-z]+".*the start waits for the database: The database /);

  relay.setState('open');
  const ready = await server.ready;
  expect(await get(`${ready.url}/readyz`)).toMatchObject({ status: 200, body: { status: 'ready' } });
  const reply = await fetch(`${ready.url}/v1/me`, { headers: { authorization: `Bearer ${ready.adminToken}` } });
  expect(reply.status).toBe(200);
  await ready.stop();
  expect(await server.ended).toBe(0);
});

/** In their order: something of what each step of the start asks. */
const asked = [
  'kysely_migration_lock',
  'insert into "tenants"',
  'insert into "secrets"',
  'insert into "server_replicas"',
  'from "platform"',
  'insert into "tokens"',
  'insert into "sign_in_keys"',
];

test('a database that goes away in the middle of the start is waited for as well, at each step of it', async () => {
  const { server, relay, url } = await startWith('refused');
  await untilWaitsFor(url, /^database-away$/);
  const cuts = asked.map((text) => ({ text, isDone: relay.cutAt(text) }));
  relay.setState('open');
  const ready = await server.ready;
  expect(cuts.filter(({ isDone }) => !isDone()).map(({ text }) => text)).toEqual([]);
  await ready.stop();
});

test.each<RelayState>(['refused', 'silent'])(
  'told to end while its database is %s, it ends in order',
  async (state) => {
    const { server, url } = await startWith(state);
    await untilWaitsFor(url, /^database-/);
    const from = performance.now();
    process.kill(server.pid, 'SIGTERM');
    expect(await server.ended).toBe(0);
    expect(performance.now() - from).toBeLessThan(10_000);
    expect(server.output()).not.toContain('did not end in order');
    expect(await get(`${url}/healthz`)).toBeUndefined();
  },
);

test.each<[what: string, change: (url: URL) => void, said: RegExp]>([
  ['its password is wrong', (url) => void (url.password = 'wrong'), /password authentication failed/],
  ['there is no such database', (url) => void (url.pathname = '/nowhere'), /database "nowhere" does not exist/],
])('nothing is waited for that only a person can put right: %s', async (_what, change, said) => {
  const { server } = await startWith('open', change);
  expect(await server.ended).toBe(1);
  expect(server.output()).toMatch(said);
  expect(server.output()).toContain('DATABASE_URL');
  expect(server.output()).not.toContain('    at ');
});
