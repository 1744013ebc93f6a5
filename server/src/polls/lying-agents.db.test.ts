/**
 * An agent that says what it likes: whoever holds one gateway's key. Each message costs at most a second of CPU, is
 * refused or kept as text, changes nothing of another gateway, and leaves a bounded amount behind.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SessionReply } from '@gatehouse/contract/agent-api';
import type { Problem } from '@gatehouse/contract/problem';
import { hours } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsOf, runningExistingCluster } from '../testing/fleet.ts';
import { digestOf, openSession, type TestAgent } from '../testing/test-agent.ts';
import { bodyAs, type Reply, startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;
let liar: TestAgent;
let honest: TestAgent;
const log: string[] = [];

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url, logTo: (text) => log.push(text) });
  await world.release('4.1.12');
  honest = await runningExistingCluster(world, 'honest');
  liar = await runningExistingCluster(world, 'liar');
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

const cpuMillisecondsMax = 1000;

async function cheap(ask: () => Promise<Reply>): Promise<Reply> {
  const before = process.cpuUsage();
  const reply = await ask();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(cpuMillisecondsMax);
  return reply;
}

const post = (body: unknown, address = '/v1/agent/poll') =>
  cheap(() => world.call('POST', address, { token: liar.sessionToken, body }));
const message = (change: object = {}): object => ({
  generation: liar.generation,
  handOverNumber: liar.handOverNumber,
  agent: liar.seen.agent,
  observationDigest: digestOf(liar.seen),
  observation: liar.seen,
  ...change,
});
const says = (change: object): object => {
  const observation = { ...liar.seen, ...change };
  return message({ observation, observationDigest: digestOf(observation) });
};

/** All that anybody is told of the other gateway. */
async function told(name: string): Promise<unknown> {
  const addresses = ['', '/explanation', '/events?after=0&limit=500'];
  return Promise.all(addresses.map(async (end) => (await world.call('GET', `/v1/gateways/${name}${end}`)).body));
}
const isWell = async (): Promise<void> => {
  for (const end of ['', '/explanation', '/events?after=0&limit=500']) {
    expect(await world.call('GET', `/v1/gateways/liar${end}`)).toMatchObject({ status: 200 });
  }
  expect(await world.call('GET', '/v1/gateways')).toMatchObject({ status: 200 });
};
// oxlint-disable-next-line no-control-regex -- It is those that nothing may keep.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/;
const reason = (text: string) => ({ code: 'target-older', message: text });
const digest = `sha256:${'f'.repeat(64)}`;
const node = { role: 'worker', kubernetesVersion: '1.26.8', ready: true, createdAt: '2026-11-01T00:00:00Z' };

