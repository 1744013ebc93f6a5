/**
 * Every secret that the control plane hands out or is given, planted and then looked for in everything that leaves it:
 * replies of every route to every role, refusals, metrics, manifests, events, the log, and the rows of its database.
 */

import { createHash } from 'node:crypto';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import type { Route } from '@gatehouse/contract/route';
import { sampleProfiles } from '@gatehouse/release/sample-profiles';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSignInLink } from '../first-start.ts';
import { asTask } from '../testing/as-task.ts';
import { createGateway, installBundle, runningCli, tokenOf, withProfileUpdate } from '../testing/fleet.ts';
import { openSession, type TestAgent } from '../testing/test-agent.ts';
import { type Call, type Reply, startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;
let agent: TestAgent;
const log: string[] = [];
/** What left the control plane, each with where it was seen. */
const seen: { readonly where: string; readonly text: string }[] = [];
const planted = new Map<string, string>();
const mailPassword = 'password-of-the-mail-server';
const receivers = { webhook: '', delivery: '', subscription: '' };
const tokens: string[] = [];

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({
    databaseUrl: database.url,
    logTo: (text) => log.push(text),
    sending: { mail: { url: `smtp://gatehouse:${mailPassword}@127.0.0.1:9`, from: 'gatehouse@ops.example' } },
  });
  plant('password of the mail server', mailPassword);
  await world.release('4.1.12');
  agent = await runningCli(world, 'site-a');
  await world.release('4.2.7');
  await withProfileUpdate(world, agent);
  plant('agent session', agent.sessionToken);
  plant('admin token', world.adminToken);

  const made = await createGateway(world, { name: 'site-b' });
  plant('registration token', tokenOf(made));
  const { registrationToken } = await installBundle(world, 'site-b');
  plant('newer registration token', registrationToken);
  for (const role of ['Platform Admin', 'Operator', 'Viewer', 'Auditor']) {
    const body = { name: `of-${role.toLowerCase().replace(' ', '-')}`, role };
    const { token } = (await world.call('POST', '/v1/tokens', { body })).body as { token: string };
    plant(`token of ${role}`, token);
    tokens.push(token);
  }
  const tokenId = await idOfAdmin();
  const link = await asTask(() =>
    makeSignInLink(world.plane.services.db, { tokenId, url: 'https://gatehouse.example', now: world.now() }),
  );
  const key = link.split('key=')[1] ?? '';
  plant('sign-in key', key);
  const session = await world.call('POST', '/v1/session', { token: null, body: { key } });
  plant('session', /gatehouse_session=([^;]+)/.exec(String(session.headers['set-cookie']))?.[1] ?? '');
  await makeReceivers();
  plant('signing key', Buffer.from(world.plane.services.signingKey).toString('base64url'));
  for (const version of ['4.1.12', '4.2.7'] as const) plantProfileSecrets(version);
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

/** What is written not by a request, as the control plane does at its start. */

function plant(name: string, secret: string): void {
  if (secret.length < 8) throw new Error(`the secret ${name} is missing, or too short to be looked for: ${secret}`);
  planted.set(name, secret);
}

function plantProfileSecrets(version: '4.1.12' | '4.2.7'): void {
  for (const [provider, { layers }] of Object.entries(sampleProfiles(version))) {
    for (const pack of layers.flatMap(({ packs }) => packs)) {
      for (const path of pack.secretPaths) {
        const value = path
          .split('.')
          .reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], pack.values);
        plant(`${version} ${provider} ${pack.name} ${path}`, String(value));
      }
    }
  }
}

/** A webhook with a secret and the one before, a message to it that fails, and the same by e-mail. */
async function makeReceivers(): Promise<void> {
  const post = async (address: string, body: object) => (await world.call('POST', address, { body })).body;
  const hook = { name: 'chat', url: 'http://127.0.0.1:9/', kinds: ['plan-waits'] };
  const made = (await post('/v1/webhooks', hook)) as { webhook: { id: string }; secret: string };
  plant('webhook secret before', made.secret);
  receivers.webhook = made.webhook.id;
  const { secret } = (await post(`/v1/webhooks/${receivers.webhook}/secret`, {})) as { secret: string };
  plant('webhook secret', secret);
  ({ id: receivers.delivery } = (await post(`/v1/webhooks/${receivers.webhook}/test`, {})) as { id: string });
  const mail = { address: 'ops@ops.example', kinds: ['plan-waits'] };
  ({ id: receivers.subscription } = (await post('/v1/mail-subscriptions', mail)) as { id: string });
  await post(`/v1/mail-subscriptions/${receivers.subscription}/test`, {});
}

