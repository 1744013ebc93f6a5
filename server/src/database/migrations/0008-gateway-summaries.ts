import { type Kysely, sql } from 'kysely';

/** What a gateway is found and counted by: see docs/decisions/0017-gateways-are-found-by-their-summaries.md. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  // Computed from the facts by the domain, never decided from. `due_at`: from then on it may be out of date; -infinity
  // when a change has said so. The `_order` columns sort as versions do.
  `create table gateway_summaries (
     gateway_id uuid primary key references gateways (id),
     status text not null default 'Pending',
     health text not null default 'unknown',
     states text[] not null default '{}',
     reason_codes text[] not null default '{}',
     held_by text[] not null default '{}',
     agent_version text,
     agent_version_order text collate "C" not null default '',
     profile_version text,
     profile_version_order text collate "C" not null default '',
     updates_available boolean not null default false,
     is_paused boolean not null default false,
     due_at timestamptz not null default '-infinity'
   ) with (fillfactor = 70)`,
  `create index gateway_summaries_due on gateway_summaries (due_at)`,
  // A trigger, so that one that is made by the program before this schema has its summary too.
  `create function begin_gateway_summary() returns trigger language plpgsql as $$
   begin
     insert into gateway_summaries (gateway_id) values (new.id);
     return null;
   end $$`,
  `create trigger gateways_summary after insert on gateways
     for each row execute function begin_gateway_summary()`,
  `insert into gateway_summaries (gateway_id) select g.id from gateways as g`,
];
