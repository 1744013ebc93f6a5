/**
 * The end of the HTTP side in order: from the word on nothing new is begun, what is under way is finished, and only then
 * the port closes, so that whoever asks meanwhile hears why, and health says that this server is ending.
 */

import type { FastifyInstance } from 'fastify';
import { refuse } from './answer.ts';
import { sendRefusal } from './problem-reply.ts';

export interface Drain {
  /** Resolves when nothing is under way any more, after the time, or when `hurry` is aborted; whichever comes first. */
  untilIdle(millisecondsMax: number, hurry?: AbortSignal): Promise<void>;
}

/** Registered before whatever else looks at requests. */
export function addDrain(http: FastifyInstance, isStopping: () => boolean): Drain {
  const underWay = new Set<unknown>();
  const waiting = new Set<() => void>();

  http.addHook('onRequest', async (request, reply) => {
    const { raw } = reply;
    if (isStopping() && request.url !== '/healthz' && request.url !== '/readyz') {
      const message = 'This server is ending and begins nothing new.';
      const nextStep = 'Send it again in a second: another replica answers, or this one when it is back.';
      reply.header('connection', 'close').header('retry-after', '1');
      return sendRefusal(
        request,
        reply,
        refuse('unavailable', `${message} ${nextStep}`, { reasons: [{ code: 'stopping', message, nextStep }] }),
      );
    }
    underWay.add(raw);
    const done = (): void => {
      underWay.delete(raw);
      if (underWay.size === 0) for (const resolve of waiting) resolve();
    };
    raw.once('finish', done);
    raw.once('close', done);
    return undefined;
  });

  return {
    async untilIdle(millisecondsMax, hurry) {
      if (underWay.size === 0 || hurry?.aborted === true) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, millisecondsMax);
      waiting.add(resolve);
      hurry?.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      waiting.delete(resolve);
      clearTimeout(timer);
    },
  };
}
