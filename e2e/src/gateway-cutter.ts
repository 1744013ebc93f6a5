/**
 * Stands between agents and the control plane and takes it away from single gateways: for the others it is there. When a
 * gateway is cut off is told by the trial polls of its next agent. The first is its rehearsal's: what follows is the swap. The
 * second is its own once it is in place: what follows is that it is Ready.
 */

import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { member, text } from './json.ts';

export interface GatewayCutter {
  /** On loopback; plain HTTP. */
  readonly port: number;
  /** After so many trial polls more that were answered well, that gateway gets no answer any more. */
  readonly cutAfterTrials: (gatewayId: string, trials: number) => void;
  readonly isCut: (gatewayId: string) => boolean;
  /** It is answered from now on; nor is it cut off by trial polls that are still to come. */
  readonly heal: (gatewayId: string) => void;
  readonly stop: () => Promise<void>;
}

export async function startGatewayCutter(upstreamPort: number): Promise<GatewayCutter> {
  const trialsLeft = new Map<string, number>();
  const cut = new Set<string>();
  const gatewayOfToken = new Map<string, string>();

  const countTrial = (gateway: string): void => {
    const left = trialsLeft.get(gateway);
    if (left === undefined) return;
    trialsLeft.set(gateway, left - 1);
    if (left > 1) return;
    trialsLeft.delete(gateway);
    cut.add(gateway);
  };
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = 'GET', url: target = '/', headers } = incoming;
    const body = await buffer(incoming);
    const asked = parse(body);
    const token = headers.authorization?.replace(/^Bearer /, '') ?? '';
    const gateway = text(asked, 'gatewayId') ?? gatewayOfToken.get(token);
    if (gateway !== undefined && cut.has(gateway)) {
      incoming.socket.destroy();
      return;
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port: upstreamPort, method, path: target, headers }, resolve)
        .on('error', reject)
        .end(body);
    });
    const answered = await buffer(answer);
    const sessionToken = text(parse(answered), 'sessionToken');
    if (gateway !== undefined && sessionToken !== undefined) gatewayOfToken.set(sessionToken, gateway);
    const isTrial = member(asked, 'isTrial') === true && answer.statusCode === 200;
    if (isTrial && gateway !== undefined) countTrial(gateway);
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(answered);
  };
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch((error: unknown) => {
      outgoing.writeHead(502).end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port on loopback');
  return {
    port: address.port,
    cutAfterTrials: (gatewayId, trials) => {
      trialsLeft.set(gatewayId, trials);
    },
    isCut: (gatewayId) => cut.has(gatewayId),
    heal: (gatewayId) => {
      trialsLeft.delete(gatewayId);
      cut.delete(gatewayId);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
