/** What stands between a gateway and its control plane, made to happen on real sockets: what the agent makes of it. */

import { createServer } from 'node:http';
import { makeSelfSigned } from '@gatehouse/release/self-signed';
import { type Fault, type FaultyProxy, startFaultyProxy } from '@gatehouse/testkit/faulty-proxy';
import { startTcpRelay } from '@gatehouse/testkit/tcp-relay';
import { afterEach, describe, expect, test } from 'vitest';
import { createControlPlane } from './control-plane.ts';
import { openHttpDoor } from './http.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

type Door = Parameters<typeof openHttpDoor>[0];

/** One that knows polls alone. */
async function startControlPlane(): Promise<URL> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ isObservationWanted: false, pollAgainSeconds: 900 }));
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(address === null || typeof address === 'string' ? 0 : address.port);
    });
  });
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return new URL(`http://127.0.0.1:${port}`);
}

async function start(more: Omit<Parameters<typeof startFaultyProxy>[0], 'target'> = {}): Promise<FaultyProxy> {
  const between = await startFaultyProxy({ target: await startControlPlane(), ...more });
  closers.push(() => between.stop());
  return between;
}

function openAgent(server: string, more: Partial<Door> = {}) {
  const door = openHttpDoor({
    server: new URL(server),
    proxy: {},
    userAgent: 'gatehouse-agent/4.1.12',
    millisecondsMax: 2_000,
    ...more,
  });
  closers.push(() => door.close());
  const controlPlane = createControlPlane(door);
  const digest = `sha256:${'a'.repeat(64)}`;
  const message = { generation: 1, handOverNumber: 1, agent: { version: '4.1.12', digest }, observationDigest: digest };
  return { poll: () => controlPlane.poll('token', message) };
}

const says = (text: string | RegExp) =>
  ({
    kind: 'unreachable',
    message:
      typeof text === 'string' ? (expect.stringContaining(text) as string) : (expect.stringMatching(text) as string),
  }) as const;
const answered = { kind: 'answered', value: { isObservationWanted: false, pollAgainSeconds: 900 } } as const;

const problem = (status: number, code: string, detail: string, headers = {}): Fault => ({
  kind: 'status',
  status,
  headers: { 'content-type': 'application/problem+json', ...headers },
  body: JSON.stringify({ type: `urn:gatehouse:problem:${code}`, title: code, status, code, detail }),
});
const page = (status: number, headers = {}): Fault => ({
  kind: 'status',
  status,
  headers: { 'content-type': 'text/html', ...headers },
  body: '<html><h1>Not now</h1></html>',
});

