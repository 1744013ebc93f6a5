/**
 * A registry of a few lines on loopback, for what a real one is hard to be made to do: ask for tokens, answer with other
 * content, stall, forget. It takes a manifest only after what it names, as real ones do.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { sha256Digest } from './canonical-json.ts';

export interface FakeRegistryOptions {
  readonly access?: 'anybody' | 'basic' | 'token';
  readonly credentials?: { readonly username: string; readonly password: string };
  /** A request that this is true of is never answered; its number counts from 1. */
  readonly stalls?: (request: { readonly method: string; readonly path: string; readonly number: number }) => boolean;
  /** Blobs are fetched from here, as where a registry keeps its files elsewhere. */
  readonly blobsAt?: () => string;
}

export interface FakeRegistry {
  readonly url: string;
  /** `127.0.0.1:port` */
  readonly host: string;
  /** Content by `repository@digest`; of manifests also by `repository:tag`. */
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Uint8Array }>;
  /** Digests in the order in which they were sent. */
  readonly uploads: readonly string[];
  /** What tokens were asked for. */
  readonly scopes: readonly (string | null)[];
  /** `METHOD path`, with the authorization that came. */
  readonly requests: readonly { readonly line: string; readonly authorization: string | undefined }[];
  readonly close: () => Promise<void>;
}

const pathPattern = /^\/v2\/(.+?)\/(blobs|manifests)\/(.*)$/;

export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const { access = 'anybody', credentials } = options;
  const basic = `Basic ${Buffer.from(`${credentials?.username}:${credentials?.password}`).toString('base64')}`;
  const blobs = new Map<string, Uint8Array>();
  const manifests = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>();
  const uploads: string[] = [];
  const scopes: (string | null)[] = [];
  const requests: { line: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The registry does not listen on a port');
  const host = `127.0.0.1:${address.port}`;
  const url = `http://${host}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', url);
    const { method = '', headers } = request;
    requests.push({ line: `${method} ${pathname}`, authorization: headers.authorization });
    const end = (status: number, more: Record<string, string> = {}, body?: Uint8Array | string): void => {
      response.writeHead(status, more).end(method === 'HEAD' ? undefined : body);
    };
    if (pathname === '/token') {
      scopes.push(searchParams.get('scope'));
      if (headers.authorization !== basic) return end(401, {}, 'who are you?');
      return end(200, {}, JSON.stringify({ token: 'a-token' }));
    }
    const expected = { anybody: undefined, basic, token: 'Bearer a-token' }[access];
    if (expected !== undefined && headers.authorization !== expected) {
      const challenge = access === 'basic' ? 'Basic realm="r"' : `Bearer realm="${url}/token",service="registry"`;
      return end(401, { 'www-authenticate': challenge });
    }
    if (options.stalls?.({ method, path: pathname, number: requests.length }) === true) return undefined;
    const [, repository = '', kind = '', name = ''] = pathPattern.exec(pathname) ?? [];
    const key = name.includes(':') ? `${repository}@${name}` : `${repository}:${name}`;
    switch (`${method} ${kind}`) {
      case 'GET blobs':
      case 'HEAD blobs': {
        const found = blobs.get(key);
        if (found !== undefined && options.blobsAt !== undefined && method === 'GET') {
          return end(307, { location: `${options.blobsAt()}${pathname}` });
        }
        return found === undefined ? end(404) : end(200, { 'content-length': String(found.length) }, found);
      }
      case 'POST blobs':
        // Relative, and with a question mark of its own, as some registries answer.
        return end(202, { location: `/v2/${repository}/blobs/uploads/one?state=abc` });
      case 'PUT blobs': {
        const digest = searchParams.get('digest') ?? '';
        const body = await buffer(request);
        if (searchParams.get('state') !== 'abc' || sha256Digest(body) !== digest) return end(400, {}, 'digest invalid');
        uploads.push(digest);
        blobs.set(`${repository}@${digest}`, body);
        return end(201);
      }
      case 'PUT manifests': {
        const body = await buffer(request);
        const missing = namedBy(body).find(
          (digest) => !blobs.has(`${repository}@${digest}`) && !manifests.has(`${repository}@${digest}`),
        );
        if (missing !== undefined) return end(404, {}, `${missing} is unknown`);
        manifests.set(key, { type: headers['content-type'] ?? '', bytes: body });
        return end(201);
      }
      case 'GET manifests':
      case 'HEAD manifests': {
        const found = manifests.get(key);
        return found === undefined
          ? end(404, {}, 'manifest unknown')
          : end(200, { 'content-type': found.type }, found.bytes);
      }
      default:
        return end(405);
    }
  }

  return {
    url,
    host,
    blobs,
    manifests,
    uploads,
    scopes,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Digests of what a manifest or an index refers to. */
function namedBy(manifest: Uint8Array): readonly string[] {
  return [
    ...Buffer.from(manifest)
      .toString('utf8')
      .matchAll(/"digest":"(sha256:[0-9a-f]{64})"/g),
  ].map(([, digest = '']) => digest);
}
