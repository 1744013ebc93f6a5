/** The control plane in memory over HTTP, for agents that are processes. All of them count as one pod to it. */

import { createServer } from 'node:http';
import { ChallengeRequest, EnrolRequest, PollRequest, SessionRequest } from '@gatehouse/contract/agent-api';
import { Check } from 'typebox/value';
import { readJson } from '../cluster/simulated/serve-calls.ts';
import type { Answer } from '../poll/control-plane.ts';
import type { ControlPlaneInMemory } from './control-plane-in-memory.ts';

export async function serveControlPlane(
  server: ControlPlaneInMemory,
): Promise<{ readonly url: URL; close(): Promise<void> }> {
  const controlPlane = server.connect('a process');
  const answer = async (path: string, body: unknown, bearer: string): Promise<Answer<unknown> | undefined> => {
    if (path === '/v1/agent/enrol' && Check(EnrolRequest, body)) return controlPlane.enrol(body);
    if (path === '/v1/agent/challenge' && Check(ChallengeRequest, body)) return controlPlane.challenge(body.gatewayId);
    if (path === '/v1/agent/session' && Check(SessionRequest, body)) return controlPlane.openSession(body);
    if (path === '/v1/agent/poll' && Check(PollRequest, body)) return controlPlane.poll(bearer, body);
    return undefined;
  };
  const http = createServer((request, response) => {
    const path = request.url ?? '';
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const reply = async (): Promise<void> => {
      const file = /^\/v1\/tuf\/(metadata|targets)\/(.+)$/.exec(path);
      if (file !== null) {
        const kind = file[1] === 'metadata' ? 'metadata' : 'targets';
        const bytes = await controlPlane.readRepositoryFile(kind, decodeURIComponent(file[2] ?? ''), 1e9);
        response.writeHead(bytes instanceof Uint8Array ? 200 : 404).end(bytes);
        return;
      }
      const bearer = (request.headers.authorization ?? '').replace('Bearer ', '');
      const answered = await answer(path, await readJson(request), bearer);
      if (answered === undefined) send(404, { code: 'not-found', detail: path });
      else if (answered.kind === 'answered') send(200, answered.value);
      else if (answered.kind === 'refused') send(answered.status, { code: answered.code, detail: answered.message });
      else response.destroy();
    };
    reply().catch((error: unknown) => send(500, { code: 'failed', detail: String(error) }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return {
    url: new URL(`http://127.0.0.1:${address.port}`),
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}
