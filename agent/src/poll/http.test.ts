import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type Server, type Socket } from 'node:net';
import { makeSelfSigned } from '@gatehouse/release/self-signed';
import { afterEach, describe, expect, test } from 'vitest';
import { type HttpDoor, openHttpDoor, parseRetryAfter } from './http.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closers.push(async () => {
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no TCP port');
  return address.port;
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  const port = await listen(server);
  closers.unshift(async () => server.closeAllConnections());
  return port;
}

type Options = Parameters<typeof openHttpDoor>[0];

function open(server: string, proxy: Options['proxy'] = {}, more: Partial<Options> = {}): HttpDoor {
  const door = openHttpDoor({ server: new URL(server), proxy, userAgent: 'gatehouse-agent/4.1.12', ...more });
  closers.unshift(() => door.close());
  return door;
}

const get = { method: 'GET', path: 'v1/x', bodyBytesMax: 100 } as const;

describe('the door to the control plane', () => {
  test('sends token and JSON below the address of the server', async () => {
    const seen: unknown[] = [];
    const port = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { authorization, 'user-agent': agent } = request.headers;
        seen.push([request.method, request.url, authorization, agent, Buffer.concat(chunks).toString()]);
        response.writeHead(202, { 'retry-after': '7' }).end('{"ok":true}');
      });
    });
    const door = open(`http://127.0.0.1:${port}/gatehouse`);
    const answer = await door.send({ ...get, method: 'POST', bearer: 'token', json: { a: 1 } });
    expect(answer).toEqual({ kind: 'answered', status: 202, body: Buffer.from('{"ok":true}'), retryAfterSeconds: 7 });
    expect(seen).toEqual([['POST', '/gatehouse/v1/x', 'Bearer token', 'gatehouse-agent/4.1.12', '{"a":1}']]);
  });

  test('a body beyond its limit is no answer', async () => {
    const port = await serve((_, response) => response.end('x'.repeat(101)));
    expect(await open(`http://127.0.0.1:${port}`).send(get)).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('larger than 100 bytes') as string,
      isTooLarge: true,
    });
  });

  test('an exchange ends with the time it was given', async () => {
    const port = await serve((_, response) => response.write('x'));
    const door = open(`http://127.0.0.1:${port}`);
    expect(await door.send({ ...get, millisecondsMax: 50 })).toMatchObject({ kind: 'unreachable' });
  });

  test('the time of the server is that of an answer to a POST: what a GET brings may come from a cache', async () => {
    const date = Date.parse('2026-11-23T10:42:00Z');
    const port = await serve((_, response) => response.writeHead(200, { date: new Date(date).toUTCString() }).end());
    const door = open(`http://127.0.0.1:${port}`);
    await door.send(get);
    expect(door.serverTime()).toBeUndefined();
    await door.send({ ...get, method: 'POST' });
    expect(Number(door.serverTime())).toBeGreaterThanOrEqual(date);
    expect(Number(door.serverTime())).toBeLessThan(date + 3_600_000);
  });

  test('no connection is no answer, and the text names the address', async () => {
    const port = await serve(() => {});
    for (const close of closers.splice(0)) await close();
    const answer = await open(`http://127.0.0.1:${port}`).send(get);
    expect(answer).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining(`127.0.0.1:${port}/v1/x`) as string,
    });
  });

  test('goes through the proxy, unless NO_PROXY takes the address out', async () => {
    const asked: (string | undefined)[] = [];
    const proxyPort = await serve((request, response) => {
      asked.push(request.url);
      response.end('through');
    });
    const proxy = { httpProxy: `http://127.0.0.1:${proxyPort}`, noProxy: '10.0.0.0/8' };
    const answer = await open('http://hub.invalid:8080', proxy).send(get);
    expect(answer).toMatchObject({ kind: 'answered', status: 200, body: Buffer.from('through') });
    expect(asked).toEqual(['http://hub.invalid:8080/v1/x']);

    const stop = AbortSignal.timeout(200);
    await open('http://10.255.255.1:8080', proxy).send({ ...get, signal: stop });
    expect(asked).toEqual(['http://hub.invalid:8080/v1/x']);
  });
});

describe('over HTTPS', () => {
  const { certificate, key } = makeSelfSigned('hub.example.com');

  /** The control plane on loopback, and a proxy in whose eyes it is `hub.example.com:8443`. */
  async function start() {
    const server = createSecureServer({ cert: certificate, key }, (_, response) => response.end('secure'));
    const port = await listen(server);
    const asked: (string | undefined)[] = [];
    const proxy = createServer((_, response) => response.writeHead(500).end());
    proxy.on('connect', (request, client: Socket) => {
      asked.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      const upstream = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      const end = (): void => {
        upstream.destroy();
        client.destroy();
      };
      for (const socket of [upstream, client]) socket.on('error', end).on('close', end);
      closers.unshift(async () => end());
    });
    return { asked, httpsProxy: `127.0.0.1:${await listen(proxy)}` };
  }

  test('goes through the proxy by CONNECT, and trusts the authority of the settings', async () => {
    const { asked, httpsProxy } = await start();
    const door = open(
      'https://hub.example.com:8443',
      { httpsProxy: `http://user:word@${httpsProxy}` },
      { serverCa: certificate },
    );
    expect(await door.send(get)).toMatchObject({ kind: 'answered', status: 200, body: Buffer.from('secure') });
    expect(asked).toEqual([`hub.example.com:8443 Basic ${Buffer.from('user:word').toString('base64')}`]);
  });

  test('trusts nobody else', async () => {
    const { httpsProxy } = await start();
    const other = makeSelfSigned('hub.example.com').certificate;
    for (const more of [{}, { serverCa: other }]) {
      const answer = await open('https://hub.example.com:8443', { httpsProxy }, more).send(get);
      expect(answer).toMatchObject({
        kind: 'unreachable',
        message: expect.stringMatching(/self-signed certificate/) as string,
      });
    }
  });

  test('takes no certificate of another name', async () => {
    const { httpsProxy } = await start();
    const answer = await open('https://else.example.com:8443', { httpsProxy }, { serverCa: certificate }).send(get);
    expect(answer).toMatchObject({ kind: 'unreachable', message: expect.stringMatching(/altnames/) as string });
  });
});

test.each([
  ['120', undefined, 120],
  [' 0 ', undefined, 0],
  ['99999999', undefined, 3600],
  ['Mon, 23 Nov 2026 10:42:00 GMT', 'Mon, 23 Nov 2026 10:40:00 GMT', 120],
  ['Mon, 23 Nov 2026 10:39:00 GMT', 'Mon, 23 Nov 2026 10:40:00 GMT', 0],
  ['Mon, 23 Nov 2026 10:42:00 GMT', undefined, undefined],
  ['soon', undefined, undefined],
  [undefined, undefined, undefined],
])('Retry-After %s with Date %s is %s seconds', (header, date, expected) => {
  expect(parseRetryAfter(header, date)).toBe(expected);
});
