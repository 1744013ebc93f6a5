import { operatorRoutes } from '@gatehouse/contract/operator-api';
import type { Problem } from '@gatehouse/contract/problem';
import type { Route } from '@gatehouse/contract/route';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { Check } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGateway, runningCli, withProfileUpdate } from '../testing/fleet.ts';
import { type Call, type Reply, startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

const countGateways = async (): Promise<number> =>
  (await world.plane.services.db.selectFrom('gateways').select('id').execute()).length;

describe('what does not fit is answered with a code, the field and the next step, and nothing is stored', () => {
  const good = { name: 'fits', installation: 'existing-cluster', provider: 'vsphere' };
  test.each<[string, unknown, string]>([
    ['a name that no object can have', { ...good, name: 'Not A Name' }, 'body.name'],
    ['a name too long for its namespaces', { ...good, name: 'a'.repeat(40) }, 'body.name'],
    ['a number as name', { ...good, name: 7 }, 'body.name'],
    ['two control planes', { ...good, controlPlanes: 2 }, 'body.controlPlanes'],
    ['a number as text', { ...good, workers: '3' }, 'body.workers'],
    ['a field that nobody knows', { ...good, image: 'evil' }, 'body'],
    ['a field that is missing', { name: 'fits' }, 'body'],
    ['a list', [good], 'body'],
    ['null', null, 'body'],
    ['an installation of another kind', { ...good, installation: 'edge' }, 'body.installation'],
  ])('%s', async (_name, body, field) => {
    const before = await countGateways();
    const reply = await world.call('POST', '/v1/gateways', { body: body ?? 'null' });
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid-request', status: 400 } });
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
    const { reasons } = reply.body as Problem;
    expect(reasons[0]).toMatchObject({ code: 'field-invalid', nextStep: expect.stringContaining(field) });
    expect(reasons.map(({ message }) => message).join(' ')).toContain(field);
    expect(await countGateways()).toBe(before);
  });

  test.each<[string, Parameters<World['call']>[0], string, Call, number, string]>([
    ['no JSON', 'POST', '/v1/gateways', { body: '{"name":' }, 400, 'invalid-request'],
    [
      'an empty body',
      'POST',
      '/v1/gateways',
      { headers: { 'content-type': 'application/json' } },
      400,
      'invalid-request',
    ],
    ['no body at all', 'POST', '/v1/gateways', {}, 400, 'invalid-request'],
    [
      'a form',
      'POST',
      '/v1/gateways',
      { body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported-media-type',
    ],
    [
      'a body that is too large',
      'POST',
      '/v1/gateways',
      { body: { name: 'x'.repeat(300_000) } },
      413,
      'payload-too-large',
    ],
    ['a prototype', 'POST', '/v1/gateways', { body: '{"__proto__":{"name":"x"}}' }, 400, 'invalid-request'],
    ['a limit that is no number', 'GET', '/v1/gateways?limit=many', {}, 400, 'invalid-request'],
    ['a limit that is true', 'GET', '/v1/gateways?limit=true', {}, 400, 'invalid-request'],
    ['a limit as only some write a number', 'GET', '/v1/gateways?limit=1e1', {}, 400, 'invalid-request'],
    ['a limit said twice', 'GET', '/v1/gateways?limit=1&limit=1', {}, 400, 'invalid-request'],
    ['a truth as a number', 'GET', '/v1/platform/plan?to=4.2.7&forecast=1', {}, 400, 'invalid-request'],
    ['a limit above the bound', 'GET', '/v1/gateways?limit=501', {}, 400, 'invalid-request'],
    ['a query that nobody knows', 'GET', '/v1/gateways?colour=red', {}, 400, 'invalid-request'],
    ['a cursor of nobody', 'GET', '/v1/gateways?cursor=abc', {}, 400, 'invalid-request'],
    [
      'a cursor of another list',
      'GET',
      `/v1/events?cursor=${Buffer.from('["a","b"]').toString('base64url')}`,
      {},
      400,
      'invalid-request',
    ],
    ['a zero byte in the address', 'GET', '/v1/gateways/a%00b', {}, 400, 'invalid-request'],
    ['a zero byte in the query', 'GET', '/v1/gateways?status=a%00b', {}, 400, 'invalid-request'],
    ['percent signs that mean nothing', 'GET', '/v1/gateways/%zz', {}, 400, 'invalid-request'],
    ['a scope of another kind', 'DELETE', '/v1/pauses/world/x', {}, 400, 'invalid-request'],
    [
      'an end that is over',
      'POST',
      '/v1/pauses',
      { body: { scope: 'tenant', name: 'default', reason: 'x', until: '2001-01-01T00:00:00Z' } },
      400,
      'invalid-request',
    ],
    [
      'an end that is no time',
      'POST',
      '/v1/pauses',
      { body: { scope: 'tenant', name: 'default', reason: 'x', until: 'tomorrow' } },
      400,
      'invalid-request',
    ],
    [
      'an Idempotency-Key with blanks',
      'POST',
      '/v1/gateways',
      { body: good, headers: { 'idempotency-key': 'a b' } },
      400,
      'invalid-request',
    ],
    ['an address that is not there', 'GET', '/v1/nothing', {}, 404, 'not-found'],
    ['a method that an address of agents does not take', 'GET', '/v1/agent/poll', {}, 405, 'method-not-allowed'],
    ['another one, with what is no JSON', 'PUT', '/v1/gateways', { body: '{"a":' }, 405, 'method-not-allowed'],
    ['a method that the address does not take', 'PUT', '/v1/gateways', { body: {} }, 405, 'method-not-allowed'],
  ])('%s', async (_name, method, address, call, status, code) => {
    const before = await countGateways();
    const reply = await world.call(method, address, call);
    expect(reply).toMatchObject({ status, body: { code, status } });
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect((reply.body as Problem).detail.length).toBeGreaterThan(20);
    expect(await countGateways()).toBe(before);
  });

  test('agents: an observation that does not fit is refused as a whole', async () => {
    const reply = await world.call('POST', '/v1/agent/poll', { body: { generation: -1, handOverNumber: 0 } });
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  });

  test('agents: a body above 1 MB is refused', async () => {
    const reply = await world.call('POST', '/v1/agent/poll', { body: { filler: 'x'.repeat(1_100_000) } });
    expect(reply).toMatchObject({ status: 413, body: { code: 'payload-too-large' } });
  });
});

describe('Idempotency-Key', () => {
  const create = (name: string, key: string, token?: string): Promise<Reply> =>
    world.call('POST', '/v1/gateways', {
      body: { name, installation: 'existing-cluster', provider: 'vsphere' },
      headers: { 'idempotency-key': key },
      ...(token === undefined ? {} : { token }),
    });

  test('the same request again, also at the same time, is done once and answered the same, secrets included', async () => {
    const replies = await Promise.all([create('once', 'key-1'), create('once', 'key-1'), create('once', 'key-1')]);
    const again = await create('once', 'key-1');
    expect(again.status).toBe(201);
    for (const reply of replies) expect(reply).toMatchObject({ status: 201, body: again.body as object });
    expect(JSON.stringify(again.body)).toContain('registrationToken=ghr_');
    const kept = await world.plane.services.db.selectFrom('idempotency_keys').selectAll().execute();
    expect(kept.map(({ reply }) => reply?.toString('latin1') ?? '').join('')).not.toContain('ghr_');
  });

  test('another request with the same key is refused', async () => {
    await create('first-of-two', 'key-2');
    expect(await create('second-of-two', 'key-2')).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
  });

  test('a refusal is not remembered', async () => {
    await createGateway(world, { name: 'taken' });
    expect(await create('taken', 'key-3')).toMatchObject({ status: 409 });
    await world.call('DELETE', '/v1/gateways/taken');
    expect(await create('taken', 'key-3')).toMatchObject({ status: 201 });
  });

  test('a key belongs to its caller', async () => {
    const { body } = await world.call('POST', '/v1/tokens', { body: { name: 'second', role: 'Platform Admin' } });
    await create('mine', 'key-4');
    expect(await create('theirs', 'key-4', (body as { token: string }).token)).toMatchObject({ status: 201 });
  });
});

describe('pages', () => {
  test('a list is read page by page, each gateway once', async () => {
    for (let index = 0; index < 5; index += 1) await createGateway(world, { name: `page-${index}` });
    const names: string[] = [];
    let next: string | undefined;
    do {
      const cursor = next === undefined ? '' : `&cursor=${next}`;
      const { body } = await world.call('GET', `/v1/gateways?limit=2${cursor}`);
      const page = body as { items: { name: string }[]; next?: string };
      expect(page.items.length).toBeLessThanOrEqual(2);
      names.push(...page.items.map(({ name }) => name));
      next = page.next;
    } while (next !== undefined);
    expect(names).toEqual([...new Set(names)].toSorted());
    expect(names.filter((name) => name.startsWith('page-'))).toHaveLength(5);
    expect(names).toHaveLength(
      (await world.plane.services.db.selectFrom('gateways').select('id').where('deleted_at', 'is', null).execute())
        .length,
    );
  });

  test('by status, which is not a column', async () => {
    const { body } = await world.call('GET', '/v1/gateways?status=Pending&limit=3');
    const page = body as { items: { status: string }[]; next?: string };
    expect(page.items.map(({ status }) => status)).toEqual(['Pending', 'Pending', 'Pending']);
    expect(page.next).toBeDefined();
  });
});

describe('sessions of a browser', () => {
  const cookieOf = (reply: Reply): string => String(reply.headers['set-cookie']).split(';', 1)[0] ?? '';

  test('a token signs in for a cookie that scripts cannot read and other sites cannot use', async () => {
    const reply = await world.call('POST', '/v1/session', { token: null, body: { token: world.adminToken } });
    expect(reply).toMatchObject({ status: 200, body: { name: 'admin' } });
    expect(String(reply.headers['set-cookie'])).toMatch(/HttpOnly/);
    expect(String(reply.headers['set-cookie'])).toMatch(/SameSite=Strict/);
    const cookie = cookieOf(reply);
    expect(await world.call('GET', '/v1/me', { token: null, headers: { cookie } })).toMatchObject({ status: 200 });
    const write = (headers: Record<string, string>) =>
      world.call('POST', '/v1/pauses', {
        token: null,
        headers: { cookie, ...headers },
        body: { scope: 'tenant', name: 'nowhere', reason: 'x' },
      });
    expect(await write({})).toMatchObject({ status: 403, body: { reasons: [{ code: 'foreign-origin' }] } });
    expect(await write({ origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await write({ 'sec-fetch-site': 'same-site' })).toMatchObject({ status: 403 });
    expect(await write({ 'sec-fetch-site': 'same-origin' })).toMatchObject({ status: 404 });
    expect(await write({ host: 'gatehouse.example', origin: 'https://gatehouse.example' })).toMatchObject({
      status: 404,
    });
    const out = await world.call('DELETE', '/v1/session', {
      token: null,
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
    });
    expect(out.status).toBe(204);
    expect(await world.call('GET', '/v1/me', { token: null, headers: { cookie } })).toMatchObject({ status: 401 });
  });

  test.each([
    [{}, 400],
    [{ key: 'ghk_x', token: 'ght_x' }, 400],
    [{ key: 'ghk_made-up' }, 401],
    [{ token: 'ght_made-up' }, 401],
  ])('signing in with %j', async (body, status) => {
    expect((await world.call('POST', '/v1/session', { token: null, body })).status).toBe(status);
  });

  test('guessing is slowed down', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 30; i += 1) {
      const { status } = await world.call('POST', '/v1/session', {
        token: null,
        body: { key: `ghk_${i}` },
        remoteAddress: '192.0.2.99',
      });
      statuses.push(status);
    }
    expect(statuses).toContain(429);
  });
});

test('every page has a policy that runs nothing foreign and cannot be framed', async () => {
  const { headers } = await world.call('GET', '/v1/platform');
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*/);
  expect(headers['x-content-type-options']).toBe('nosniff');
});

describe('OpenAPI', () => {
  interface Operation {
    readonly responses: Readonly<Record<string, unknown>>;
    readonly operationId: string;
  }
  interface Document {
    readonly openapi: string;
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
  }

  test('names every route of the table with its statuses, and every reference leads somewhere', async () => {
    const { body } = await world.call('GET', '/v1/openapi.json', { token: null });
    const document = body as Document;
    expect(document.openapi).toBe('3.1.0');
    for (const [name, route] of Object.entries(operatorRoutes) as [string, Route][]) {
      const address = route.path.replaceAll(/:(\w+)/g, '{$1}');
      const operation = document.paths[address]?.[route.method.toLowerCase()];
      expect(operation?.operationId).toBe(name);
      expect(Object.keys(operation?.responses ?? {})).toContain(String(route.status));
    }
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
  });

  test('replies are what the contract says, field by field', async () => {
    const agent = await runningCli(world, 'described');
    await world.call('DELETE', '/v1/pauses/tenant/default');
    const planned = await world.release('4.2.7');
    expect(planned.status).toBe(200);
    const others = ((await world.call('GET', '/v1/gateways?limit=500')).body as { items: { name: string }[] }).items;
    for (const { name } of others) if (name !== 'described') await world.call('DELETE', `/v1/gateways/${name}`);
    await withProfileUpdate(world, agent);
    await world.call('POST', '/v1/pauses', { body: { scope: 'gateway', name: 'described', reason: 'x' } });
    const reads: readonly [keyof typeof operatorRoutes, string][] = [
      ['listGateways', '/v1/gateways'],
      ['getGateway', '/v1/gateways/described'],
      ['explainGateway', '/v1/gateways/described/explanation'],
      ['listGatewayEvents', '/v1/gateways/described/events'],
      ['listEvents', '/v1/events'],
      ['getGatewayProfile', '/v1/gateways/described/profile'],
      ['getProfileUpdate', '/v1/gateways/described/profile-update'],
      ['listPauses', '/v1/pauses'],
      ['getStatus', '/v1/status'],
      ['getPlatform', '/v1/platform'],
      ['listReleases', '/v1/releases'],
      ['listHostClusters', '/v1/host-clusters'],
      ['listAudit', '/v1/audit'],
      ['listTenants', '/v1/tenants'],
      ['listTokens', '/v1/tokens'],
      ['getMe', '/v1/me'],
    ];
    for (const [name, address] of reads) {
      const { status, body } = await world.call('GET', address);
      const route: Route = operatorRoutes[name];
      expect([name, status]).toEqual([name, route.status]);
      expect([name, route.reply !== undefined && Check(route.reply, body)]).toEqual([name, true]);
    }
  });
});

test('health, readiness and metrics', async () => {
  expect(await world.call('GET', '/healthz', { token: null })).toMatchObject({ status: 200 });
  expect(await world.call('GET', '/readyz', { token: null })).toMatchObject({ status: 200 });
  const { body } = await world.call('GET', '/metrics', { token: null });
  expect(String(body)).toMatch(/gatehouse_http_requests_total\{method="GET",route="\/v1\/gateways",status="200"\} \d+/);
});

test('every reply says the time that decisions are made by, not what the clock of the machine says', async () => {
  const tenYears = 3_652 * 86_400_000;
  world.advance(tenYears);
  for (const address of ['/v1/openapi.json', '/v1/gateways', '/v1/nowhere', '/v1/agent/poll']) {
    const { headers } = await world.call('GET', address);
    expect(headers['date'], address).toBe(new Date(world.now()).toUTCString());
  }
});
