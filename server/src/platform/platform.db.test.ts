import type { Platform, Release } from '@gatehouse/contract/operator-types';
import type { Problem } from '@gatehouse/contract/problem';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { asTask } from '../testing/as-task.ts';
import { createGateway, installBundle, runningExistingCluster, tokenOf } from '../testing/fleet.ts';
import { startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;

beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

const platform = async (): Promise<Platform> => (await world.call('GET', '/v1/platform')).body as Platform;
const upgrade = (to: string) => world.call('POST', '/v1/platform/upgrade', { body: { to } });
const reasonsOf = (body: unknown) => (body as Problem).reasons.map(({ code }) => code);
const create = (more: object = {}) =>
  world.call('POST', '/v1/gateways', {
    body: { name: 'site-a', installation: 'existing-cluster', provider: 'vsphere', ...more },
  });

describe('the platform version', () => {
  test('there is none until the first import, and without it nothing is installed or upgraded', async () => {
    expect(await platform()).toMatchObject({ reachable: [], gateways: { total: 0, current: 0 }, isSandbox: false });
    expect(await platform()).not.toHaveProperty('version');
    expect(await create()).toMatchObject({ status: 409, body: { code: 'no-platform-version' } });
    expect(await upgrade('4.1.12')).toMatchObject({ status: 409, body: { code: 'no-platform-version' } });
    expect((await world.call('GET', '/v1/gateways')).body).toMatchObject({ items: [] });
    const imported = await world.release('4.1.12');
    expect(imported).toMatchObject({ status: 200, body: { platformVersion: '4.1.12' } });
    expect(await platform()).toMatchObject({ version: '4.1.12', reachable: [] });
  });

  test('it moves along a supported step once every gateway is current, and never back', async () => {
    await world.release('4.1.12');
    const pending = await createGateway(world, { name: 'not-yet' });
    await world.release('4.2.7');
    expect(await platform()).toMatchObject({
      version: '4.1.12',
      reachable: ['4.2.7'],
      gateways: { total: 1, current: 0 },
      waitingFor: [{ gateway: 'not-yet' }],
    });
    const refused = await upgrade('4.2.7');
    expect(refused).toMatchObject({ status: 409, body: { code: 'upgrade-refused' } });
    expect(reasonsOf(refused.body)).toEqual(['gateway-not-current']);
    expect(JSON.stringify(refused.body)).toContain('not-yet');
    expect(await upgrade('9.9.9')).toMatchObject({ status: 404, body: { code: 'release-unknown' } });
    expect(reasonsOf((await upgrade('4.1.12')).body)).toEqual(['same-version', 'gateway-not-current']);
    await world.call('DELETE', `/v1/gateways/${pending.gateway.id}`);
    expect(await upgrade('4.2.7')).toMatchObject({ status: 202, body: { version: '4.2.7' } });
    expect(reasonsOf((await upgrade('4.1.12')).body)).toEqual(['downgrade']);
    const { body } = await world.call('GET', '/v1/audit?action=platform.upgrade');
    expect((body as { items: unknown[] }).items).toHaveLength(1);
  });

  test('asked twice at once, one moves it and the other is told that it is there', async () => {
    await world.release('4.1.12');
    await world.release('4.2.7');
    const replies = await Promise.all([upgrade('4.2.7'), upgrade('4.2.7')]);
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409]);
  });
});

describe('an import', () => {
  test('is all or nothing: a target that was changed, a missing file, another root', async () => {
    const first = await world.release('4.1.12');
    const { rootFingerprint } = first.body as { rootFingerprint: string };
    expect((await platform()).rootFingerprint).toBe(rootFingerprint);
    const stranger = await startWorld({ databaseUrl: database.url });
    const foreign = await stranger.release('4.2.7');
    expect(foreign).toMatchObject({ status: 422, body: { code: 'release-invalid' } });
    await stranger.close();
    expect((await world.call('GET', '/v1/releases')).body).toMatchObject({ items: [{ version: '4.1.12' }] });
    for (const body of [
      { metadata: {}, targets: {} },
      { metadata: { 'timestamp.json': 'bm8=' }, targets: {} },
      { metadata: { 'timestamp.json': '***' }, targets: {} },
    ]) {
      const reply = await world.call('POST', '/v1/releases/import', { body });
      expect(reply).toMatchObject({ status: 422, body: { code: 'release-invalid' } });
      expect((reply.body as Problem).reasons).not.toHaveLength(0);
    }
    expect((await world.release('4.2.7')).status).toBe(200);
    const { body } = await world.call('GET', '/v1/releases');
    expect(
      (body as { items: Release[] }).items.map(({ version, isPlatformVersion }) => [version, isPlatformVersion]),
    ).toEqual([
      ['4.1.12', true],
      ['4.2.7', false],
    ]);
  });

  test('the same again changes nothing', async () => {
    await world.release('4.1.12');
    expect(await world.release('4.1.12')).toMatchObject({ status: 200, body: { platformVersion: '4.1.12' } });
  });

  test('a release for a newer server program is refused', async () => {
    const reply = await world.release('4.1.12', { serverMinimum: '99.0.0' });
    expect(reply).toMatchObject({
      status: 422,
      body: { code: 'release-invalid', reasons: [{ code: 'server-too-old' }] },
    });
    expect(await platform()).not.toHaveProperty('version');
  });

  test('what was imported is served to agents as it was signed, without a token', async () => {
    await world.release('4.1.12');
    const timestamp = await world.call('GET', '/v1/tuf/metadata/timestamp.json', { token: null });
    expect(timestamp).toMatchObject({ status: 200, body: { signed: { _type: 'timestamp' } } });
    expect(await world.call('GET', '/v1/tuf/metadata/1.root.json', { token: null })).toMatchObject({ status: 200 });
    expect(await world.call('GET', '/v1/tuf/metadata/2.root.json', { token: null })).toMatchObject({ status: 404 });
    expect(await world.call('GET', '/v1/tuf/targets/../../etc/passwd', { token: null })).toMatchObject({ status: 404 });
    expect(await world.call('GET', '/v1/tuf/targets/releases/none.json', { token: null })).toMatchObject({
      status: 404,
    });
  });
});

