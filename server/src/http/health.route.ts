/** Whether this process runs, whether it can answer, what it has done, and what it can be asked. */

import type { FastifyInstance } from 'fastify';
import type { Followers } from '../events/follow-events.ts';
import { countGatewaysByStatus } from '../gateways/gateway.store.ts';
import { selectPlatform } from '../releases/release.store.ts';
import { refuse } from './answer.ts';
import type { Metrics } from './metrics.ts';
import { sendRefusal } from './problem-reply.ts';
import type { Services } from './services.ts';

export interface HealthOptions {
  readonly services: Services;
  readonly metrics: Metrics;
  readonly followers: Followers;
}

const hidden = { schema: { hide: true } };

export function registerHealthRoutes(http: FastifyInstance, { services, metrics, followers }: HealthOptions): void {
  http.get('/healthz', hidden, async (_request, reply) => reply.send({ status: 'ok' }));
  http.get('/readyz', hidden, async (request, reply) => {
    try {
      await selectPlatform(services.db);
      return await reply.send({ status: 'ready' });
    } catch (error) {
      request.log.warn({ err: error }, 'not ready: the database does not answer');
      return sendRefusal(
        request,
        reply,
        refuse('unavailable', 'The database does not answer; try again in some seconds.'),
      );
    }
  });
  http.get('/metrics', hidden, async (_request, reply) => {
    const gateways = await countGatewaysByStatus(services.db);
    return reply.type(metrics.contentType).send(await metrics.text({ gateways, followers: followers.count() }));
  });
  http.get('/v1/openapi.json', hidden, async (_request, reply) => reply.send(http.swagger()));
}
