import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { startServer } from '@gatehouse/testkit/server';
import { afterEach, beforeEach, expect, test } from 'vitest';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-main-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const entry = path.join(import.meta.dirname, 'main.ts');
const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [entry, ...args], { encoding: 'utf8', timeout: 60_000, cwd: directory });
const me = async (url: string, token: string) =>
  fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${token}` } });

test('started, killed, started again: the second start takes the directory over, and the token still works', async () => {
  const first = await startServer({ directory });
  expect(first.adminToken).toMatch(/^ght_/);
  expect((await stat(path.join(directory, 'admin-token'))).mode & 0o777).toBe(0o600);
  const refused = run('--data', directory, '--no-sandbox', '--port', '0');
  expect(refused.status).toBe(1);
  expect(refused.stderr.trim()).toBe(
    `Another Gatehouse (process ${first.pid}) is running on ${directory}. Stop it, or give this one a directory of its own with --data.`,
  );
  expect((await me(first.url, first.adminToken)).status).toBe(200);
  await first.kill();
  const second = await startServer({ directory });
  expect((await me(second.url, first.adminToken)).status).toBe(200);
  expect(second.signInLink).not.toBe(first.signInLink);
  await second.stop();
  expect(existsSync(path.join(directory, 'gatehouse.pid'))).toBe(false);
});

test('the sign-in link works once', async () => {
  const database = await createProvidedDatabase();
  const server = await startServer({ directory, databaseUrl: database.url });
  const key = new URL(server.signInLink).hash.replace('#key=', '');
  const signIn = () =>
    fetch(`${server.url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key }),
    });
  const first = await signIn();
  expect(first.status).toBe(200);
  const cookie = first.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  expect((await fetch(`${server.url}/v1/me`, { headers: { cookie } })).status).toBe(200);
  expect((await signIn()).status).toBe(401);
  await server.stop();
  await database.drop();
});

test('DATABASE_URL selects PostgreSQL, and two replicas share it', async () => {
  const database = await createProvidedDatabase();
  const one = await startServer({ directory: path.join(directory, 'one'), databaseUrl: database.url });
  const two = await startServer({ directory: path.join(directory, 'two'), databaseUrl: database.url });
  expect(existsSync(path.join(directory, 'one', 'postgres'))).toBe(false);
  expect((await me(two.url, one.adminToken)).status).toBe(200);
  expect((await me(one.url, two.adminToken)).status).toBe(200);
  await one.stop();
  expect((await me(two.url, one.adminToken)).status).toBe(200);
  await two.stop();
  await database.drop();
});

test('told to end in the middle of its start, it ends in order and leaves nothing running', async () => {
  const child = spawn(process.execPath, [entry, '--data', directory, '--no-sandbox', '--port', '0']);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await expect
    .poll(() => existsSync(path.join(directory, 'postgres', 'data', 'postmaster.pid')), { timeout: 30_000 })
    .toBe(true);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(said).toBe('');
  expect(existsSync(path.join(directory, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
});

test.each([
  [['--port', 'many'], '--port takes a number'],
  [['--colour', 'red'], "Unknown option '--colour'"],
  [['--tls-cert', 'x.pem'], '--tls-cert and --tls-key belong together'],
  [['--public-url', 'gatehouse'], '--public-url takes an address'],
])('%j is refused with exit code 2 and the usage', (args, message) => {
  const { status, stderr } = run(...args);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage: npm start -- [flags]');
});

test('without the sandbox there is no platform version, and the log says nothing of tokens', async () => {
  const server = await startServer({ directory });
  const reply = await fetch(`${server.url}/v1/platform`, { headers: { authorization: `Bearer ${server.adminToken}` } });
  expect(await reply.json()).toMatchObject({ isSandbox: false, reachable: [] });
  expect(server.output()).not.toContain(server.adminToken);
  expect(await readFile(path.join(directory, 'postgres.log'), 'utf8')).not.toContain('ght_');
  await server.stop();
});
