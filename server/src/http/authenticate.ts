/**
 * Who calls: a bearer token, or the session cookie of a browser. A write that a cookie speaks for has to come from our
 * own pages.
 */

import type { FastifyRequest } from 'fastify';
import { selectPrincipalBySession, selectPrincipalByToken } from '../identity/identity.store.ts';
import type { Principal } from '../identity/principal.ts';
import { hashSecret } from '../identity/secret.ts';
import { type Answer, done, type Refusal, refuse } from './answer.ts';
import type { Services } from './services.ts';

declare module 'fastify' {
  interface FastifyRequest {
    principal?: Principal;
  }
}

export const sessionCookie = 'gatehouse_session';
const tokenLengthMax = 200;

export async function authenticate(request: FastifyRequest, services: Services): Promise<Answer<Principal>> {
  const now = services.now();
  const bearer = bearerOf(request);
  if (bearer !== undefined) {
    const principal =
      bearer.length > tokenLengthMax ? undefined : await selectPrincipalByToken(services.db, hashSecret(bearer), now);
    return principal === undefined ? refused('The token is unknown, expired or revoked') : done(principal);
  }
  const cookie = request.cookies[sessionCookie];
  if (cookie === undefined || cookie.length > tokenLengthMax) {
    return refused('No token and no session came with the request');
  }
  const principal = await selectPrincipalBySession(services.db, hashSecret(cookie), now);
  if (principal === undefined) return refused('The session has ended', 'session-ended');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (!isRead && !isSameOrigin(request)) {
    const detail = 'A write with a session has to come from the console itself; from elsewhere use an API token.';
    return refuse('not-allowed', detail, { reasons: [{ code: 'foreign-origin', message: detail }] });
  }
  return done(principal);
}

const refused = (why: string, code = 'not-signed-in'): Refusal => {
  const nextStep = 'Sign in, or send a valid token as Authorization: Bearer.';
  return refuse('not-signed-in', `${why}. ${nextStep}`, {
    reasons: [{ code, message: `${why}.`, nextStep }],
  });
};

export function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  return authorization === undefined ? undefined : (/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '');
}

/** Browsers say where a request comes from, and pages cannot make them say something else. */
export function isSameOrigin(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin } = request.headers;
  if (origin === undefined) return false;
  try {
    return new URL(origin).host === request.host;
  } catch {
    return false; // `null` and the like: of no page of ours.
  }
}
