/** The signed files as they were published, for agents. Open to all: whoever reads them verifies them. */

import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { refuse } from '../http/answer.ts';
import { sendRefusal } from '../http/problem-reply.ts';
import type { Services } from '../http/services.ts';
import { selectReleaseFile } from './release.store.ts';

const pathPattern = /^[A-Za-z0-9._/-]{1,400}$/;
const limits = { rateLimit: { max: 12_000, timeWindow: '1 minute' } };

export function registerReleaseFileRoutes(app: FastifyInstance, { db }: Services): void {
  const File = Type.Object({ file: Type.String({ maxLength: 200, pattern: '^[A-Za-z0-9._-]+$' }) });
  app.get<{ Params: { file: string } }>('/v1/tuf/metadata/:file', {
    schema: { hide: true, params: File },
    config: limits,
    handler: async (request, reply) => {
      const bytes = await selectReleaseFile(db, 'metadata', request.params.file);
      if (bytes === undefined) {
        return sendRefusal(request, reply, refuse('not-found', `There is no metadata ${request.params.file}.`));
      }
      return reply.type('application/json').header('cache-control', 'no-cache').send(bytes);
    },
  });
  app.get<{ Params: { '*': string } }>('/v1/tuf/targets/*', {
    // typebox takes a property's name for a pattern, so `*` cannot have a schema; what is no target's path is not found.
    schema: { hide: true },
    config: limits,
    handler: async (request, reply) => {
      const path = request.params['*'];
      const bytes = pathPattern.test(path) ? await selectReleaseFile(db, 'target', path) : undefined;
      if (bytes === undefined) return sendRefusal(request, reply, refuse('not-found', `There is no target ${path}.`));
      // Its name has its digest in it, so it never changes.
      return reply
        .type('application/octet-stream')
        .header('cache-control', 'public, max-age=31536000, immutable')
        .send(bytes);
    },
  });
}
