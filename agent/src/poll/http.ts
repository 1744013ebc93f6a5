/**
 * The door through which the agent talks to the control plane: one origin, its proxy and its certificate authorities.
 * Every exchange has a time limit and every body a size limit. What came back is an answer; only a bug throws.
 */

import { getCACertificates } from 'node:tls';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { messageOf } from '../log.ts';
import { type ProxySettings, proxyFor } from './proxy.ts';

export type HttpAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly body: Uint8Array;
      readonly retryAfterSeconds?: number;
    }
  /** Nothing usable came back: no connection, a time limit, a body beyond its limit. */
  | { readonly kind: 'unreachable'; readonly message: string; readonly isTooLarge?: true };

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Below the server's URL, without a leading slash. */
  readonly path: string;
  readonly bearer?: string;
  readonly json?: unknown;
  readonly bodyBytesMax: number;
  /** For the whole exchange; that of the door unless it says otherwise. */
  readonly millisecondsMax?: number;
  readonly signal?: AbortSignal;
}

export interface HttpDoor {
  send(order: HttpRequest): Promise<HttpAnswer>;
  /** The time by the server's clock, as its last answer to a POST gave it; undefined before the first. */
  serverTime(): Instant | undefined;
  close(): Promise<void>;
}

const connectMillisecondsMax = 10_000;
const exchangeMillisecondsMax = 30_000;

export function openHttpDoor(options: {
  readonly server: URL;
  readonly serverCa?: string;
  readonly proxy: ProxySettings;
  readonly userAgent: string;
  /** For a whole exchange that names none; 30 s unless it says otherwise. */
  readonly millisecondsMax?: number;
}): HttpDoor {
  const base = new URL(options.server.href.endsWith('/') ? options.server.href : `${options.server.href}/`);
  const dispatcher = makeDispatcher(base, options.proxy, options.serverCa);
  let heard: { readonly date: number; readonly at: number } | undefined;
  return {
    serverTime: () => (heard === undefined ? undefined : toInstant(heard.date + performance.now() - heard.at)),
    async send(order) {
      const url = new URL(order.path, base);
      const time = AbortSignal.timeout(order.millisecondsMax ?? options.millisecondsMax ?? exchangeMillisecondsMax);
      try {
        const answer = await request(url, {
          dispatcher,
          method: order.method,
          signal: order.signal === undefined ? time : AbortSignal.any([time, order.signal]),
          headers: {
            accept: 'application/json',
            'user-agent': options.userAgent,
            ...(order.bearer === undefined ? {} : { authorization: `Bearer ${order.bearer}` }),
            ...(order.json === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(order.json === undefined ? {} : { body: JSON.stringify(order.json) }),
        });
        const date = Date.parse(String(answer.headers['date']));
        // What a GET brings may be as old as the cache of a proxy.
        if (order.method === 'POST' && !Number.isNaN(date)) heard = { date, at: performance.now() };
        const body = await readBounded(answer.body, order.bodyBytesMax);
        const what = `${order.method} ${url.origin}${url.pathname}`;
        if (body === 'too-large') {
          const message = `${what}: the answer is larger than ${order.bodyBytesMax} bytes`;
          return { kind: 'unreachable', message, isTooLarge: true };
        }
        const retryAfterSeconds = parseRetryAfter(answer.headers['retry-after'], answer.headers['date']);
        return {
          kind: 'answered',
          status: answer.statusCode,
          body,
          ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
        };
      } catch (error) {
        return { kind: 'unreachable', message: `${order.method} ${url.origin}${url.pathname}: ${messageOf(error)}` };
      }
    },
    close: () => dispatcher.destroy(),
  };
}

function makeDispatcher(base: URL, proxy: ProxySettings, serverCa: string | undefined): Dispatcher {
  const ca = serverCa === undefined ? undefined : [...getCACertificates('default'), serverCa];
  const tls = ca === undefined ? {} : { ca };
  const limits = { headersTimeout: exchangeMillisecondsMax, bodyTimeout: exchangeMillisecondsMax };
  const through = proxyFor(base, proxy);
  if (through === undefined) {
    return new Agent({ ...limits, connect: { ...tls, timeout: connectMillisecondsMax } });
  }
  return new ProxyAgent({
    ...limits,
    uri: through.href,
    requestTls: { ...tls, timeout: connectMillisecondsMax },
    proxyTls: { ...tls, timeout: connectMillisecondsMax },
  });
}

async function readBounded(body: Dispatcher.ResponseData['body'], bytesMax: number): Promise<Uint8Array | 'too-large'> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('undici yields Buffers as long as no encoding is set');
    const bytes: Uint8Array = chunk;
    size += bytes.byteLength;
    if (size > bytesMax) {
      body.destroy();
      return 'too-large';
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

const retryAfterSecondsMax = 3_600;

/** Seconds, or a date that is compared with the answer's own Date, so that no clock of ours counts. */
export function parseRetryAfter(
  header: string | readonly string[] | undefined,
  date: string | readonly string[] | undefined,
): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Math.min(Number(header), retryAfterSecondsMax);
  const until = Date.parse(header);
  const from = Date.parse(typeof date === 'string' ? date : '');
  if (Number.isNaN(until) || Number.isNaN(from)) return undefined;
  return Math.min(Math.max(0, (until - from) / 1000), retryAfterSecondsMax);
}
