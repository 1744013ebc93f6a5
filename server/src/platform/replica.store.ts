/** The replicas of the server that serve this database, by the database's clock, which is the one they share. */

import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';

export interface Replica {
  readonly id: string;
  /** Of the machine or pod it runs on, with its process. */
  readonly name: string;
  readonly programVersion: string;
}

const forgottenAfter = '1 hour';

/** Says that it is there, and forgets those that have been gone for long. */
export async function sayReplica(db: Queryable, replica: Replica): Promise<void> {
  await db
    .insertInto('server_replicas')
    .values({
      id: replica.id,
      name: replica.name,
      program_version: replica.programVersion,
      started_at: sql`now()`,
      seen_at: sql`now()`,
    })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ seen_at: sql`now()` }))
    .execute();
  await db
    .deleteFrom('server_replicas')
    .where('seen_at', '<', sql<Date>`now() - ${forgottenAfter}::interval`)
    .execute();
}

export async function deleteReplica(db: Queryable, id: string): Promise<void> {
  await db.deleteFrom('server_replicas').where('id', '=', id).execute();
}

export async function selectReplicas(db: Queryable) {
  return db
    .selectFrom('server_replicas as r')
    .select(['r.name', 'r.program_version'])
    .select(sql<number>`extract(epoch from clock_timestamp() - r.seen_at)::float8 * 1000`.as('silent_milliseconds'))
    .orderBy('r.started_at')
    .limit(1000)
    .execute();
}
