/**
 * A reverse proxy with faults: it forwards HTTP/1.1, streams and watches included, to one origin, and breaks what a script
 * says. Rules fault requests by method, path and count; a state of the connections faults them before any request; what is
 * open can be cut. It listens on loopback with a port of its own, with TLS where it is given a certificate.
 */

import { createServer, type IncomingMessage, request as requestPlain, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, request as requestSecure } from 'node:https';
import type { Socket } from 'node:net';

export interface FaultyProxyOptions {
  /** Where requests go: scheme, host and port. */
  readonly target: URL;
  /** What the target's certificate is checked against; its own certificate authorities else. */
  readonly targetCa?: string;
  /** Shown to the target, where it knows its callers by certificates (PEM). */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  /** The proxy speaks TLS with it, as `https://localhost:<port>`; plain HTTP without. */
  readonly certificate?: Certificate;
}

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export type Fault =
  /** Answered here; the target never sees it. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Forwarded after so long. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Neither forwarded nor answered, ever. */
  | { readonly kind: 'hang' }
  /** The connection is reset; the target never sees it. */
  | { readonly kind: 'reset' }
  /** Forwarded; of the reply's body so many bytes come back, and then the connection is reset. 0: not even its head. */
  | { readonly kind: 'cut-reply'; readonly afterBytes: number }
  /** Forwarded; of the reply's body so many bytes come back, and then nothing more, on an open connection. 0: not even its head. */
  | { readonly kind: 'stall-reply'; readonly afterBytes: number };

/** Which requests: all that are named. The first rule that takes a request decides. */
export interface FaultRule {
  readonly method?: string;
  /** Of path and query. A string is a beginning. */
  readonly path?: string | RegExp;
  /** So many of them pass first. */
  readonly skip?: number;
  /** So many of them it takes; without it all, until it is removed. */
  readonly times?: number;
  readonly fault: Fault;
}

export interface RuleInForce {
  /** How many requests it has taken. */
  hits(): number;
  remove(): void;
}

export interface ProxiedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Milliseconds of the monotonic clock (`performance.now()`). */
  readonly at: number;
  readonly fault?: Fault['kind'];
}

/**
 * `open`: as ever. `refused`: each new connection is reset. `silent`: each new connection is taken and nothing is ever said
 * on it, as behind a firewall that lost its table; with TLS not even a handshake. A certificate: shown from now on.
 */
export type ConnectionState = 'open' | 'refused' | 'silent';

export interface FaultyProxy {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** All requests so far, in the order of their heads. */
  readonly requests: readonly ProxiedRequest[];
  add(rule: FaultRule): RuleInForce;
  /** Removes all rules and opens the connections; what hangs is cut. */
  heal(): void;
  /** Cuts open connections and faults new ones from now on. */
  setConnections(state: ConnectionState): void;
  /** Shows another certificate on new connections and cuts the open ones; only of a proxy that was started with one. */
  setCertificate(certificate: Certificate): void;
  /** Cuts exchanges that are under way; returns how many. Without a choice all of them. */
  cut(choose?: (request: ProxiedRequest) => boolean): number;
  /** Exchanges under way. */
  open(choose?: (request: ProxiedRequest) => boolean): number;
  stop(): Promise<void>;
}

/** Of the Kubernetes API: for {@link FaultyProxy.cut} and {@link FaultyProxy.open}. */
export const isWatch = ({ path }: ProxiedRequest): boolean => /[?&]watch=(?:true|1)(?:&|$)/.test(path);

interface Exchange {
  readonly seen: ProxiedRequest;
  readonly cut: () => void;
}

interface Rule {
  readonly rule: FaultRule;
  passed: number;
  hits: number;
}

export async function startFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const requests: ProxiedRequest[] = [];
  const exchanges = new Set<Exchange>();
  // By the caller's port: what TLS gives a request is not the connection that can be reset.
  const sockets = new Map<number, Socket>();
  let rules: Rule[] = [];
  let state: ConnectionState = 'open';

  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const seen = { method: incoming.method ?? '', path: incoming.url ?? '', at: performance.now() };
    const fault = takeFault(rules, seen);
    const recorded = fault === undefined ? seen : { ...seen, fault: fault.kind };
    requests.push(recorded);
    const ended = new AbortController();
    const exchange: Exchange = {
      seen: recorded,
      cut: () => {
        // One that is over leaves its connection to the next.
        if (!exchanges.delete(exchange)) return;
        ended.abort();
        sockets.get(incoming.socket.remotePort ?? 0)?.resetAndDestroy();
      },
    };
    exchanges.add(exchange);
    outgoing.once('close', () => {
      exchanges.delete(exchange);
      ended.abort();
    });
    incoming.on('error', () => {});
    outgoing.on('error', () => {});
    answer({ incoming, outgoing, options, ended: ended.signal, cut: exchange.cut }, fault);
  };

  const server =
    options.certificate === undefined
      ? createServer({ requestTimeout: 0 }, handle)
      : createSecureServer(
          { cert: options.certificate.certificate, key: options.certificate.key, requestTimeout: 0 },
          handle,
        );
  const secure = 'setSecureContext' in server ? server : undefined;
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(port));
    if (state === 'refused') socket.resetAndDestroy();
    else if (state === 'open') for (const listener of listeners) Reflect.apply(listener, server, [socket]);
  });
  // A client that refuses our certificate.
  server.on('tlsClientError', () => {});
  const cutAll = (): void => {
    // A reset is what a lost peer leaves: no end of the stream, no farewell of TLS.
    for (const socket of sockets.values()) socket.resetAndDestroy();
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy listens on no TCP port');

  return {
    url: secure === undefined ? `http://127.0.0.1:${address.port}` : `https://localhost:${address.port}`,
    port: address.port,
    requests,
    add(rule) {
      const added: Rule = { rule, passed: 0, hits: 0 };
      rules.push(added);
      return {
        hits: () => added.hits,
        remove: () => {
          rules = rules.filter((one) => one !== added);
        },
      };
    },
    heal() {
      rules = [];
      if (state !== 'open') cutAll();
      state = 'open';
      for (const { seen, cut } of exchanges) if (seen.fault !== undefined) cut();
    },
    setConnections(next) {
      state = next;
      cutAll();
    },
    setCertificate({ certificate, key }) {
      if (secure === undefined) throw new Error('the proxy was started without a certificate');
      secure.setSecureContext({ cert: certificate, key });
      cutAll();
    },
    cut(choose = () => true) {
      const chosen = [...exchanges].filter(({ seen }) => choose(seen));
      for (const { cut } of chosen) cut();
      return chosen.length;
    },
    open: (choose = () => true) => [...exchanges].filter(({ seen }) => choose(seen)).length,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cutAll();
      await closed;
    },
  };
}

