/**
 * Whether this process runs, whether it can answer, what it has done, and what it can be asked. None of it waits for the
 * database: what is known of it is told.
 */

import type { FastifyInstance } from 'fastify';
import type { Followers } from '../events/follow-events.ts';
import { countGatewaysByStatus } from '../gateways/gateway.store.ts';
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
/** Metrics of the fleet that take longer are told as they were. */
const countMillisecondsMax = 150;

export function registerHealthRoutes(http: FastifyInstance, { services, metrics, followers }: HealthOptions): void {
  const countGateways = rememberedCount(services);

  http.get('/healthz', hidden, async (_request, reply) => reply.send({ status: 'ok' }));
  http.get('/readyz', hidden, async (request, reply) => {
    const reason = notReady(services);
    if (reason !== undefined) {
      const { message, nextStep } = reason;
      reply.header('retry-after', '2');
      return sendRefusal(request, reply, refuse('unavailable', `${message} ${nextStep}`, { reasons: [reason] }));
    }
    const trouble = services.watch.trouble();
    return reply.send({ status: 'ready', ...(trouble === undefined ? {} : { warnings: [toWarning(trouble)] }) });
  });
  http.get('/metrics', hidden, async (_request, reply) =>
    reply.type(metrics.contentType).send(
      await metrics.text({
        gateways: await countGateways(),
        followers: followers.count(),
        databaseTrouble: services.watch.trouble()?.code,
      }),
    ),
  );
  http.get('/v1/openapi.json', hidden, async (_request, reply) => reply.send(http.swagger()));
}

/** Without connections to the database hardly anything can be answered; where only writes fail, reads go on. */
function notReady({ watch, isStopping }: Services) {
  if (isStopping()) {
    return {
      code: 'stopping',
      message: 'This server is ending.',
      nextStep: 'Ask another replica, or wait for the next.',
    };
  }
  const trouble = watch.trouble();
  if (trouble === undefined) return undefined;
  const isOfNoUse =
    !trouble.isAnswering || trouble.code === 'database-connections-used-up' || trouble.code === 'database-slow';
  return isOfNoUse ? toWarning(trouble) : undefined;
}

const toWarning = ({ code, message, nextStep }: { code: string; message: string; nextStep: string }) => ({
  code,
  message,
  nextStep,
});

/** As it was counted last, where counting anew takes too long. */
function rememberedCount({ db, watch }: Services): () => Promise<ReadonlyMap<string, number>> {
  let last: ReadonlyMap<string, number> = new Map();
  let counting: Promise<void> | undefined;
  const count = async (): Promise<void> => {
    try {
      last = await countGatewaysByStatus(db);
    } catch {
      // That the database does not answer is a metric of its own.
    } finally {
      counting = undefined;
    }
  };
  return async () => {
    if (watch.trouble()?.isAnswering === false) return last;
    counting ??= count();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, countMillisecondsMax);
    await Promise.race([counting, late]);
    clearTimeout(timer);
    return last;
  };
}
