/**
 * One request to a Kubernetes API server: the only way guard and agent talk to one. `node:` modules only, since the
 * guard stands on it. The platform's proxy is never used here; an API server is reached directly. A missing answer, 429
 * and 5xx become `ClusterUnreachable`; every other status is an answer.
 */

import http from 'node:http';
import https from 'node:https';
import type { Instant } from '@gatehouse/domain/instant';
import { toInstant } from '@gatehouse/domain/instant';
import { ClusterUnreachable } from '../cluster.ts';

/** Where an API server is and how to sign in there. */
export interface KubernetesConnection {
  /** `https://10.96.0.1:443`; plain http on loopback only, as `kubectl proxy` serves it. */
  readonly server: string;
  /** PEM. Absent: the authorities the system knows. */
  readonly ca?: string | undefined;
  readonly serverName?: string | undefined;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string } | undefined;
  /** Asked before each request, since tokens are replaced while we run. `renew`: the last one was not taken. */
  readonly token?: ((renew: boolean) => Promise<string>) | undefined;
}

export type PatchKind = 'apply' | 'merge' | 'json';

export interface KubernetesQuestion {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT';
  /** Below the server, such as `/api/v1/nodes`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly patch?: PatchKind;
}

export interface KubernetesAnswer {
  /** 200 to 499 without 429. */
  readonly status: number;
  /** Parsed JSON; undefined when the answer was not JSON. */
  readonly body: unknown;
  /** The API server's clock, with a resolution of one second. */
  readonly date?: Instant;
}

export type KubernetesRequest = (question: KubernetesQuestion) => Promise<KubernetesAnswer>;

const timeoutMillisecondsDefault = 10_000;
const answerBytesMax = 32 * 1024 * 1024;

const contentTypes: Readonly<Record<PatchKind, string>> = {
  apply: 'application/apply-patch+yaml', // JSON is YAML.
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};

export function createKubernetesRequest(
  connection: KubernetesConnection,
  timeoutMilliseconds = timeoutMillisecondsDefault,
): KubernetesRequest {
  const server = new URL(connection.server);
  const transport = openTransport(server, connection);

  const once = async (question: KubernetesQuestion, renew: boolean): Promise<KubernetesAnswer> => {
    const token = await connection.token?.(renew);
    const sending = { ...transport, server, token, question, timeoutMilliseconds };
    try {
      return await sendRequest(sending);
    } catch (error) {
      // The API server closed an idle connection just as we took it up again. A read may be asked twice.
      if (question.method !== 'GET' || !(error instanceof ConnectionGone)) throw error;
      return sendRequest(sending);
    }
  };
  return async (question) => {
    const answer = await once(question, false);
    if (answer.status !== 401 || connection.token === undefined) return answer;
    return once(question, true);
  };
}

type Transport = Pick<Sending, 'agent' | 'open'>;

function openTransport(server: URL, { clientCertificate, ca, serverName }: KubernetesConnection): Transport {
  const common = { keepAlive: true, maxSockets: 8 };
  if (server.protocol === 'http:') {
    // A token must not be readable on the way.
    if (!loopbackHosts.includes(server.hostname)) throw new Error(`${server.origin} is plain http and not on loopback`);
    return { agent: new http.Agent(common), open: http.request };
  }
  const agent = new https.Agent({
    ...common,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate.certificate, key: clientCertificate.key }),
  });
  return { agent, open: https.request };
}

/** A connection that had served before was closed under a request, which therefore got no answer. */
class ConnectionGone extends ClusterUnreachable {}

const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];

interface Sending {
  readonly agent: http.Agent;
  readonly open: typeof http.request;
  readonly server: URL;
  readonly token: string | undefined;
  readonly question: KubernetesQuestion;
  readonly timeoutMilliseconds: number;
}

function sendRequest(sending: Sending): Promise<KubernetesAnswer> {
  const { server, question } = sending;
  const url = new URL(server.pathname.replace(/\/$/, '') + question.path, server);
  for (const [name, value] of Object.entries(question.query ?? {})) url.searchParams.set(name, value);
  const body = question.body === undefined ? undefined : Buffer.from(JSON.stringify(question.body), 'utf8');
  const what = `${question.method} ${url.pathname} at ${server.host}`;
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown): void => {
      reject(new ClusterUnreachable(`${what}: ${message}`, { cause }));
    };
    const request = sending.open(
      url,
      { agent: sending.agent, method: question.method, headers: headersOf(sending, body) },
      (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > answerBytesMax) request.destroy(new Error(`the answer has more than ${answerBytesMax} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', (error) => fail(error.message, error));
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          const parsed = parseBody(Buffer.concat(chunks));
          if (status === 429 || status >= 500) {
            fail(`the API server answered ${status}${withText(statusMessage(parsed))}`);
            return;
          }
          const date = Date.parse(response.headers.date ?? '');
          resolve({ status, body: parsed, ...(Number.isNaN(date) ? {} : { date: toInstant(date) }) });
        });
      },
    );
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${sending.timeoutMilliseconds / 1000} s`)),
      sending.timeoutMilliseconds,
    );
    request.on('close', () => clearTimeout(timer));
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (request.reusedSocket && error.code === 'ECONNRESET') reject(new ConnectionGone(`${what}: ${error.message}`));
      else fail(error.message, error);
    });
    request.end(body);
  });
}

function headersOf({ token, question }: Sending, body: Buffer | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'gatehouse-agent',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined
      ? {}
      : {
          'content-type': question.patch === undefined ? 'application/json' : contentTypes[question.patch],
          'content-length': String(body.length),
        }),
  };
}

function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // `/readyz` and some proxies answer in plain text; who needs JSON finds undefined.
    return undefined;
  }
}

/** The API server's own words in a `Status`; undefined when the body is none. */
export function statusMessage(body: unknown): string | undefined {
  const message = typeof body === 'object' && body !== null && 'message' in body ? body.message : undefined;
  return typeof message === 'string' && message !== '' ? message : undefined;
}

const withText = (text: string | undefined): string => (text === undefined ? '' : `: ${text}`);
