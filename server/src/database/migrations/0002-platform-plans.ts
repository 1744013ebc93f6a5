import { type Kysely, sql } from 'kysely';

/** Plans of the platform with their hops, waivers, the platform's channel, and the replicas of the server. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  // The timeline of PostgreSQL's write-ahead log on which the platform last moved (domain/platform-preflight).
  `alter table platform add column channel text, add column database_timeline integer`,
  `create function refuse_older_platform() returns trigger language plpgsql as $$
   begin
     if old.version is not null and (
       new.version is null or string_to_array(new.version, '.')::int[] < string_to_array(old.version, '.')::int[]
     ) then
       raise exception 'the platform never goes back from % to %', old.version, new.version;
     end if;
     return new;
   end $$`,
  `create trigger platform_only_rises before update of version on platform
     for each row execute function refuse_older_platform()`,

  // A started plan, with the edges it had when it started. One at a time.
  `create table platform_plans (
     id uuid primary key,
     from_version text not null,
     to_version text not null,
     channel text,
     hops jsonb not null,
     accepted_risks jsonb not null,
     started_by text not null,
     started_at timestamptz not null,
     ended_at timestamptz,
     ended_by text,
     outcome text check (outcome in ('done', 'cancelled', 'superseded')),
     check ((ended_at is null) = (outcome is null))
   )`,
  `create unique index platform_plans_one on platform_plans ((true)) where ended_at is null`,
  `create index platform_plans_started on platform_plans (started_at)`,
  `create function refuse_other_hops() returns trigger language plpgsql as $$
   begin
     if old.ended_at is not null then
       raise exception 'the plan % has ended', old.id;
     end if;
     if new.hops <> old.hops or new.from_version <> old.from_version or new.to_version <> old.to_version then
       raise exception 'a plan that has started keeps its edges';
     end if;
     return new;
   end $$`,
  `create trigger platform_plans_keep before update on platform_plans
     for each row execute function refuse_other_hops()`,
  // Each hop that was taken. The platform comes to a version once, whatever plan brings it there.
  `create table platform_hops (
     to_version text primary key,
     from_version text not null,
     plan_id uuid not null references platform_plans (id),
     number integer not null check (number > 0),
     taken_at timestamptz not null,
     unique (plan_id, number)
   )`,

  `create table waivers (
     gateway_id uuid primary key references gateways (id),
     set_by text not null,
     reason text not null,
     since timestamptz not null,
     until timestamptz not null
   )`,

  // By the database's clock, which is the one that all replicas share.
  `create table server_replicas (
     id uuid primary key,
     name text not null,
     program_version text not null,
     started_at timestamptz not null,
     seen_at timestamptz not null
   )`,
];
