import { type Kysely, sql } from 'kysely';

/** Notifications, who has read them, and the webhooks and e-mail that carry them, with everything they have still to carry. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const place = `
     tenant_id uuid references tenants (id),
     project_id uuid,
     foreign key (project_id, tenant_id) references projects (id, tenant_id)`;

const statements = [
  // `changed` rises with every change of a row, in the order of the commits, so that whoever follows misses none.
  `create sequence notification_changes`,
  `create table notifications (
     id uuid primary key,
     sequence bigint not null unique generated always as identity,
     changed bigint not null unique default nextval('notification_changes'),
     -- At most one is ever made with a key: what time brings about is looked at again and again.
     key text not null unique,
     kind text not null,
     severity text not null check (severity in ('normal', 'warning')),
     topic text not null,
     subject_kind text not null,
     subject_id uuid,
     subject_name text not null,
     message text not null,
     next_step text,
     at timestamptz not null,
     acknowledged_at timestamptz,
     acknowledged_by text,
     done_at timestamptz,
     done_by text,
     over_at timestamptz,${place}
   )`,
  `create index notifications_open on notifications (sequence) where done_at is null and over_at is null`,
  `create index notifications_tenant on notifications (tenant_id, sequence)`,
  `create index notifications_topic on notifications (topic) where over_at is null`,
  // What a caller has read; by the token, which is who somebody is here.
  `create table notification_reads (
     token_id uuid not null references tokens (id),
     notification_id uuid not null references notifications (id) on delete cascade,
     primary key (token_id, notification_id)
   )`,
  `create index notification_reads_notification on notification_reads (notification_id)`,

  // Secrets are sealed (work/sealing.ts); the one before is used too until its end.
  `create table webhooks (
     id uuid primary key,
     name text not null,
     url text not null,
     kinds text[] not null,
     secret bytea not null,
     secret_since timestamptz not null,
     previous_secret bytea,
     previous_secret_until timestamptz,
     is_enabled boolean not null default true,
     disabled_reason text,
     failing_since timestamptz,
     created_at timestamptz not null,
     created_by text not null,${place}
   )`,
  `create unique index webhooks_name on webhooks (
     coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'),
     coalesce(project_id, '00000000-0000-0000-0000-000000000000'), name)`,
  `create table mail_subscriptions (
     id uuid primary key,
     address text not null,
     kinds text[] not null,
     is_enabled boolean not null default true,
     disabled_reason text,
     failing_since timestamptz,
     last_error text,
     created_at timestamptz not null,
     created_by text not null,${place}
   )`,
  `create unique index mail_subscriptions_address on mail_subscriptions (
     coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'),
     coalesce(project_id, '00000000-0000-0000-0000-000000000000'), lower(address))`,

  // One message to one receiver, made in the transaction of its notification and sent afterwards, until it is delivered.
  // Without a notification it is a test. Who sends it has claimed it for a while; when that sender dies, another one does.
  `create table deliveries (
     id uuid primary key,
     webhook_id uuid references webhooks (id) on delete cascade,
     subscription_id uuid references mail_subscriptions (id) on delete cascade,
     notification_id uuid references notifications (id) on delete cascade,
     state text not null check (state in ('waiting', 'delivered', 'given-up')),
     created_at timestamptz not null,
     attempts integer not null default 0,
     next_attempt_at timestamptz not null,
     claimed_until timestamptz,
     ended_at timestamptz,
     check ((webhook_id is null) <> (subscription_id is null)),
     check ((state = 'waiting') = (ended_at is null)),
     unique (webhook_id, notification_id),
     unique (subscription_id, notification_id)
   )`,
  `create index deliveries_due on deliveries (next_attempt_at) where state = 'waiting'`,
  `create index deliveries_webhook on deliveries (webhook_id, created_at desc, id)`,
  `create index deliveries_subscription on deliveries (subscription_id, created_at desc)`,
  `create index deliveries_notification on deliveries (notification_id)`,
  `create index deliveries_ended on deliveries (ended_at) where state <> 'waiting'`,
  `create table delivery_attempts (
     id bigint primary key generated always as identity,
     delivery_id uuid not null references deliveries (id) on delete cascade,
     at timestamptz not null,
     duration_ms integer not null,
     status integer,
     error text,
     response text
   )`,
  `create index delivery_attempts_delivery on delivery_attempts (delivery_id, id)`,

  // Audit records are looked through by what was done, by whom, and when.
  `create index audit_records_time on audit_records (time)`,
];