describe('refused, and nothing of it kept', () => {
  test.each<[string, () => unknown]>([
    ['10 MB', () => JSON.stringify(message({ more: 'x'.repeat(10_000_000) }))],
    ['lists, 10,000 deep', () => `{"observation":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['objects, 10,000 deep', () => `{"observation":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`],
    ['a prototype', () => '{"__proto__":{"isAdmin":true},"generation":0}'],
    ['a prototype by its constructor', () => '{"constructor":{"prototype":{"isAdmin":true}}}'],
    [
      'a generation beyond 2^53',
      () => JSON.stringify(message()).replace(/"generation":\d+/, '"generation":9007199254740993'),
    ],
    [
      'a hand-over number that is none',
      () => JSON.stringify(message()).replace(/"handOverNumber":\d+/, '"handOverNumber":1e400'),
    ],
    ['a hand-over number that no clock gives', () => message({ handOverNumber: 2 ** 53 })],
    ['a generation far ahead', () => message({ generation: 2 ** 40 })],
    ['100,000 nodes', () => says({ nodes: Array.from({ length: 100_000 }, () => ({ name: 'n', ...node })) })],
    ['501 nodes', () => says({ nodes: Array.from({ length: 501 }, () => ({ name: 'n', ...node })) })],
    ['a version that is none', () => says({ kubernetes: 'latest' })],
    ['a version that nearly fits', () => says({ kubernetes: `${'1.'.repeat(50_000)}!` })],
    ['a time that is none', () => says({ nodes: [{ name: 'n', ...node, createdAt: 'yesterday' }] })],
    ['another digest than that of what is said', () => message({ observationDigest: digest })],
    [
      'half a character',
      () => says({ drift: ['x'] }) && JSON.stringify(says({ drift: ['x'] })).replace('"x"', '"\\ud800"'),
    ],
    ['text where a list is wanted', () => says({ takenBack: 'none' })],
    ['nothing', () => null],
    ['half a JSON', () => '{"generation":'],
  ])('%s', async (_, make) => {
    const before = await world.plane.services.db.selectFrom('observations').selectAll().orderBy('gateway_id').execute();
    const reply = await post(make());
    expect([400, 413]).toContain(reply.status);
    expect((reply.body as Problem).detail.length).toBeLessThan(4000);
    expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false);
    expect(
      await world.plane.services.db.selectFrom('observations').selectAll().orderBy('gateway_id').execute(),
    ).toEqual(before);
  });

  test.each(['/v1/agent/enrol', '/v1/agent/challenge', '/v1/agent/session'])('%s', async (address) => {
    for (const body of [
      JSON.stringify({ token: 'x'.repeat(10_000_000) }),
      `{"token":${'['.repeat(10_000)}1${']'.repeat(10_000)}}`,
      '{"__proto__":{"isAdmin":true}}',
      { token: '\u0000\u001b[2J', publicKey: 'A'.repeat(43), agent: { version: '1.0.0', digest } },
      { token: 'a'.repeat(200), publicKey: 'A'.repeat(43), agent: { version: '999999.999999.999999', digest } },
      { gatewayId: honest.gatewayId, challenge: `${'e30'.repeat(100)}.${'x'.repeat(43)}`, signature: 'A'.repeat(86) },
      { gatewayId: '\u0000', challenge: '{"a":1}', signature: `${'A'.repeat(85)}\u0000` },
      { gatewayId: honest.gatewayId, challenge: 'A.A.A.A', signature: 'A'.repeat(86) },
    ]) {
      const { status } = await post(body, address);
      // Any gateway's id gets a challenge, which only its own key can answer.
      expect(address.endsWith('challenge') ? [200, 400, 413] : [400, 401, 413]).toContain(status);
    }
  });
});

describe('kept as text', () => {
  test.each<[string, object]>([
    ['HTML', { drift: ['<script>alert(1)</script>'] }],
    ['what a terminal obeys', { agentHolds: [reason('a\u001b[2J\u001b]0;x\u0007b')] }],
    ['a zero byte', { agentHolds: [reason('a\u0000b')], drift: ['c\u0000d'] }],
    ['another direction of writing', { agentHolds: [reason('a\u202eb')] }],
    ['line breaks that begin a line of their own', { agentHolds: [reason('a\u2028{"level":50}\nb')] }],
    ['a time a century ago', { nodes: [{ name: 'n', ...node, createdAt: '1926-11-23T00:00:00Z' }] }],
    ['a time a century ahead', { nodes: [{ name: 'n', ...node, createdAt: '2126-11-23T00:00:00Z' }] }],
    ['the nodes of another gateway', { nodes: ['a', 'b', 'c'].map((name) => ({ name, ...node })) }],
    ['a version that nobody has published', { agent: { version: '999999.0.0', digest } }],
    ['a profile on a gateway that has none', { appliedProfile: { version: '4.2.7', digest } }],
    [
      'a profile update that nobody has confirmed',
      {
        profileUpdate: { planId: digest, phase: 'completed', startedAt: node.createdAt, steps: [], retry: 0 },
      },
    ],
    ['fields that nobody knows', { more: { nested: ['x'.repeat(1000)] } }],
  ])('%s', async (_, change) => {
    const before = await told('honest');
    expect(await post(says(change))).toMatchObject({ status: 200 });
    await isWell();
    expect(await told('honest')).toEqual(before);
    const texts = JSON.stringify([await told('liar')], (_key, value: unknown) => value);
    expect(JSON.parse(texts.replaceAll(/\\n/g, ' ')) && controls.test(unescaped(texts))).toBe(false);
  });
});

/** What a reader of the JSON gets, without its line breaks. */
const unescaped = (json: string): string =>
  json.replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)));

interface Recorded {
  readonly path: string;
  readonly request: Readonly<Record<string, unknown>>;
}
const recorded = readFileSync(path.join(import.meta.dirname, '../../../contract/recorded/agent-0.1.0.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)
  .filter((one) => one.path === '/v1/agent/poll' && one.request['observation'] !== undefined);

const hostile = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    [],
    {},
    '',
    -1,
    0.5,
    2 ** 53,
    Number.MAX_VALUE,
    '\u0000',
    '\u001b[31m',
    '<img src=x onerror=alert(1)>',
    '__proto__',
    'x'.repeat(5000),
    'a-'.repeat(5000),
    '1926-11-23T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '0.0.0',
    '999999.999999.999999',
    digest,
    '00000000-0000-4000-8000-000000000000',
    Array.from({ length: 600 }, () => null),
    { constructor: { prototype: { isAdmin: true } } },
  ),
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.json({ maxDepth: 3 }).map((text): unknown => JSON.parse(text)),
);

/** The same with another value at the n-th place of all that it has. */
function withValueAt(value: unknown, place: { left: number }, put: unknown): unknown {
  place.left -= 1;
  if (place.left === -1) return put;
  if (Array.isArray(value)) return value.map((item: unknown) => withValueAt(item, place, put));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => [key, withValueAt(item, place, put)]),
  );
}

function digestIfAny(value: unknown): string {
  try {
    return digestOf(value);
  } catch {
    return digest;
  }
}

test('recorded messages with anything in any place of them are answered or refused, and touch nobody else', async () => {
  const before = await told('honest');
  const changes = fc.array(fc.tuple(fc.nat({ max: 200 }), hostile), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...recorded), changes, fc.boolean(), async (from, places, isDigestTrue) => {
      let body: unknown = { ...from.request, generation: liar.generation, handOverNumber: liar.handOverNumber };
      for (const [left, put] of places) body = withValueAt(body, { left }, put);
      if (isDigestTrue && typeof body === 'object' && body !== null && 'observation' in body) {
        body = { ...body, observationDigest: digestIfAny(body.observation) };
      }
      const { status } = await post(body);
      expect([200, 400, 401, 409, 413]).toContain(status);
    }),
    { numRuns: 200 },
  );
  await isWell();
  expect(await told('honest')).toEqual(before);
  expect(Object.hasOwn(Object.prototype, 'isAdmin')).toBe(false);
});

test('what an agent reports stays bounded in the database, however often it says something else', async () => {
  const flooder = await runningExistingCluster(world, 'flooder');
  const tell = async (index: number, token: string): Promise<void> => {
    const observation = { ...flooder.seen, attempt: { id: id(index), ...attempt } };
    const body = { generation: 1, handOverNumber: 1, agent: flooder.seen.agent, observation };
    const reply = await world.call('POST', '/v1/agent/poll', {
      token,
      body: { ...body, observationDigest: digestOf(observation) },
    });
    expect(reply).toMatchObject({ status: 200 });
  };
  const id = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const attempt = {
    from: liar.seen.agent,
    to: { version: '4.2.7', digest },
    phase: 'taken-back',
    startedAt: node.createdAt,
    endedAt: node.createdAt,
    interruptions: 0,
    reason: { code: 'exited', message: 'once more' },
  };
  for (let index = 0; index < 50; index += 1) await tell(index, flooder.sessionToken);
  const { db } = world.plane.services;
  const count = async (table: 'milestones' | 'observations' | 'events') => {
    const rows = await db.selectFrom(table).select('gateway_id').where('gateway_id', '=', flooder.gatewayId).execute();
    return rows.length;
  };
  const events = await count('events');
  expect(events).toBeLessThan(80);
  expect(await count('milestones')).toBeLessThan(80);
  expect(await count('observations')).toBe(1);
  const types = (await eventsOf(world, 'flooder')).map(({ type }) => type);
  expect(types.filter((type) => type === 'agent-reports-too-much')).toHaveLength(1);

  // What is still so later is told then.
  world.advance(hours(1) + 1);
  const session = await openSession(world, flooder.gatewayId, flooder.key);
  await tell(1_000, bodyAs(SessionReply, session).sessionToken);
  expect(await count('events')).toBeGreaterThan(events);
});

test('after all of it no request has failed inside, and the log is one line for one event', () => {
  const entries = log
    .flatMap((text) => text.trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as { readonly level: number; readonly reqId?: string });
  expect(entries.filter(({ level, reqId }) => level >= 50 && reqId !== undefined)).toEqual([]);
});
