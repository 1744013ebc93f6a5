/**
 * A proxy that ends TLS in front of the control plane, as many put one there, and keeps a record of every poll that passes:
 * which pod sent it, when, with which hand-over number, and how it was answered. So a story sees at the wire who acts.
 */

import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { PollRequest } from '@gatehouse/contract/agent-api';
import { Value } from 'typebox/value';

export interface RecordedPoll {
  /** Address of the pod. */
  readonly from: string;
  /** Milliseconds of one monotonic clock: when it arrived, and when its answer left. */
  readonly arrivedAt: number;
  readonly answeredAt: number;
  readonly status: number;
  readonly agentVersion: string;
  readonly handOverNumber: number;
  readonly isTrial: boolean;
}

/** Those that count: answered well, and not the trial of a new agent. */
export function actingPolls(polls: readonly RecordedPoll[], since = 0): readonly RecordedPoll[] {
  return polls.filter((poll) => poll.status === 200 && !poll.isTrial && poll.arrivedAt >= since);
}

/** In milliseconds, from an answer to the next poll. */
export function longestPause(polls: readonly RecordedPoll[]): number {
  return Math.max(...pauses(polls).map(({ milliseconds }) => milliseconds));
}

/** Each pause that was longer than `max` milliseconds, with all that came in it, for whoever looks for the reason. */
export function missedPolls(
  polls: readonly RecordedPoll[],
  { since, max }: { readonly since: number; readonly max: number },
): readonly string[] {
  return pauses(actingPolls(polls, since))
    .filter(({ milliseconds }) => milliseconds > max)
    .map(({ before, milliseconds }) => {
      const until = before.answeredAt + milliseconds;
      const between = polls.filter((poll) => poll.arrivedAt > before.answeredAt && poll.arrivedAt < until);
      const others = between.map((poll) => `${poll.status} ${poll.isTrial ? 'trial ' : ''}of ${poll.agentVersion}`);
      return `${Math.round(milliseconds)} ms after ${describePoll(before, since)}; in between: ${others.join(', ') || 'nothing'}`;
    });
}

function describePoll(poll: RecordedPoll, since: number): string {
  const took = Math.round(poll.answeredAt - poll.arrivedAt);
  return `the poll of ${poll.agentVersion} at ${Math.round(poll.arrivedAt - since)} ms, answered in ${took} ms`;
}

function pauses(
  polls: readonly RecordedPoll[],
): readonly { readonly before: RecordedPoll; readonly milliseconds: number }[] {
  return polls.flatMap((poll, index) => {
    const before = polls[index - 1];
    return before === undefined ? [] : [{ before, milliseconds: poll.arrivedAt - before.answeredAt }];
  });
}

export interface RecordingProxy {
  readonly url: string;
  /** In the order of their answers. */
  readonly polls: () => readonly RecordedPoll[];
  readonly stop: () => Promise<void>;
}

export async function startRecordingProxy(input: {
  readonly host: string;
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Port of the control plane on loopback, plain HTTP. Asked at each request, since the proxy's own URL comes first. */
  readonly upstreamPort: () => number;
}): Promise<RecordingProxy> {
  const polls: RecordedPoll[] = [];
  const server = createServer(
    { cert: await readFile(input.certificatePath), key: await readFile(input.keyPath), keepAliveTimeout: 60_000 },
    (incoming, outgoing) => {
      pass(incoming, outgoing, input.upstreamPort(), polls).catch((error: unknown) => {
        outgoing.writeHead(502).end(String(error));
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, input.host, resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error(`no port on ${input.host}`);
  return {
    url: `https://${input.host}:${address.port}`,
    polls: () => polls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  port: number,
  polls: RecordedPoll[],
): Promise<void> {
  const arrivedAt = performance.now();
  const { method = 'GET', url: target = '/', headers } = incoming;
  const from = incoming.socket.remoteAddress ?? '';
  const body = await buffer(incoming);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const onward = { ...headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': from };
    request({ host: '127.0.0.1', port, method, path: target, headers: onward }, resolve).on('error', reject).end(body);
  });
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  const answered = await buffer(answer);
  if (target === '/v1/agent/poll') {
    const poll = parsePoll(body);
    if (poll !== undefined) {
      polls.push({
        from,
        arrivedAt,
        answeredAt: performance.now(),
        status: answer.statusCode ?? 0,
        agentVersion: poll.agent.version,
        handOverNumber: poll.handOverNumber,
        isTrial: poll.isTrial === true,
      });
    }
  }
  outgoing.end(answered);
}

function parsePoll(body: Buffer): PollRequest | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return Value.Check(PollRequest, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
