/**
 * A control plane on a PostgreSQL of its own that is stopped, made to hang, run out of connections and of room. The agent
 * and the operators are real HTTP; what they see meanwhile and that everything heals without a restart is what counts.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Problem } from '@gatehouse/contract/problem';
import { queryDatabase } from '@gatehouse/testkit/postgres';
import { Client } from 'pg';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runningCli } from '../testing/fleet.ts';
import { digestOf, type TestAgent } from '../testing/test-agent.ts';
import { bodyAs, type Reply, startWorld, type World } from '../testing/world.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';

// Each begins a PostgreSQL of its own and waits for what only time shows.
vi.setConfig({ testTimeout: 180_000 });

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

interface Bench {
  readonly directory: string;
  readonly postgres: EmbeddedPostgres;
  readonly world: World;
  readonly log: string[];
}

async function start(settings: readonly string[] = []): Promise<Bench> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-trouble-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  return startIn(directory, settings);
}

async function startIn(directory: string, settings: readonly string[]): Promise<Bench> {
  const postgres = await startEmbeddedPostgres({ directory, settings });
  ending.push(() => postgres.stop());
  const log: string[] = [];
  const world = await startWorld({ databaseUrl: postgres.url, logTo: (line) => log.push(line) });
  ending.push(() => world.close());
  await world.release('4.1.12');
  return { directory, postgres, world, log };
}

/** The server and all its processes: a hang as of a disk that does not answer. */
function processesOf(pid: number): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parentOf = (child: number): number => {
    try {
      return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1]);
    } catch {
      return 0; // Ended meanwhile.
    }
  };
  return [pid, ...children.filter((child) => parentOf(child) === pid)];
}

function signalAll(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
  for (const each of processesOf(pid)) process.kill(each, signal);
}

async function timed(call: () => Promise<Reply>): Promise<Reply & { readonly milliseconds: number }> {
  const from = performance.now();
  const reply = await call();
  return { ...reply, milliseconds: performance.now() - from };
}

const readiness = (world: World) => timed(() => world.call('GET', '/readyz', { token: null }));
/** The best of a few: a machine that is busy with other tests says nothing about a wait for the database. */
async function fastest(call: () => Promise<Reply>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) times.push((await timed(call)).milliseconds);
  return Math.min(...times);
}

/** A poll that brings nothing new. */
const quiet = (world: World, agent: TestAgent) => {
  const { generation, handOverNumber, seen, sessionToken: token } = agent;
  const body = { generation, handOverNumber, agent: seen.agent, observationDigest: digestOf(seen) };
  return world.call('POST', '/v1/agent/poll', { token, body });
};

const create = (world: World, name: string) =>
  world.call('POST', '/v1/gateways', { body: { name, installation: 'existing-cluster', provider: 'vsphere' } });

async function expectRefused(reply: Reply, code: unknown): Promise<void> {
  expect(reply).toMatchObject({ status: 503, body: { code: 'unavailable', status: 503 } });
  const problem = bodyAs(Problem, reply);
  expect(problem.reasons).toEqual([{ code, message: expect.any(String), nextStep: expect.stringMatching(/\.$/) }]);
  expect(problem.detail).toMatch(/[Tt]ry again|Send it again/);
  expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
}

/** What needs no database is answered as ever. */
async function expectMemoryAnswers(world: World, code: string): Promise<void> {
  expect(await world.call('GET', '/healthz', { token: null })).toMatchObject({ status: 200 });
  expect(await world.call('GET', '/v1/openapi.json', { token: null })).toMatchObject({ status: 200 });
  const metrics = String((await world.call('GET', '/metrics', { token: null })).body);
  expect(metrics).toContain('gatehouse_database_up 0');
  expect(metrics).toContain(`gatehouse_database_trouble{code="${code}"} 1`);
}

async function expectHealed(world: World): Promise<void> {
  await expect.poll(async () => (await readiness(world)).body, { timeout: 30_000 }).toEqual({ status: 'ready' });
  // A change reaches memory by the connection that listens.
  const name = `healed-${Math.random().toString(36).slice(2, 8)}`;
  await expect
    .poll(async () => (await create(world, name)).status, { timeout: 30_000 })
    .toSatisfy((status) => status === 201 || status === 409);
  expect(String((await world.call('GET', '/metrics', { token: null })).body)).toContain('gatehouse_database_up 1');
}

test('stopped: polls with nothing new and what needs no database go on, writes are refused, all heals by itself', async () => {
  const { postgres, world, log } = await start();
  const gateway = await runningCli(world, 'site-a');
  await expect.poll(() => quiet(world, gateway)).toMatchObject({ status: 200, body: { isObservationWanted: false } });
  // Without it PostgreSQL does not start.
  const home = path.dirname(decodeURIComponent(new URL(postgres.url).searchParams.get('host') ?? ''));
  const control = path.join(home, 'data', 'global', 'pg_control');
  await rename(control, `${control}.away`);
  process.kill(postgres.pid(), 'SIGKILL');
  await expect.poll(async () => (await readiness(world)).status, { timeout: 20_000 }).toBe(503);
  await expectRefused(await create(world, 'refused'), 'database-away');
  await expectRefused(await world.call('GET', '/v1/gateways'), 'database-away');
  await expectMemoryAnswers(world, 'database-away');
  expect(await quiet(world, gateway)).toMatchObject({ status: 200, body: { isObservationWanted: false } });
  expect((await quiet(world, gateway)).body).not.toHaveProperty('target');
  // One that brings something is for the database.
  await expectRefused(await gateway.poll(), 'database-away');
  await rename(`${control}.away`, control);
  await expectHealed(world);
  expect((await gateway.poll()).status).toBe(200);
  // Once each, and not with every task and request that meets it.
  const loud = log.filter((line) => /"level":[456]0/.test(line));
  expect(loud.filter((line) => line.includes('"msg":"The database does not answer."'))).toHaveLength(1);
  expect(loud.filter((line) => line.includes('"msg":"the database answers again"'))).toHaveLength(1);
  expect(loud.filter((line) => /could not|failed/.test(line)).length).toBeLessThan(10);
});

