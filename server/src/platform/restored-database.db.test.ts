/** A backup from before an acknowledged write, brought up as PostgreSQL brings one up: its next timeline. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { SystemStatus } from '@gatehouse/contract/status-types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../database/embedded-postgres.ts';
import { createGateway } from '../testing/fleet.ts';
import { releasesAhead } from '../testing/platform-path.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';

let directory: string;
let postgres: EmbeddedPostgres | undefined;
let world: World | undefined;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-restored-'));
});
afterEach(async () => {
  await stop();
  await rm(directory, { recursive: true, force: true });
});

async function start(...settings: readonly string[]): Promise<World> {
  postgres = await startEmbeddedPostgres({ directory, settings });
  world = await startWorld({ databaseUrl: postgres.url });
  return world;
}

async function stop(): Promise<void> {
  await world?.close();
  await postgres?.stop();
  world = undefined;
  postgres = undefined;
}

/** With their owner, who is not the one that tests run as. */
const copy = (from: string, to: string) => promisify(execFile)('cp', ['-a', from, to]);

test('is told, and holds the platform, until a person says by the name of its timeline that nothing is missing', async () => {
  const first = await start();
  const token = first.adminToken;
  await releasesAhead(first);
  await stop();
  const data = path.join(directory, 'postgres', 'data');
  const backup = path.join(directory, 'postgres', 'backup');
  await copy(data, backup);

  await createGateway(await start(), { name: 'acknowledged' });
  await stop();
  await rm(data, { recursive: true });
  await copy(backup, data);
  await writeFile(path.join(data, 'recovery.signal'), '');

  const restored = await start('restore_command=false');
  const ask = (method: 'GET' | 'POST', address: string, body?: object) =>
    restored.call(method, address, { token, ...(body === undefined ? {} : { body }) });
  // On a busy machine a database is slow, which is a warning too.
  const warnings = async () =>
    bodyAs(SystemStatus, await ask('GET', '/v1/status')).warnings.filter(({ code }) => code !== 'database-slow');
  expect(await ask('GET', '/v1/gateways/acknowledged')).toMatchObject({ status: 404 });
  // It answers before it takes writes, and is looked at once a second.
  await expect.poll(warnings, { timeout: 30_000 }).toEqual([
    {
      code: 'database-timeline',
      message: expect.stringContaining('from timeline 1 to 2'),
      nextStep: expect.stringContaining('--accept-risk database-timeline-2'),
    },
  ]);
  expect(await ask('POST', '/v1/platform/upgrade', { to: '4.2.7' })).toMatchObject({
    status: 409,
    body: { reasons: [{ code: 'database-timeline' }] },
  });
  expect(
    await ask('POST', '/v1/platform/upgrade', { to: '4.2.7', acceptRisks: ['database-timeline-2'] }),
  ).toMatchObject({ status: 202 });
  expect(await warnings()).toEqual([]);
});
