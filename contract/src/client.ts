/**
 * The typed client of the operator API, for the CLI, the console and tests. It is made from the same route table that
 * the server registers. It knows no clock and opens no connection of its own: `fetch` is passed in.
 */

import { type CallOf, operatorRoutes, type ReplyOf, type RouteName } from './operator-api.ts';
import type { GatewayEvent } from './operator-types.ts';
import type { Problem } from './problem.ts';
import type { Route } from './route.ts';

/** As much of a reply as is read here; the browser's and Node's both fit. */
export interface FetchReply {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
  readonly body: AsyncIterable<Uint8Array> | ByteStream | null;
}

interface ByteStream {
  getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>; cancel(): Promise<void> };
}

/** The platform's own `AbortSignal`, where the importing program has one; this package is compiled without. */
type Signal = typeof globalThis extends { AbortSignal: { prototype: infer Known } } ? Known : unknown;

export interface FetchOptions {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal?: Signal;
}
export type Fetch = (url: string, options: FetchOptions) => Promise<FetchReply>;

/** The control plane said no. `problem` is its whole answer. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

export interface ClientOptions {
  /** Without a slash at the end; empty for the page's own origin. */
  readonly server: string;
  /** API token; absent where a session cookie speaks. */
  readonly token?: string;
  readonly fetch: Fetch;
}

export interface CallOptions {
  /** Sent as `Idempotency-Key`: a repeated write with one key is carried out once. */
  readonly idempotencyKey?: string;
  readonly signal?: Signal;
}

export type Client = {
  readonly [Name in RouteName]: (call: CallOf<Name>, options?: CallOptions) => Promise<ReplyOf<Name>>;
} & {
  /**
   * Events after `after` (a sequence; 0 for all), then each new one, until the connection ends or `signal` aborts it.
   * `gateway` absent: of all gateways. A caller that is cut off calls again with the last sequence it saw.
   */
  followEvents(
    call: { gateway?: string; tenant?: string; after: number },
    options?: CallOptions,
  ): AsyncGenerator<GatewayEvent>;
};

/** Fills `:parameters` and adds the query. Throws a `TypeError` when a parameter is missing. */
export function addressOf(
  route: Pick<Route, 'path'>,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string | number | boolean | undefined>> = {},
): string {
  const path = route.path.replaceAll(/:([a-zA-Z]+)/g, (_whole, name: string) => {
    const value = params[name];
    if (value === undefined || value === '') throw new TypeError(`${route.path} needs the parameter ${name}`);
    return encodeURIComponent(value);
  });
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`],
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

function isProblem(body: unknown): body is Problem {
  if (typeof body !== 'object' || body === null) return false;
  return (
    'code' in body &&
    typeof body.code === 'string' &&
    'title' in body &&
    typeof body.title === 'string' &&
    'detail' in body &&
    typeof body.detail === 'string' &&
    'reasons' in body &&
    Array.isArray(body.reasons)
  );
}

async function problemOf(reply: FetchReply): Promise<ProblemError> {
  const text = await reply.text();
  const fallback: Problem = {
    type: 'about:blank',
    title: 'Unexpected answer',
    status: reply.status,
    code: 'unavailable',
    detail: `The server answered ${reply.status} and not in the form of Gatehouse. Is the address right?`,
    reasons: [],
  };
  try {
    const body: unknown = JSON.parse(text);
    if (isProblem(body)) return new ProblemError(body);
  } catch {
    // Not JSON: a proxy's or another server's page. The fallback says so.
  }
  return new ProblemError(fallback);
}

async function* chunksOf(body: FetchReply['body']): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  if ('getReader' in body) {
    const reader = body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        if (value) yield value;
      }
    } finally {
      await reader.cancel().catch(() => undefined); // The connection may be gone already; nothing is left to tell.
    }
  } else {
    yield* body;
  }
}

/** Parses a stream of server-sent events; yields the `data` of each. `decode` turns bytes into text across chunks. */
async function* eventDataOf(body: FetchReply['body'], decode: (bytes: Uint8Array) => string): AsyncGenerator<string> {
  let rest = '';
  let data: string[] = [];
  for await (const chunk of chunksOf(body)) {
    const lines = (rest + decode(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(line.slice(5).replace(/^ /, ''));
      }
    }
  }
}

/** What any route's call may carry; `CallOf` says it for each route. */
interface Given {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/** `decoder` makes a fresh streaming UTF-8 decoder, for example `() => { const d = new TextDecoder(); return (b) => d.decode(b, { stream: true }); }`. */
export function createClient(
  options: ClientOptions & { readonly decoder: () => (bytes: Uint8Array) => string },
): Client {
  const authorization: Record<string, string> =
    options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };

  async function call(route: Route, { params, query, body }: Given, callOptions: CallOptions): Promise<unknown> {
    const reply = await options.fetch(options.server + addressOf(route, params, query), {
      method: route.method,
      headers: {
        accept: route.replyType ?? 'application/json',
        ...authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(callOptions.idempotencyKey === undefined ? {} : { 'idempotency-key': callOptions.idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(callOptions.signal === undefined ? {} : { signal: callOptions.signal }),
    });
    if (!reply.ok) throw await problemOf(reply);
    if (route.reply === undefined) return undefined;
    const text = await reply.text();
    return route.replyType === undefined ? JSON.parse(text) : text;
  }

  async function* followEvents(
    given: { gateway?: string; tenant?: string; after: number },
    callOptions: CallOptions = {},
  ): AsyncGenerator<GatewayEvent> {
    const route = given.gateway === undefined ? operatorRoutes.listEvents : operatorRoutes.listGatewayEvents;
    const params = given.gateway === undefined ? {} : { gateway: given.gateway };
    const reply = await options.fetch(
      options.server + addressOf(route, params, { tenant: given.tenant, after: given.after }),
      {
        method: 'GET',
        headers: { accept: 'text/event-stream', ...authorization },
        ...(callOptions.signal === undefined ? {} : { signal: callOptions.signal }),
      },
    );
    if (!reply.ok) throw await problemOf(reply);
    for await (const data of eventDataOf(reply.body, options.decoder())) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The server's own schema made it; a client that checked it again would refuse fields that are added later.
      yield JSON.parse(data) as GatewayEvent;
    }
  }

  const calls = Object.fromEntries(
    Object.entries(operatorRoutes).map(([name, route]) => [
      name,
      (given: Given = {}, callOptions: CallOptions = {}) => call(route, given, callOptions),
    ]),
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Keys and calls come from `operatorRoutes` alone, which the compiler cannot follow through `fromEntries`.
  return { ...calls, followEvents } as unknown as Client;
}
