import { type Kysely, sql } from 'kysely';

/**
 * Where an agent's identity was used from, by which two agents with one identity are found: the places in the order in
 * which they were heard, `[{uid, heardAt}]`; until when the latest waits; since when several were heard in turn.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `alter table agent_identities add column places jsonb not null default '[]'`,
  `alter table agent_identities add column waits_until timestamptz`,
  `alter table agent_identities add column shared_since timestamptz`,
];
