/** The socket on which `gatehouse sandbox break` reaches the sandbox; only its user may open it. */

import { chmod } from 'node:fs/promises';
import { createServer } from 'node:http';
import { readJson } from '../cluster/simulated/serve-calls.ts';
import type { SimulatedCluster } from '../cluster/simulated/simulated-cluster.ts';
import { answerTrouble, type TroubleReply } from './break.ts';

export async function serveControl(
  socketPath: string,
  find: (gateway: string) => SimulatedCluster | undefined,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const verb = (request.url ?? '').replace(/^\//, '');
    const reply = async (): Promise<TroubleReply> =>
      request.method === 'POST'
        ? answerTrouble(verb, await readJson(request), find)
        : { status: 404, message: 'The sandbox knows POST /break and POST /mend.' };
    reply()
      .catch((): TroubleReply => ({ status: 400, message: 'The body is not JSON.' }))
      .then(({ status, message }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
      })
      .catch(() => response.destroy());
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
