/** Says what is wrong with the control plane itself in the log, when it begins and when it is over; asks nobody. */

import type { FastifyBaseLogger } from 'fastify';
import type { Services } from '../http/services.ts';
import { findWarnings } from './status.query.ts';

export function createWarningLog(services: Services, logger: FastifyBaseLogger): () => Promise<void> {
  let said: ReadonlyMap<string, string> = new Map();
  return async () => {
    const { db, now } = services;
    const warnings = await findWarnings(db, { part: {}, isWhole: true, now: now() }, services);
    const found = new Map(warnings.map((warning) => [warning.code, warning.message]));
    for (const { code, message, nextStep } of warnings) {
      if (said.get(code) !== message) logger.error({ code, nextStep }, message);
    }
    for (const code of said.keys()) if (!found.has(code)) logger.warn({ code }, 'this is over');
    said = found;
  };
}
