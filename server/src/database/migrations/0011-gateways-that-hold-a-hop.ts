import { type Kysely, sql } from 'kysely';

/** So that the page of the platform need not load every gateway to say which of them it waits for. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  // True until it is computed, as of a gateway that nobody has heard yet; the program before this schema leaves it so.
  `alter table gateway_summaries add column holds_hop boolean not null default true`,
  `update gateway_summaries set due_at = '-infinity' where due_at <> 'infinity'`,
  // Which gateways had an update lately; one of these many rows is written a few times in an update.
  `create index milestones_at on milestones (at)`,
];
