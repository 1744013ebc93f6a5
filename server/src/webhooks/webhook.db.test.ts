import { operatorRoutes, type ReplyOf } from '@gatehouse/contract/operator-api';
import { disabledAfter } from '@gatehouse/domain/delivery';
import { hours, minutes, seconds } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { done } from '../http/answer.ts';
import { asTask } from '../testing/as-task.ts';
import { type Receiver, startReceiver, verifyMessage } from '../testing/receiver.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';
import { doWork } from '../work/work.ts';
import { signMessage } from './webhook-message.ts';

let database: TestDatabase;
let world: World;
let receiver: Receiver;
/** Another one, which answers at once. */
let prompt: Receiver;

beforeAll(async () => {
  database = await createProvidedDatabase();
  receiver = await startReceiver();
  prompt = await startReceiver();
  const webhooksAllowed = [receiver.name, prompt.name];
  world = await startWorld({ databaseUrl: database.url, sending: { webhooksAllowed } });
});
afterAll(async () => {
  await world?.close();
  await receiver?.close();
  await prompt?.close();
  await database?.drop();
});
afterEach(async () => {
  const { items } = bodyAs(operatorRoutes.listWebhooks.reply, await world.call('GET', '/v1/webhooks'));
  for (const { id } of items) await world.call('DELETE', `/v1/webhooks/${id}`);
  receiver.received.length = 0;
  receiver.answer = (reply) => reply.writeHead(204).end();
});

let count = 0;
type Made = ReplyOf<'createWebhook'>;
async function makeWebhook(more: object = {}): Promise<Made> {
  const body = { name: `hook-${(count += 1)}`, url: receiver.url, kinds: ['hop-held'], ...more };
  return bodyAs(operatorRoutes.createWebhook.reply, await world.call('POST', '/v1/webhooks', { body }));
}

/** Something to tell, as the control plane tells it. */
async function tell(message: string, kind: 'hop-held' | 'pause-ends' = 'hop-held'): Promise<void> {
  const { db, now } = world.plane.services;
  await asTask(() =>
    doWork({ db, now: now(), requestId: 'test' }, async (work) => {
      const subject = { kind: 'platform', name: '4.2.7' } as const;
      work.tell({ kind, severity: 'warning', subject, message, topic: message }, {});
      return Promise.resolve(done(undefined));
    }),
  );
}

async function deliveries({ webhook }: Made): Promise<ReplyOf<'listDeliveries'>['items']> {
  const reply = await world.call('GET', `/v1/webhooks/${webhook.id}/deliveries`);
  return bodyAs(operatorRoutes.listDeliveries.reply, reply).items;
}
const states = async (made: Made) => (await deliveries(made)).map(({ state }) => state);
const attempts = async (made: Made) => (await deliveries(made)).flatMap((each) => each.attempts);
const find = async ({ webhook }: Made) => {
  const { items } = bodyAs(operatorRoutes.listWebhooks.reply, await world.call('GET', '/v1/webhooks'));
  return items.find(({ id }) => id === webhook.id);
};
const received = (length: number) => expect.poll(() => receiver.received.length, { timeout: 15_000 }).toBe(length);

test('a notification comes signed as the specification says, and a library verifies it', async () => {
  const { webhook, secret } = await makeWebhook();
  expect(secret).toMatch(/^whsec_/);
  await tell('held by site-a');
  await tell('of a kind that nobody asked for', 'pause-ends');
  await received(1);
  const [message] = receiver.received;
  if (message === undefined) throw new Error('nothing came');
  expect(verifyMessage(secret, message)).toMatchObject({
    type: 'notification.hop_held',
    data: { message: 'held by site-a', subject: { kind: 'platform', name: '4.2.7' } },
  });
  expect(message.headers).toMatchObject({ 'content-type': 'application/json' });
  expect(message.headers['user-agent']).toMatch(/^Gatehouse\//);
  expect(message.headers['webhook-id']).toMatch(/^msg_[0-9a-f]{32}$/);
  await expect.poll(() => states({ webhook, secret })).toEqual(['delivered']);
  expect(() => verifyMessage(secret, { ...message, body: message.body.replace('site-a', 'site-b') })).toThrow(
    'No matching signature',
  );
  // Asked again, the secret is not told.
  expect(JSON.stringify(await find({ webhook, secret }))).not.toContain('whsec_');
});

test('a lost message comes again under the same id, later each time, and is in the log with what was answered', async () => {
  const made = await makeWebhook();
  receiver.answer = (reply) => reply.writeHead(500, { 'content-type': 'text/html' }).end('<b>out\u0000 of order</b>');
  await tell('lost');
  await received(1);
  await expect.poll(async () => (await attempts(made)).length).toBe(1);
  expect(await find(made)).toMatchObject({ failingSince: expect.any(String) as string });
  world.advance(seconds(4));
  await world.call('GET', '/v1/me');
  expect(receiver.received).toHaveLength(1);
  world.advance(seconds(3));
  await received(2);
  await expect.poll(async () => (await attempts(made)).length).toBe(2);
  world.advance(minutes(4));
  receiver.answer = (reply) => reply.writeHead(200).end('ok');
  world.advance(minutes(3));
  await received(3);
  await expect.poll(() => states(made)).toEqual(['delivered']);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
  // Each attempt is signed with its own time.
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3);
  expect((await attempts(made)).map(({ status, error, response }) => ({ status, error, response }))).toEqual([
    { status: 200, response: 'ok' },
    { status: 500, error: 'answered 500', response: '<b>out of order</b>' },
    { status: 500, error: 'answered 500', response: '<b>out of order</b>' },
  ]);
  expect(await find(made)).not.toHaveProperty('failingSince');
});

