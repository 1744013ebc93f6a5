// Copies images to and from a registry by the OCI distribution API: each blob only where it is missing, the manifest last,
// so that whoever sees a manifest can have all of it. Whatever is read is checked against the digest it was asked for.

import { readBounded } from './bounded-body.ts';
import { sha256Digest } from './canonical-json.ts';
import { type Descriptor, documentBytesMax, type ImageDocument, manifestMediaTypes } from './image-tree.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import { type ImageBlob, mediaTypes, type OciImage } from './oci-image.ts';

export type Registry = {
  /** Such as `https://registry.example.org`; plain `http://` for one on the same machine. */
  readonly url: string;
  readonly credentials?: RegistryCredentials | undefined;
  /** How to reach it; without it as this program reaches everything, with bodies that fit in memory. */
  readonly fetch?: RegistryFetch;
};

/** A registry that does not answer, does not let us in, or answers what cannot be: the message says which and what. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

export type RegistryCredentials = { readonly username: string; readonly password: string };

/** A body too large for memory. It is asked for again when the request has to be repeated. */
export type StreamedBody = { readonly size: number; readonly stream: () => AsyncIterable<Uint8Array> };

export type RegistryRequest = {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: Uint8Array | StreamedBody | undefined;
};

export type RegistryFetch = (url: URL, request: RegistryRequest) => Promise<Response>;

export type ImageLocation = { readonly registry: Registry; readonly repository: string };

const requestTimeoutSeconds = 300;
const answerExcerptMax = 300;

/** Repeatable: what is there already is not sent again. Returns the digest to pull by. */
export async function pushImage(
  location: ImageLocation & { readonly image: OciImage; readonly tag?: string },
): Promise<string> {
  const { image } = location;
  const session = openSession(location, 'pull,push');
  for (const blob of [...image.layers, image.config]) {
    await pushBlob(session, blob);
  }
  for (const reference of location.tag === undefined ? [image.digest] : [image.digest, location.tag]) {
    await session.request('PUT', `manifests/${reference}`, [201], {
      headers: { 'content-type': image.manifest.mediaType },
      body: image.manifest.bytes,
    });
  }
  return image.digest;
}

async function pushBlob(session: Session, blob: ImageBlob): Promise<void> {
  if (!(await hasBlob(session, blob.digest))) await putBlob(session, blob.digest, blob.bytes);
}

async function hasBlob(session: Session, digest: string): Promise<boolean> {
  const found = await session.request('HEAD', `blobs/${digest}`, [200, 404]);
  return found.status === 200;
}

async function putBlob(session: Session, digest: string, body: Uint8Array | StreamedBody): Promise<void> {
  const opened = await session.request('POST', 'blobs/uploads/', [202]);
  const uploadLocation = opened.headers.get('location');
  if (uploadLocation === null) {
    throw new RegistryError(`${session.name} opened an upload without saying where to send it`);
  }
  const upload = new URL(uploadLocation, new URL('blobs/uploads/', session.base));
  upload.searchParams.set('digest', digest);
  await session.request('PUT', upload, [201], { headers: { 'content-type': 'application/octet-stream' }, body });
}

/** One repository of a registry, for copying images of any size piece by piece. Everything can be repeated. */
export type RegistryRepository = {
  /** `registry.example/gatehouse/agent` */
  readonly name: string;
  /** As the registry has it, with the media type it says. `undefined` when it has none. Not yet checked. */
  readonly readManifest: (
    digest: string,
  ) => Promise<{ readonly mediaType: string; readonly bytes: Uint8Array } | undefined>;
  /** The content as it comes, to be checked by who reads it. */
  readonly streamBlob: (digest: string) => Promise<AsyncIterable<Uint8Array>>;
  readonly hasBlob: (digest: string) => Promise<boolean>;
  readonly putBlob: (blob: Descriptor, stream: () => AsyncIterable<Uint8Array>) => Promise<void>;
  readonly putManifest: (document: ImageDocument) => Promise<void>;
};

