/** The contract's schemas as fastify and OpenAPI take them: named ones once, under components, and referred to. */

import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import { type Code, codes, Problem } from '@gatehouse/contract/problem';
import type { Route } from '@gatehouse/contract/route';
import type { FastifyInstance, FastifySchema } from 'fastify';
import Type from 'typebox';

type JsonSchema = { readonly [key: string]: unknown };
const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Replaces each schema that has an `$id` by a reference to it, and gives those found to `found`. */
function refer(schema: unknown, found: (id: string, schema: JsonSchema) => void, isTop = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => refer(item, found));
  if (!isObject(schema)) return schema;
  const id = schema['$id'];
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, refer(value, found)]));
  if (typeof id !== 'string' || isTop) return inner;
  found(id, inner);
  return { $ref: `${id}#` };
}

export function addNamedSchemas(app: FastifyInstance): void {
  const named = new Map<string, JsonSchema>();
  const routes: readonly Route[] = Object.values(operatorRoutes);
  for (const schema of [...routes.map(({ reply }) => reply), Problem]) {
    refer(schema, (id, found) => named.set(id, found));
  }
  for (const schema of named.values()) app.addSchema(schema);
}

function replySchema(schema: Type.TSchema): JsonSchema {
  const referred = refer(schema, () => undefined);
  if (!isObject(referred)) throw new TypeError('a schema is an object');
  return referred;
}

const ofAll = ['header-too-large', 'too-many-requests', 'internal-error'] as const;

/** The problem replies of a route by status, each with the codes that it may carry. */
function problemReplies(problemCodes: readonly Code[], hasBody: boolean): JsonSchema {
  const byStatus = new Map<number, Code[]>();
  const ofBody: readonly Code[] = hasBody ? ['payload-too-large', 'unsupported-media-type'] : [];
  for (const code of new Set<Code>([...problemCodes, ...ofBody, ...ofAll])) {
    const { status } = codes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => [
      status,
      {
        description: all.map((code) => `\`${code}\`: ${codes[code].title}`).join(' '),
        content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
      },
    ]),
  );
}

const KeyHeader = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: '^[\\x21-\\x7e]+$' })),
});

export function routeSchema(name: string, route: Route): FastifySchema {
  // Signing out is no use case, and done twice it is done.
  const takesKey = route.method !== 'GET' && route.permission !== 'public' && name !== 'signOut';
  const isFollowed = name === 'listEvents' || name === 'listGatewayEvents';
  const reply: JsonSchema =
    route.reply === undefined
      ? { description: 'Done.', type: 'null' }
      : route.replyType !== undefined
        ? { description: 'Done.', content: { [route.replyType]: { schema: { type: 'string' } } } }
        : isFollowed
          ? {
              description: 'One page; or, with `Accept: text/event-stream`, each event as server-sent event.',
              content: {
                'application/json': { schema: replySchema(route.reply) },
                'text/event-stream': { schema: { type: 'string' } },
              },
            }
          : { description: 'Done.', ...replySchema(route.reply) };
  return {
    operationId: name,
    summary: route.summary,
    tags: ['operator'],
    ...(route.permission === 'public' ? {} : { security: [{ token: [] }, { session: [] }] }),
    params: route.params ?? Type.Object({}, { additionalProperties: false }),
    querystring: route.query ?? Type.Object({}, { additionalProperties: false }),
    ...(route.body === undefined ? {} : { body: route.body }),
    ...(takesKey ? { headers: KeyHeader } : {}),
    response: { [route.status]: reply, ...problemReplies(route.codes, route.body !== undefined) },
  };
}

export function agentRouteSchema(route: {
  readonly summary: string;
  readonly body: Type.TSchema;
  readonly reply: Type.TSchema;
  readonly codes: readonly Code[];
}): FastifySchema {
  return {
    summary: route.summary,
    tags: ['agent'],
    body: route.body,
    response: { 200: { description: 'Done.', ...replySchema(route.reply) }, ...problemReplies(route.codes, true) },
  };
}

/** Settings of @fastify/swagger: OpenAPI 3.1, named schemas under their own names, the two ways to be signed in. */
export function describeApi(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Gatehouse',
        version,
        description: 'The operator API of a Gatehouse control plane, and the API that its agents use.',
      },
      tags: [
        { name: 'operator', description: 'For people, the command line and programs.' },
        { name: 'agent', description: 'For the agents in the gateways.' },
      ],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'gatehouse_session' },
        },
      },
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json['$id'] === 'string' ? json['$id'] : `schema-${index}`,
    },
  };
}
