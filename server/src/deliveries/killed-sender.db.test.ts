/**
 * A control plane that is killed while it sends to webhooks, and another one on the same database. What a receiver has
 * not acknowledged goes out again under its id; what it has acknowledged does not. Real processes, SIGKILL, a real receiver.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, createClient } from '@gatehouse/contract/client';
import { queryDatabase, type TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { startServer, type TestServer } from '@gatehouse/testkit/server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Receiver, startReceiver, verifyMessage } from '../testing/receiver.ts';

let database: TestDatabase;
let directory: string;
let receiver: Receiver;
const started: TestServer[] = [];

beforeEach(async () => {
  database = await createProvidedDatabase();
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-killed-sender-'));
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const server of started.splice(0)) await server.kill();
  await receiver?.close();
  await rm(directory, { recursive: true, force: true });
  await database?.drop();
});

const armed = () => path.join(directory, 'fail-point');
async function start(): Promise<TestServer> {
  const server = await startServer({
    directory: path.join(directory, 'data'),
    databaseUrl: database.url,
    args: ['--allow-webhooks-to', receiver.name],
    env: { GATEHOUSE_FAIL_POINTS: `@${armed()}`, NODE_ENV: 'test' },
  });
  started.push(server);
  return server;
}
const clientOf = ({ url, adminToken }: TestServer): Client =>
  createClient({
    server: url,
    token: adminToken,
    fetch,
    decoder: () => (bytes) => Buffer.from(bytes).toString('utf8'),
  });

const ids = () => receiver.received.map(({ headers }) => String(headers['webhook-id']));
const states = async () =>
  (await queryDatabase(database.url, 'select d.state from deliveries as d order by d.created_at')).map(
    ({ state }) => state,
  );
/** A sender that has not ended its work in 45 s has lost it: as if they were over. */
const letClaimsEnd = () =>
  queryDatabase(
    database.url,
    `update deliveries as d set claimed_until = now() - interval '1 second' where d.claimed_until is not null`,
  );
const isGone = async (server: TestServer) => expect(await server.ended).toBe(null);
const patience = { timeout: 30_000 };
/** Two starts of a program each. */
const slow = { timeout: 180_000 };

test('killed while the receiver has not answered: only that message goes out again, under its id', slow, async () => {
  const first = await start();
  const { webhook, secret } = await clientOf(first).createWebhook({
    body: { name: 'pager', url: receiver.url, kinds: ['hop-held'] },
  });
  const send = { params: { webhook: webhook.id }, body: {} };
  await clientOf(first).testWebhook(send);
  await expect.poll(states, patience).toEqual(['delivered']);
  receiver.answer = () => undefined; // It has taken the request, and says nothing.
  await clientOf(first).testWebhook(send);
  await expect.poll(() => receiver.received.length, patience).toBe(2);
  await first.kill();
  await isGone(first);
  expect(await states()).toEqual(['delivered', 'waiting']);
  const [{ left } = {}] = await queryDatabase(
    database.url,
    'select extract(epoch from max(d.claimed_until) - now())::float8 as left from deliveries as d',
  );
  // Somebody else takes it within a minute of the kill, as everything that was under way.
  expect(left).toBeGreaterThan(30);
  expect(left).toBeLessThan(46);

  receiver.answer = (reply) => reply.writeHead(204).end();
  await letClaimsEnd();
  await start();
  await expect.poll(states, patience).toEqual(['delivered', 'delivered']);
  const [acknowledged, lost] = ids();
  expect(ids()).toEqual([acknowledged, lost, lost]);
  expect(lost).not.toBe(acknowledged);
  for (const message of receiver.received) expect(() => verifyMessage(secret, message)).not.toThrow();
});

test('killed before it takes a message that is due again: another one sends it at once', slow, async () => {
  const first = await start();
  const { webhook } = await clientOf(first).createWebhook({
    body: { name: 'pager', url: receiver.url, kinds: ['hop-held'] },
  });
  receiver.answer = (reply) => reply.writeHead(500).end();
  await clientOf(first).testWebhook({ params: { webhook: webhook.id }, body: {} });
  const attempts = () => queryDatabase(database.url, 'select a.status from delivery_attempts as a');
  await expect.poll(attempts, patience).toEqual([{ status: 500 }]);
  await writeFile(armed(), 'deliver.persist.before=kill');
  await isGone(first);
  expect([await states(), ids().length]).toEqual([['waiting'], 1]);
  receiver.answer = (reply) => reply.writeHead(204).end();
  await start();
  await expect.poll(states, patience).toEqual(['delivered']);
  expect(ids()).toHaveLength(2);
  expect(new Set(ids()).size).toBe(1);
});

test(
  'killed between the answer and writing it down: the receiver can tell by the id that it has it already',
  slow,
  async () => {
    const first = await start();
    const { webhook } = await clientOf(first).createWebhook({
      body: { name: 'pager', url: receiver.url, kinds: ['hop-held'] },
    });
    // Once the message is there, the next thing that the sender writes is what came of it.
    receiver.answer = (reply) =>
      void writeFile(armed(), 'deliver.persist.before=kill').then(() => reply.writeHead(204).end());
    // Whether its own answer still arrives is chance.
    await Promise.allSettled([clientOf(first).testWebhook({ params: { webhook: webhook.id }, body: {} })]);
    await isGone(first);
    expect([await states(), ids().length]).toEqual([['waiting'], 1]);
    receiver.answer = (reply) => reply.writeHead(204).end();
    await letClaimsEnd();
    await start();
    await expect.poll(states, patience).toEqual(['delivered']);
    expect(new Set(ids()).size).toBe(1);
    expect(ids()).toHaveLength(2);
  },
);
