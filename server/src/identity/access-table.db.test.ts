/**
 * Each operation of the OpenAPI document, asked by each role in each scope about a thing in each place, against the table
 * in testing/access-table.ts; and that what lies in another's place is answered as what is nowhere, down to the SQL.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import type { Route } from '@gatehouse/contract/route';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { done } from '../http/answer.ts';
import {
  accessCallers,
  accessTable,
  expectedSign,
  operationsWithoutOperator,
  type Place,
  places,
} from '../testing/access-table.ts';
import { asTask } from '../testing/as-task.ts';
import { type Call, type Reply, startWorld, type World } from '../testing/world.ts';
import { operatorWrites } from '../work/fail-points.ts';
import { doWork } from '../work/work.ts';

let database: TestDatabase;
let world: World;
const tokens: string[] = [];

/** What tells a place: its names, and where in it things are made. */
const names: Readonly<Record<Place, { gateway: string; tenant: string; project?: string }>> = {
  'in-project': { gateway: 'of-project', tenant: 'acme', project: 'main' },
  'in-tenant': { gateway: 'of-tenant', tenant: 'acme' },
  foreign: { gateway: 'of-others', tenant: 'other', project: 'main' },
};
/** Looks like a place of others, and there is nothing in it. */
const nowhere = { gateway: 'of-nobody', tenant: 'nobody', project: 'main' };
type Target = (typeof names)[Place];

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({
    databaseUrl: database.url,
    // Nobody is there, and nothing is sent before these tests end.
    sending: { mail: { url: 'smtp://127.0.0.1:9', from: 'gatehouse@ops.example' } },
  });
  await world.release('4.1.12');
  for (const tenant of ['acme', 'other']) {
    await must('POST', '/v1/tenants', { name: tenant });
    await must('POST', `/v1/projects?tenant=${tenant}`, { name: 'main' });
  }
  for (const { gateway, ...place } of Object.values(names)) await makeGateway(gateway, place);
  for (const [name, role, scope] of accessCallers) {
    const reply = await must('POST', '/v1/tokens', {
      name,
      role,
      ...(scope === 'platform' ? {} : { tenant: 'acme' }),
      ...(scope === 'project' ? { project: 'main' } : {}),
    });
    tokens.push((reply.body as { token: string }).token);
  }
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

async function must(method: Route['method'], address: string, body?: object): Promise<Reply> {
  const reply = await world.call(method, address, body === undefined ? {} : { body });
  if (reply.status >= 300) throw new Error(`${method} ${address}: ${JSON.stringify(reply.body)}`);
  return reply;
}

const makeGateway = (name: string, { tenant, project }: { tenant: string; project?: string }) =>
  must('POST', `/v1/gateways?tenant=${tenant}`, {
    name,
    installation: 'existing-cluster',
    provider: 'vsphere',
    ...(project === undefined ? {} : { project }),
  });

let count = 0;
const fresh = (): string => `fresh-${(count += 1)}`;

interface Request {
  readonly address: string;
  readonly body?: object;
}

/** A request that fits and is about the target. `isThere`: what it needs may be made first. */
type Ask = (target: Target, isThere: boolean) => Promise<Request> | Request;

const ofGateway =
  (path: string, body?: object): Ask =>
  ({ gateway }) => ({ address: `/v1/gateways/${gateway}${path}`, ...(body === undefined ? {} : { body }) });
const fixed =
  (address: string, body?: object): Ask =>
  () => ({ address, ...(body === undefined ? {} : { body }) });
const because = { reason: 'because' };
const nobody = '00000000-0000-4000-8000-000000000000';
const inPlace = ({ tenant, project }: Target) => ({ tenant, ...(project && { project }) });

const hookOf = (target: Target) => ({
  name: fresh(),
  // Nothing listens there, and nothing may be asked there.
  url: 'http://127.0.0.1:9/',
  kinds: ['plan-waits'],
  ...inPlace(target),
});
/** Of one that is made in the place and deleted by the next: there may only be so many. */
const ofWebhook =
  (path: string, body?: object): Ask =>
  async (target, isThere) => {
    let id = nobody;
    if (isThere) {
      const { webhook } = (await must('POST', '/v1/webhooks', hookOf(target))).body as { webhook: { id: string } };
      ({ id } = webhook);
      const before = lastHooks.get(target.gateway);
      if (before !== undefined) await world.call('DELETE', `/v1/webhooks/${before}`);
      lastHooks.set(target.gateway, id);
    }
    return { address: `/v1/webhooks/${id}${path}`, ...(body === undefined ? {} : { body }) };
  };
const lastHooks = new Map<string, string>();