export function openRepository(location: ImageLocation, access: 'pull' | 'pull,push'): RegistryRepository {
  const session = openSession(location, access);
  return {
    name: session.name,
    async readManifest(digest) {
      const headers = { accept: manifestMediaTypes.join(', ') };
      const answer = await session.request('GET', `manifests/${digest}`, [200, 404], { headers });
      const bytes = await readManifestBytes(answer, `${session.name}@${digest}`);
      if (answer.status === 404) return undefined;
      return { mediaType: (answer.headers.get('content-type') ?? '').replace(/;.*$/, '').trim(), bytes };
    },
    async streamBlob(digest) {
      const { body } = await session.request('GET', `blobs/${digest}`, [200]);
      if (body === null) throw new RegistryError(`${session.name} answered without the content of ${digest}`);
      return body;
    },
    hasBlob: (digest) => hasBlob(session, digest),
    putBlob: ({ digest, size }, stream) => putBlob(session, digest, { size, stream }),
    async putManifest({ digest, mediaType, bytes }) {
      const headers = { 'content-type': mediaType };
      await session.request('PUT', `manifests/${digest}`, [201], { headers, body: bytes });
    },
  };
}

async function readManifestBytes(answer: Response, name: string): Promise<Uint8Array> {
  const bytes = await readBounded(answer, documentBytesMax);
  if (bytes.length > documentBytesMax) {
    throw new RegistryError(`The manifest of ${name} is larger than ${documentBytesMax} bytes`);
  }
  return bytes;
}

/** Whether the registry has the image's manifest. Throws when it did not say: no answer, no rights, a fault of its own. */
export async function hasImage(
  location: ImageLocation & { readonly digest: string; readonly timeoutSeconds?: number },
): Promise<boolean> {
  const session = openSession(location, 'pull', location.timeoutSeconds);
  const accept = manifestMediaTypes.join(', ');
  const answer = await session.request('HEAD', `manifests/${location.digest}`, [200, 404], { headers: { accept } });
  return answer.status === 200;
}

/** By digest, so that what is returned is what was asked for, or nothing. */
export async function pullImage(location: ImageLocation & { readonly digest: string }): Promise<OciImage> {
  const session = openSession(location, 'pull');
  const manifestBytes = await pullChecked(
    session,
    `manifests/${location.digest}`,
    location.digest,
    mediaTypes.manifest,
  );
  const document = parseManifest(manifestBytes, `${session.name}@${location.digest}`);
  const layers: ImageBlob[] = [];
  for (const layer of document.layers) {
    layers.push(await pullBlob(session, layer));
  }
  const config = await pullBlob(session, document.config);
  return {
    digest: location.digest,
    architecture: parseArchitecture(config.bytes, `${session.name}@${location.digest}`),
    manifest: { mediaType: mediaTypes.manifest, digest: location.digest, bytes: manifestBytes },
    config,
    layers,
  };
}

type Named = Pick<Descriptor, 'mediaType' | 'digest'>;

async function pullBlob(session: Session, { mediaType, digest }: Named): Promise<ImageBlob> {
  return { mediaType, digest, bytes: await pullChecked(session, `blobs/${digest}`, digest, '*/*') };
}

async function pullChecked(session: Session, path: string, digest: string, accept: string): Promise<Uint8Array> {
  const answer = await session.request('GET', path, [200], { headers: { accept } });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const actual = sha256Digest(bytes);
  if (actual !== digest) {
    throw new RegistryError(`${session.name} answered ${path} with other content: ${actual}`);
  }
  return bytes;
}

function parseManifest(bytes: Uint8Array, name: string): { config: Named; layers: Named[] } {
  const document = parseObject(bytes, name);
  if (!Array.isArray(document['layers'])) {
    throw new RegistryError(`${name} is not the manifest of an image: it has no layers`);
  }
  return {
    config: parseDescriptor(document['config'], name),
    layers: document['layers'].map((layer) => parseDescriptor(layer, name)),
  };
}

function parseDescriptor(value: unknown, name: string): Named {
  if (isJsonObject(value) && typeof value['mediaType'] === 'string' && typeof value['digest'] === 'string') {
    return { mediaType: value['mediaType'], digest: value['digest'] };
  }
  throw new RegistryError(`${name} is not the manifest of an image: ${JSON.stringify(value)} is no descriptor`);
}

function parseArchitecture(bytes: Uint8Array, name: string): string {
  const { architecture } = parseObject(bytes, name);
  if (typeof architecture !== 'string') {
    throw new RegistryError(`The config of ${name} names no architecture`);
  }
  return architecture;
}

function parseObject(bytes: Uint8Array, name: string): JsonObject {
  const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  if (!isJsonObject(document)) {
    throw new RegistryError(`${name} holds no JSON object`);
  }
  return document;
}

type Request = { readonly headers?: Record<string, string>; readonly body?: Uint8Array | StreamedBody };

