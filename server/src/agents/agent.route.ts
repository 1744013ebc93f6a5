/** The agent's side of HTTP. Only over HTTPS, directly or through a proxy on this machine; plain only on loopback. */

import {
  ChallengeReply,
  ChallengeRequest,
  EnrolReply,
  EnrolRequest,
  PollReply,
  PollRequest,
  SessionReply,
  SessionRequest,
} from '@gatehouse/contract/agent-api';
import type { Code } from '@gatehouse/contract/problem';
import { addMilliseconds } from '@gatehouse/domain/instant';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { type Answer, refuse } from '../http/answer.ts';
import { bearerOf } from '../http/authenticate.ts';
import { agentRouteSchema } from '../http/openapi.ts';
import { sendRefusal } from '../http/problem-reply.ts';
import type { Services } from '../http/services.ts';
import type { Attention } from '../polls/attention.ts';
import { poll } from '../polls/poll.command.ts';
import type { PollMemory } from '../polls/poll-memory.ts';
import type { PollTimes } from '../polls/poll-times.task.ts';
import { trialPoll } from '../polls/trial-poll.query.ts';
import { doWork } from '../work/work.ts';
import { enrol } from './enrol.command.ts';
import { identityRefused, makeChallenge, openSession, readSession } from './session.command.ts';

export interface AgentRoutesOptions {
  readonly services: Services;
  readonly memory: PollMemory;
  readonly times: PollTimes;
  readonly attention: Attention;
}

const bodyBytesMax = 1024 * 1024;

export function registerAgentRoutes(app: FastifyInstance, options: AgentRoutesOptions): void {
  const { services } = options;

  function route<Request extends TSchema, Reply extends TSchema>(
    path: string,
    schema: {
      readonly summary: string;
      readonly body: Request;
      readonly reply: Reply;
      readonly codes: readonly Code[];
    },
    requestsPerMinute: number,
    handle: (body: Static<Request>, request: FastifyRequest) => Promise<Answer<Static<Reply>>>,
  ): void {
    app.post(path, {
      schema: agentRouteSchema(schema) satisfies FastifySchema,
      bodyLimit: bodyBytesMax,
      config: { rateLimit: { max: requestsPerMinute, timeWindow: '1 minute' } },
      onRequest: requireHttps,
      handler: async (request, reply) => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Checked by the route's schema just before.
        const answer = await handle(request.body as Static<Request>, request);
        return answer.kind === 'refused' ? sendRefusal(request, reply, answer) : reply.send(answer.reply);
      },
    });
  }

  const codes: readonly Code[] = ['invalid-request', 'https-required', 'payload-too-large', 'unavailable'];
  route(
    '/v1/agent/enrol',
    { summary: 'Enrol an agent', body: EnrolRequest, reply: EnrolReply, codes: [...codes, 'token-invalid'] },
    300,
    (body, request) =>
      doWork({ db: services.db, now: services.now(), requestId: request.id }, (work) => enrol(body, work)),
  );
  route(
    '/v1/agent/challenge',
    { summary: 'Ask for a challenge', body: ChallengeRequest, reply: ChallengeReply, codes },
    1200,
    (body) => Promise.resolve({ kind: 'done', reply: makeChallenge(body.gatewayId, services) }),
  );
  route(
    '/v1/agent/session',
    {
      summary: 'Prove the identity for a session token',
      body: SessionRequest,
      reply: SessionReply,
      codes: [...codes, 'identity-refused'],
    },
    1200,
    (body) => openSession(body, services),
  );
  route(
    '/v1/agent/poll',
    {
      summary: 'Say what was seen, hear what should be',
      body: PollRequest,
      reply: PollReply,
      codes: [...codes, 'identity-refused', 'identity-elsewhere', 'identity-shared', 'hand-over-superseded'],
    },
    30_000,
    (body, request) => handlePoll(body, request, options),
  );
}

async function handlePoll(
  body: PollRequest,
  request: FastifyRequest,
  { services, memory, times, attention }: AgentRoutesOptions,
): Promise<Answer<PollReply>> {
  const { db, timings } = services;
  const now = services.now();
  const session = readSession(bearerOf(request), now, services.signingKey);
  if (session === undefined) return identityRefused();
  if (body.isTrial === true) return trialPoll(body, session, services);
  const isLookedAt = attention.isLookedAt(session.gatewayId, now);
  const record = (reply: PollReply) => {
    const latest = reply.pollAgainSeconds * 1000 * (1 + timings.poll.jitter);
    times.record({ gatewayId: session.gatewayId, lastPollAt: now, nextPollDueAt: addMilliseconds(now, latest) });
  };
  const remembered = body.observation === undefined ? memory.answer(body, session, now, isLookedAt) : undefined;
  if (remembered !== undefined) {
    record(remembered);
    return { kind: 'done', reply: remembered };
  }
  const ticket = memory.begin();
  const answer = await doWork({ db, now, requestId: request.id }, (work) =>
    poll({ request: body, session, timings, isLookedAt }, work),
  );
  if (answer.kind === 'refused') return answer;
  if ('refusal' in answer.reply) {
    // The other replicas are told by the database; here the next poll may come sooner than its word.
    memory.forget({ kind: 'gateway', gatewayId: session.gatewayId });
    return answer.reply.refusal;
  }
  const { reply, remembered: outcome } = answer.reply;
  record(reply);
  if (outcome !== undefined) {
    memory.remember(session.gatewayId, { identityId: session.identityId, ...outcome }, now, ticket);
  }
  return { kind: 'done', reply };
}

const loopback = /^(127\.|::1$|::ffff:127\.)/;

/** `request.ip` and `protocol` are those of the client behind a proxy on this machine (`trustProxy`). */
export function isSecure(request: FastifyRequest): boolean {
  return request.protocol === 'https' || loopback.test(request.ip);
}

async function requireHttps(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  if (isSecure(request)) return undefined;
  return sendRefusal(
    request,
    reply,
    refuse(
      'https-required',
      'Agents talk to the control plane over HTTPS; start it with --tls-cert and --tls-key, or put a proxy that speaks HTTPS in front.',
    ),
  );
}
