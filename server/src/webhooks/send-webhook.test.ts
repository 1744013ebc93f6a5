import { createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Receiver, startReceiver } from '../testing/receiver.ts';
import { readRetryAfter, type SendOptions, sendWebhook } from './send-webhook.ts';

let receiver: Receiver;
let port: string;

beforeAll(async () => {
  receiver = await startReceiver();
  port = new URL(receiver.url).port;
});
afterAll(() => receiver?.close());
beforeEach(() => {
  receiver.received.length = 0;
  receiver.answer = (reply) => reply.writeHead(204).end();
});

const send = (url: string, more: Partial<SendOptions> = {}) =>
  sendWebhook(
    { url, headers: { 'content-type': 'application/json', 'webhook-id': 'msg_1' }, body: '{"type":"test"}' },
    {
      userAgent: 'Gatehouse/0',
      allowed: [],
      ownUrls: [],
      timeoutMilliseconds: 10_000,
      signal: new AbortController().signal,
      ...more,
    },
  );

describe('to this machine nothing is sent', () => {
  test.each([
    ['by its name', 'localhost'],
    ['by its address', '127.0.0.1'],
    ['by another loopback address', '127.1.2.3'],
    ['written short', '127.1'],
    ['written as a number', '2130706433'],
    ['written in octal', '0177.0.0.1'],
    ['written in hexadecimal', '0x7f.1'],
    ['by the address of no host', '0.0.0.0'],
    ['by 0', '0'],
    ['by IPv6', '[::1]'],
    ['by no address of IPv6', '[::]'],
    ['by IPv4 in IPv6', '[::ffff:127.0.0.1]'],
    ['by IPv4 in IPv6, in groups', '[::ffff:7f00:1]'],
    ['by a translated address', '[64:ff9b::7f00:1]'],
    ['by a full stop at the end', 'localhost.'],
    ['by full-width digits', '１２７.０.０.１'],
  ])('%s', async (_how, host) => {
    const result = await send(`http://${host}:${port}/`);
    expect(result).toMatchObject({ outcome: { kind: 'failed' } });
    expect(result).not.toHaveProperty('status');
    expect(receiver.received).toEqual([]);
  });

  test('by a name that leads here, also as one of several addresses', async () => {
    for (const addresses of [['127.0.0.1'], ['198.51.100.7', '127.0.0.1'], ['::ffff:7f00:1']]) {
      const result = await send(`http://hooks.example:${port}/`, { resolve: () => Promise.resolve(addresses) });
      expect(result.error).toMatch(/loopback address; nothing was sent/);
    }
    expect(receiver.received).toEqual([]);
  });

  test('by a link-local name, as the metadata of a cloud has it', async () => {
    const result = await send('http://metadata.example/', { resolve: () => Promise.resolve(['169.254.169.254']) });
    expect(result.error).toContain('metadata.example is 169.254.169.254, which is a link-local address');
  });
});

describe('a port of the control plane itself', () => {
  const resolve = () => Promise.resolve(['203.0.113.9']);
  test.each([
    ['the public one', 'https://gatehouse.example/v1/gateways', ['https://gatehouse.example']],
    ['by another name', 'https://other.example/', ['https://gatehouse.example']],
    ['the database', 'http://db.example:5432/', ['postgres://gatehouse:secret@db.example/gatehouse']],
  ])('%s', async (_which, url, ownUrls) => {
    const result = await send(url, { ownUrls, resolve });
    expect(result.error).toMatch(/is a port of the control plane itself; nothing was sent/);
    expect(result.error).not.toContain('secret');
  });
  test('another port of the same host is not', async () => {
    const ownUrls = ['https://gatehouse.example'];
    const result = await send('https://gatehouse.example:9/', { ownUrls, resolve, timeoutMilliseconds: 50 });
    expect(result.error).not.toContain('itself');
  });
});

