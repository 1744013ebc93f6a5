/**
 * What an operator, or whoever holds a token, can send to break the server: each is refused with a code, costs at most a
 * second of CPU, and leaves the next request as it was.
 */

import { operatorRoutes } from '@gatehouse/contract/operator-api';
import type { Problem } from '@gatehouse/contract/problem';
import type { Route } from '@gatehouse/contract/route';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGateway } from '../testing/fleet.ts';
import { type Reply, startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;
const log: string[] = [];

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url, logTo: (text) => log.push(text) });
  await world.release('4.1.12');
  await createGateway(world, { name: 'site-a' });
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

const cpuMillisecondsMax = 1000;
/** Each write comes from an address of its own: how often one may call is tested elsewhere. */
let callers = 0;

/** Of this process: the server, and what little the test does meanwhile. */
async function cheap(ask: () => Promise<Reply>): Promise<Reply> {
  const before = process.cpuUsage();
  const reply = await ask();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(cpuMillisecondsMax);
  return reply;
}

const deep = (open: string, close: string) => `{"reason":${open.repeat(10_000)}1${close.repeat(10_000)}}`;
const bodies: readonly (readonly [string, string])[] = [
  ['10 MB of text', JSON.stringify({ reason: 'x'.repeat(10_000_000) })],
  ['lists, 10,000 deep', deep('[', ']')],
  ['objects, 10,000 deep', deep('{"a":', '}')],
  ['100,000 fields', `{${Array.from({ length: 20_000 }, (_, index) => `"f${index}":1`).join(',')}}`],
  ['a prototype', '{"__proto__":{"isAdmin":true}}'],
  ['a prototype by its constructor', '{"constructor":{"prototype":{"isAdmin":true}}}'],
  ['a number beyond 2^53', '{"reason":9007199254740993,"workers":9007199254740993}'],
  ['a number that is none', '{"workers":1e400}'],
  ['half a JSON', '{"reason":"'],
  ['bytes that are no text', '\u{fffd}\u0000\u0001'],
  ['a list where an object is wanted', '[]'],
  ['nothing', 'null'],
];
const writes = (Object.entries(operatorRoutes) as [string, Route][]).filter(([, { body }]) => body !== undefined);

describe.each(bodies)('%s', (_what, body) => {
  test.each(writes)('%s', async (name, { method, path }) => {
    const address = path.replace(':gateway', 'site-a').replace(':version', '4.1.12');
    const token = name === 'signIn' ? null : world.adminToken;
    const remoteAddress = `10.1.${(callers += 1) >> 8}.${callers & 255}`;
    const reply = await cheap(() => world.call(method, address, { token, body, remoteAddress }));
    expect([400, 413]).toContain(reply.status);
    expect((reply.body as Problem).detail.length).toBeLessThan(4000);
    expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false);
  });
});

/** What is long and nearly fits: where a pattern tries every way to cut it up, this never ends. */
const nearly = [
  'a',
  '-',
  'a-',
  '.',
  'a.',
  '_',
  'a_',
  '/',
  'a/',
  '0',
  '1.',
  ':',
  'a:1',
  'A',
  ',',
  'a,',
  '[a',
  '2026-01-01T',
];
/** Bodies that fit, with a place for what does not. */
const fitting = {
  'gateway.name': ['POST', '/v1/gateways', { name: '?', installation: 'existing-cluster', provider: 'vsphere' }],
  'gateway.provider': ['POST', '/v1/gateways', { name: 'x', installation: 'existing-cluster', provider: '?' }],
  'gateway.registryPrefix': [
    'POST',
    '/v1/gateways',
    { name: 'x', installation: 'existing-cluster', provider: 'vsphere', registryPrefix: '?' },
  ],
  'confirm.planId': ['POST', '/v1/gateways/site-a/profile-update/confirm', { planId: '?' }],
  'retry.version': ['POST', '/v1/gateways/site-a/agent-update/retry', { version: '?' }],
  'pause.reason': ['POST', '/v1/pauses', { scope: 'tenant', name: 'default', reason: '?' }],
  'pause.until': ['POST', '/v1/pauses', { scope: 'tenant', name: 'default', reason: 'x', until: '?' }],
  'exemption.until': ['PUT', '/v1/gateways/site-a/exemption', { reason: 'x', until: '?' }],
  'waiver.until': ['PUT', '/v1/gateways/site-a/waiver', { reason: 'x', until: '?' }],
  'upgrade.to': ['POST', '/v1/platform/upgrade', { to: '?' }],
  'channel.channel': ['PUT', '/v1/platform/channel', { channel: '?' }],
  'recall.reason': ['POST', '/v1/releases/4.1.12/recall', { reason: '?' }],
  'hostCluster.namespace': ['POST', '/v1/host-clusters', { name: 'x', namespace: '?', gateway: 'site-a' }],
  'webhook.name': ['POST', '/v1/webhooks', { name: '?', url: 'https://hooks.example/', kinds: ['plan-waits'] }],
  'webhook.url': ['POST', '/v1/webhooks', { name: 'x', url: '?', kinds: ['plan-waits'] }],
  'mail.address': ['POST', '/v1/mail-subscriptions', { address: '?', kinds: ['plan-waits'] }],
  'token.expiresAt': ['POST', '/v1/tokens', { name: 'x', role: 'Viewer', expiresAt: '?' }],
} as const;
const withValue = (body: object, value: unknown): object =>
  Object.fromEntries(Object.entries(body).map(([key, each]) => [key, each === '?' ? value : each]));