const mailOf = (target: Target) => ({ address: `${fresh()}@ops.example`, kinds: ['plan-waits'], ...inPlace(target) });
const ofMail =
  (path: string, body?: object): Ask =>
  async (target, isThere) => {
    let id = nobody;
    if (isThere) {
      ({ id } = (await must('POST', '/v1/mail-subscriptions', mailOf(target))).body as { id: string });
      const before = lastMails.get(target.gateway);
      if (before !== undefined) await world.call('DELETE', `/v1/mail-subscriptions/${before}`);
      lastMails.set(target.gateway, id);
    }
    return { address: `/v1/mail-subscriptions/${id}${path}`, ...(body === undefined ? {} : { body }) };
  };
const lastMails = new Map<string, string>();

/** One that is told in the place. */
async function notificationOf({ gateway, tenant, project }: Target, isThere: boolean): Promise<string> {
  if (!isThere) return nobody;
  const { db, now } = world.plane.services;
  const {
    id,
    tenant_id: tenantId,
    project_id: projectId,
  } = await db
    .selectFrom('gateways as g')
    .select(['g.id', 'g.tenant_id', 'g.project_id'])
    .where('g.name', '=', gateway)
    .executeTakeFirstOrThrow();
  const name = fresh();
  await asTask(() =>
    doWork({ db, now: now(), requestId: 'test' }, async (work) => {
      const subject = { kind: 'gateway', id, name } as const;
      const told = { kind: 'plan-waits', severity: 'normal', message: name, topic: name, subject } as const;
      work.tell(told, { tenantId, projectId: projectId ?? undefined });
      return Promise.resolve(done(undefined));
    }),
  );
  const found = await must(
    'GET',
    `/v1/notifications?subject=${name}&tenant=${tenant}${project ? `&project=${project}` : ''}`,
  );
  const [first] = (found.body as { items: { id: string }[] }).items;
  if (first === undefined) throw new Error('what was told is not there');
  return first.id;
}

