import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

interface KeyId {
  readonly tokenId: string;
  readonly keyHash: string;
}

/** False when it was there. Waits for a transaction that is just inserting the same one. */
export async function insertIdempotencyKey(
  tx: DatabaseTransaction,
  key: KeyId & { readonly requestDigest: string; readonly status: number; readonly now: Instant },
): Promise<boolean> {
  const inserted = await tx
    .insertInto('idempotency_keys')
    .values({
      token_id: key.tokenId,
      key: key.keyHash,
      request_digest: key.requestDigest,
      status: key.status,
      created_at: new Date(key.now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

export async function selectIdempotencyKey(
  tx: DatabaseTransaction,
  { tokenId, keyHash }: KeyId,
): Promise<{ readonly requestDigest: string; readonly reply: Buffer | null } | undefined> {
  const row = await tx
    .selectFrom('idempotency_keys as k')
    .select(['k.request_digest', 'k.reply'])
    .where('k.token_id', '=', tokenId)
    .where('k.key', '=', keyHash)
    .executeTakeFirst();
  return row && { requestDigest: row.request_digest, reply: row.reply };
}

export async function updateIdempotencyReply(
  tx: DatabaseTransaction,
  { tokenId, keyHash, reply }: KeyId & { readonly reply: Buffer },
): Promise<void> {
  await tx
    .updateTable('idempotency_keys')
    .set({ reply })
    .where('token_id', '=', tokenId)
    .where('key', '=', keyHash)
    .execute();
}

export async function deleteIdempotencyKeysBefore(db: Queryable, before: Instant): Promise<void> {
  await db.deleteFrom('idempotency_keys').where('created_at', '<', new Date(before)).execute();
}
