/** The page of the platform, found by summaries, says what it would say with the facts of every gateway loaded. */

import { hours, minutes } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '../identity/principal.ts';
import { scopeOf } from '../identity/principal.ts';
import { asTask } from '../testing/as-task.ts';
import { createGateway, runningExistingCluster } from '../testing/fleet.ts';
import { platformOf, releaseAhead, releasesAhead, takesUp, upgradeTo } from '../testing/platform-path.ts';
import type { TestAgent } from '../testing/test-agent.ts';
import { startWorld, type World } from '../testing/world.ts';
import { viewPlatform } from './platform.query.ts';

let database: TestDatabase;
let world: World;
let agent: TestAgent;
let readers: readonly { readonly token: string; readonly principal: Principal }[];

async function reader(tenant?: string) {
  const { db } = world.plane.services;
  const { body } = await world.call('POST', '/v1/tokens', {
    body: { name: tenant ?? 'all', role: tenant === undefined ? 'Viewer' : 'Tenant Admin', tenant },
  });
  const { token } = body as { readonly token: string };
  const row =
    tenant === undefined
      ? undefined
      : await db.selectFrom('tenants').select('id').where('name', '=', tenant).executeTakeFirstOrThrow();
  const grant = {
    role: tenant === undefined ? ('Viewer' as const) : ('Tenant Admin' as const),
    scope: scopeOf({ tenantId: row?.id ?? null }),
  };
  return { token, principal: { tokenId: 'of-the-test', name: 'test', grant, via: 'token' as const } };
}

/** For who sees everything and who sees one tenant; what everybody sees is returned. */
async function expectSame() {
  const { services } = world.plane;
  for (const { token, principal } of readers) {
    const found = await platformOf(world, token);
    const loaded = await viewPlatform(services.db, principal, world.now(), services, { kind: 'loaded' });
    expect(found).toEqual(loaded);
  }
  return platformOf(world);
}

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await releasesAhead(world);
  await releaseAhead(world, '4.3.0', {
    risks: [
      { name: 'one-control-plane', message: 'It is away for a while.', appliesTo: [{ controlPlanes: [1] }] },
      { name: 'old', message: 'It may be slow.', appliesTo: [{ kubernetes: { max: '1.26.99' } }] },
      { name: 'nobody', message: 'It concerns none.', appliesTo: [{ agent: { min: '9.0.0' } }] },
    ],
  });
  await world.call('POST', '/v1/tenants', { body: { name: 'acme' } });
  agent = await runningExistingCluster(world);
  // The same name in another tenant is told apart by it.
  await world.call('POST', '/v1/gateways?tenant=acme', {
    body: { name: 'site-a', installation: 'existing-cluster', provider: 'vsphere' },
  });
  await createGateway(world, { name: 'flooded', installation: 'cli', controlPlanes: 1 });
  await createGateway(world, { name: 'dry', installation: 'cli', controlPlanes: 3 });
  readers = [await reader(), await reader('acme'), await reader('default')];
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

const acceptRisks = ['one-control-plane', 'old', 'nobody'];
const waive = (gateway: string, tenant = 'default') =>
  world.call('PUT', `/v1/gateways/${gateway}/waiver?tenant=${tenant}`, {
    body: { reason: 'flooded', until: new Date(world.now() + hours(30)).toISOString() },
  });

describe('the page of the platform, in order', () => {
  test('without a plan', async () => {
    const seen = await expectSame();
    expect(seen).toMatchObject({ gateways: { total: 4, current: 1 } });
    expect(seen.waitingFor.map(({ gateway }) => gateway)).toEqual(['dry', 'flooded', 'site-a']);
    await waive('flooded');
    expect((await expectSame()).gates.map(({ state }) => state)).toEqual(['closed', 'waived', 'closed']);
  });

  test('with a plan that gateways hold', async () => {
    await upgradeTo(world, '4.3.0', { wait: true, acceptRisks });
    expect(await expectSame()).toMatchObject({ plan: { state: 'held', nextHop: 1 } });
    await world.call('POST', '/v1/platform/cancel', { body: {} });
    await expectSame();
  });

  test('with one that waits until an update has settled, and with risks that nobody accepted', async () => {
    for (const [gateway, tenant] of [
      ['dry', 'default'],
      ['site-a', 'acme'],
    ] as const) {
      await waive(gateway, tenant);
    }
    await upgradeTo(world, '4.2.7');
    await takesUp(world, agent, '4.2.7');
    const seen = await expectSame();
    expect(seen.gates.find(({ state }) => state === 'closed')?.reasons).toMatchObject([{ code: 'gateway-settling' }]);
    const reply = await upgradeTo(world, '4.3.0', { wait: true, acceptRisks });
    expect(reply.status).toBe(202);
    const held = await expectSame();
    expect(held.plan).toMatchObject({ state: 'held', reasons: [{ code: 'gateway-settling' }] });
    expect(held.plan?.opensAt).toBeDefined();
    // Nobody accepts any more: what the fleet is like decides.
    await asTask(() =>
      sql`update platform_plans set accepted_risks = '[]' where outcome is null`.execute(world.plane.services.db),
    );
    const codes = (await expectSame()).plan?.reasons.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['risk-applies', 'risk-not-judged', 'gateway-settling']));
  });

  test('with a gateway that fell silent, and one that is being deleted', async () => {
    await world.call('DELETE', '/v1/gateways/dry');
    world.advance(minutes(50));
    const seen = await expectSame();
    expect(seen.gateways.total).toBe(3);
    const closed = seen.gates.filter(({ state }) => state === 'closed');
    expect(closed.map(({ reasons }) => reasons.map(({ code }) => code))).toEqual([['gateway-unhealthy']]);
  });

  test('with more gateways than are shown', async () => {
    const { db } = world.plane.services;
    await asTask(() =>
      sql`insert into gateways (id, tenant_id, name, installation, provider, is_sandbox, control_planes, workers,
        install_key, created_at, announced_status, announced_health)
      select gen_random_uuid(), t.id, 'rack-' || i, 'existing-cluster', 'vsphere', false, 1, 0, 'key-' || i, now(),
        'Pending', 'unknown'
      from tenants as t, generate_series(1, 250) as i where t.name = 'default'`.execute(db),
    );
    const seen = await expectSame();
    expect(seen.gates).toHaveLength(100);
    expect(seen.plan?.reasons.at(-1)?.code).toBe('more-reasons');
    expect(seen.waitingFor).toHaveLength(100);
  });
});
