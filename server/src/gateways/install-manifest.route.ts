/**
 * The install manifest for `kubectl apply -f`. Its address carries a key that nobody can guess; it holds nothing secret,
 * since the registration token comes with the second command.
 */

import { installManifestYaml } from '@gatehouse/release/install-manifest';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { refuse } from '../http/answer.ts';
import { sendRefusal } from '../http/problem-reply.ts';
import type { Services } from '../http/services.ts';
import { selectPlatform, selectReleaseDocument } from '../releases/release.store.ts';
import { selectGatewayByInstallKey } from './gateway.store.ts';
import { installObjects, installRefusal } from './install.ts';

export function registerInstallManifestRoute(app: FastifyInstance, services: Services): void {
  const { db } = services;
  app.get<{ Params: { key: string } }>('/v1/install/:key/manifest.yaml', {
    schema: { hide: true, params: Type.Object({ key: Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }) }) },
    config: { rateLimit: { max: 300, timeWindow: '1 minute' } },
    handler: async (request, reply) => {
      const row = await selectGatewayByInstallKey(db, request.params.key);
      if (row === undefined) {
        const detail =
          'There is no gateway with this install key; copy the command again from the gateway that was created.';
        return sendRefusal(request, reply, refuse('not-found', detail));
      }
      const platform = await selectPlatform(db);
      const refusal = await installRefusal(db, platform);
      if (refusal !== undefined) return sendRefusal(request, reply, refusal);
      const release = await selectReleaseDocument(db, platform.version ?? '');
      if (release === undefined) throw new Error(`the release ${platform.version} of the platform is missing`);
      const objects = await installObjects(db, row, release, services);
      return reply.type('application/yaml').header('cache-control', 'no-store').send(installManifestYaml(objects));
    },
  });
}