describe('installing', () => {
  beforeEach(async () => {
    await world.release('4.1.12');
  });

  test('an existing cluster gets two commands in order; the manifest holds no secret and no agent Deployment', async () => {
    const made = await createGateway(world);
    const [apply = '', secret = ''] = made.install?.commands ?? [];
    expect(apply).toMatch(
      /^kubectl apply --server-side -f 'https:\/\/gatehouse\.example\/v1\/install\/[\w-]{32}\/manifest\.yaml'$/,
    );
    expect(secret).toBe(
      `kubectl -n gatehouse-site-a create secret generic gatehouse-agent-identity --from-literal=registrationToken=${tokenOf(made)} --dry-run=client -o yaml | kubectl apply --server-side -f -`,
    );
    expect(made.install?.rootFingerprint).toBe((await platform()).rootFingerprint);
    const address = /'https:\/\/gatehouse\.example(.*)'/.exec(apply)?.[1] ?? '';
    const manifest = await world.call('GET', address, { token: null });
    expect(manifest.status).toBe(200);
    expect(String(manifest.headers['content-type'])).toContain('yaml');
    expect(String(manifest.body)).not.toContain(tokenOf(made));
    const objects = parseAllDocuments(String(manifest.body)).map(
      (each) => each.toJS() as { kind: string; metadata: { name: string }; data?: Record<string, string> },
    );
    expect(objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name)).toEqual([
      'gatehouse-guard',
    ]);
    const settings = objects.find(({ kind }) => kind === 'ConfigMap')?.data;
    expect(settings).toMatchObject({
      serverUrl: 'https://gatehouse.example',
      gatewayId: made.gateway.id,
      installation: 'existing-cluster',
    });
    expect(JSON.parse(settings?.['rootJson'] ?? '')).toMatchObject({ signed: { _type: 'root' } });
    const another = address.replace(/install\/[^/]+/, `install/${'x'.repeat(32)}`);
    expect(await world.call('GET', another, { token: null })).toMatchObject({ status: 404 });
  });

  test('a gateway of ours is Pending, and Provisioning once its installation has begun', async () => {
    const made = await createGateway(world, { name: 'ours', installation: 'cli', controlPlanes: 3 });
    expect(made).not.toHaveProperty('install');
    expect(made.gateway).toMatchObject({ status: 'Pending', controlPlanes: 3 });
    const bundle = await installBundle(world, 'ours');
    expect(bundle.cluster).toMatchObject({ kubernetesVersion: '1.26.8', profile: { version: '4.1.12' } });
    expect(bundle.objects.map((object) => object['kind'])).toContain('ClusterRole');
    expect((await world.call('GET', '/v1/gateways/ours')).body).toMatchObject({ status: 'Provisioning' });
  });

  test('a name is taken once in a tenant', async () => {
    await createGateway(world);
    expect(await create()).toMatchObject({ status: 409, body: { code: 'name-taken' } });
    expect(await create({ project: 'nowhere', name: 'else' })).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });

  test('a provider that no release has is refused with those it has', async () => {
    const reply = await create({ provider: 'abacus' });
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect((reply.body as Problem).detail).toContain('vsphere');
  });

  test('nothing is installed for a gateway that is being deleted', async () => {
    await runningExistingCluster(world);
    await world.call('DELETE', '/v1/gateways/site-a');
    expect(await world.call('POST', '/v1/gateways/site-a/install', { body: {} })).toMatchObject({
      status: 409,
      body: { code: 'gateway-not-running' },
    });
  });

  test('a sandbox control plane takes no real gateway', async () => {
    const { db } = world.plane.services;
    await asTask(() => db.updateTable('platform').set({ is_sandbox: true }).execute());
    const reply = await create();
    expect(reply).toMatchObject({ status: 409, body: { code: 'sandbox-control-plane' } });
    expect((reply.body as Problem).detail).toContain('--no-sandbox');
  });
});
