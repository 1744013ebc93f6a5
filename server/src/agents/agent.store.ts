/** Who the agents are: one-time registration tokens, and the key each gateway's agent enrolled with. */

import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

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

export async function selectAgentIdentity(db: Queryable, gatewayId: string): Promise<AgentIdentity | undefined> {
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
    }
  );
}

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
