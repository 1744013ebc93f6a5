/** The socket on which `gatehouse sandbox break` reaches the sandbox; only its user may open it. */

import { chmod } from 'node:fs/promises';
import { createServer } from 'node:http';
import { readJson } from '../cluster/simulated/serve-calls.ts';
import type { SimulatedCluster } from '../cluster/simulated/simulated-cluster.ts';
import { messageOf } from '../log.ts';
import { answerTrouble, type TroubleReply } from './break.ts';

interface TroubledGateway {
  readonly cluster: SimulatedCluster;
  /** Resolves when what the cluster is now would be there after a kill. */
  readonly keep: () => Promise<void>;
}

export async function serveControl(
  socketPath: string,
  find: (gateway: string) => TroubledGateway | undefined,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const verb = (request.url ?? '').replace(/^\//, '');
    const reply = async (): Promise<TroubleReply> =>
      request.method === 'POST'
        ? answerTrouble(verb, await readJson(request), (gateway) => find(gateway)?.cluster)
        : { status: 404, message: 'The sandbox knows POST /break and POST /mend.' };
    reply()
      .catch((): TroubleReply => ({ status: 400, message: 'The body is not JSON.' }))
      .then(async ({ status, message, gateway }) => {
        // Acknowledged only when it is on the disk: whoever was told so goes on with it.
        await (gateway === undefined ? undefined : find(gateway)?.keep());
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
      })
      .catch((error: unknown) => {
        const message = `It was done, and could not be written down: ${messageOf(error)}. After a restart it may not be so.`;
        response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
      });
  });
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
