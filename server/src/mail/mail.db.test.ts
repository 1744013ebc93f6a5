import { createServer, type Socket } from 'node:net';
import { operatorRoutes, type ReplyOf } from '@gatehouse/contract/operator-api';
import { minutes, seconds } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { done } from '../http/answer.ts';
import { asTask } from '../testing/as-task.ts';
import { type MailReceiver, startMailReceiver } from '../testing/mail-receiver.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';
import { doWork } from '../work/work.ts';
import { createMailServer } from './mail-server.ts';

let database: TestDatabase;
let world: World;
let mailServer: MailReceiver;

beforeAll(async () => {
  mailServer = await startMailReceiver();
  database = await createProvidedDatabase();
  world = await startWorld({
    databaseUrl: database.url,
    sending: { mail: { url: mailServer.url, from: 'gatehouse@ops.example' } },
  });
});
afterAll(async () => {
  await world?.close();
  await mailServer?.close();
  await database?.drop();
});
beforeEach(() => {
  mailServer.mails.length = 0;
  mailServer.refusal = undefined;
});

const post = (address: string, body: object) => world.call('POST', address, { body });
async function subscribe(address: string, more: object = {}) {
  const reply = await post('/v1/mail-subscriptions', { address, kinds: ['hop-held'], ...more });
  return bodyAs(operatorRoutes.createMailSubscription.reply, reply);
}
async function list(): Promise<ReplyOf<'listMailSubscriptions'>> {
  return bodyAs(operatorRoutes.listMailSubscriptions.reply, await world.call('GET', '/v1/mail-subscriptions'));
}
const end = (id: string) => world.call('DELETE', `/v1/mail-subscriptions/${id}`);

async function tell(messages: readonly string[]): Promise<void> {
  const { db, now } = world.plane.services;
  await asTask(() =>
    doWork({ db, now: now(), requestId: 'test' }, async (work) => {
      for (const message of messages) {
        const subject = { kind: 'platform', name: '4.2.7' } as const;
        work.tell({ kind: 'hop-held', severity: 'warning', subject, message, topic: message, nextStep: 'Look.' }, {});
      }
      return Promise.resolve(done(undefined));
    }),
  );
}

test('what comes together is one e-mail to each recipient, in plain text, marked as sent by a machine', async () => {
  const { id } = await subscribe('ops@ops.example');
  const other = await subscribe('night@ops.example', { kinds: ['pause-ends'] });
  expect(await list()).toMatchObject({ isConfigured: true, from: 'gatehouse@ops.example' });
  await tell(['first thing', 'second thing']);
  expect(mailServer.mails).toEqual([]);
  world.advance(seconds(5));
  await expect.poll(() => mailServer.mails.length, { timeout: 15_000 }).toBe(1);
  const [mail] = mailServer.mails;
  expect(mail?.to).toEqual(['ops@ops.example']);
  expect(mail?.raw).toMatch(/^Subject: \[Gatehouse\] 2 notifications, 2 of them warnings$/m);
  expect(mail?.raw).toMatch(/^From: gatehouse@ops\.example$/m);
  expect(mail?.raw).toMatch(/^Auto-Submitted: auto-generated$/im);
  expect(mail?.raw).toMatch(/^Content-Type: text\/plain/m);
  expect(mail?.raw).toContain('first thing');
  expect(mail?.raw).toContain('Next: Look.');
  await expect
    .poll(async () => (await list()).items.find((one) => one.id === id)?.lastDelivery?.state)
    .toBe('delivered');
  await end(id);
  await end(other.id);
});