const asks: Readonly<Record<string, Ask>> = {
  getOverview: fixed('/v1/overview'),
  listGateways: fixed('/v1/gateways'),
  getGateway: ofGateway(''),
  explainGateway: ofGateway('/explanation'),
  listGatewayEvents: ofGateway('/events'),
  listEvents: fixed('/v1/events'),
  getGatewayProfile: ofGateway('/profile'),
  getProfileUpdate: ofGateway('/profile-update'),
  createGateway: ({ tenant, project }) => ({
    address: `/v1/gateways?tenant=${tenant}`,
    body: { name: fresh(), installation: 'existing-cluster', provider: 'vsphere', ...(project && { project }) },
  }),
  installGateway: ofGateway('/install', {}),
  async deleteGateway({ tenant, project }, isThere) {
    const name = isThere ? fresh() : 'of-nobody';
    if (isThere) await makeGateway(name, { tenant, ...(project && { project }) });
    return { address: `/v1/gateways/${name}` };
  },
  confirmProfileUpdate: ofGateway('/profile-update/confirm', { planId: `sha256:${'0'.repeat(64)}` }),
  retryProfileUpdate: ofGateway('/profile-update/retry', {}),
  cancelProfileUpdate: ofGateway('/profile-update/cancel', {}),
  retryAgentUpdate: ofGateway('/agent-update/retry', {}),
  listPauses: fixed('/v1/pauses'),
  setPause: ({ gateway }) => ({ address: '/v1/pauses', body: { scope: 'gateway', name: gateway, ...because } }),
  async clearPause({ gateway }, isThere) {
    if (isThere) await must('POST', '/v1/pauses', { scope: 'gateway', name: gateway, ...because });
    return { address: `/v1/pauses/gateway/${gateway}` };
  },
  setExemption: ofGateway('/exemption', { ...because, until: '2040-01-01T00:00:00Z' }),
  async clearExemption({ gateway }, isThere) {
    const address = `/v1/gateways/${gateway}/exemption`;
    if (isThere) await must('PUT', address, { ...because, until: '2040-01-01T00:00:00Z' });
    return { address };
  },
  getStatus: fixed('/v1/status'),
  getPlatform: fixed('/v1/platform'),
  planPlatform: fixed('/v1/platform/plan?to=9.9.9'),
  upgradePlatform: fixed('/v1/platform/upgrade', { to: '9.9.9' }),
  cancelPlatformPlan: fixed('/v1/platform/cancel', {}),
  setPlatformChannel: fixed('/v1/platform/channel', { channel: 'stable' }),
  clearPlatformChannel: fixed('/v1/platform/channel'),
  listWaivers: fixed('/v1/platform/waivers'),
  setWaiver: ofGateway('/waiver', because),
  async clearWaiver({ gateway }, isThere) {
    const address = `/v1/gateways/${gateway}/waiver`;
    if (isThere) await must('PUT', address, because);
    return { address };
  },
  listReleases: fixed('/v1/releases'),
  importReleases: fixed('/v1/releases/import', { metadata: {}, targets: {} }),
  recallRelease: fixed('/v1/releases/9.9.9/recall', because),
  withdrawRecall: fixed('/v1/releases/9.9.9/recall'),
  listHostClusters: ({ gateway }) => ({ address: `/v1/host-clusters?gateway=${gateway}` }),
  createHostCluster: ({ gateway }) => ({
    address: '/v1/host-clusters',
    body: { name: fresh(), namespace: 'guests', gateway },
  }),
  listAudit: ({ tenant }) => ({ address: `/v1/audit?tenant=${tenant}` }),
  exportAudit: ({ tenant }) => ({ address: `/v1/audit.csv?tenant=${tenant}` }),
  listTenants: fixed('/v1/tenants'),
  createTenant: fixed('/v1/tenants', { name: 'acme' }),
  createProject: ({ tenant }) => ({ address: `/v1/projects?tenant=${tenant}`, body: { name: fresh() } }),
  createToken: ({ tenant, project }) => ({
    address: '/v1/tokens',
    body: { name: fresh(), role: 'Viewer', tenant, ...(project && { project }) },
  }),
  listTokens: fixed('/v1/tokens'),
  async revokeToken({ tenant, project }, isThere) {
    const name = isThere ? fresh() : 'of-nobody';
    if (isThere) await must('POST', '/v1/tokens', { name, role: 'Viewer', tenant, ...(project && { project }) });
    return { address: `/v1/tokens/${name}` };
  },
  listNotifications: fixed('/v1/notifications'),
  readNotifications: async (target, isThere) => ({
    address: '/v1/notifications/read',
    body: { ids: [await notificationOf(target, isThere)] },
  }),
  acknowledgeNotifications: async (target, isThere) => ({
    address: '/v1/notifications/acknowledge',
    body: { ids: [await notificationOf(target, isThere)] },
  }),
  finishNotifications: async (target, isThere) => ({
    address: '/v1/notifications/done',
    body: { ids: [await notificationOf(target, isThere)] },
  }),
  listWebhooks: fixed('/v1/webhooks'),
  createWebhook: (target) => ({ address: '/v1/webhooks', body: hookOf(target) }),
  changeWebhook: ofWebhook('', {}),
  rotateWebhookSecret: ofWebhook('/secret', {}),
  deleteWebhook: ofWebhook(''),
  testWebhook: ofWebhook('/test', {}),
  listDeliveries: ofWebhook('/deliveries'),
  async redeliver(target, isThere) {
    const { address } = await ofWebhook('/deliveries')(target, isThere);
    let delivery = nobody;
    if (isThere) {
      const made = await must('POST', address.replace('/deliveries', '/test'), {});
      delivery = (made.body as { id: string }).id;
    }
    return { address: `${address}/${delivery}/redeliver`, body: {} };
  },
  listMailSubscriptions: fixed('/v1/mail-subscriptions'),
  createMailSubscription: (target) => ({ address: '/v1/mail-subscriptions', body: mailOf(target) }),
  deleteMailSubscription: ofMail(''),
  testMailSubscription: ofMail('/test', {}),
  getMe: fixed('/v1/me'),
  signOut: fixed('/v1/session'),
};

const routes: Readonly<Record<string, Route>> = operatorRoutes;
const operations = Object.entries(routes).filter(([name]) => name !== 'signIn');

interface Asked extends Call {
  readonly isThere: boolean;
}

/** What the request needs is made; what is given back sends it. */
async function prepare(name: string, target: Target, { isThere, ...call }: Asked): Promise<() => Promise<Reply>> {
  const { method = 'GET' } = routes[name] ?? {};
  const request = await asks[name]?.(target, isThere);
  if (request === undefined) throw new Error(`nothing here asks for ${name}`);
  const { address, body } = request;
  // Each caller from an address of its own: how often one may call is tested elsewhere.
  const remoteAddress = `10.0.${count >> 8}.${(count += 1) & 255}`;
  return () => world.call(method, address, { ...call, ...(body === undefined ? {} : { body }), remoteAddress });
}

const ask = async (name: string, target: Target, asked: Asked): Promise<Reply> =>
  (await prepare(name, target, asked))();

function signOf({ status, body }: Reply): string {
  if (status >= 500) return String(status);
  if (status === 401 || status === 403) return '-';
  const { code } = (body ?? {}) as { code?: unknown };
  return status === 404 && code === 'not-found' ? '?' : '+';
}