describe('one exchange', () => {
  test.each<[string, Fault, object]>([
    [
      'the control plane has too many requests',
      problem(429, 'too-many-requests', 'Too many requests.', { 'retry-after': '7' }),
      { kind: 'refused', status: 429, code: 'too-many-requests', retryAfterSeconds: 7 },
    ],
    ['a proxy in front has', page(429, { 'retry-after': '7' }), { ...says('status 429'), retryAfterSeconds: 7 }],
    [
      'the control plane fails',
      problem(500, 'internal-error', 'A fault of our own.'),
      says('status 500 A fault of our own.'),
    ],
    ['a proxy in front finds nobody', page(502), says('status 502')],
    [
      'its database is away',
      problem(503, 'unavailable', 'The database is away.', { 'retry-after': '30' }),
      { ...says('status 503 The database is away.'), retryAfterSeconds: 30 },
    ],
    ['a proxy in front waits too long', page(504), says('status 504')],
    ['a login page stands in the way', page(200), says('not the reply of a Gatehouse control plane')],
    ['it leads elsewhere', page(302, { location: 'https://login.example.com/' }), says('status 302')],
    ['a proxy wants to know who asks', page(407), says('status 407')],
    ['nothing comes back', { kind: 'hang' }, says(/timeout|aborted/i)],
    ['half of an answer comes back', { kind: 'stall-reply', afterBytes: 9 }, says(/timeout|aborted/i)],
    ['the answer is lost', { kind: 'cut-reply', afterBytes: 0 }, says(/ECONNRESET|socket/)],
    ['the answer breaks off', { kind: 'cut-reply', afterBytes: 9 }, says(/ECONNRESET|terminated|aborted|socket/)],
    ['the connection breaks', { kind: 'reset' }, says(/ECONNRESET|socket/)],
  ])('%s: says nothing of the question, and the next one is answered', async (_, fault, expected) => {
    const between = await start();
    const { poll } = openAgent(between.url);
    const isShort = fault.kind === 'hang' || fault.kind === 'stall-reply';
    const asked = isShort ? openAgent(between.url, { millisecondsMax: 1_000 }).poll : poll;
    between.add({ times: 1, fault });
    expect(await asked()).toMatchObject(expected);
    expect(await asked()).toEqual(answered);
    expect(between.requests.map(({ fault: kind }) => kind)).toEqual([fault.kind, undefined]);
  });

  test('a connection of which one end never hears that the other is gone is given up in time, and left for a new one', async () => {
    const server = await startControlPlane();
    const relay = await startTcpRelay({ host: '127.0.0.1', port: Number(server.port) });
    closers.push(() => relay.stop());
    const { poll } = openAgent(`http://127.0.0.1:${relay.port}`);
    expect(await poll()).toEqual(answered);
    relay.setState('silent');
    expect(relay.connections()).toBe(1);
    expect(await poll()).toMatchObject(says(/timeout|aborted/i));
    expect(await poll()).toMatchObject(says(/timeout|aborted/i));
    relay.setState('open');
    expect(await poll()).toEqual(answered);
  });

  test('a connection that died in silence is left for a new one', async () => {
    const between = await start();
    const { poll } = openAgent(between.url, { millisecondsMax: 100 });
    expect(await poll()).toEqual(answered);
    between.setConnections('silent');
    expect(await poll()).toMatchObject(says(/./));
    expect(await poll()).toMatchObject(says(/timeout|aborted/i));
    between.heal();
    expect(await poll()).toEqual(answered);
  });

  test('a name that nobody knows', async () => {
    const answer = await openAgent('http://hub.invalid:8080').poll();
    expect(answer).toMatchObject(says(/hub\.invalid.*(ENOTFOUND|EAI_AGAIN)/));
  });
});

describe('with TLS', () => {
  const good = makeSelfSigned('localhost');

  test.each([
    ['has expired', makeSelfSigned('localhost', { isExpired: true }), true, /expired/],
    ['is of another name', makeSelfSigned('else.example.com'), true, /altnames/],
    ['is of nobody we trust', makeSelfSigned('localhost'), false, /self-signed certificate/],
  ])('a certificate that %s is named as the reason, and a good one later is taken', async (_, bad, isTrusted, text) => {
    const between = await start({ certificate: good });
    const serverCa = isTrusted ? `${good.certificate}${bad.certificate}` : good.certificate;
    const { poll } = openAgent(between.url, { serverCa });
    expect(await poll()).toEqual(answered);
    between.setCertificate(bad);
    await expect.poll(poll).toMatchObject(says(text));
    between.setCertificate(good);
    await expect.poll(poll).toEqual(answered);
    expect(between.requests).toHaveLength(2);
  });

  test('a proxy that wants to know who asks is named as the reason', async () => {
    const proxy = createServer();
    proxy.on('connect', (_, socket) => {
      socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
      );
    });
    const port = await new Promise<number>((resolve) => {
      proxy.listen(0, '127.0.0.1', () => {
        const address = proxy.address();
        resolve(address === null || typeof address === 'string' ? 0 : address.port);
      });
    });
    closers.push(async () => {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    });
    const { poll } = openAgent('https://hub.example.com', { proxy: { httpsProxy: `http://127.0.0.1:${port}` } });
    expect(await poll()).toMatchObject(says(/hub\.example\.com.*407/));
  });
});
