/**
 * What answers on the port while the control plane starts: that it lives, that it is not ready and what it waits for, and
 * to everything else when to come back. It needs no database, and makes room for the control plane once that is ready.
 */

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Reason } from '@gatehouse/contract/primitives';
import { toProblem } from '@gatehouse/contract/problem';
import { answerUnreadable } from './unreadable-request.ts';

export interface WhileStarting {
  /** Where it listens, also when port 0 was asked for. */
  readonly port: number;
  /** What the start waits for from now on. */
  waitsFor(reason: Reason): void;
  /** Frees the port. Safe to repeat. */
  close(): Promise<void>;
}

export interface WhileStartingOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

const again = 'Try again in some seconds.';
const starting: Reason = { code: 'starting', message: 'This server is starting.', nextStep: again };
const retryAfterSeconds = 2;

/** Rejects where the port cannot be listened on. */
export async function answerWhileStarting({ host, port, tls }: WhileStartingOptions): Promise<WhileStarting> {
  let waitedFor: Reason | undefined;
  const answer: RequestListener = (request, reply) => {
    request.resume();
    if (pathOf(request) === '/healthz') send(reply, 200, 'application/json; charset=utf-8', { status: 'ok' });
    else refuse(reply, waitedFor);
  };
  const server = tls === undefined ? createServer(answer) : createSecureServer({ ...tls }, answer);
  server.on('clientError', answerUnreadable);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  let closing: Promise<void> | undefined;
  return {
    port: address.port,
    waitsFor(reason) {
      waitedFor = reason;
    },
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}

const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0] ?? '';

function refuse(reply: ServerResponse, waitedFor: Reason | undefined): void {
  const reasons = waitedFor === undefined ? [starting] : [starting, waitedFor];
  const what = waitedFor === undefined ? starting.message : `This server is starting and waits: ${waitedFor.message}`;
  const problem = toProblem('unavailable', `${what} ${again}`, { reasons });
  reply.setHeader('retry-after', String(retryAfterSeconds));
  send(reply, problem.status, 'application/problem+json; charset=utf-8', problem);
}

/** On a connection that ends with it: the next request may be for the control plane. */
function send(reply: ServerResponse, status: number, type: string, body: object): void {
  reply.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', connection: 'close' });
  reply.end(JSON.stringify(body));
}
