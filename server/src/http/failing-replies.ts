/**
 * Fail points of what is answered: before a reply to a write leaves, and after it has left. Names the work of each request
 * besides, for what it writes into the database. Registered only where there are fail points.
 */

import type { FailPoints } from '@gatehouse/release/fail-point';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { agentWrites, nameRest, operatorWrites } from '../work/fail-points.ts';

export function addFailingReplies(app: FastifyInstance, points: FailPoints): void {
  app.addHook('preHandler', (request, _reply, next) => {
    const name = nameOf(request);
    if (name === undefined) next();
    else nameRest(name, next);
  });
  app.addHook('onSend', async (request, _reply, payload) => {
    const name = nameOf(request);
    if (name !== undefined) await points.reach(`${name}.reply.before`);
    return payload;
  });
  app.addHook('onResponse', async (request) => {
    const name = nameOf(request);
    if (name !== undefined) await points.reach(`${name}.reply.after`);
  });
}

/** Undefined for what only reads. */
function nameOf({ routeOptions }: FastifyRequest): string | undefined {
  const { url, schema } = routeOptions;
  if (url !== undefined && Object.hasOwn(agentWrites, url)) return agentWrites[url];
  const operation = schema !== undefined && 'operationId' in schema ? schema.operationId : undefined;
  return typeof operation === 'string' && operatorWrites.includes(operation) ? operation : undefined;
}