test('given up after ten attempts, and sent once more when a person says so', async () => {
  const made = await makeWebhook();
  receiver.answer = (reply) => reply.writeHead(503).end();
  await tell('never taken');
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    await received(attempt);
    await expect.poll(async () => (await attempts(made)).length).toBe(attempt);
    world.advance(hours(29));
    // It fails since the first attempt: not for so long that it is disabled.
    const { db } = world.plane.services;
    await asTask(() => db.updateTable('webhooks').set({ failing_since: null }).execute());
  }
  expect(await states(made)).toEqual(['given-up']);
  const [lost] = await deliveries(made);
  receiver.answer = (reply) => reply.writeHead(204).end();
  const again = await world.call('POST', `/v1/webhooks/${made.webhook.id}/deliveries/${lost?.id}/redeliver`, {
    body: {},
  });
  expect(again).toMatchObject({ status: 202, body: { state: 'waiting', messageId: lost?.messageId } });
  await received(11);
  await expect.poll(() => states(made)).toEqual(['delivered']);
  expect(receiver.received[10]?.headers['webhook-id']).toBe(lost?.messageId);
});

test('after a rotation both secrets verify for as long as was asked for, then the new one alone', async () => {
  const made = await makeWebhook();
  const rotate = async (body: object) => {
    const reply = await world.call('POST', `/v1/webhooks/${made.webhook.id}/secret`, { body });
    return bodyAs(operatorRoutes.rotateWebhookSecret.reply, reply).secret;
  };
  const second = await rotate({ overlapHours: 2 });
  expect(second).not.toBe(made.secret);
  const last = () => receiver.received.at(-1) ?? { headers: {}, body: '' };
  await tell('during the overlap');
  await received(1);
  const both = String(last().headers['webhook-signature']).split(' ');
  expect(both).toHaveLength(2);
  world.advance(hours(2));
  await tell('after the overlap');
  await received(2);
  expect(String(last().headers['webhook-signature']).split(' ')).toHaveLength(1);
  const third = await rotate({ overlapHours: 0 });
  await tell('at once');
  await received(3);
  expect(String(last().headers['webhook-signature']).split(' ')).toHaveLength(1);
  for (const [index, secrets] of [[made.secret, second], [second], [third]].entries()) {
    const { headers, body } = receiver.received[index] ?? last();
    const signed = { id: String(headers['webhook-id']), timestamp: Number(headers['webhook-timestamp']), body };
    const expected = secrets.map((secret) => signMessage(secret, signed)).toSorted();
    expect(String(headers['webhook-signature']).split(' ').toSorted()).toEqual(expected);
  }
});

