import { permissions, type Route } from '@gatehouse/contract/route';
import { permissions as domainPermissions, type Role, roles } from '@gatehouse/domain/authorisation';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGateway } from '../testing/fleet.ts';
import { type Call, type Reply, startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;
const tokens = new Map<string, string>();

/** Callers by name: a role in a scope. `acme` and `other` are tenants with a project `main` each. */
const callers = {
  platformAdmin: { role: 'Platform Admin' },
  platformViewer: { role: 'Viewer' },
  acmeAdmin: { role: 'Tenant Admin', tenant: 'acme' },
  acmeProjectAdmin: { role: 'Project Admin', tenant: 'acme', project: 'main' },
  acmeOperator: { role: 'Operator', tenant: 'acme' },
  acmeViewer: { role: 'Viewer', tenant: 'acme' },
  acmeAuditor: { role: 'Auditor', tenant: 'acme' },
  acmeProjectViewer: { role: 'Viewer', tenant: 'acme', project: 'main' },
  otherAdmin: { role: 'Tenant Admin', tenant: 'other' },
} as const satisfies Record<string, { role: Role; tenant?: string; project?: string }>;
type Caller = keyof typeof callers;

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
  for (const tenant of ['acme', 'other']) {
    await world.call('POST', '/v1/tenants', { body: { name: tenant } });
    await world.call('POST', `/v1/projects?tenant=${tenant}`, { body: { name: 'main' } });
    const made = await world.call('POST', `/v1/gateways?tenant=${tenant}`, {
      body: { name: 'shared-name', installation: 'existing-cluster', provider: 'vsphere', project: 'main' },
    });
    expect(made.status).toBe(201);
    await world.call('POST', `/v1/gateways?tenant=${tenant}`, {
      body: { name: `only-${tenant}`, installation: 'existing-cluster', provider: 'vsphere' },
    });
  }
  for (const [name, { role, ...scope }] of Object.entries(callers)) {
    const reply = await world.call('POST', '/v1/tokens', { body: { name: name.toLowerCase(), role, ...scope } });
    expect(reply).toMatchObject({ status: 201 });
    tokens.set(name, (reply.body as { token: string }).token);
  }
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

type Method = Route['method'];
const as = (caller: Caller, method: Method, address: string, call: Call = {}): Promise<Reply> =>
  world.call(method, address, { ...call, token: tokens.get(caller) ?? '' });

test('contract and domain know the same permissions and roles', () => {
  expect([...permissions].toSorted()).toEqual([...domainPermissions].toSorted());
  expect(new Set(Object.values(callers).map(({ role }) => role)).size).toBe(roles.length);
});

describe('a foreign tenant gets the same answer as for what does not exist', () => {
  test.each([
    ['GET', '/v1/gateways/NAME'],
    ['GET', '/v1/gateways/NAME?tenant=acme'],
    ['GET', '/v1/gateways/NAME/explanation'],
    ['GET', '/v1/gateways/NAME/events'],
    ['GET', '/v1/gateways/NAME/profile-update'],
    ['DELETE', '/v1/gateways/NAME'],
    ['GET', '/v1/host-clusters?gateway=NAME'],
  ] as const)('%s %s', async (method, address) => {
    const foreign = await as('otherAdmin', method, address.replace('NAME', 'only-acme'));
    const unknown = await as('otherAdmin', method, address.replace('NAME', 'only-nope'));
    expect(foreign.status).toBe(404);
    const plain = (reply: Reply) =>
      JSON.stringify(reply.body)
        .replaceAll(/"instance":"[^"]*"/g, '')
        .replaceAll(/only-\w+/g, 'X');
    expect(plain(foreign)).toBe(plain(unknown));
  });

  test('by its id too', async () => {
    const { body } = await as('acmeAdmin', 'GET', '/v1/gateways/only-acme');
    const { id } = body as { id: string };
    expect(await as('otherAdmin', 'GET', `/v1/gateways/${id}`)).toMatchObject({ status: 404 });
    expect(
      await as('otherAdmin', 'POST', '/v1/pauses', { body: { scope: 'gateway', name: id, reason: 'x' } }),
    ).toMatchObject({ status: 404 });
  });

  test('lists hold nothing of others', async () => {
    const names = async (caller: Caller, address: string) =>
      ((await as(caller, 'GET', address)).body as { items: { name: string }[] }).items.map(({ name }) => name);
    expect(await names('otherAdmin', '/v1/gateways')).toEqual(['only-other', 'shared-name']);
    expect(await names('acmeProjectViewer', '/v1/gateways')).toEqual(['shared-name']);
    expect(await names('platformViewer', '/v1/gateways')).toEqual([
      'only-acme',
      'only-other',
      'shared-name',
      'shared-name',
    ]);
    expect(await names('otherAdmin', '/v1/tenants')).toEqual(['other']);
    expect(await names('otherAdmin', '/v1/tokens')).toEqual(['otheradmin']);
    const events = await as('otherAdmin', 'GET', '/v1/events');
    expect(JSON.stringify(events.body)).not.toContain('only-acme');
    const audit = await as('otherAdmin', 'GET', '/v1/audit');
    expect(JSON.stringify(audit.body)).not.toContain('acme');
    const platform = await as('otherAdmin', 'GET', '/v1/platform');
    expect(JSON.stringify(platform.body)).not.toContain('acme');
    expect(platform.body).toMatchObject({ gateways: { total: 2 } });
  });

  test('a pause of a foreign tenant or project', async () => {
    for (const body of [
      { scope: 'tenant', name: 'acme', reason: 'x' },
      { scope: 'tenant', name: 'nowhere', reason: 'x' },
      { scope: 'project', name: 'nowhere', reason: 'x' },
    ]) {
      expect(await as('otherAdmin', 'POST', '/v1/pauses', { body })).toMatchObject({
        status: 404,
        body: { code: 'not-found' },
      });
    }
  });
});

test('who sees several tenants says which one a name is of', async () => {
  expect(await as('platformAdmin', 'GET', '/v1/gateways/shared-name')).toMatchObject({
    status: 400,
    body: { code: 'invalid-request' },
  });
  const named = await as('platformAdmin', 'GET', '/v1/gateways/shared-name?tenant=other');
  expect(named).toMatchObject({ status: 200, body: { tenant: { name: 'other' } } });
  expect(await as('acmeViewer', 'GET', '/v1/gateways/shared-name')).toMatchObject({
    body: { tenant: { name: 'acme' } },
  });
});

test('who sees a thing and may not do it is told so', async () => {
  expect(await as('acmeViewer', 'DELETE', '/v1/gateways/only-acme')).toMatchObject({
    status: 403,
    body: { code: 'not-allowed' },
  });
  expect(
    await as('acmeProjectAdmin', 'POST', '/v1/pauses', { body: { scope: 'tenant', name: 'acme', reason: 'x' } }),
  ).toMatchObject({
    status: 403,
  });
});

describe('tokens', () => {
  test.each([
    ['acmeAdmin', { name: 'up', role: 'Platform Admin' }, 400],
    ['acmeAdmin', { name: 'aside', role: 'Viewer', tenant: 'other' }, 404],
    ['acmeProjectAdmin', { name: 'wider', role: 'Viewer', tenant: 'acme' }, 403],
    ['acmeProjectAdmin', { name: 'higher', role: 'Tenant Admin', tenant: 'acme', project: 'main' }, 400],
    ['acmeAdmin', { name: 'own', role: 'Operator', tenant: 'acme' }, 201],
  ] as const)('%s asks for %j', async (caller, body, status) => {
    expect((await as(caller, 'POST', '/v1/tokens', { body })).status).toBe(status);
  });

  test('a revoked token and an expired one are refused', async () => {
    const { body } = await as('acmeAdmin', 'POST', '/v1/tokens', {
      body: { name: 'short', role: 'Viewer', tenant: 'acme' },
    });
    const { token } = body as { token: string };
    expect(await world.call('GET', '/v1/me', { token })).toMatchObject({
      status: 200,
      body: { name: 'short', tenant: 'acme' },
    });
    expect(await as('otherAdmin', 'DELETE', '/v1/tokens/short')).toMatchObject({ status: 404 });
    expect(await as('acmeAdmin', 'DELETE', '/v1/tokens/short')).toMatchObject({ status: 204 });
    expect(await world.call('GET', '/v1/me', { token })).toMatchObject({ status: 401 });
    const expiresAt = new Date(world.now() + 1000).toISOString();
    const brief = await as('acmeAdmin', 'POST', '/v1/tokens', {
      body: { name: 'brief', role: 'Viewer', tenant: 'acme', expiresAt },
    });
    const briefToken = (brief.body as { token: string }).token;
    expect(await world.call('GET', '/v1/me', { token: briefToken })).toMatchObject({ status: 200 });
    world.advance(1001);
    expect(await world.call('GET', '/v1/me', { token: briefToken })).toMatchObject({ status: 401 });
  });
});

test('a gateway without a project is beyond the reach of a project', async () => {
  expect((await createGateway(world, { name: 'no-project' })).gateway).not.toHaveProperty('project');
  expect(await as('acmeProjectAdmin', 'GET', '/v1/gateways/only-acme')).toMatchObject({ status: 404 });
});
