/** Signing in with a one-time link or an API token, for a session cookie that scripts cannot read; and signing out. */

import { type CallOf, operatorRoutes } from '@gatehouse/contract/operator-api';
import { addMilliseconds, hours } from '@gatehouse/domain/instant';
import type { FastifyInstance } from 'fastify';
import { refuse } from '../http/answer.ts';
import { authenticate, sessionCookie } from '../http/authenticate.ts';
import { routeSchema } from '../http/openapi.ts';
import { sendRefusal } from '../http/problem-reply.ts';
import type { Services } from '../http/services.ts';
import {
  deleteWebSession,
  insertWebSession,
  selectPrincipalById,
  selectPrincipalByToken,
  useSignInKey,
} from './identity.store.ts';
import type { Principal } from './principal.ts';
import { hashSecret, newSecret } from './secret.ts';

const sessionLife = hours(12);

export function registerSignInRoutes(app: FastifyInstance, services: Services): void {
  const { db } = services;
  const { signIn, signOut } = operatorRoutes;

  app.route({
    method: signIn.method,
    url: signIn.path,
    schema: routeSchema('signIn', signIn),
    config: { rateLimit: { max: 20, timeWindow: '1 minute' } },
    handler: async (request, reply) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Checked by the route's schema just before.
      const { body } = request as unknown as CallOf<'signIn'>;
      const now = services.now();
      let principal: Principal | undefined;
      if ('token' in body) {
        principal = await selectPrincipalByToken(db, hashSecret(body.token), now);
      } else {
        const tokenId = await useSignInKey(db, hashSecret(body.key), now);
        principal = tokenId === undefined ? undefined : await selectPrincipalById(db, tokenId, now);
      }
      if (principal === undefined) {
        const detail =
          'token' in body
            ? 'The token is unknown, expired or revoked; sign in with another one.'
            : 'The sign-in link is unknown, used or expired; restart the control plane for a new one, or sign in with an API token.';
        return sendRefusal(request, reply, refuse('not-signed-in', detail));
      }
      const session = newSecret('ghs');
      const expiresAt = addMilliseconds(now, sessionLife);
      await insertWebSession(db, { hash: hashSecret(session), tokenId: principal.tokenId, now, expiresAt });
      // A browser has one session: who knew the cookie before knows nothing that still counts.
      const before = request.cookies[sessionCookie];
      if (before !== undefined) await deleteWebSession(db, hashSecret(before));
      return reply
        .setCookie(sessionCookie, session, {
          httpOnly: true,
          sameSite: 'strict',
          secure: request.protocol === 'https',
          path: '/',
          maxAge: sessionLife / 1000,
        })
        .send({ name: principal.name });
    },
  });

  app.route({
    method: signOut.method,
    url: signOut.path,
    schema: routeSchema('signOut', signOut),
    handler: async (request, reply) => {
      const principal = await authenticate(request, services);
      if (principal.kind === 'refused') return sendRefusal(request, reply, principal);
      const cookie = request.cookies[sessionCookie];
      if (cookie !== undefined) await deleteWebSession(db, hashSecret(cookie));
      return reply.clearCookie(sessionCookie, { path: '/' }).code(204).send();
    },
  });
}
