/** Proof of the agent's key for a short-lived token. A gateway that does not exist gets a challenge like any other. */

import { createPublicKey, verify } from 'node:crypto';
import type { ChallengeReply, SessionReply, SessionRequest } from '@gatehouse/contract/agent-api';
import { addMilliseconds, type Instant, toInstant } from '@gatehouse/domain/instant';
import { clockMargin } from '@gatehouse/domain/steady-time';
import type { Static } from 'typebox';
import { type Answer, done, refuse } from '../http/answer.ts';
import type { Services } from '../http/services.ts';
import { hashSecret } from '../identity/secret.ts';
import { type AgentIdentity, insertUsedChallenge, selectAgentIdentity } from './agent.store.ts';
import { readToken, signToken, tokenLife } from './signed-token.ts';

export function makeChallenge(gatewayId: string, services: Services): Static<typeof ChallengeReply> {
  const until = addMilliseconds(services.now(), tokenLife.challenge);
  return { challenge: signToken({ purpose: 'challenge', gatewayId, until }, services.signingKey) };
}

export const identityRefused = () =>
  refuse(
    'identity-refused',
    'The agent did not prove who it is; ask for a new challenge, or enrol with a fresh registration token.',
  );

export async function openSession(
  request: Static<typeof SessionRequest>,
  services: Services,
): Promise<Answer<Static<typeof SessionReply>>> {
  const now = services.now();
  const challenge = readToken(request.challenge, { purpose: 'challenge', now, key: services.signingKey });
  if (challenge === undefined || challenge.gatewayId !== request.gatewayId) return identityRefused();
  const identity = await selectAgentIdentity(services.db, request.gatewayId);
  if (identity === undefined || !isSignedBy(identity, request)) return identityRefused();
  const isFirstUse = await insertUsedChallenge(services.db, {
    hash: hashSecret(request.challenge),
    // Known for as long as it is taken.
    expiresAt: addMilliseconds(toInstant(challenge.until), clockMargin),
  });
  if (!isFirstUse) return identityRefused();
  const sessionToken = signToken(
    {
      purpose: 'session',
      gatewayId: identity.gatewayId,
      identityId: identity.id,
      until: addMilliseconds(now, tokenLife.session),
    },
    services.signingKey,
  );
  const shared = identity.use.sharedSince === undefined ? {} : { isIdentityShared: true };
  return done({ sessionToken, expiresInSeconds: tokenLife.session / 1000, ...shared });
}

// DER prefix of an Ed25519 public key in a SubjectPublicKeyInfo (RFC 8410).
const keyPrefix = Buffer.from('302a300506032b6570032100', 'hex');

function isSignedBy(identity: Pick<AgentIdentity, 'publicKey'>, request: Static<typeof SessionRequest>): boolean {
  const key = createPublicKey({
    key: Buffer.concat([keyPrefix, Buffer.from(identity.publicKey, 'base64url')]),
    format: 'der',
    type: 'spki',
  });
  const message = `gatehouse-agent-session:${request.gatewayId}:${request.challenge}`;
  return verify(null, Buffer.from(message, 'utf8'), key, Buffer.from(request.signature, 'base64url'));
}

export interface AgentSession {
  readonly gatewayId: string;
  readonly identityId: string;
}

/** What the token says; whether the identity is still the gateway's is for the poll to see. */
export function readSession(token: string | undefined, now: Instant, key: Uint8Array): AgentSession | undefined {
  const payload = token === undefined ? undefined : readToken(token, { purpose: 'session', now, key });
  if (payload?.identityId === undefined) return undefined;
  return { gatewayId: payload.gatewayId, identityId: payload.identityId };
}
