/**
 * The control plane in the attacker's hands: agents reach it instead of the honest one, with a certificate they accept.
 * Without a lie it passes everything on. A lie changes answers at will; what agents report still reaches the honest
 * server, so what an operator would see there can be looked at.
 */

import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { PollReply, PollRequest, type Target } from '@gatehouse/contract/agent-api';
import { Check } from 'typebox/value';

export type RepositoryFileKind = 'metadata' | 'targets';

export interface Lie {
  /**
   * The target that is sent, made from the last honest one and the generation the gateway has; the stolen server gives it
   * the next one unless it has one of its own. What it returns is sent as it is, whether the contract allows it or not.
   */
  readonly target?: (honest: HonestTarget, generation: number) => object;
  /** Instead of the honest file; undefined: there is none. */
  readonly file?: (kind: RepositoryFileKind, name: string, honest: Uint8Array | undefined) => Uint8Array | undefined;
  /** Answers the request itself, below HTTP's rules if need be; true when it did. */
  readonly answer?: (path: string, response: ServerResponse) => boolean;
}

type HonestTarget = Omit<Target, 'generation'>;

export interface SeenPoll {
  readonly at: number;
  readonly request: PollRequest;
}

export interface StolenServer {
  readonly url: string;
  /** Undefined: honest again. */
  lie(lie: Lie | undefined): void;
  /** Polls that carried an observation, trial polls left out, oldest first. */
  readonly polls: () => readonly SeenPoll[];
  /** The bearer tokens that agents showed. */
  readonly lastSession: () => string | undefined;
  /** Which answers were lies so far. */
  readonly liesTold: () => number;
  readonly close: () => Promise<void>;
}

export async function startStolenServer(input: {
  readonly honestPort: number;
  /** Metadata that the publisher has signed since the honest server got its own. */
  readonly renewed: ReadonlyMap<string, Uint8Array>;
}): Promise<StolenServer> {
  const { honestPort, renewed } = input;
  const polls: SeenPoll[] = [];
  let current: Lie | undefined;
  let honestTarget: HonestTarget | undefined;
  let session: string | undefined;
  let told = 0;
  let toldGeneration: number | undefined;

  const answerPoll = (incoming: IncomingMessage, sent: Buffer, reply: Buffer): Buffer => {
    const poll = parse(PollRequest, sent);
    const honest = parse(PollReply, reply);
    if (poll === undefined || honest === undefined) return reply;
    session = incoming.headers.authorization?.replace('Bearer ', '');
    if (poll.isTrial === true) return reply;
    if (honest.target !== undefined) {
      const { generation: _given, ...rest } = honest.target;
      honestTarget = rest;
    }
    if (poll.observation !== undefined) polls.push({ at: performance.now(), request: poll });
    if (current?.target === undefined || honestTarget === undefined) return reply;
    told += 1;
    // Once a gateway has taken a lie it is told nothing new, as an honest server would.
    if (toldGeneration !== undefined && poll.generation === toldGeneration) {
      return Buffer.from(JSON.stringify({ isObservationWanted: false, pollAgainSeconds: 0.1 }));
    }
    const target = { generation: poll.generation + 1, ...current.target(honestTarget, poll.generation) };
    toldGeneration = target.generation;
    return Buffer.from(JSON.stringify({ target, isObservationWanted: false, pollAgainSeconds: 0.1 }));
  };

  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const sent = await buffer(incoming);
    if (current?.answer?.(path, outgoing) === true) {
      told += 1;
      return;
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: honestPort, method, path, headers };
      request(options, resolve).on('error', reject).end(sent);
    });
    const status = answer.statusCode ?? 502;
    const { 'content-length': _length, 'transfer-encoding': _encoding, ...kept } = answer.headers;
    const body = await buffer(answer);
    const file = /^\/v1\/tuf\/(metadata|targets)\/(.+)$/.exec(path);
    if (file !== null) {
      const kind = file[1] === 'metadata' ? 'metadata' : 'targets';
      const name = decodeURIComponent(file[2] ?? '');
      const honest = (kind === 'metadata' ? renewed.get(name) : undefined) ?? (status === 200 ? body : undefined);
      const other = current?.file === undefined ? honest : current.file(kind, name, honest);
      if (other !== honest) told += 1;
      outgoing.writeHead(other === undefined ? 404 : 200, kept).end(other);
      return;
    }
    outgoing
      .writeHead(status, kept)
      .end(path === '/v1/agent/poll' && status === 200 ? answerPoll(incoming, sent, body) : body);
  };

  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the stolen server listens on no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    lie(next) {
      current = next;
      toldGeneration = undefined;
    },
    polls: () => polls,
    lastSession: () => session,
    liesTold: () => told,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function parse<Schema extends typeof PollRequest | typeof PollReply>(schema: Schema, body: Buffer) {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return Check(schema, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