async function idOfAdmin(): Promise<string> {
  const { db } = world.plane.services;
  const { id } = await db
    .selectFrom('tokens as t')
    .select('t.id')
    .where('t.name', '=', 'admin')
    .executeTakeFirstOrThrow();
  return id;
}

async function look(where: string, method: Route['method'], address: string, call: Call = {}): Promise<Reply> {
  const reply = await world.call(method, address, call);
  seen.push({
    where,
    text: `${JSON.stringify(reply.headers)}\n${typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body)}`,
  });
  return reply;
}

/** As it is, as a part of a longer encoding, and as what is kept of it. */
const formsOf = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64').replaceAll('=', '').slice(0, -1),
  Buffer.from(secret).toString('hex'),
  createHash('sha256').update(secret).digest('hex'),
];

const found = (texts: readonly { readonly where: string; readonly text: string }[]) =>
  [...planted].flatMap(([name, secret]) =>
    texts
      .filter(({ text }) => formsOf(secret).some((form) => text.includes(form)))
      .map(({ where }) => `${name} in ${where}`),
  );

const address = (route: Route): string =>
  route.path
    .replace(':gateway', 'site-a')
    .replace(':scope/:name', 'gateway/site-a')
    .replace(':webhook', receivers.webhook)
    .replace(':delivery', receivers.delivery)
    .replace(':subscription', receivers.subscription)
    .replace(':name', 'of-nobody')
    .replace(':version', '4.2.7');

test('what is looked for would be found', () => {
  const [first] = planted.values();
  for (const form of formsOf(first ?? '')) expect(found([{ where: 'here', text: `x${form}y` }])).not.toEqual([]);
  expect(planted.size).toBeGreaterThan(12);
});

test('no route gives one away, to whatever role, with whatever it is asked', async () => {
  // What there is to be told of a gateway is there until the end.
  const routes: readonly (readonly [string, Route])[] = Object.entries(operatorRoutes).filter(
    ([name]) => !['deleteGateway', 'deleteWebhook', 'deleteMailSubscription'].includes(name),
  );
  for (const token of [null, world.adminToken, ...tokens]) {
    for (const [name, route] of routes) {
      const asked = name === 'planPlatform' ? `${address(route)}?to=4.2.7` : address(route);
      await look(`${name} as ${token?.slice(0, 8)}`, route.method, asked, {
        token,
        // Fits nothing, so that each answers with all it says about a request that it refuses; what hands a secret out was
        // asked before, once.
        ...(route.body === undefined ? {} : { body: { unknown: 1 } }),
      });
    }
  }
  for (const each of ['/metrics', '/healthz', '/readyz', '/v1/openapi.json', '/v1/events?after=0&limit=500']) {
    await look(each, 'GET', each);
  }
  const { install_key: key } = await world.plane.services.db
    .selectFrom('gateways as g')
    .select('g.install_key')
    .where('g.name', '=', 'site-b')
    .executeTakeFirstOrThrow();
  expect(await look('manifest', 'GET', `/v1/install/${key}/manifest.yaml`, { token: null })).toMatchObject({
    status: 200,
  });
  expect(seen.length).toBeGreaterThan(200);
  // The review of the profile update was told, and with its secrets in it.
  expect(
    seen.filter(({ where, text }) => where.startsWith('getProfileUpdate') && text.includes('********')),
  ).toHaveLength(5);
  expect(found(seen)).toEqual([]);
});

