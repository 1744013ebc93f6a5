import { type Kysely, sql } from 'kysely';

/** Releases marked bad, and the gateways that a pause does not keep on them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  // Signed by the publisher, or an operator's act; a release may have both. `recalled_at` is when its author said so.
  `create table recalls (
     version text not null,
     source text not null check (source in ('signed', 'operator')),
     reason text not null,
     recalled_at timestamptz not null,
     recalled_by text not null,
     recorded_at timestamptz not null,
     primary key (version, source)
   )`,
  // What was recalled in signed metadata stays recalled, also when a repository comes that has dropped it.
  `create function keep_signed_recall() returns trigger language plpgsql as $$
   begin
     if old.source = 'signed' then
       raise exception 'the recall of % is signed and stays', old.version;
     end if;
     return case tg_op when 'DELETE' then old else new end;
   end $$`,
  `create trigger recalls_keep before update or delete on recalls
     for each row execute function keep_signed_recall()`,
  // Gateways, by name, that get the next good version through their pauses.
  `create table recall_permissions (
     version text not null,
     gateway_id uuid not null references gateways (id),
     given_by text not null,
     reason text not null,
     given_at timestamptz not null,
     primary key (version, gateway_id)
   )`,
  `create index recall_permissions_gateway on recall_permissions (gateway_id)`,
];
