/**
 * What the server hands to an agent and takes back later without having stored it: signed with a key that all replicas
 * share, good until a given time, for one purpose.
 */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Instant, minutes } from '@gatehouse/domain/instant';
import { clockMargin } from '@gatehouse/domain/steady-time';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';

const Payload = Type.Object({
  purpose: Type.String(),
  gatewayId: Type.String(),
  /** Of the identity the session was opened with; another enrolment ends it. */
  identityId: Type.Optional(Type.String()),
  until: Type.Integer(),
  nonce: Type.String(),
});
export type Payload = Static<typeof Payload>;

/** How long each is good for. */
export const tokenLife = { challenge: minutes(2), session: minutes(60) } as const;

export interface SignedToken {
  readonly purpose: 'challenge' | 'session';
  readonly gatewayId: string;
  readonly identityId?: string;
  readonly until: Instant;
}

export function signToken(token: SignedToken, key: Uint8Array): string {
  const payload = Buffer.from(JSON.stringify({ ...token, nonce: randomBytes(16).toString('base64url') })).toString(
    'base64url',
  );
  return `${payload}.${macOf(payload, key).toString('base64url')}`;
}

/**
 * Undefined when it is not one of ours, for another purpose, or over. The clocks of two replicas may differ by the margin.
 * One that would be good for longer than any is was made by a clock that was ahead, and is over too.
 */
export function readToken(
  text: string,
  wanted: { readonly purpose: SignedToken['purpose']; readonly now: Instant; readonly key: Uint8Array },
): Payload | undefined {
  const [payload, mac, ...rest] = text.split('.');
  if (payload === undefined || mac === undefined || rest.length > 0) return undefined;
  const expected = macOf(payload, wanted.key);
  const given = Buffer.from(mac, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const value: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  if (!Check(Payload, value)) return undefined;
  const left = value.until - wanted.now;
  const isGood = left > -clockMargin && left <= tokenLife[wanted.purpose] + clockMargin;
  return value.purpose === wanted.purpose && isGood ? value : undefined;
}

const macOf = (payload: string, key: Uint8Array): Buffer => createHmac('sha256', key).update(payload).digest();
