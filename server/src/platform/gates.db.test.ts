/** Waivers, the control plane's own preflight, and what a tenant sees of them, on a real database. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import type { Problem } from '@gatehouse/contract/problem';
import { hours, minutes } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asTask } from '../testing/as-task.ts';
import { createGateway, eventsOf, runningExistingCluster } from '../testing/fleet.ts';
import { actionsOf, platformOf, releaseAhead, releasesAhead, takesUp, upgradeTo } from '../testing/platform-path.ts';
import { startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;

beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await releasesAhead(world);
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

const reasonsOf = ({ body }: { readonly body: unknown }) => (body as Problem).reasons.map(({ code }) => code);
const waive = (gateway: string, body: object = { reason: 'flooded' }) =>
  world.call('PUT', `/v1/gateways/${gateway}/waiver`, { body });
const endWaiver = (gateway: string) => world.call('DELETE', `/v1/gateways/${gateway}/waiver`);
const typesOf = async (gateway: string) => (await eventsOf(world, gateway)).map(({ type }) => type);

describe('a waiver', () => {
  test('leaves its gateway out of the gates, is said wherever it counts, and no other gateway is left out', async () => {
    await createGateway(world, { name: 'dry' });
    await createGateway(world, { name: 'wet' });
    const reply = await waive('wet');
    expect(reply).toMatchObject({ status: 200, body: { gateway: 'wet', tenant: 'default', by: 'admin' } });
    expect((reply.body as { until: string }).until).toBe(new Date(world.now() + hours(24)).toISOString());
    const refused = await upgradeTo(world, '4.2.7');
    expect(reasonsOf(refused)).toEqual(['gateway-not-current']);
    expect(JSON.stringify(refused.body)).not.toContain('wet');
    await waive('dry', { reason: 'the shop is closed', until: new Date(world.now() + hours(2)).toISOString() });
    expect((await platformOf(world)).gates).toMatchObject([
      { gateway: 'dry', state: 'waived', reasons: [{ code: 'gateway-not-current' }] },
      { gateway: 'wet', state: 'waived' },
    ]);
    expect((await platformOf(world)).waivers.map(({ gateway, reason }) => [gateway, reason])).toEqual([
      ['dry', 'the shop is closed'],
      ['wet', 'flooded'],
    ]);
    expect(await upgradeTo(world, '4.2.7')).toMatchObject({ status: 202, body: { version: '4.2.7' } });
    const { body } = await world.call('GET', '/v1/audit?action=platform.hop');
    expect(JSON.stringify(body)).toMatch(/Without dry \(waived by admin until .*: the shop is closed\), wet/);
    expect(await typesOf('wet')).toContain('waiver-set');
  });

  test('ends by itself, with an event, and counts no more from that moment', async () => {
    await createGateway(world, { name: 'wet' });
    await waive('wet', { reason: 'flooded', until: new Date(world.now() + minutes(5)).toISOString() });
    world.advance(minutes(5));
    expect(reasonsOf(await upgradeTo(world, '4.2.7'))).toEqual(['gateway-not-current']);
    expect((await platformOf(world)).waivers).toEqual([]);
    await expect.poll(() => typesOf('wet'), { timeout: 15_000 }).toContain('waiver-ended');
    expect(await actionsOf(world)).toContain('platform.end-waiver');
  });

  test('is ended by a person, set again in place of the one before, and never without an end', async () => {
    await createGateway(world, { name: 'wet' });
    expect(await endWaiver('wet')).toMatchObject({ status: 404, body: { reasons: [{ code: 'not-waived' }] } });
    await waive('wet');
    await waive('wet', { reason: 'still flooded' });
    expect((await platformOf(world)).waivers.map(({ reason }) => reason)).toEqual(['still flooded']);
    expect(await endWaiver('wet')).toMatchObject({ status: 204 });
    expect((await world.call('GET', '/v1/platform/waivers')).body).toEqual({ items: [] });
    const until = (milliseconds: number) => ({
      reason: 'x',
      until: new Date(world.now() + milliseconds).toISOString(),
    });
    for (const body of [
      {},
      { reason: '' },
      until(0),
      until(-1),
      until(hours(24 * 91)),
      { reason: 'x', until: 'soon' },
    ]) {
      expect(await waive('wet', body)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    }
    expect(await waive('nowhere')).toMatchObject({ status: 404 });
  });

  test('lets a plan under way go on', async () => {
    const agent = await runningExistingCluster(world);
    await releaseAhead(world, '4.3.0');
    await upgradeTo(world, '4.3.0');
    await agent.polls();
    expect((await platformOf(world)).plan).toMatchObject({ state: 'held', nextHop: 2 });
    await waive('site-a');
    await expect.poll(async () => (await platformOf(world)).version, { timeout: 15_000 }).toBe('4.3.0');
    await expect.poll(async () => (await platformOf(world)).plan?.state, { timeout: 15_000 }).toBe('done');
  });
});

describe('the preflight of the control plane', () => {
  const failed = async () =>
    (await platformOf(world)).preflight.filter(({ outcome }) => outcome === 'failed').map(({ check }) => check);

  test('passes on a control plane as it should be', async () => {
    expect((await platformOf(world)).preflight.map(({ check, outcome }) => [check, outcome])).toEqual([
      ['database-writable', 'passed'],
      ['database-durable', 'passed'],
      ['database-timeline', 'passed'],
      ['migrations-done', 'passed'],
      ['replicas-accepted', 'passed'],
    ]);
  });

  test('holds a hop while a replica runs an older program than the release accepts, and names it', async () => {
    const { db } = world.plane.services;
    await asTask(() =>
      db
        .insertInto('server_replicas')
        .values({
          id: '00000000-0000-4000-8000-000000000001',
          name: 'left-behind/7',
          program_version: '0.0.9',
          started_at: sql`now()`,
          seen_at: sql`now()`,
        })
        .execute(),
    );
    const refused = await upgradeTo(world, '4.2.7');
    expect(reasonsOf(refused)).toEqual(['replicas-accepted']);
    expect(JSON.stringify(refused.body)).toContain('left-behind/7 (0.0.9)');
    await upgradeTo(world, '4.2.7', { wait: true });
    expect(await failed()).toEqual(['replicas-accepted']);
    await asTask(() =>
      sql`update server_replicas set seen_at = now() - interval '1 minute' where name = 'left-behind/7'`.execute(db),
    );
    await expect.poll(async () => (await platformOf(world)).version, { timeout: 15_000 }).toBe('4.2.7');
  });

  test('says that it is there while it runs, and that it ends when it ends', async () => {
    const { db } = world.plane.services;
    const count = async () => (await db.selectFrom('server_replicas').selectAll().execute()).length;
    expect(await count()).toBe(1);
    const other = await startWorld({ databaseUrl: database.url });
    expect(await count()).toBe(2);
    await other.close();
    expect(await count()).toBe(1);
  });

  test('holds a hop while commits may be forgotten', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await asTask(() =>
      sql`alter database ${sql.id(name)} set synchronous_commit = off`.execute(world.plane.services.db),
    );
    const { adminToken } = world;
    await world.close();
    world = await startWorld({ databaseUrl: database.url });
    const refused = await world.call('POST', '/v1/platform/upgrade', { token: adminToken, body: { to: '4.2.7' } });
    expect(reasonsOf(refused)).toEqual(['database-durable']);
    expect((refused.body as Problem).reasons[0]?.message).toContain('synchronous_commit is off');
  });

  test('holds a hop on another timeline until a person says by its name that nothing is missing', async () => {
    const { db } = world.plane.services;
    await asTask(() => sql`update platform set database_timeline = 41`.execute(db));
    expect(reasonsOf(await upgradeTo(world, '4.2.7'))).toEqual(['database-timeline']);
    expect(reasonsOf(await upgradeTo(world, '4.2.7', { acceptRisks: ['database-timeline-2'] }))).toEqual([
      'database-timeline',
    ]);
    const taken = await upgradeTo(world, '4.2.7', { acceptRisks: ['database-timeline-1'] });
    expect(taken).toMatchObject({ status: 202, body: { version: '4.2.7' } });
    expect(await actionsOf(world)).toContain('platform.accept-timeline');
    expect(await failed()).toEqual([]);
  });

  test('holds a hop where a migration is missing', async () => {
    await asTask(() =>
      sql`delete from kysely_migration where name = '0002-platform-plans'`.execute(world.plane.services.db),
    );
    expect(reasonsOf(await upgradeTo(world, '4.2.7'))).toEqual(['migrations-done']);
  });
});

describe('a tenant', () => {
  beforeEach(async () => {
    for (const tenant of ['acme', 'other']) {
      await world.call('POST', '/v1/tenants', { body: { name: tenant } });
      await world.call('POST', `/v1/gateways?tenant=${tenant}`, {
        body: { name: `of-${tenant}`, installation: 'existing-cluster', provider: 'vsphere' },
      });
    }
  });
  async function tokenOf(role: string, tenant: string): Promise<string> {
    const { body } = await world.call('POST', '/v1/tokens', { body: { name: 'theirs', role, tenant } });
    return (body as { token: string }).token;
  }

  test('sees its own gateways hold the platform, and of others only that there is something', async () => {
    await releaseAhead(world, '4.2.8', {
      upgradeFrom: ['4.1.12'],
      risks: [{ name: 'old', message: 'It may be slow.', appliesTo: [{ kubernetes: { max: '1.25.99' } }] }],
    });
    await upgradeTo(world, '4.2.7', { wait: true });
    await waive('of-other');
    const token = await tokenOf('Tenant Admin', 'acme');
    const seen = await platformOf(world, token);
    expect(seen.plan?.reasons.map(({ message }) => message).join()).toContain('of-acme');
    expect(seen.gates.map(({ gateway }) => gateway)).toEqual(['of-acme']);
    expect(seen.waivers).toEqual([]);
    expect(seen.preflight).toEqual([]);
    await endWaiver('of-other');
    expect((await platformOf(world, token)).plan?.reasons.map(({ code }) => code)).toEqual([
      'gateway-not-current',
      'held-elsewhere',
    ]);
    for (const address of [
      '/v1/platform',
      '/v1/platform/waivers',
      '/v1/platform/plan?to=4.2.7',
      '/v1/platform/plan?to=4.2.8',
      '/v1/platform/plan?to=4.2.8&acceptRisks=old',
    ]) {
      const { status, body } = await world.call('GET', address, { token });
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain('of-other');
    }
  });

  test('neither waives its own gateway nor moves, cancels or steers the platform', async () => {
    const token = await tokenOf('Tenant Admin', 'acme');
    const calls = [
      ['PUT', '/v1/gateways/of-acme/waiver', { reason: 'x' }],
      ['DELETE', '/v1/gateways/of-acme/waiver', undefined],
      ['POST', '/v1/platform/upgrade', { to: '4.2.7' }],
      ['POST', '/v1/platform/cancel', {}],
      ['PUT', '/v1/platform/channel', { channel: 'stable' }],
      ['DELETE', '/v1/platform/channel', undefined],
    ] as const;
    for (const [method, address, body] of calls) {
      const reply = await world.call(method, address, { token, ...(body === undefined ? {} : { body }) });
      expect(reply).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
    }
  });
});

test('a gateway that is being deleted holds nothing, and its waiver is forgotten with it', async () => {
  const agent = await runningExistingCluster(world);
  await waive('site-a');
  await upgradeTo(world, '4.2.7');
  await takesUp(world, agent, '4.2.7');
  const { id } = (await world.call('GET', '/v1/gateways/site-a')).body as Gateway;
  await world.call('DELETE', `/v1/gateways/${id}`);
  expect((await platformOf(world)).gates).toEqual([]);
  await agent.poll();
  expect((await platformOf(world)).waivers).toEqual([]);
});
