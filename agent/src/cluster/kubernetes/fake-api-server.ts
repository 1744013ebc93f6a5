/** For tests of what a real API server seldom does: one that answers what the test says, over plain http on loopback. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { KubernetesConnection } from './request.ts';

export interface FakeAnswer {
  readonly status: number;
  /** Sent as JSON, or as it is when it is text. */
  readonly body?: unknown;
  readonly date?: string;
}

export interface FakeQuestion {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface FakeApiServer {
  readonly connection: KubernetesConnection;
  /** `host:port` */
  readonly host: string;
  readonly asked: readonly FakeQuestion[];
  close(): Promise<void>;
}

/** `answer` undefined: never answers. */
export async function startFakeApiServer(
  answer: (question: FakeQuestion) => FakeAnswer | undefined,
): Promise<FakeApiServer> {
  const asked: FakeQuestion[] = [];
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const question = { method, url, authorization: headers.authorization, body: await text(request) };
    asked.push(question);
    const given = answer(question);
    if (given === undefined) return;
    if (given.date !== undefined) response.setHeader('date', given.date);
    response.writeHead(given.status, { 'content-type': 'application/json' });
    response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body ?? {}));
  }
  const server = createServer((request, response) => {
    // A client that went away while it was sending has no answer to wait for.
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
  return {
    connection: { server: `http://${host}` },
    host,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
