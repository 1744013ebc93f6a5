import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { sha256Digest } from './canonical-json.ts';
import { buildImage, buildLayer, mediaTypes, type OciImage } from './oci-image.ts';
import { pullImage, pushImage } from './oci-registry.ts';

// A registry of a few lines, for what a real one is hard to be made to do: ask for tokens, answer wrong content. The real one
// is pushed to in testkit/src/kubernetes-lab.kube.test.ts.
const repository = 'gatehouse/agent';
const credentials = { username: 'publisher', password: 'open sesame' };
const basic = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;

type Access = 'anybody' | 'basic' | 'token';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function startRegistry(access: Access) {
  const blobs = new Map<string, Uint8Array>();
  const manifests = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>();
  const uploads: string[] = [];
  const scopes: (string | null)[] = [];
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The registry does not listen on a port');
  const url = `http://127.0.0.1:${address.port}`;

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const { pathname, searchParams } = new URL(request.url ?? '', url);
    const end = (status: number, headers: Record<string, string> = {}, body?: Uint8Array | string) =>
      response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
    if (pathname === '/token') {
      scopes.push(searchParams.get('scope'));
      return request.headers.authorization === basic
        ? end(200, {}, JSON.stringify({ token: 'a-token' }))
        : end(401, {}, 'who are you?');
    }
    const expected = { anybody: undefined, basic, token: 'Bearer a-token' }[access];
    if (request.headers.authorization !== expected) {
      const challenge = access === 'basic' ? 'Basic realm="r"' : `Bearer realm="${url}/token",service="registry"`;
      return end(401, { 'www-authenticate': challenge });
    }
    const below = pathname.slice(`/v2/${repository}/`.length);
    const [kind = '', name = ''] = below.split('/');
    const body = await buffer(request);
    switch (`${request.method} ${kind}`) {
      case 'HEAD blobs':
      case 'GET blobs': {
        const found = blobs.get(name);
        return found === undefined ? end(404) : end(200, {}, found);
      }
      case 'POST blobs':
        // Relative, and with a question mark of its own, as some registries answer.
        return end(202, { location: `/v2/${repository}/blobs/uploads/one?state=abc` });
      case 'PUT blobs':
        uploads.push(searchParams.get('digest') ?? '');
        blobs.set(searchParams.get('digest') ?? '', body);
        return end(searchParams.get('state') === 'abc' ? 201 : 400);
      case 'PUT manifests':
        manifests.set(name, { type: request.headers['content-type'] ?? '', bytes: body });
        return end(201);
      case 'GET manifests': {
        const found = manifests.get(name);
        return found === undefined ? end(404, {}, 'manifest unknown') : end(200, {}, found.bytes);
      }
      default:
        return end(405);
    }
  }

  return { url, blobs, manifests, uploads, scopes };
}

async function exampleImage(): Promise<OciImage> {
  const layers = await Promise.all(
    ['lower', 'upper'].map((content) => buildLayer([{ path: `/${content}`, mode: 0o644, content }])),
  );
  return buildImage({ architecture: 'amd64', layers, entrypoint: ['/lower'], user: '10001:10001' });
}

test.each<Access>(['anybody', 'basic', 'token'])(
  'what is pushed can be pulled by its digest; access: %s',
  async (access) => {
    const image = await exampleImage();
    const { url, manifests, scopes } = await startRegistry(access);
    const location = { registry: { url, credentials }, repository };
    expect(await pushImage({ ...location, image, tag: '4.2.7' })).toBe(image.digest);
    expect(manifests.get(image.digest)).toEqual({ type: mediaTypes.manifest, bytes: image.manifest.bytes });
    expect(manifests.get('4.2.7')).toEqual(manifests.get(image.digest));
    const pulled = await pullImage({ ...location, digest: image.digest });
    expect(pulled.digest).toBe(image.digest);
    expect(pulled.layers.map(({ bytes }) => sha256Digest(bytes))).toEqual(image.layers.map(({ digest }) => digest));
    expect(scopes).toEqual(
      access === 'token' ? [`repository:${repository}:pull,push`, `repository:${repository}:pull`] : [],
    );
  },
);

test('what the registry has is not sent again', async () => {
  const image = await exampleImage();
  const { url, uploads } = await startRegistry('anybody');
  const location = { registry: { url }, repository, image };
  await pushImage(location);
  expect(uploads).toEqual([...image.layers, image.config].map(({ digest }) => digest));
  await pushImage(location);
  expect(uploads).toHaveLength(3);
});

test('content that is not what its digest says is refused', async () => {
  const image = await exampleImage();
  const { url, blobs, manifests } = await startRegistry('anybody');
  const location = { registry: { url }, repository };
  await pushImage({ ...location, image });
  blobs.set(image.config.digest, Buffer.from('{"architecture":"other"}'));
  await expect(pullImage({ ...location, digest: image.digest })).rejects.toThrow('other content');
  manifests.set(image.digest, { type: mediaTypes.manifest, bytes: Buffer.from('{}') });
  await expect(pullImage({ ...location, digest: image.digest })).rejects.toThrow('other content');
});

test('a failure says what was asked of whom and what the answer was', async () => {
  const { url } = await startRegistry('anybody');
  const digest = `sha256:${'0'.repeat(64)}`;
  await expect(pullImage({ registry: { url }, repository, digest })).rejects.toThrow(
    `GET ${url}/v2/${repository}/manifests/${digest} was answered 404 manifest unknown`,
  );
});

test('a registry that wants to know who pushes says so when nobody is named', async () => {
  const image = await exampleImage();
  const basicOnly = await startRegistry('basic');
  await expect(pushImage({ registry: { url: basicOnly.url }, repository, image })).rejects.toThrow(
    'asks for a username and password, and none were given',
  );
  const tokenOnly = await startRegistry('token');
  await expect(pushImage({ registry: { url: tokenOnly.url }, repository, image })).rejects.toThrow(
    'gave no token for 127.0.0.1:',
  );
});