test('a name or reason cannot write headers, nor another recipient', async () => {
  const { id } = await subscribe('ops@ops.example');
  await tell(['x\r\nBcc: everybody@evil.example\r\n\r\nbody', 'y']);
  await tell(['one alone\r\nBcc: everybody@evil.example']);
  world.advance(seconds(5));
  await expect.poll(() => mailServer.mails.length, { timeout: 15_000 }).toBeGreaterThan(0);
  for (const { raw, to } of mailServer.mails) {
    const [head = ''] = raw.split('\r\n\r\n', 1);
    expect(head).not.toMatch(/^Bcc:/im);
    expect(to).toEqual(['ops@ops.example']);
  }
  await end(id);
  for (const address of [
    'a@b.example\r\nBcc: c@d.example',
    'a@b.example, c@d.example',
    'a <a@b.example>',
    'a@b.example\u0000',
    '"a b"@c.example',
    'a@[127.0.0.1]',
    'no-at',
  ]) {
    expect(await post('/v1/mail-subscriptions', { address, kinds: ['hop-held'] })).toMatchObject({ status: 400 });
  }
});

test('a mail server that is away is asked again; one that refuses an address for good is not', async () => {
  const { id } = await subscribe('ops@ops.example');
  mailServer.refusal = { code: 451, message: 'try later' };
  await tell(['later']);
  world.advance(seconds(5));
  await expect.poll(async () => (await list()).items[0]?.lastError, { timeout: 15_000 }).toContain('try later');
  expect(mailServer.mails).toEqual([]);
  mailServer.refusal = undefined;
  world.advance(seconds(7));
  await expect.poll(() => mailServer.mails.length, { timeout: 15_000 }).toBe(1);
  mailServer.refusal = { code: 550, message: 'no such user' };
  await tell(['nobody']);
  world.advance(seconds(5));
  await expect.poll(async () => (await list()).items[0]?.lastDelivery?.state, { timeout: 15_000 }).toBe('given-up');
  expect((await list()).items[0]?.lastError).toContain('no such user');
  mailServer.refusal = undefined;
  world.advance(minutes(60));
  await post(`/v1/mail-subscriptions/${id}/test`, {});
  await expect.poll(() => mailServer.mails.length, { timeout: 15_000 }).toBe(2);
  expect(mailServer.mails[1]?.raw).toMatch(/^Subject: \[Gatehouse\] Test$/m);
  await end(id);
});

test('elsewhere nothing is said without STARTTLS, nor under a certificate that nobody signed', async () => {
  const mail = { subject: 'x', text: 'x', messageId: '<x@ops.example>' };
  const plain = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], logger: false });
  await new Promise<void>((resolve) => {
    plain.listen(0, '127.0.0.1', resolve);
  });
  const address = plain.server.address();
  if (address === null || typeof address === 'string') throw new Error('the mail server listens on no port');
  for (const [asked, why] of [
    [new URL(mailServer.url).port, /certificate/],
    [address.port, /STARTTLS/i],
  ] as const) {
    // Leads to this machine and is not known as it.
    const strict = createMailServer({ url: `smtp://0.0.0.0:${asked}`, from: 'gatehouse@ops.example' });
    const { outcome, error } = await strict.send('ops@ops.example', mail);
    expect(outcome).toEqual({ kind: 'failed' });
    expect(error).toMatch(why);
    strict.close();
  }
  await new Promise<void>((resolve) => {
    plain.close(resolve);
  });
  expect(mailServer.mails).toEqual([]);
});

test('one that answers a little now and then, and never ends, is not waited for', async () => {
  const sockets: Socket[] = [];
  const dripping = createServer((socket) => {
    sockets.push(socket);
    socket.write('220 hello\r\n');
    const drip = setInterval(() => socket.write('250-more is to come\r\n'), 50);
    socket.on('error', () => undefined).on('close', () => clearInterval(drip));
  });
  const port = await new Promise<number>((resolve) => {
    dripping.listen(0, '127.0.0.1', () => {
      const address = dripping.address();
      resolve(address === null || typeof address === 'string' ? 0 : address.port);
    });
  });
  const slow = createMailServer({
    url: `smtp://127.0.0.1:${port}`,
    from: 'gatehouse@ops.example',
    millisecondsMax: 400,
  });
  const mail = { subject: 'x', text: 'x', messageId: '<x@ops.example>' };
  expect(await slow.send('ops@ops.example', mail)).toEqual({
    outcome: { kind: 'failed' },
    error: 'not sent within 0.4 s',
  });
  slow.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => dripping.close(resolve));
});
