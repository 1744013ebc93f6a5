import { Agent, createServer, type RequestListener, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { makeSelfSigned } from '@gatehouse/release/self-signed';
import { afterEach, describe, expect, test } from 'vitest';
import { type FaultyProxy, isWatch, startFaultyProxy } from './faulty-proxy.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** What came to the target, and a proxy before it. */
async function start(
  more: Partial<Parameters<typeof startFaultyProxy>[0]> = {},
  listener: RequestListener = (_, response) => response.end('0123456789'),
) {
  const came: string[] = [];
  const target = createServer((incoming, response) => {
    came.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    listener(incoming, response);
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    target.closeAllConnections();
    await new Promise((resolve) => target.close(resolve));
  });
  const address = target.address();
  if (address === null || typeof address === 'string') throw new Error('the target listens on no TCP port');
  const proxy = await startFaultyProxy({ target: new URL(`http://127.0.0.1:${address.port}`), ...more });
  closers.push(() => proxy.stop());
  return { proxy, came };
}

interface Heard {
  readonly status?: number;
  readonly text: string;
  /** How it ended: whole, or the code of the error. */
  readonly end: string;
}

/** Ends with `waiting` and what came until then when `isEnough` says so. */
function ask(
  proxy: FaultyProxy,
  path: string,
  { ca, body, isEnough }: { ca?: string; body?: string; isEnough?: (heard: Heard) => boolean } = {},
): Promise<Heard> {
  return new Promise((resolve) => {
    let heard: Heard = { text: '', end: 'waiting' };
    const send = ca === undefined ? requestPlain : requestSecure;
    const sent = send(`${proxy.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      ...(ca === undefined ? {} : { ca }),
    });
    const look = (): void => {
      if (isEnough?.(heard) !== true) return;
      resolve(heard);
      sent.destroy();
    };
    const fail = (error: NodeJS.ErrnoException): void => resolve({ ...heard, end: error.code ?? error.message });
    sent.on('error', fail);
    sent.on('response', (reply) => {
      heard = { ...heard, status: reply.statusCode ?? 0 };
      reply.on('error', fail);
      reply.on('data', (chunk: Buffer) => {
        heard = { ...heard, text: heard.text + chunk.toString() };
        look();
      });
      reply.on('end', () => resolve({ ...heard, end: 'whole' }));
      look();
    });
    sent.end(body);
  });
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('not seen within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const whole = { status: 200, text: '0123456789', end: 'whole' };
const teapot = { kind: 'status', status: 418, headers: { 'retry-after': '7' }, body: 'no' } as const;

test('without a rule everything goes through, bodies and status included', async () => {
  const { proxy, came } = await start({}, (incoming, response) => {
    response.writeHead(202);
    incoming.pipe(response);
  });
  expect(await ask(proxy, '/a?b=c', { body: 'x'.repeat(100_000) })).toEqual({
    status: 202,
    text: 'x'.repeat(100_000),
    end: 'whole',
  });
  expect(came).toEqual(['POST /a?b=c']);
  expect(proxy.requests).toMatchObject([{ method: 'POST', path: '/a?b=c' }]);
});

test('a rule takes the requests that it names, after those that it skips, so many times', async () => {
  const { proxy, came } = await start();
  const rule = proxy.add({ method: 'GET', path: '/a', skip: 1, times: 2, fault: teapot });
  const statuses = [];
  for (const path of ['/a', '/b', '/a?1', '/a/2', '/a']) statuses.push((await ask(proxy, path)).status);
  expect(statuses).toEqual([200, 200, 418, 418, 200]);
  expect((await ask(proxy, '/a', { body: '' })).status).toBe(200);
  expect(came).toEqual(['GET /a', 'GET /b', 'GET /a', 'POST /a']);
  expect(rule.hits()).toBe(2);
  expect(proxy.requests.map(({ fault }) => fault)).toEqual([
    undefined,
    undefined,
    'status',
    'status',
    undefined,
    undefined,
  ]);
});

test('a rule by pattern, until it is removed', async () => {
  const { proxy } = await start();
  const rule = proxy.add({ path: /watch=true/, fault: teapot });
  expect((await ask(proxy, '/pods?watch=true')).status).toBe(418);
  rule.remove();
  expect((await ask(proxy, '/pods?watch=true')).status).toBe(200);
});

test.each([
  ['reset', { kind: 'reset' }, { text: '', end: 'ECONNRESET' }, 0],
  ['a reply lost', { kind: 'cut-reply', afterBytes: 0 }, { text: '', end: 'ECONNRESET' }, 1],
  ['a reply cut', { kind: 'cut-reply', afterBytes: 4 }, { status: 200, text: '0123', end: 'ECONNRESET' }, 1],
  ['late', { kind: 'delay', milliseconds: 1 }, whole, 1],
] as const)('%s: what the caller hears, and whether the target saw it', async (_, fault, heard, came) => {
  const { proxy, came: seen } = await start();
  proxy.add({ times: 1, fault });
  expect(await ask(proxy, '/')).toEqual(heard);
  expect(seen).toHaveLength(came);
  expect(await ask(proxy, '/')).toEqual(whole);
});

test('what hangs or stalls is open until it is healed', async () => {
  const { proxy, came } = await start();
  proxy.add({ path: '/hang', fault: { kind: 'hang' } });
  proxy.add({ path: '/stall', fault: { kind: 'stall-reply', afterBytes: 4 } });
  expect(await ask(proxy, '/stall', { isEnough: ({ text }) => text.length === 4 })).toEqual({
    status: 200,
    text: '0123',
    end: 'waiting',
  });
  const hanging = ask(proxy, '/hang');
  await until(() => proxy.open(({ path }) => path === '/hang') === 1);
  proxy.heal();
  expect(await hanging).toEqual({ text: '', end: 'ECONNRESET' });
  expect(came).toEqual(['GET /stall']);
  expect(await ask(proxy, '/hang')).toEqual(whole);
});

test('watches are handed on as they come, and can be cut alone', async () => {
  const { proxy } = await start({}, (_, response) => response.write('{"type":"ADDED"}\n'));
  let isHeard = false;
  const watching = ask(proxy, '/pods?watch=1', {
    isEnough: ({ text }) => {
      isHeard = text.endsWith('\n');
      return false;
    },
  });
  const other = ask(proxy, '/pods');
  await until(() => isHeard && proxy.open() === 2);
  expect(proxy.cut(isWatch)).toBe(1);
  expect(await watching).toMatchObject({ status: 200, end: 'ECONNRESET' });
  expect(proxy.open()).toBe(1);
  expect(proxy.cut()).toBe(1);
  expect(await other).toMatchObject({ end: 'ECONNRESET' });
});

test('a connection that is kept carries one request after the other', async () => {
  const { proxy, came } = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  for (const method of ['GET', 'PATCH', 'PATCH']) {
    const sent = requestPlain(`${proxy.url}/`, { agent, method });
    const ended = new Promise((resolve, reject) => {
      sent.on('response', (reply) => reply.resume().on('end', resolve));
      sent.on('error', reject);
    });
    sent.end(method === 'GET' ? undefined : '{}');
    await ended;
    ports.add(sent.socket?.localPort);
  }
  agent.destroy();
  expect(came).toEqual(['GET /', 'PATCH /', 'PATCH /']);
  expect(ports.size).toBe(1);
});

test('connections refused, or taken and never spoken on', async () => {
  const { proxy, came } = await start();
  proxy.setConnections('refused');
  expect(await ask(proxy, '/')).toEqual({ text: '', end: 'ECONNRESET' });
  proxy.setConnections('silent');
  const asked = ask(proxy, '/');
  const first = await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 50, 'silence'))]);
  expect(first).toBe('silence');
  proxy.heal();
  expect(await asked).toEqual({ text: '', end: 'ECONNRESET' });
  expect(came).toEqual([]);
  expect(await ask(proxy, '/')).toEqual(whole);
});

describe('with TLS', () => {
  const good = makeSelfSigned('localhost');

  test('shows the certificate that it was given, and cuts and resets as without', async () => {
    const { proxy } = await start({ certificate: good });
    expect(await ask(proxy, '/', { ca: good.certificate })).toEqual(whole);
    proxy.add({ times: 1, fault: { kind: 'cut-reply', afterBytes: 4 } });
    expect(await ask(proxy, '/', { ca: good.certificate })).toMatchObject({ text: '0123', end: 'ECONNRESET' });
  });

  test.each([
    ['expired', makeSelfSigned('localhost', { isExpired: true }), 'CERT_HAS_EXPIRED'],
    ['of another name', makeSelfSigned('else.example.com'), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('or one that is %s', async (_, certificate, end) => {
    const { proxy, came } = await start({ certificate: good });
    proxy.setCertificate(certificate);
    expect(await ask(proxy, '/', { ca: certificate.certificate })).toEqual({ text: '', end });
    proxy.setCertificate(good);
    expect(await ask(proxy, '/', { ca: good.certificate })).toEqual(whole);
    expect(came).toEqual(['GET /']);
  });
});
