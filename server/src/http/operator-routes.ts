/**
 * Registers the routes of the contract's table: schemas, who calls, whether they may, the use case, the reply. A query
 * reads; a command is one transaction, with its Idempotency-Key if the client sent one.
 */

import {
  type CallOf,
  type OperatorRoutes,
  operatorRoutes,
  type ReplyOf,
  type RouteName,
} from '@gatehouse/contract/operator-api';
import type { Route } from '@gatehouse/contract/route';
import type { Instant } from '@gatehouse/domain/instant';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Database } from '../database/connection.ts';
import { type Access, createAccess, roleRefusal } from '../identity/access.ts';
import type { Principal } from '../identity/principal.ts';
import { doWork, type Work } from '../work/work.ts';
import type { Answer } from './answer.ts';
import { authenticate } from './authenticate.ts';
import { parseIdempotencyKey, withIdempotency } from './idempotency.ts';
import { routeSchema } from './openapi.ts';
import { sendRefusal } from './problem-reply.ts';
import type { Services } from './services.ts';

const bodyBytesMax = 256 * 1024;
const importBytesMax = 64 * 1024 * 1024;

type ReadName = { [Name in RouteName]: OperatorRoutes[Name]['method'] extends 'GET' ? Name : never }[RouteName];
/** They set and clear the cookie; registered by `sign-in.route.ts`. */
type SessionName = 'signIn' | 'signOut';
type WriteName = Exclude<RouteName, ReadName | SessionName>;
/** Their reply is no JSON value; `Follow` answers them. */
type StreamName = { [Name in RouteName]: OperatorRoutes[Name] extends { replyType: string } ? Name : never }[RouteName];

export interface QueryContext {
  readonly db: Database;
  readonly now: Instant;
  readonly access: Access;
}

export interface CommandContext {
  readonly work: Work;
  readonly access: Access;
}

export type Queries = {
  readonly [Name in Exclude<ReadName, StreamName>]: (
    call: CallOf<Name>,
    context: QueryContext,
  ) => Promise<Answer<ReplyOf<Name>>>;
};
export type Commands = {
  readonly [Name in WriteName]: (call: CallOf<Name>, context: CommandContext) => Promise<Answer<ReplyOf<Name>>>;
};

/** A reply that is not one JSON value; true when it took the request over. */
export type Follow = (input: {
  readonly name: string;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly principal: Principal;
}) => Promise<boolean>;

export interface OperatorRoutesOptions {
  readonly services: Services;
  readonly queries: Queries;
  readonly commands: Commands;
  readonly follow: Follow;
}

// The table gives each name its types; a loop over the table cannot carry them, so they end here and begin again in each
// use case. What passes through was checked by the route's schema.
type AnyQuery = (call: unknown, context: QueryContext) => Promise<Answer<unknown>>;
type AnyCommand = (call: unknown, context: CommandContext) => Promise<Answer<unknown>>;

export function registerOperatorRoutes(app: FastifyInstance, options: OperatorRoutesOptions): void {
  const { services, follow } = options;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- See `AnyQuery`.
  const queries = options.queries as unknown as Readonly<Record<string, AnyQuery | undefined>>;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- See `AnyCommand`.
  const commands = options.commands as unknown as Readonly<Record<string, AnyCommand | undefined>>;
  const routes: readonly (readonly [string, Route])[] = Object.entries(operatorRoutes);
  for (const [name, route] of routes) {
    const { permission } = route;
    if (permission === 'public' || name === 'signOut') continue;
    const query = queries[name];
    const command = commands[name];
    app.route({
      method: route.method,
      url: route.path,
      schema: routeSchema(name, route),
      config: { rateLimit: { max: 3000, timeWindow: '1 minute' } },
      // A repository carries the agents of a sandbox, some megabytes each; what else operators send is small.
      bodyLimit: name === 'importReleases' ? importBytesMax : bodyBytesMax,
      // Before the body is read: who may not call learns nothing of what would fit.
      onRequest: async (request, reply) => {
        const principal = await authenticate(request, services);
        if (principal.kind === 'refused') return sendRefusal(request, reply, principal);
        const denied = roleRefusal(principal.reply, permission);
        if (denied !== undefined) return sendRefusal(request, reply, denied);
        request.principal = principal.reply;
        return undefined;
      },
      handler: async (request, reply) => {
        const { principal } = request;
        if (principal === undefined) throw new Error(`${name} was reached without a principal`);
        const access = createAccess(principal, permission);
        const call = { params: request.params, query: request.query, body: request.body };
        const now = services.now();
        if (await follow({ name, request, reply, principal })) return reply;
        let answer: Answer<unknown>;
        if (query !== undefined) {
          answer = await query(call, { db: services.db, now, access });
        } else if (command !== undefined) {
          answer = await runCommand(command, { request, access, call, services, now, status: route.status });
        } else {
          throw new Error(`no use case answers ${name}`);
        }
        if (!access.isChecked()) throw new Error(`${name} answered without having asked for permission`);
        if (answer.kind === 'refused') return sendRefusal(request, reply, answer);
        return reply.code(route.status).send(answer.reply);
      },
    });
  }
}

interface RunCommand {
  readonly request: FastifyRequest;
  readonly access: Access;
  readonly call: unknown;
  readonly services: Services;
  readonly now: Instant;
  readonly status: number;
}

async function runCommand(command: AnyCommand, run: RunCommand): Promise<Answer<unknown>> {
  const { request, access, call, services, now, status } = run;
  const key = parseIdempotencyKey(request);
  if (key.kind === 'refused') return key;
  return doWork({ db: services.db, now, requestId: request.id }, async (work) => {
    const body = async () => {
      const answer = await command(call, { work, access });
      // Inside of the transaction, so that a forgotten check leaves nothing behind.
      if (!access.isChecked()) throw new Error('a command answered without having asked for permission');
      return answer;
    };
    if (key.reply === undefined) return body();
    return withIdempotency(work, { request, access, key: key.reply, status }, body);
  });
}
