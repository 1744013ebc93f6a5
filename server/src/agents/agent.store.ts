/** Who the agents are: one-time registration tokens, and the key each gateway's agent enrolled with. */

import { type IdentityUse, unusedIdentity } from '@gatehouse/domain/identity-place';
import { formatInstant, type Instant, parseInstant, toInstant } from '@gatehouse/domain/instant';
import type { Selectable } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import type { Tables } from '../database/schema.ts';

export interface NewRegistrationToken {
  readonly id: string;
  readonly gatewayId: string;
  readonly hash: string;
  readonly now: Instant;
  readonly expiresAt: Instant;
}

/** The token before it stops working. */
export async function replaceRegistrationToken(tx: DatabaseTransaction, token: NewRegistrationToken): Promise<void> {
  await withdrawRegistrationTokens(tx, token.gatewayId, token.now);
  await tx
    .insertInto('registration_tokens')
    .values({
      id: token.id,
      gateway_id: token.gatewayId,
      hash: token.hash,
      created_at: new Date(token.now),
      expires_at: new Date(token.expiresAt),
    })
    .execute();
}

export async function withdrawRegistrationTokens(
  tx: DatabaseTransaction,
  gatewayId: string,
  now: Instant,
): Promise<void> {
  await tx
    .updateTable('registration_tokens')
    .set({ withdrawn_at: new Date(now) })
    .where('gateway_id', '=', gatewayId)
    .where('withdrawn_at', 'is', null)
    .execute();
}

export async function lockRegistrationToken(tx: DatabaseTransaction, hash: string) {
  return tx
    .selectFrom('registration_tokens as r')
    .selectAll('r')
    .where('r.hash', '=', hash)
    .forUpdate()
    .executeTakeFirst();
}

export async function markRegistrationTokenUsed(tx: DatabaseTransaction, id: string, now: Instant): Promise<void> {
  await tx
    .updateTable('registration_tokens')
    .set({ used_at: new Date(now) })
    .where('id', '=', id)
    .execute();
}

export interface AgentIdentity {
  readonly id: string;
  readonly gatewayId: string;
  readonly publicKey: string;
  readonly registrationTokenId: string;
}

export interface KnownAgentIdentity extends AgentIdentity {
  readonly use: IdentityUse;
}

export async function selectAgentIdentity(db: Queryable, gatewayId: string): Promise<KnownAgentIdentity | undefined> {
  const row = await db
    .selectFrom('agent_identities as i')
    .selectAll('i')
    .where('i.gateway_id', '=', gatewayId)
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      gatewayId: row.gateway_id,
      publicKey: row.public_key,
      registrationTokenId: row.registration_token_id,
      use: toIdentityUse(row),
    }
  );
}

type UseColumns = Pick<Selectable<Tables['agent_identities']>, 'places' | 'waits_until' | 'shared_since'>;

export function toIdentityUse({ places, waits_until, shared_since }: UseColumns): IdentityUse {
  return {
    places: places.map(({ uid, heardAt }) => ({ uid, heardAt: parseInstant(heardAt) })),
    ...(waits_until === null ? {} : { waitsUntil: toInstant(waits_until.getTime()) }),
    ...(shared_since === null ? {} : { sharedSince: toInstant(shared_since.getTime()) }),
  };
}

export async function updateIdentityUse(tx: DatabaseTransaction, gatewayId: string, use: IdentityUse): Promise<void> {
  await tx.updateTable('agent_identities').set(fromIdentityUse(use)).where('gateway_id', '=', gatewayId).execute();
}

const fromIdentityUse = ({ places, waitsUntil, sharedSince }: IdentityUse) => ({
  places: JSON.stringify(places.map(({ uid, heardAt }) => ({ uid, heardAt: formatInstant(heardAt) }))),
  waits_until: waitsUntil === undefined ? null : new Date(waitsUntil),
  shared_since: sharedSince === undefined ? null : new Date(sharedSince),
});

/** The one identity of the gateway; who had it before loses it. */
export async function replaceAgentIdentity(
  tx: DatabaseTransaction,
  identity: AgentIdentity,
  now: Instant,
): Promise<void> {
  const row = {
    id: identity.id,
    public_key: identity.publicKey,
    registration_token_id: identity.registrationTokenId,
    enrolled_at: new Date(now),
    ...fromIdentityUse(unusedIdentity),
  };
  await tx
    .insertInto('agent_identities')
    .values({ gateway_id: identity.gatewayId, ...row })
    .onConflict((conflict) => conflict.column('gateway_id').doUpdateSet(row))
    .execute();
}

/** False when the challenge was used before. */
export async function insertUsedChallenge(
  db: Queryable,
  challenge: { readonly hash: string; readonly expiresAt: Instant },
): Promise<boolean> {
  const inserted = await db
    .insertInto('used_challenges')
    .values({ hash: challenge.hash, expires_at: new Date(challenge.expiresAt) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

export async function deleteExpiredChallenges(db: Queryable, now: Instant): Promise<void> {
  await db.deleteFrom('used_challenges').where('expires_at', '<', new Date(now)).execute();
}
