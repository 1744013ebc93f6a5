/**
 * What the readiness probe is told. A pod that was started in an attempt is ready only after its trial poll, which names
 * the attempt; from then on the server no longer counts, or an outage in the watch time would read as a bad version. Any
 * other pod is ready once it reached the Kubernetes API. A holder that cannot renew its Lease is not ready.
 */

import { createServer } from 'node:http';

export interface Readiness {
  /** Latched by the first success: reached the cluster, and passed the trial if there was one. */
  isProven(): boolean;
  prove(): void;
}

export function createReadiness(): Readiness {
  let proven = false;
  return {
    isProven: () => proven,
    prove: () => {
      proven = true;
    },
  };
}

export interface ReadinessAnswer {
  readonly ready: boolean;
  readonly message: string;
}

/** `where`: a TCP port, or the path of a unix socket. Answers `/readyz` and `/livez`. */
export async function serveHealth(where: string, isReady: () => ReadinessAnswer): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/livez') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('alive\n');
    } else if (path === '/readyz') {
      const { ready, message } = isReady();
      response.writeHead(ready ? 200 : 503, { 'content-type': 'text/plain' }).end(`${message}\n`);
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    }
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (/^\d+$/.test(where)) server.listen(Number(where), resolve);
    else server.listen(where, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
