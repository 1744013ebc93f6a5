import { type Kysely, sql } from 'kysely';

/** Where a gateway pulls its images from, and where the images of the last imported bundle are. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `alter table gateways add column registry_prefix text`,
  `alter table platform add column images_at text`,
];