test('every operation of the document is in the table or named as one without an operator, and nothing else is', async () => {
  const { body } = await world.call('GET', '/v1/openapi.json', { token: null });
  const { paths } = body as { paths: Record<string, Record<string, { operationId?: string; security?: unknown[] }>> };
  const document = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, name: `${method.toUpperCase()} ${path}` })),
  );
  const isOpen = (name: string) => operationsWithoutOperator.some((open) => open === name);
  expect(document.filter(({ name }) => isOpen(name))).toHaveLength(operationsWithoutOperator.length);
  const ofOperators = document.filter(({ name }) => !isOpen(name));
  expect(ofOperators.map(({ operationId }) => operationId ?? '').toSorted()).toEqual(
    Object.keys(accessTable).toSorted(),
  );
  expect(ofOperators.filter(({ security }) => (security ?? []).length === 0)).toEqual([]);
  expect(Object.keys(asks).toSorted()).toEqual(Object.keys(accessTable).toSorted());
});

describe.each(operations)('%s', (name) => {
  test('is answered to nobody without a sign-in, whether the thing is there or not', async () => {
    for (const token of [null, '', 'ght_madeup', 'ghs_madeup', 'x'.repeat(5000)]) {
      const replies = await Promise.all([
        ask(name, names['in-project'], { token, isThere: true }),
        ask(name, nowhere, { token, isThere: false }),
      ]);
      for (const reply of replies) expect(reply).toMatchObject({ status: 401, body: { code: 'not-signed-in' } });
    }
  });

  test.each(places)('%s', async (place) => {
    const answered: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const [index, [caller]] of accessCallers.entries()) {
      const reply = await ask(name, names[place], { token: tokens[index] ?? '', isThere: true });
      answered[caller] = signOf(reply);
      expected[caller] = expectedSign(name, place, index);
    }
    expect(answered).toEqual(expected);
  });

  test('what is not for a caller to see is answered as what is nowhere, by the same statements', async () => {
    for (const place of ['in-tenant', 'foreign'] as const) {
      for (const [index, [caller]] of accessCallers.entries()) {
        if (expectedSign(name, place, index) !== '?') continue;
        const token = tokens[index] ?? '';
        const hidden = await watched(await prepare(name, names[place], { token, isThere: true }));
        // A caller of a tenant that names another one: the name is what there is none of.
        const missing = place === 'foreign' ? nowhere : { ...nowhere, tenant: 'acme' };
        const absent = await watched(await prepare(name, missing, { token, isThere: false }));
        expect(hidden.statements.length).toBeGreaterThan(1);
        expect([caller, hidden.reply]).toEqual([caller, absent.reply]);
        expect([caller, hidden.statements]).toEqual([caller, absent.statements]);
      }
    }
  });
});

// That a commit is in the hands of a named work is asked with each one (`testing/world.ts`).
test('every operation that may leave something behind passes its fail points', () => {
  const missing = operatorWrites
    .filter((name) => name !== 'signIn')
    .flatMap((name) => [`${name}.reply.before`, `${name}.reply.after`])
    .filter((point) => !world.passedFailPoints.has(point));
  expect(missing).toEqual([]);
  for (const name of ['createGateway', 'setPause', 'deleteGateway', 'revokeToken']) {
    expect([...world.passedFailPoints]).toEqual(
      expect.arrayContaining([`${name}.persist.before`, `${name}.persist.after`]),
    );
  }
});

const ofRequest = new AsyncLocalStorage<string[]>();
const original: (...args: unknown[]) => unknown = Client.prototype.query;

/** A reply without what differs by the question, and the SQL that the request sent, in order. */
async function watched(request: () => Promise<Reply>) {
  // The control plane's own timers ask the database too, at any moment: only what this request began counts.
  const statements: string[] = [];
  const spy = vi.spyOn(Client.prototype, 'query').mockImplementation(function query(this: Client, ...args) {
    if (ofRequest.getStore() === statements) statements.push(textOf(args[0]));
    return original.apply(this, args);
  });
  try {
    const { status, headers, body } = await ofRequest.run(statements, request);
    const plain = JSON.stringify(body)
      .replaceAll(/"instance":"[^"]*"/g, '')
      .replaceAll(/fresh-\d+|of-\w+|\b(other|acme|nobody)\b|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'NAME');
    const kept = Object.entries(headers).filter(([header]) => !/^(date|content-length|x-ratelimit-.*)$/.test(header));
    return { reply: { status, headers: kept, plain }, statements };
  } finally {
    spy.mockRestore();
  }
}

const textOf = (query: unknown): string =>
  typeof query === 'string' ? query : String((query as { text?: unknown } | undefined)?.text);
