/** An import as the control plane takes it: parts, trials, repetition, and a program that is killed in the middle. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startFakePublisher } from '@gatehouse/release/fake-publisher';
import { type FakeRegistry, startFakeRegistry } from '@gatehouse/release/fake-registry';
import { type EncodedRepositoryFiles, readRepositoryFiles } from '@gatehouse/release/release-import';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { startServer, type TestServer } from '@gatehouse/testkit/server';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

let folder: string;
let registry: FakeRegistry;
let older: EncodedRepositoryFiles;
let files: EncodedRepositoryFiles;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-import-test-'));
  registry = await startFakeRegistry();
  const publisher = await startFakePublisher(folder, { registryUrl: registry.url });
  const read = async () => {
    const outcome = await readRepositoryFiles(publisher.repositoryDirectory);
    if (outcome.kind === 'refused') throw new Error(outcome.reasons[0].message);
    return outcome.value;
  };
  await publisher.publish('4.1.12');
  older = await read();
  await publisher.publish('4.2.7', { upgradeFrom: ['4.1.12'] });
  files = await read();
});
afterAll(async () => {
  await registry.close();
  await rm(folder, { recursive: true, force: true });
});

let database: Awaited<ReturnType<typeof createProvidedDatabase>>;
let server: TestServer;
const data = () => path.join(folder, 'data');
const start = () => startServer({ directory: data(), databaseUrl: database.url });
beforeEach(async () => {
  database = await createProvidedDatabase();
  server = await start();
});
afterEach(async () => {
  await server.stop();
  await database.drop();
  await rm(data(), { recursive: true, force: true });
});

async function call(route: string, body?: unknown): Promise<{ readonly status: number; readonly reply: unknown }> {
  const answer = await fetch(`${server.url}${route}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${server.adminToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, reply: await answer.json() };
}
const take = (body: unknown) => call('/v1/releases/import', body);
const audits = () => call('/v1/audit');

/** As a bundle of that release brings them. */
function partOf(
  all: EncodedRepositoryFiles,
  version: string,
): EncodedRepositoryFiles & { readonly releases: string[] } {
  const targets = Object.entries(all.targets).filter(
    ([name, content]) =>
      name.endsWith(`.${version}.json`) ||
      (name.startsWith('profiles/') && Buffer.from(content, 'base64').includes(`"version":"${version}"`)),
  );
  return { metadata: all.metadata, targets: Object.fromEntries(targets), releases: [version] };
}

test('a part brings its release; what is signed and not there is named, until a later part brings it', async () => {
  const first = await take(partOf(files, '4.1.12'));
  expect(first.reply).toMatchObject({ added: ['4.1.12'], notCarried: ['4.2.7'], platformVersion: '4.1.12' });
  expect((await call('/v1/releases')).reply).toMatchObject({ items: [{ version: '4.1.12' }] });
  const second = await take(partOf(files, '4.2.7'));
  expect(second.reply).toMatchObject({
    added: ['4.2.7'],
    notCarried: [],
    items: [{ version: '4.1.12' }, { version: '4.2.7' }],
    platformVersion: '4.1.12',
  });
});

test('a part that lacks something of its release is refused whole', async () => {
  const part = partOf(files, '4.2.7');
  const targets = Object.fromEntries(Object.entries(part.targets).filter(([name]) => !name.startsWith('profiles/')));
  const refused = await take({ ...part, targets });
  expect(refused).toMatchObject({
    status: 422,
    reply: { code: 'release-invalid', reasons: [{ code: 'file-missing' }] },
  });
  expect((await call('/v1/releases')).reply).toEqual({ items: [] });
  expect(await take({ ...files, releases: ['4.9.9'] })).toMatchObject({
    status: 422,
    reply: { reasons: [{ code: 'unknown-release' }] },
  });
});

test('a trial answers what would be taken, and takes nothing', async () => {
  const before = await audits();
  const trial = await take({ ...files, isTrial: true });
  expect(trial).toMatchObject({ status: 200, reply: { added: ['4.1.12', '4.2.7'], platformVersion: '4.2.7' } });
  expect((await call('/v1/releases')).reply).toEqual({ items: [] });
  expect((await call('/v1/platform')).reply).not.toHaveProperty('version');
  expect((await fetch(`${server.url}/v1/tuf/metadata/timestamp.json`)).status).toBe(404);
  expect(await audits()).toEqual(before);
});

test('twice brings no new release; an older repository is a rollback', async () => {
  expect((await take(files)).reply).toMatchObject({ added: ['4.1.12', '4.2.7'] });
  // Targets that are there need not come again.
  expect(await take({ metadata: files.metadata, targets: {} })).toMatchObject({ status: 200, reply: { added: [] } });
  expect(await take(older)).toMatchObject({ status: 422, reply: { reasons: [{ code: 'rollback' }] } });
});

test('where the images are is told to who creates a gateway', async () => {
  await take({ ...files, imagesAt: 'site.example:5000/mirror' });
  const gateway = { name: 'site-a', installation: 'existing-cluster', provider: 'vsphere' };
  const created = await call('/v1/gateways', { ...gateway, registryPrefix: 'other.example' });
  expect(created).toMatchObject({
    status: 201,
    reply: { gateway: { registryPrefix: 'other.example' }, install: { imagesAt: 'site.example:5000/mirror' } },
  });
  for (const registryPrefix of [
    'https://x.example',
    'x',
    '../x.example',
    'x.example/..',
    'x.example/A',
    'x.example/ b',
  ]) {
    expect(await call('/v1/gateways', { ...gateway, name: 'site-b', registryPrefix })).toMatchObject({ status: 400 });
  }
});

test('killed in the middle of an import, it has taken nothing, and takes it all after the next start', async () => {
  const connection = new Client({ connectionString: database.url });
  await connection.connect();
  try {
    // The files of the import are written before its releases, which have to wait.
    await connection.query('begin');
    await connection.query('lock table releases in access exclusive mode');
    const lost = take(files).then(
      () => 'answered',
      () => 'lost',
    );
    await until('the import to wait for the releases', async () => {
      const { rows } = await connection.query(
        `select 1 from pg_locks where relation = 'releases'::regclass and not granted`,
      );
      return rows.length > 0;
    });
    await server.kill();
    expect(await lost).toBe('lost');
    await connection.query('rollback');
  } finally {
    await connection.end();
  }
  server = await start();
  expect((await call('/v1/releases')).reply).toEqual({ items: [] });
  expect((await fetch(`${server.url}/v1/tuf/metadata/timestamp.json`)).status).toBe(404);
  expect((await take(files)).reply).toMatchObject({ added: ['4.1.12', '4.2.7'] });
});

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited 30 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
