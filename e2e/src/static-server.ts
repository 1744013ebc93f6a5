/** Any static file server: a folder over HTTP, and nothing that knows of releases. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';

export interface StaticServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** `folder` is asked at each request, so that what is served can be exchanged. */
export async function startStaticServer(folder: () => string): Promise<StaticServer> {
  const server = createServer((request, reply) => {
    const file = path.join(
      folder(),
      path.posix.normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)),
    );
    readFile(file).then(
      (bytes) => reply.end(bytes),
      () => reply.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('not listening');
  return {
    url: `http://127.0.0.1:${bound.port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
