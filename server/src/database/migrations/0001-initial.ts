import { type Kysely, sql } from 'kysely';

/** Everything the first release keeps. What must never be broken by a faulty program is a constraint or a trigger here. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `create table tenants (
     id uuid primary key,
     name text not null unique,
     created_at timestamptz not null
   )`,
  `create table projects (
     id uuid primary key,
     tenant_id uuid not null references tenants (id),
     name text not null,
     created_at timestamptz not null,
     unique (tenant_id, name),
     unique (id, tenant_id)
   )`,

  // One row. Its lock orders what concerns the whole platform.
  `create table platform (
     is_only boolean primary key default true check (is_only),
     is_sandbox boolean not null,
     version text,
     root_fingerprint text,
     version_since timestamptz
   )`,
  `insert into platform (is_sandbox) values (false)`,
  `create table secrets (
     name text primary key,
     value bytea not null
   )`,

  // Imported as published: a TUF repository's metadata and targets, each verified before it was stored.
  `create table release_files (
     kind text not null check (kind in ('metadata', 'target', 'trusted')),
     path text not null,
     bytes bytea not null,
     imported_at timestamptz not null,
     primary key (kind, path)
   )`,
  `create table releases (
     version text primary key,
     document jsonb not null,
     imported_at timestamptz not null
   )`,
  `create table profiles (
     digest text primary key,
     provider text not null,
     version text not null,
     document jsonb not null,
     imported_at timestamptz not null
   )`,

  `create table gateways (
     id uuid primary key,
     tenant_id uuid not null references tenants (id),
     project_id uuid,
     name text not null,
     installation text not null check (installation in ('cli', 'existing-cluster')),
     provider text not null,
     is_sandbox boolean not null,
     control_planes integer not null check (control_planes in (1, 3)),
     workers integer not null check (workers >= 0),
     install_key text not null unique,
     initial_release text,
     created_at timestamptz not null,
     provisioning_begun_at timestamptz,
     deletion_requested_at timestamptz,
     deleted_at timestamptz,
     generation bigint not null default 0,
     hand_over_number bigint not null default 0,
     announced_status text not null,
     announced_health text not null,
     silence_expected_until timestamptz,
     foreign key (project_id, tenant_id) references projects (id, tenant_id)
   )`,
  `create unique index gateways_name on gateways (tenant_id, name) where deleted_at is null`,
  `create index gateways_project on gateways (project_id)`,
  `create function refuse_lower_generation() returns trigger language plpgsql as $$
   begin
     if new.generation < old.generation or new.hand_over_number < old.hand_over_number then
       raise exception 'generation and hand-over number of a gateway only rise';
     end if;
     return new;
   end $$`,
  `create trigger gateways_only_rise before update on gateways
     for each row execute function refuse_lower_generation()`,

  // Apart from the gateways' rows: written in batches, often, and by nobody who decides anything.
  `create table gateway_polls (
     gateway_id uuid primary key references gateways (id),
     last_poll_at timestamptz not null,
     next_poll_due_at timestamptz not null
   ) with (fillfactor = 50)`,

  `create table registration_tokens (
     id uuid primary key,
     gateway_id uuid not null references gateways (id),
     hash text not null unique,
     created_at timestamptz not null,
     expires_at timestamptz not null,
     used_at timestamptz,
     withdrawn_at timestamptz
   )`,
  `create index registration_tokens_gateway on registration_tokens (gateway_id)`,
  `create table agent_identities (
     gateway_id uuid primary key references gateways (id),
     id uuid not null,
     public_key text not null,
     registration_token_id uuid not null references registration_tokens (id),
     enrolled_at timestamptz not null
   )`,
  // A proof of the key is taken once.
  `create table used_challenges (
     hash text primary key,
     expires_at timestamptz not null
   )`,

  `create table observations (
     gateway_id uuid primary key references gateways (id),
     digest text not null,
     body jsonb not null,
     received_at timestamptz not null
   )`,

  `create table targets (
     gateway_id uuid not null references gateways (id),
     generation bigint not null check (generation > 0),
     body jsonb not null,
     reason text not null,
     created_at timestamptz not null,
     primary key (gateway_id, generation)
   )`,
  `create function refuse_change() returns trigger language plpgsql as $$
   begin
     raise exception '% is immutable', tg_table_name;
   end $$`,
  `create trigger targets_immutable before update on targets for each row execute function refuse_change()`,
  `create function refuse_older_target() returns trigger language plpgsql as $$
   begin
     if exists (select 1 from targets t where t.gateway_id = new.gateway_id and t.generation >= new.generation) then
       raise exception 'a target needs a generation above those before it';
     end if;
     return new;
   end $$`,
  `create trigger targets_only_rise before insert on targets for each row execute function refuse_older_target()`,

  `create table plans (
     gateway_id uuid not null references gateways (id),
     plan_id text not null,
     release text not null,
     body jsonb not null,
     created_at timestamptz not null,
     primary key (gateway_id, plan_id)
   )`,
  `create trigger plans_immutable before update on plans for each row execute function refuse_change()`,
  // A confirmed plan on its way, or ended. One at a time on a gateway.
  `create table profile_updates (
     id uuid primary key,
     gateway_id uuid not null,
     plan_id text not null,
     release text not null,
     confirmed_at timestamptz not null,
     confirmed_by text not null,
     generation bigint not null,
     starts_by timestamptz,
     retry integer not null default 0,
     is_cancelled boolean not null default false,
     ended_at timestamptz,
     outcome text check (outcome in ('completed', 'cancelled', 'superseded')),
     progress jsonb,
     check ((ended_at is null) = (outcome is null)),
     foreign key (gateway_id, plan_id) references plans (gateway_id, plan_id)
   )`,
  `create unique index profile_updates_one on profile_updates (gateway_id) where ended_at is null`,
  `create index profile_updates_gateway on profile_updates (gateway_id, confirmed_at)`,
  // What happens once: the row is the proof that it did.
  `create table milestones (
     gateway_id uuid not null references gateways (id),
     subject text not null,
     milestone text not null,
     at timestamptz not null,
     primary key (gateway_id, subject, milestone)
   )`,
  `create table retried_agents (
     gateway_id uuid not null references gateways (id),
     digest text not null,
     asked_by text not null,
     asked_at timestamptz not null,
     primary key (gateway_id, digest)
   )`,

  `create table pauses (
     id uuid primary key,
     tenant_id uuid not null references tenants (id),
     scope_kind text not null check (scope_kind in ('tenant', 'project', 'gateway')),
     scope_id uuid not null,
     scope_name text not null,
     set_by text not null,
     reason text not null,
     since timestamptz not null,
     until timestamptz,
     cleared_at timestamptz,
     cleared_by text
   )`,
  `create unique index pauses_one on pauses (scope_kind, scope_id) where cleared_at is null`,
  `create table exemptions (
     gateway_id uuid primary key references gateways (id),
     set_by text not null,
     reason text not null,
     since timestamptz not null,
     until timestamptz not null
   )`,

  `create table host_clusters (
     id uuid primary key,
     tenant_id uuid not null references tenants (id),
     gateway_id uuid not null references gateways (id),
     name text not null,
     namespace text not null,
     created_at timestamptz not null,
     unique (gateway_id, namespace, name)
   )`,

  // The sequence is given under a lock just before the commit (event-log.store.ts), so that whoever has read up to one
  // has seen all before it.
  `create table events (
     sequence bigint primary key generated always as identity,
     id uuid not null,
     tenant_id uuid not null,
     project_id uuid,
     gateway_id uuid not null,
     gateway_name text not null,
     time timestamptz not null,
     type text not null,
     message text not null,
     severity text not null check (severity in ('normal', 'warning'))
   )`,
  `create index events_gateway on events (gateway_id, sequence)`,
  `create index events_tenant on events (tenant_id, sequence)`,
  `create table audit_records (
     sequence bigint primary key generated always as identity,
     id uuid not null,
     time timestamptz not null,
     tenant_id uuid,
     project_id uuid,
     actor text not null,
     action text not null,
     subject_kind text not null,
     subject_name text not null,
     message text not null,
     request_id text not null
   )`,
  `create index audit_records_tenant on audit_records (tenant_id, sequence)`,

  `create table tokens (
     id uuid primary key,
     name text not null,
     role text not null,
     tenant_id uuid references tenants (id),
     project_id uuid,
     hash text not null unique,
     created_at timestamptz not null,
     expires_at timestamptz,
     revoked_at timestamptz,
     foreign key (project_id, tenant_id) references projects (id, tenant_id)
   )`,
  `create unique index tokens_name on tokens (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), name)
     where revoked_at is null`,
  `create table sign_in_keys (
     hash text primary key,
     token_id uuid not null references tokens (id),
     expires_at timestamptz not null,
     used_at timestamptz
   )`,
  `create table web_sessions (
     hash text primary key,
     token_id uuid not null references tokens (id),
     created_at timestamptz not null,
     expires_at timestamptz not null
   )`,
  `create table idempotency_keys (
     token_id uuid not null references tokens (id),
     key text not null,
     request_digest text not null,
     status integer not null,
     reply bytea,
     created_at timestamptz not null,
     primary key (token_id, key)
   )`,
];
