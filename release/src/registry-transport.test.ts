import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { sha256Digest } from './canonical-json.ts';
import { startFakeRegistry } from './fake-registry.ts';
import { openRepository } from './oci-registry.ts';
import { openRegistryTransport } from './registry-transport.ts';
import { makeSelfSigned } from './self-signed.ts';

const { certificate: ca, key } = makeSelfSigned('localhost');

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function listen(answer: RequestListener, kind: 'plain' | 'secure' = 'plain'): Promise<string> {
  const server = kind === 'plain' ? createPlainServer(answer) : createSecureServer({ key, cert: ca }, answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return kind === 'plain' ? `http://127.0.0.1:${address.port}` : `https://localhost:${address.port}`;
}

const get = (url: string, headers: Record<string, string> = {}, options: { ca?: string } = {}) =>
  openRegistryTransport(options)(new URL(url), { method: 'GET', headers: new Headers(headers) });

test('a registry with an authority of its own is reached with it, and not without it', async () => {
  const url = await listen((_request, response) => response.end('well'), 'secure');
  expect(await (await get(url, {}, { ca })).text()).toBe('well');
  await expect(get(url)).rejects.toThrow(/self-signed certificate/);
});

test('a body of a known length is streamed with that length', async () => {
  const seen: { length: string | undefined; body: Buffer }[] = [];
  const url = await listen((request, response) => {
    void buffer(request).then((body) => {
      seen.push({ length: request.headers['content-length'], body });
      response.writeHead(201).end();
    });
  });
  async function* parts() {
    for (let index = 0; index < 50; index += 1) yield Buffer.alloc(40_000, index);
  }
  const body = { size: 2_000_000, stream: parts };
  const answer = await openRegistryTransport()(new URL(url), { method: 'PUT', headers: new Headers(), body });
  expect(answer.status).toBe(201);
  expect(seen.map(({ length, body: { length: size } }) => [length, size])).toEqual([['2000000', 2_000_000]]);
});

test('a refusal that comes before the body is sent ends the sending', async () => {
  const url = await listen((_request, response) => response.writeHead(413).end('too large'));
  const ended = Promise.withResolvers<void>();
  async function* endless() {
    try {
      for (;;) {
        yield Buffer.alloc(64 * 1024);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      ended.resolve();
    }
  }
  const body = { size: 1024 ** 4, stream: endless };
  const answer = await openRegistryTransport()(new URL(url), { method: 'PUT', headers: new Headers(), body });
  expect([answer.status, await answer.text()]).toEqual([413, 'too large']);
  await ended.promise;
});

test('credentials are not taken along to another host', async () => {
  const seen: (string | undefined)[] = [];
  const storage = await listen((request, response) => {
    seen.push(request.headers.authorization);
    response.end('blob');
  });
  const registry = await listen((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(307, { location: `${storage}/file` }).end();
  });
  expect(await (await get(registry, { authorization: 'Basic secret' })).text()).toBe('blob');
  expect(seen).toEqual(['Basic secret', undefined]);
});

test('nobody is led from HTTPS to HTTP, or in a circle', async () => {
  const plain = await listen((_request, response) => response.end('in clear'));
  const secure = await listen((_request, response) => response.writeHead(307, { location: plain }).end(), 'secure');
  await expect(get(secure, {}, { ca })).rejects.toThrow('leads to plain HTTP');
  const circle = await listen((_request, response) => response.writeHead(302, { location: '/' }).end());
  await expect(get(circle)).rejects.toThrow('without end');
});

test('a password is not sent for a token over plain HTTP to a registry with HTTPS', async () => {
  const challenge = 'Bearer realm="http://127.0.0.1:1/token",service="registry"';
  const url = await listen((_request, response) => {
    response.writeHead(401, { 'www-authenticate': challenge }).end();
  }, 'secure');
  const credentials = { username: 'operator', password: 'open sesame' };
  const registry = { url, credentials, fetch: openRegistryTransport({ ca }) };
  const repository = openRepository({ registry, repository: 'gatehouse/agent' }, 'pull');
  await expect(repository.hasBlob(sha256Digest(''))).rejects.toThrow('over plain HTTP');
});

test('a blob that lies elsewhere is fetched from there', async () => {
  const storage = await startFakeRegistry();
  const registry = await startFakeRegistry({ blobsAt: () => storage.url });
  const blob = Buffer.from('a layer');
  const key = `gatehouse/agent@${sha256Digest(blob)}`;
  for (const one of [storage, registry]) one.blobs.set(key, blob);
  const location = { registry: { url: registry.url, fetch: openRegistryTransport() }, repository: 'gatehouse/agent' };
  const stream = await openRepository(location, 'pull').streamBlob(sha256Digest(blob));
  expect(await buffer(stream)).toEqual(blob);
  expect(storage.requests).toHaveLength(1);
  await storage.close();
  await registry.close();
});