describe.each(Object.entries(fitting))('%s', (_name, [method, address, body]) => {
  test('texts on which a pattern could blow up', async () => {
    for (const piece of nearly) {
      const value = `${piece.repeat(Math.ceil(100_000 / piece.length))}!`;
      const reply = await cheap(() => world.call(method, address, { body: withValue(body, value) }));
      expect([piece, reply.status]).toEqual([piece, 400]);
    }
  });

  test.each([
    ['a zero byte', 'a\u0000b'],
    ['what a terminal obeys', 'a\u001b[2J\u001b]0;x\u0007b'],
    ['the other half of the controls', 'a\u009b31mb'],
    ['another direction of writing', 'a\u202eb'],
    ['an object', { toString: 'x' }],
    ['a number beyond 2^53', 2 ** 60],
  ])('%s', async (_what, value) => {
    const reply = await cheap(() => world.call(method, address, { body: withValue(body, value) }));
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect((reply.body as Problem).reasons[0]?.message).toMatch(/^body/);
  });
});

test.each([
  ['a century ago', '1926-11-23T00:00:00Z'],
  ['a century ahead', '2126-11-23T00:00:00Z'],
  ['the first year', '0000-01-01T00:00:00Z'],
  ['the last year', '9999-12-31T23:59:59Z'],
  ['a leap second', '2030-06-30T23:59:60Z'],
  ['a zone by name', '2030-06-30T23:59:59Z[Europe/Paris]'],
  ['a day that no month has', '2030-02-30T00:00:00Z'],
  ['an offset beyond the day', '2030-01-01T00:00:00+99:99'],
])('a time: %s', async (_what, value) => {
  for (const [name, [method, address, body]] of Object.entries(fitting)) {
    if (!/until|expiresAt/.test(name)) continue;
    expect([name, (await world.call(method, address, { body: withValue(body, value) })).status]).toEqual([name, 400]);
  }
});

test('HTML in a reason is text: kept as it is, sent as JSON that no browser takes for a page', async () => {
  const reason = '<script>alert(1)</script><img src=x onerror=alert(1)> && "quotes"';
  const body = { scope: 'gateway', name: 'site-a', reason };
  expect(await world.call('POST', '/v1/pauses', { body })).toMatchObject({ status: 200, body: { reason } });
  for (const address of ['/v1/pauses', '/v1/gateways/site-a', '/v1/gateways/site-a/events?after=0', '/v1/audit']) {
    const { headers, body: told } = await world.call('GET', address);
    expect(JSON.stringify(told)).toContain(JSON.stringify(reason).slice(1, -1));
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  }
});

test('queries and addresses: long, broken, repeated', async () => {
  for (const address of [
    `/v1/gateways?name=${'a'.repeat(14_000)}`,
    `/v1/gateways?${'limit=1&'.repeat(1500)}`,
    `/v1/gateways/${'a'.repeat(14_000)}`,
    '/v1/gateways?__proto__=1',
    '/v1/gateways?constructor[prototype][x]=1',
    '/v1/gateways?limit=9007199254740993',
    '/v1/events?after=9007199254740993',
    '/v1/events?after=-1',
    `/v1/platform/plan?to=4.2.7&acceptRisks=${'a-,'.repeat(4000)}`,
    `/v1/gateways?cursor=${Buffer.from('['.repeat(300)).toString('base64url')}`,
  ]) {
    const reply = await cheap(() => world.call('GET', address));
    expect([address.slice(0, 40), [400, 404].includes(reply.status)]).toEqual([address.slice(0, 40), true]);
  }
});

test('after all of it nothing has failed inside, and the next request is answered', async () => {
  expect(log.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([]);
  expect(await world.call('GET', '/v1/gateways/site-a')).toMatchObject({ status: 200 });
});