type Session = {
  readonly name: string;
  readonly base: URL;
  /** `path` is below the repository, or a whole URL that the registry handed out. */
  request(method: string, path: string | URL, expected: readonly number[], request?: Request): Promise<Response>;
};

function openSession(
  { registry, repository }: ImageLocation,
  access: string,
  timeoutSeconds = requestTimeoutSeconds,
): Session {
  const base = new URL(`/v2/${repository}/`, registry.url);
  const name = `${base.host}/${repository}`;
  const reach = registry.fetch ?? ((url, request) => fetchInMemory(url, request, timeoutSeconds));
  const basic =
    registry.credentials === undefined
      ? undefined
      : `Basic ${Buffer.from(`${registry.credentials.username}:${registry.credentials.password}`).toString('base64')}`;
  let authorization: string | undefined;

  async function send(method: string, url: URL, request: Request): Promise<Response> {
    const headers = new Headers(request.headers);
    // What the registry hands out may lie on another host, which has no business with our credentials.
    if (authorization !== undefined && url.origin === base.origin) {
      headers.set('authorization', authorization);
    }
    try {
      return await reach(url, { method, headers, body: request.body });
    } catch (cause) {
      throw new RegistryError(`${method} ${url.origin}${url.pathname} failed`, { cause });
    }
  }

  return {
    name,
    base,
    async request(method, path, expected, request = {}) {
      const url = typeof path === 'string' ? new URL(path, base) : path;
      let answer = await send(method, url, request);
      if (answer.status === 401 && url.origin === base.origin) {
        const challenge = answer.headers.get('www-authenticate') ?? '';
        await answer.body?.cancel();
        authorization = await authorizationFor({
          challenge,
          basic,
          scope: `repository:${repository}:${access}`,
          name,
          isSecure: base.protocol === 'https:',
          reach,
        });
        answer = await send(method, url, request);
      }
      if (!expected.includes(answer.status)) {
        const excerpt = (await answer.text()).slice(0, answerExcerptMax);
        throw new RegistryError(
          `${method} ${url.origin}${url.pathname} was answered ${answer.status} ${excerpt}`.trim(),
        );
      }
      if (method !== 'GET') {
        await answer.body?.cancel(); // an unread body keeps its connection
      }
      return answer;
    },
  };
}

async function fetchInMemory(url: URL, request: RegistryRequest, timeoutSeconds: number): Promise<Response> {
  const { method, headers, body } = request;
  if (body !== undefined && !(body instanceof Uint8Array)) throw new TypeError('a stream needs a registry transport');
  return fetch(url, {
    method,
    headers,
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  });
}

/** Answers a registry's challenge: either our credentials themselves, or a token that another server gives for them. */
async function authorizationFor(asked: {
  readonly challenge: string;
  readonly basic: string | undefined;
  readonly scope: string;
  readonly name: string;
  readonly isSecure: boolean;
  readonly reach: RegistryFetch;
}): Promise<string> {
  const { challenge, basic, scope, name, isSecure, reach } = asked;
  if (/^basic\b/i.test(challenge)) {
    if (basic === undefined) {
      throw new RegistryError(`${name} asks for a username and password, and none were given`);
    }
    return basic;
  }
  const parameters = new Map(
    [...challenge.matchAll(/([a-z]+)="([^"]*)"/gi)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
  );
  const realm = parameters.get('realm');
  if (!/^bearer\b/i.test(challenge) || realm === undefined) {
    throw new RegistryError(
      `${name} asks for an authorization we do not know: ${challenge === '' ? 'no challenge' : challenge}`,
    );
  }
  const url = new URL(realm);
  // Whoever can listen would have the password.
  if (isSecure && url.protocol !== 'https:')
    throw new RegistryError(`${name} asks for a token to be fetched over plain HTTP`);
  url.searchParams.set('scope', scope);
  const service = parameters.get('service');
  if (service !== undefined) {
    url.searchParams.set('service', service);
  }
  const headers = new Headers(basic === undefined ? {} : { authorization: basic });
  const answer = await reach(url, { method: 'GET', headers });
  if (!answer.ok) {
    throw new RegistryError(
      `${url.origin}${url.pathname} gave no token for ${name}: ${answer.status} ${(await answer.text()).slice(0, answerExcerptMax)}`,
    );
  }
  const document = parseObject(new Uint8Array(await answer.arrayBuffer()), url.href);
  const token = document['token'] ?? document['access_token'];
  if (typeof token !== 'string') {
    throw new RegistryError(`${url.origin}${url.pathname} answered without a token for ${name}`);
  }
  return `Bearer ${token}`;
}