test('one that comes where it does not belong is not written down', async () => {
  const before = seen.length;
  for (const secret of planted.values()) {
    const wrong = encodeURIComponent(secret);
    await world.call('GET', `/v1/nothing?token=${wrong}`);
    await world.call('GET', `/v1/gateways?limit=${wrong}`);
    await world.call('GET', '/v1/me', {
      token: null,
      headers: { authorization: `Basic ${secret}`, cookie: `x=${wrong}` },
    });
    await world.call('POST', '/v1/session', {
      token: null,
      body: { key: secret, token: secret },
      remoteAddress: '10.9.9.9',
    });
    await world.call('POST', '/v1/agent/enrol', { token: null, body: { token: secret } });
    await world.call('POST', '/v1/agent/poll', { token: secret, body: { generation: 0 } });
    await world.call('POST', '/v1/gateways', { body: `{"name": "${secret}"`, headers: { 'idempotency-key': secret } });
  }
  expect(seen).toHaveLength(before);
  expect(found([{ where: 'the log', text: log.join('') }])).toEqual([]);
});

test('a fault of our own, with a secret in its hands, logs the fault', async () => {
  const { db } = world.plane.services;
  const lines = log.length;
  // A constraint that the request itself runs into, with all its values in the error of the database.
  const { schema } = db;
  await asTask(() =>
    schema
      .alterTable('tokens')
      .addColumn('needed', 'text', (column) => column.notNull().defaultTo(''))
      .execute(),
  );
  await asTask(() =>
    schema
      .alterTable('tokens')
      .alterColumn('needed', (column) => column.dropDefault())
      .execute(),
  );
  const key = 'a-key-that-seals-a-reply';
  const reply = await world.call('POST', '/v1/tokens', {
    body: { name: 'broken', role: 'Viewer' },
    headers: { 'idempotency-key': key },
  });
  await asTask(() => schema.alterTable('tokens').dropColumn('needed').execute());
  expect(reply).toMatchObject({ status: 500, body: { code: 'internal-error' } });
  expect(JSON.stringify(reply.body)).not.toMatch(/needed|tokens|postgres/i);
  const said = log.slice(lines).join('');
  expect(said).toContain('a request failed');
  // Its own new token, which nobody was given: the row is what the database would quote.
  expect(said).not.toMatch(/ght_|Failing row|[0-9a-f]{64}/);
  expect(said).not.toContain(key);
});

test('the database keeps none of them: digests, and what is sealed with a key of the caller', async () => {
  const repeated = { name: 'kept', role: 'Viewer' };
  const { token } = (await world.call('POST', '/v1/tokens', { body: repeated, headers: { 'idempotency-key': 'k1' } }))
    .body as { token: string };
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const raw = [...planted].filter(([name]) => /token|session|sign-in|webhook|mail/.test(name));
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from "${name}" t`);
      const text = rows.map(({ row }) => row).join('\n');
      for (const [what, secret] of [...raw, ['kept reply', token] as const]) {
        const forms = [secret, Buffer.from(secret).toString('hex')];
        expect([name, what, forms.some((form) => text.includes(form))]).toEqual([name, what, false]);
      }
    }
    expect(tables.rows.length).toBeGreaterThan(15);
  } finally {
    await client.end();
  }
});

test('what is planted still works: it was the secret itself that was looked for', async () => {
  expect(await openSession(world, agent.gatewayId, agent.key)).toMatchObject({ status: 200 });
  for (const token of tokens) expect(await world.call('GET', '/v1/me', { token })).toMatchObject({ status: 200 });
});

test('one event, one line: whatever a request brings, a line of the log is one JSON value', async () => {
  const nasty = 'a\nb\r\nc\u2028d\u0085e\u001b[31mred\u0000\u0007{"level":60}';
  const sent = encodeURIComponent(nasty);
  const lines = log.length;
  await world.call('GET', `/v1/gateways/${sent}`, { headers: { 'user-agent': 'x\u0085y', 'x-forwarded-for': 'a, b' } });
  await world.call('POST', '/v1/pauses', {
    body: { scope: 'tenant', name: 'default', reason: nasty.replaceAll('\0', '') },
  });
  world.plane.http.log.warn({ err: new Error(nasty), gateway: nasty }, nasty);
  const said = log.slice(lines);
  expect(said.length).toBeGreaterThan(0);
  for (const text of said) {
    expect(text.endsWith('\n')).toBe(true);
    expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    expect(typeof JSON.parse(text)).toBe('object');
  }
});
