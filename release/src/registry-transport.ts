/**
 * HTTP for moving images: bodies of any size pass through as streams, with their length said beforehand; an authority of
 * its own for one registry and no other; a bound on silence instead of on the whole, since a layer may take an hour.
 */

import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getCACertificates } from 'node:tls';
import type { RegistryFetch, RegistryRequest } from './oci-registry.ts';

const idleSeconds = 120;
const redirectsMax = 5;
const excerptMax = 10_000;

/** `ca`: PEM, trusted besides the public authorities. A proxy is taken from the environment (HTTPS_PROXY, NO_PROXY). */
export function openRegistryTransport(options: { readonly ca?: string | undefined } = {}): RegistryFetch {
  const keep = { keepAlive: true, maxSockets: 8, proxyEnv: process.env };
  const plain = new http.Agent(keep);
  const secure = new https.Agent({
    ...keep,
    ...(options.ca === undefined ? {} : { ca: [...getCACertificates('default'), options.ca] }),
  });

  async function once(url: URL, request: RegistryRequest): Promise<Response> {
    const { method, headers, body } = request;
    const isSecure = url.protocol === 'https:';
    const length = body === undefined ? undefined : body instanceof Uint8Array ? body.length : body.size;
    const outgoing = (isSecure ? https : http).request(url, {
      method,
      agent: isSecure ? secure : plain,
      headers: {
        ...Object.fromEntries(headers),
        ...(length === undefined ? {} : { 'content-length': String(length) }),
      },
    });
    outgoing.setTimeout(idleSeconds * 1000, () => {
      outgoing.destroy(new Error(`nothing was heard for ${idleSeconds} s`));
    });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
    });
    let isSent = false;
    const sent = send(outgoing, body).then(() => {
      isSent = true;
    });
    // An answer may come while the body is still on its way; only without one does a broken sending count.
    const message = await Promise.race([answered, sent.then(() => answered)]).catch((error: unknown) => {
      outgoing.destroy();
      throw error;
    });
    if (isSent) return toResponse(message, method);
    // What was refused needs no more of the body, which may be large.
    sent.catch(() => undefined);
    const text = await readExcerpt(message);
    outgoing.destroy();
    return new Response(text, { status: message.statusCode ?? 0, headers: toHeaders(message) });
  }

  return async (url, request) => {
    let at = url;
    let { headers } = request;
    for (let redirects = 0; ; redirects += 1) {
      const answer = await once(at, { ...request, headers });
      const location = answer.headers.get('location');
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (!isRead || location === null || ![301, 302, 303, 307, 308].includes(answer.status)) return answer;
      await answer.body?.cancel();
      const next = new URL(location, at);
      if (redirects >= redirectsMax) throw new Error(`${url.href} leads from place to place without end`);
      if (at.protocol === 'https:' && next.protocol !== 'https:') throw new Error(`${at.host} leads to plain HTTP`);
      if (next.origin !== at.origin) {
        // Whoever keeps the registry's files has no business with our credentials.
        headers = new Headers(headers);
        headers.delete('authorization');
      }
      at = next;
    }
  };
}

async function send(outgoing: http.ClientRequest, body: RegistryRequest['body']): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  await pipeline(Readable.from(body.stream()), outgoing);
}

async function readExcerpt(message: http.IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const part of message.setEncoding('utf8')) {
      text += String(part);
      if (text.length > excerptMax) break;
    }
  } catch {
    // The connection went with the rest of the body; the status is what matters.
  }
  return text;
}

function toHeaders(message: http.IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}

function toResponse(message: http.IncomingMessage, method: string): Response {
  const status = message.statusCode ?? 0;
  const isEmpty = method === 'HEAD' || status === 204 || status === 304;
  if (isEmpty) message.resume();
  const body = isEmpty ? null : Readable.toWeb(message);
  return new Response(body, { status, headers: toHeaders(message) });
}
