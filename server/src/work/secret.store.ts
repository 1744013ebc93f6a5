/** Keys that all replicas share. */

import type { Queryable } from '../database/connection.ts';

/** Keeps the one that is there. */
export async function insertSecret(db: Queryable, name: string, value: Buffer): Promise<void> {
  await db
    .insertInto('secrets')
    .values({ name, value })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function selectSecret(db: Queryable, name: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('secrets as s').select('s.value').where('s.name', '=', name).executeTakeFirst();
  return row?.value;
}