describe('allowed by name', () => {
  test('a message arrives', async () => {
    expect(await send(receiver.url, { allowed: [receiver.name] })).toEqual({
      outcome: { kind: 'accepted' },
      status: 204,
    });
    expect(receiver.received).toMatchObject([{ body: '{"type":"test"}', headers: { 'webhook-id': 'msg_1' } }]);
  });

  test('a name that changes its mind is asked once, and what it said then is where the message goes', async () => {
    const answers = [['127.0.0.1'], ['192.0.2.1'], ['192.0.2.2']];
    let asked = 0;
    const resolve = () => Promise.resolve(answers[asked++] ?? []);
    const result = await send(`http://hooks.example:${port}/`, { resolve, allowed: [`hooks.example:${port}`] });
    expect(result.outcome).toEqual({ kind: 'accepted' });
    expect(asked).toBe(1);
    expect(receiver.received[0]?.headers.host).toBe(`hooks.example:${port}`);
  });

  test('a redirect is not followed', async () => {
    receiver.answer = (reply) => reply.writeHead(307, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    expect(await send(receiver.url, { allowed: [receiver.name] })).toMatchObject({
      outcome: { kind: 'answered', status: 307 },
      error: 'it leads elsewhere, and redirects are not followed',
    });
    expect(receiver.received).toHaveLength(1);
  });

  test('what is answered is text, and only the first of it', async () => {
    receiver.answer = (reply) => reply.writeHead(500).end(`\u001b[31m<script>${'x'.repeat(5_000_000)}`);
    const { response } = await send(receiver.url, { allowed: [receiver.name] });
    expect(response).toMatch(/^\[31m<script>x+…$/);
    expect(response).toHaveLength(1000);
  });

  test('when to come back is taken over', async () => {
    receiver.answer = (reply) => reply.writeHead(429, { 'retry-after': '120' }).end();
    const { outcome } = await send(receiver.url, { allowed: [receiver.name] });
    expect(outcome).toEqual({ kind: 'answered', status: 429, retryAfter: 120_000 });
  });

  test('one that answers a head and drips its body for ever has answered', async () => {
    receiver.answer = (reply) => void reply.writeHead(200).write('a');
    const result = await send(receiver.url, { allowed: [receiver.name], timeoutMilliseconds: 300 });
    expect(result).toMatchObject({ outcome: { kind: 'accepted' }, status: 200, response: 'a' });
  });

  test('one that says nothing is not waited for, and one that cannot be read has failed', async () => {
    receiver.answer = () => undefined;
    const silent = await send(receiver.url, { allowed: [receiver.name], timeoutMilliseconds: 100 });
    expect(silent).toEqual({ outcome: { kind: 'failed' }, error: 'no answer within 0.1 s' });
    const noise = createTcpServer((socket) => {
      socket.on('error', () => undefined).end('SSH-2.0-nothing\r\n');
    });
    await new Promise<void>((resolve) => {
      noise.listen(0, '127.0.0.1', resolve);
    });
    const address = noise.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const name = `127.0.0.1:${address.port}`;
    expect(await send(`http://${name}/`, { allowed: [name] })).toMatchObject({ outcome: { kind: 'failed' } });
    noise.close();
  });

  test('a name without an address, and the end of this program, are said', async () => {
    const nowhere = await send('http://hooks.example/', { resolve: () => Promise.resolve([]) });
    expect(nowhere.error).toBe('hooks.example has no address');
    const ended = await send(receiver.url, { allowed: [receiver.name], signal: AbortSignal.abort() });
    expect(ended.outcome).toEqual({ kind: 'failed' });
  });
});

test.each([
  [undefined, undefined],
  ['0', 0],
  ['60', 60_000],
  [' 7 ', 7000],
  ['-1', undefined],
  ['1e9', undefined],
  ['soon', undefined],
  ['Mon, 23 Nov 2026 10:01:00 GMT', 60_000],
  ['Mon, 23 Nov 2026 09:00:00 GMT', 0],
  ['9'.repeat(100), undefined],
])('Retry-After %s is %s', (text, milliseconds) => {
  expect(readRetryAfter(text, Date.parse('2026-11-23T10:00:00Z'))).toBe(milliseconds);
});
