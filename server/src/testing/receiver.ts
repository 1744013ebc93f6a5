/** A receiver of webhooks on this machine, as its owner would write it: it keeps what came and answers as it is told. */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook as Verifier } from 'standardwebhooks';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  /** `host:port`, as it is allowed by name. */
  readonly name: string;
  readonly received: Received[];
  /** How the next requests are answered; by default with 204. */
  answer: (reply: ServerResponse) => void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, reply) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      receiver.answer(reply);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the receiver listens on no port');
  const receiver: Receiver = {
    url: `http://127.0.0.1:${address.port}/hook`,
    name: `127.0.0.1:${address.port}`,
    received,
    answer: (reply) => reply.writeHead(204).end(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

/** As a receiver does it, by the library of the specification. Throws for a message that was not signed with the secret. */
export function verifyMessage(secret: string, { headers, body }: Received): unknown {
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return new Verifier(secret).verify(body, given);
}
