import { type Kysely, sql } from 'kysely';

/** What agents tell of the database and of clocks: that it was set back, and how far a gateway's clock is off. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `alter table gateways
     add column set_back_at timestamptz,
     -- Ahead of the server's; absent while it is within the margin.
     add column clock_difference_milliseconds bigint`,
  `create index gateways_set_back on gateways (set_back_at) where set_back_at is not null`,
];