function takeFault(rules: readonly Rule[], { method, path }: ProxiedRequest): Fault | undefined {
  for (const one of rules) {
    const { rule } = one;
    if (rule.method !== undefined && rule.method !== method) continue;
    if (typeof rule.path === 'string' && !path.startsWith(rule.path)) continue;
    if (rule.path instanceof RegExp && !rule.path.test(path)) continue;
    if (one.hits >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
    if (one.passed < (rule.skip ?? 0)) {
      one.passed += 1;
      continue;
    }
    one.hits += 1;
    return rule.fault;
  }
  return undefined;
}

interface Forward {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly options: FaultyProxyOptions;
  readonly ended: AbortSignal;
  readonly cut: () => void;
}

function answer(forwarded: Forward, fault: Fault | undefined): void {
  switch (fault?.kind) {
    case undefined:
    case 'cut-reply':
    case 'stall-reply':
      forward(forwarded, fault);
      return;
    case 'delay': {
      const timer = setTimeout(() => forward(forwarded, undefined), fault.milliseconds);
      forwarded.ended.addEventListener('abort', () => clearTimeout(timer), { once: true });
      return;
    }
    case 'status':
      // What was sent is read to its end: a caller that is still writing would see a reset instead of the answer.
      forwarded.incoming.resume();
      forwarded.outgoing.writeHead(fault.status, fault.headers).end(fault.body ?? '');
      return;
    case 'reset':
      forwarded.cut();
      return;
    case 'hang':
      forwarded.incoming.resume();
      return;
    default:
      fault satisfies never;
  }
}

/** Of one connection alone, so not handed on. */
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-connection']);

function forward(
  { incoming, outgoing, options, ended, cut }: Forward,
  fault: Extract<Fault, { kind: 'cut-reply' | 'stall-reply' }> | undefined,
): void {
  const { target, targetCa, clientCertificate } = options;
  const send = target.protocol === 'https:' ? requestSecure : requestPlain;
  const upstream = send({
    protocol: target.protocol,
    hostname: target.hostname.replaceAll(/^\[|\]$/g, ''),
    port: target.port,
    method: incoming.method,
    path: incoming.url,
    headers: keptHeaders(incoming, target),
    agent: false,
    signal: ended,
    ...(targetCa === undefined ? {} : { ca: targetCa }),
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate.certificate, key: clientCertificate.key }),
  });
  upstream.on('error', cut);
  upstream.on('response', (reply) => {
    let left = fault?.afterBytes ?? Number.POSITIVE_INFINITY;
    const run = (): void => {
      if (fault?.kind === 'cut-reply') cut();
    };
    reply.on('error', cut);
    reply.on('aborted', cut);
    // The reply is there, so what it tells of has been done.
    if (left === 0) {
      reply.resume();
      run();
      return;
    }
    const headers = reply.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 1 || hopByHop.has(name.toLowerCase()) ? [] : [name, all[index + 1] ?? ''],
    );
    outgoing.writeHead(reply.statusCode ?? 502, headers);
    outgoing.flushHeaders();
    reply.on('data', (chunk: Buffer) => {
      if (left <= 0) return;
      const part = chunk.subarray(0, left);
      left -= part.length;
      if (left > 0) {
        if (!outgoing.write(part)) {
          reply.pause();
          outgoing.once('drain', () => reply.resume());
        }
      } else outgoing.write(part, run);
    });
    reply.on('end', () => {
      if (left > 0) outgoing.end();
    });
  });
  incoming.pipe(upstream);
}

function keptHeaders(incoming: IncomingMessage, target: URL): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined && !hopByHop.has(name)) kept[name] = value;
  }
  return { ...kept, host: target.host };
}