describe('a receiver to which nothing comes through', () => {
  test('for five days: it is disabled, which is told; nothing more goes to it until somebody enables it', async () => {
    const made = await makeWebhook();
    receiver.answer = (reply) => reply.writeHead(500).end();
    await tell('first');
    await received(1);
    await expect.poll(async () => (await attempts(made)).length).toBe(1);
    world.advance(disabledAfter);
    await received(2);
    await expect.poll(async () => (await find(made))?.isEnabled).toBe(false);
    expect((await find(made))?.disabledReason).toContain('answered 500');
    const told = await world.call('GET', '/v1/notifications?kind=receiver-disabled');
    const { items } = bodyAs(operatorRoutes.listNotifications.reply, told);
    expect(items).toMatchObject([{ subject: { kind: 'webhook', name: made.webhook.name } }]);
    await tell('not sent');
    expect(await states(made)).toEqual(['waiting']);
    const refused = await world.call('POST', `/v1/webhooks/${made.webhook.id}/test`, { body: {} });
    expect(refused).toMatchObject({ status: 409, body: { code: 'webhook-disabled' } });
    receiver.answer = (reply) => reply.writeHead(204).end();
    world.advance(hours(2));
    await world.call('PUT', `/v1/webhooks/${made.webhook.id}`, { body: { isEnabled: true } });
    await received(3);
    await expect.poll(() => states(made)).toEqual(['delivered']);
    const open = await world.call('GET', '/v1/notifications?kind=receiver-disabled');
    expect(bodyAs(operatorRoutes.listNotifications.reply, open).items).toEqual([]);
  });

  test('because it is gone: it is disabled at once', async () => {
    const made = await makeWebhook();
    receiver.answer = (reply) => reply.writeHead(410).end();
    await tell('gone');
    await expect.poll(async () => (await find(made))?.isEnabled, { timeout: 15_000 }).toBe(false);
    expect(await states(made)).toEqual(['given-up']);
  });

  test('keeps nothing from the others', async () => {
    receiver.answer = () => undefined; // Never.
    const silent = await makeWebhook();
    await makeWebhook({ url: prompt.url });
    for (const message of ['one', 'two', 'three', 'four', 'five', 'six']) await tell(message);
    await expect.poll(() => prompt.received.length, { timeout: 15_000 }).toBe(6);
    // So many at the same time, and the others wait.
    expect(receiver.received).toHaveLength(4);
    expect(new Set(await states(silent))).toEqual(new Set(['waiting']));
  });
});

test('a test says that it is one; the log is read page by page; another scope sees none of it', async () => {
  const made = await makeWebhook();
  for (let index = 0; index < 3; index += 1) {
    const reply = await world.call('POST', `/v1/webhooks/${made.webhook.id}/test`, { body: {} });
    expect(reply).toMatchObject({ status: 202, body: { kind: 'test', state: 'waiting' } });
  }
  await received(3);
  expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({ type: 'test' });
  const seen: string[] = [];
  let cursor = '';
  do {
    const reply = await world.call('GET', `/v1/webhooks/${made.webhook.id}/deliveries?limit=2${cursor}`);
    const page = bodyAs(operatorRoutes.listDeliveries.reply, reply);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next === undefined ? '' : `&cursor=${page.next}`;
  } while (cursor !== '');
  expect(new Set(seen).size).toBe(3);
});

test('who may set one up where, and what is refused', async () => {
  const refusedWith = async (body: object) =>
    (await world.call('POST', '/v1/webhooks', { body: { name: 'x', url: receiver.url, kinds: ['hop-held'], ...body } }))
      .body;
  expect(await refusedWith({ url: 'https://user:pass@hooks.example/' })).toMatchObject({ code: 'invalid-request' });
  expect(await refusedWith({ url: 'ftp://hooks.example/' })).toMatchObject({ code: 'invalid-request' });
  expect(await refusedWith({ url: 'http://[::1' })).toMatchObject({ code: 'invalid-request' });
  expect(await refusedWith({ kinds: [] })).toMatchObject({ code: 'invalid-request' });
  const made = await makeWebhook();
  expect(await refusedWith({ name: made.webhook.name })).toMatchObject({ code: 'name-taken' });
});

test('each notification is one delivery for each receiver, whatever replica tells it', async () => {
  const made = await makeWebhook();
  const { db, now } = world.plane.services;
  const subject = { kind: 'platform', name: '4.2.7' } as const;
  const told = { kind: 'hop-held', severity: 'warning', subject, message: 'once', topic: 'once', key: 'once' } as const;
  await Promise.all(
    Array.from({ length: 8 }, () =>
      asTask(() =>
        doWork({ db, now: now(), requestId: 'test' }, async (work) => {
          work.tell(told, {});
          return Promise.resolve(done(undefined));
        }),
      ),
    ),
  );
  await received(1);
  await expect.poll(() => states(made)).toEqual(['delivered']);
  expect(receiver.received).toHaveLength(1);
});