test('hanging: nobody waits for it, health answers at once, what is under way ends, and it heals by itself', async () => {
  const { postgres, world } = await start();
  const gateway = await runningCli(world, 'site-a');
  await expect.poll(() => quiet(world, gateway)).toMatchObject({ status: 200, body: { isObservationWanted: false } });
  signalAll(postgres.pid(), 'SIGSTOP');
  try {
    // Asked before anybody knows: it ends when the watch finds out, and not with the database.
    const underWay = create(world, 'under-way');
    // First that it is slow, which leaves others to answer; then that it hangs, and nobody waits for it any more.
    await expect.poll(async () => (await readiness(world)).status, { timeout: 30_000 }).toBe(503);
    await expect
      .poll(async () => (await readiness(world)).body, { timeout: 60_000 })
      .toMatchObject({ reasons: [{ code: 'database-hangs' }] });
    let hasEnded = false;
    void underWay.then(() => {
      hasEnded = true;
    });
    await expect.poll(() => hasEnded, { timeout: 10_000 }).toBe(true);
    await expectRefused(await underWay, 'database-away');
    await expectRefused(await create(world, 'refused'), 'database-hangs');
    expect(await fastest(() => world.call('GET', '/readyz', { token: null }))).toBeLessThan(200);
    expect(await fastest(() => world.call('GET', '/healthz', { token: null }))).toBeLessThan(200);
    expect(await fastest(() => world.call('GET', '/metrics', { token: null }))).toBeLessThan(200);
    expect(await fastest(() => create(world, 'refused'))).toBeLessThan(200);
    await expectMemoryAnswers(world, 'database-hangs');
    // A poll that brings nothing new is answered from memory; one that does is for the database.
    expect(await quiet(world, gateway)).toMatchObject({ status: 200, body: { isObservationWanted: false } });
    await expectRefused(await gateway.poll(), 'database-hangs');
  } finally {
    signalAll(postgres.pid(), 'SIGCONT');
  }
  await expectHealed(world);
  expect((await gateway.poll()).status).toBe(200);
});

test('no connections left: said so, and over when there are some again', async () => {
  const { postgres, world } = await start([
    'max_connections=12',
    'superuser_reserved_connections=0',
    'reserved_connections=0',
  ]);
  await world.call('GET', '/v1/gateways');
  const others: Client[] = [];
  for (;;) {
    const client = new Client({ connectionString: postgres.url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      others.push(client);
    } catch {
      break;
    }
  }
  const many = await Promise.all(Array.from({ length: 30 }, () => world.call('GET', '/v1/gateways')));
  // More than there are connections: one of ours that becomes free serves the next.
  expect(many.filter(({ status }) => status === 200).length).toBeGreaterThan(12);
  for (const reply of many.filter(({ status }) => status !== 200)) {
    await expectRefused(reply, 'database-connections-used-up');
  }
  for (const client of others) await client.end();
  await expectHealed(world);
});

describe.runIf(process.getuid?.() === 0 && process.platform === 'linux')('on a disk of its own, of 160 MB', () => {
  test('full: reads go on, writes are refused with nothing changed, and room heals it', async () => {
    const mount = await mkdtemp(path.join(tmpdir(), 'gatehouse-small-disk-'));
    ending.push(() => rm(mount, { recursive: true, force: true }));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=0755', 'none', mount]);
    expect(mounted.status, 'root may mount a tmpfs').toBe(0);
    ending.push(async () => void spawnSync('umount', [mount]));
    const directory = path.join(mount, 'data');
    await mkdir(directory, { mode: 0o755 });
    const { world, postgres } = await startIn(directory, ['max_wal_size=64MB', 'min_wal_size=32MB', 'wal_recycle=off']);
    const filler = path.join(mount, 'filler');
    const free = Number(spawnSync('df', ['--output=avail', '-k', mount], { encoding: 'utf8' }).stdout.split('\n')[1]);
    spawnSync('fallocate', ['-l', `${free}k`, filler]);
    const before = (await queryDatabase(postgres.url, 'select count(*)::int as gateways from gateways'))[0];
    // Small rows fit into pages that are there already; sooner or later a table has to grow.
    let refused: Reply | undefined;
    let made = 0;
    for (let number = 0; refused === undefined && number < 3000; number += 1) {
      const reply = await create(world, `site-${number}`);
      if (reply.status === 201) made += 1;
      else refused = reply;
    }
    if (refused === undefined) throw new Error('the disk did not become full');
    await expectRefused(refused, expect.stringMatching(/^database-(full|away)$/));
    await rm(filler);
    await expectHealed(world);
    const after = (await queryDatabase(postgres.url, 'select count(*)::int as gateways from gateways'))[0];
    expect(Number(after?.['gateways']) - Number(before?.['gateways']) - 1).toBe(made);
  });
});
