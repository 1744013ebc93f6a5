import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DirectoryInUse, openDataDirectory } from './data-directory.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';

let directory: string;
const running: EmbeddedPostgres[] = [];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-launcher-'));
});
afterEach(async () => {
  for (const postgres of running.splice(0)) await postgres.stop();
  await rm(directory, { recursive: true, force: true });
});

async function start(options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ directory, ...options });
  running.push(postgres);
  return postgres;
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a real PostgreSQL on a unix socket alone, which writes through to the disk and wants its password', async () => {
  const postgres = await start();
  const [settings] = await query(
    postgres.url,
    "select current_setting('fsync') as fsync, current_setting('listen_addresses') as listen, current_setting('server_version_num')::int as version",
  );
  expect(settings).toMatchObject({ fsync: 'on', listen: '' });
  expect(settings?.['version']).toBeGreaterThanOrEqual(150000);
  const wrong = new URL(postgres.url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password/);
  expect((await stat(path.join(directory, 'postgres-password'))).mode & 0o077).toBe(0);
});

test('data outlives a stop and a start', async () => {
  const first = await start();
  await query(first.url, 'create table kept as select 41 + 1 as answer');
  await first.stop();
  expect(isAlive(first.pid())).toBe(false);
  const second = await start();
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

/** By a program that is killed then: the PostgreSQL that it leaves behind. */
async function startAndKill(): Promise<{ readonly pid: number; readonly url: string }> {
  const launcher = JSON.stringify(path.join(import.meta.dirname, 'embedded-postgres.ts'));
  const program = `const { startEmbeddedPostgres } = await import(${launcher});
    const postgres = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} });
    console.log(postgres.pid(), postgres.url);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [chunk] = await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  const [pid, url] = String(chunk).trim().split(' ');
  return { pid: Number(pid), url: url ?? '' };
}

test('a server that a killed Gatehouse left behind is stopped, and there is never a second one', async () => {
  const leftBehind = await startAndKill();
  await query(leftBehind.url, 'create table kept as select 42 as answer');
  const next = await start();
  expect(next.pid()).not.toBe(leftBehind.pid);
  expect(isAlive(leftBehind.pid)).toBe(false);
  expect(await query(next.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a pid that is somebody else by now is left alone', async () => {
  const first = await start();
  const file = path.join(
    path.dirname(decodeURIComponent(new URL(first.url).searchParams.get('host') ?? '')),
    'data',
    'postmaster.pid',
  );
  const text = await readFile(file, 'utf8');
  await first.stop();
  const { writeFile } = await import('node:fs/promises');
  await writeFile(file, text.replace(/^\d+/, String(process.pid)));
  const second = await start();
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.each(['SIGQUIT', 'SIGKILL'] as const)(
  'ended by %s it says so, and is started again with its data',
  async (signal) => {
    const said: string[] = [];
    const postgres = await start({ onTrouble: (line) => said.push(line) });
    await query(postgres.url, 'create table kept (word text)');
    const before = postgres.pid();
    process.kill(before, signal);
    await expect.poll(() => said.join('\n'), { timeout: 60_000 }).toMatch(/PostgreSQL ended[^]*PostgreSQL runs again/);
    expect(said[0]).toMatch(/PostgreSQL ended \(.+\), and is started again; its log is .*postgres\.log/);
    expect(postgres.pid()).not.toBe(before);
    expect(await query(postgres.url, 'select count(*)::int as rows from kept')).toEqual([{ rows: 0 }]);
    await postgres.stop();
    expect(isAlive(postgres.pid())).toBe(false);
  },
);

test('while it does not come up it is tried again, and a stop is not kept waiting', async () => {
  const said: string[] = [];
  const postgres = await start({ onTrouble: (line) => said.push(line) });
  const home = path.dirname(decodeURIComponent(new URL(postgres.url).searchParams.get('host') ?? ''));
  const control = path.join(home, 'data', 'global', 'pg_control');
  await rename(control, `${control}.away`);
  process.kill(postgres.pid(), 'SIGKILL');
  await expect
    .poll(() => said.join('\n'), { timeout: 60_000 })
    .toMatch(/does not start, and is tried again[^]*pg_control/);
  await rename(`${control}.away`, control);
  await expect.poll(() => said.at(-1), { timeout: 60_000 }).toBe('PostgreSQL runs again.');
  await rename(control, `${control}.away`);
  process.kill(postgres.pid(), 'SIGKILL');
  await expect.poll(() => said.filter((line) => line.includes('does not start')).length, { timeout: 60_000 }).toBe(2);
  await postgres.stop();
  expect(isAlive(postgres.pid())).toBe(false);
});

test('a first start that was killed begins again', async () => {
  const first = await start();
  await first.stop();
  const home = path.dirname(decodeURIComponent(new URL(first.url).searchParams.get('host') ?? ''));
  await rm(path.join(home, 'data', 'PG_VERSION'));
  const second = await start();
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.runIf(process.getuid?.() === 0)('a directory closed to others lets its user pass, and nobody else', async () => {
  const postgres = await start();
  expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect((await stat(directory)).mode & 0o777).toBe(0o710);
  expect(existsSync(path.join(directory, 'postgres', 'data', 'PG_VERSION'))).toBe(true);
  expect(existsSync(path.join(directory, 'postgres-location'))).toBe(false);
});

test.runIf(process.getuid?.() === 0)('a directory that its user cannot reach points to one that it can', async () => {
  const { chmod, mkdir } = await import('node:fs/promises');
  const closed = path.join(directory, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const sharedDirectory = path.join(directory, 'shared');
  await chmod(directory, 0o755);
  const postgres = await start({ directory: path.join(closed, 'data'), sharedDirectory });
  expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await readFile(path.join(closed, 'data', 'postgres-location'), 'utf8')).toContain(sharedDirectory);
});

test('a directory is for one Gatehouse at a time, also when the first was killed', async () => {
  const first = await openDataDirectory(directory);
  await expect(openDataDirectory(path.join(directory, '..', path.basename(directory)))).rejects.toThrow(DirectoryInUse);
  await expect(openDataDirectory(directory)).rejects.toThrow(
    /Another Gatehouse \(process \d+\) is running on .*--data/,
  );
  await first.release();
  const second = await openDataDirectory(directory);
  await second.release();
});
