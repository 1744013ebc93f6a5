/** Answers the calls of pods that are processes, on a unix socket that only this user may open. */

import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { Cluster } from '../cluster.ts';
import { answerCall } from './calls.ts';

export interface CallServer {
  close(): Promise<void>;
}

const bodyBytesMax = 10_000_000;

/** `connectionOf`: the cluster as the pod with that token sees it; undefined for a token that nobody has (any more). */
export async function serveCalls(
  socketPath: string,
  connectionOf: (token: string) => Cluster | undefined,
): Promise<CallServer> {
  const answer = async (request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const cluster = connectionOf(token);
    if (cluster === undefined) {
      return { status: 401, body: { kind: 'unreachable', error: 'the simulated cluster does not know this pod' } };
    }
    return { status: 200, body: await answerCall(cluster, await readJson(request)) };
  };
  const server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown) => ({ status: 400, body: { kind: 'failed', error: String(error) } }))
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      })
      .catch(() => response.destroy());
  });
  // Idle pods keep their connection; opening one for each renewal of a Lease would cost more.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  await chmod(socketPath, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a request without an encoding yields Buffers');
    const bytes = chunk;
    size += bytes.length;
    if (size > bodyBytesMax) throw new Error(`the body is larger than ${bodyBytesMax} bytes`);
    chunks.push(bytes);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
