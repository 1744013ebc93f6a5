/** The tables as kysely sees them. What each is for stands in the migrations. */

import type { Observation, Target } from '@gatehouse/contract/agent-api';
import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type { ProfileUpdatePlan } from '@gatehouse/domain/profile-update-types';
import type { ColumnType, Generated, JSONColumnType } from 'kysely';

/** bigint columns are read as numbers (`connection.ts`), which are exact up to 2^53. */
type Sequence = Generated<number>;
type Json<T extends object> = JSONColumnType<T>;
type Nullable<T> = ColumnType<T | null, T | null | undefined, T | null>;

/** A hop as the plan was started with it. */
export interface KeptHop {
  readonly from: string;
  readonly to: string;
  readonly basis: 'edge' | 'rule-of-thumb';
  /** Why the path stops at its end. */
  readonly floor?: string;
}

export interface AcceptedRisk {
  readonly name: string;
  readonly by: string;
  readonly at: string;
}

export interface Tables {
  tenants: { id: string; name: string; created_at: Date };
  projects: { id: string; tenant_id: string; name: string; created_at: Date };
  platform: {
    is_only: Generated<boolean>;
    is_sandbox: boolean;
    version: Nullable<string>;
    root_fingerprint: Nullable<string>;
    version_since: Nullable<Date>;
    channel: Nullable<string>;
    database_timeline: Nullable<number>;
    images_at: Nullable<string>;
  };
  platform_plans: {
    id: string;
    from_version: string;
    to_version: string;
    channel: Nullable<string>;
    hops: Json<readonly KeptHop[]>;
    accepted_risks: Json<readonly AcceptedRisk[]>;
    started_by: string;
    started_at: Date;
    ended_at: Nullable<Date>;
    ended_by: Nullable<string>;
    outcome: Nullable<'done' | 'cancelled' | 'superseded'>;
  };
  platform_hops: { to_version: string; from_version: string; plan_id: string; number: number; taken_at: Date };
  waivers: { gateway_id: string; set_by: string; reason: string; since: Date; until: Date };
  server_replicas: { id: string; name: string; program_version: string; started_at: Date; seen_at: Date };
  secrets: { name: string; value: Buffer };
  release_files: { kind: 'metadata' | 'target' | 'trusted'; path: string; bytes: Buffer; imported_at: Date };
  releases: { version: string; document: Json<ReleaseDocument>; imported_at: Date };
  recalls: {
    version: string;
    source: 'signed' | 'operator';
    reason: string;
    recalled_at: Date;
    recalled_by: string;
    recorded_at: Date;
  };
  recall_permissions: { version: string; gateway_id: string; given_by: string; reason: string; given_at: Date };
  profiles: { digest: string; provider: string; version: string; document: Json<ProfileDocument>; imported_at: Date };
  gateways: {
    id: string;
    tenant_id: string;
    project_id: Nullable<string>;
    name: string;
    installation: 'cli' | 'existing-cluster';
    provider: string;
    is_sandbox: boolean;
    control_planes: number;
    workers: number;
    install_key: string;
    set_back_at: Nullable<Date>;
    clock_difference_milliseconds: Nullable<number>;
    registry_prefix: Nullable<string>;
    initial_release: Nullable<string>;
    created_at: Date;
    provisioning_begun_at: Nullable<Date>;
    deletion_requested_at: Nullable<Date>;
    deleted_at: Nullable<Date>;
    generation: Generated<number>;
    hand_over_number: Generated<number>;
    announced_status: string;
    announced_health: string;
    silence_expected_until: Nullable<Date>;
  };
  gateway_polls: { gateway_id: string; last_poll_at: Date; next_poll_due_at: Date };
  gateway_summaries: {
    gateway_id: string;
    status: string;
    health: string;
    states: string[];
    reason_codes: string[];
    held_by: string[];
    agent_version: Nullable<string>;
    agent_version_order: string;
    profile_version: Nullable<string>;
    profile_version_order: string;
    updates_available: boolean;
    is_paused: boolean;
    holds_hop: boolean;
    /** May be -infinity, which the driver reads as a number; compared in SQL only. */
    due_at: Date;
  };
  registration_tokens: {
    id: string;
    gateway_id: string;
    hash: string;
    created_at: Date;
    expires_at: Date;
    used_at: Nullable<Date>;
    withdrawn_at: Nullable<Date>;
  };
  agent_identities: {
    gateway_id: string;
    id: string;
    public_key: string;
    registration_token_id: string;
    enrolled_at: Date;
    places: ColumnType<readonly { readonly uid: string; readonly heardAt: string }[], string | undefined, string>;
    waits_until: Nullable<Date>;
    shared_since: Nullable<Date>;
  };
  used_challenges: { hash: string; expires_at: Date };
  observations: { gateway_id: string; digest: string; body: Json<Observation>; received_at: Date };
  targets: { gateway_id: string; generation: number; body: Json<Target>; reason: string; created_at: Date };
  plans: { gateway_id: string; plan_id: string; release: string; body: Json<ProfileUpdatePlan>; created_at: Date };
  profile_updates: {
    id: string;
    gateway_id: string;
    plan_id: string;
    release: string;
    confirmed_at: Date;
    confirmed_by: string;
    generation: number;
    starts_by: Nullable<Date>;
    retry: Generated<number>;
    is_cancelled: Generated<boolean>;
    ended_at: Nullable<Date>;
    outcome: Nullable<'completed' | 'cancelled' | 'superseded'>;
    progress: ColumnType<NonNullable<Observation['profileUpdate']> | null, string | null | undefined, string | null>;
  };
  milestones: { gateway_id: string; subject: string; milestone: string; at: Date };
  retried_agents: { gateway_id: string; digest: string; asked_by: string; asked_at: Date };
  pauses: {
    id: string;
    tenant_id: string;
    scope_kind: 'tenant' | 'project' | 'gateway';
    scope_id: string;
    scope_name: string;
    set_by: string;
    reason: string;
    since: Date;
    until: Nullable<Date>;
    cleared_at: Nullable<Date>;
    cleared_by: Nullable<string>;
  };
  exemptions: { gateway_id: string; set_by: string; reason: string; since: Date; until: Date };
  host_clusters: {
    id: string;
    tenant_id: string;
    gateway_id: string;
    name: string;
    namespace: string;
    created_at: Date;
  };
  events: {
    sequence: Sequence;
    id: string;
    tenant_id: string;
    project_id: Nullable<string>;
    gateway_id: string;
    gateway_name: string;
    time: Date;
    type: string;
    message: string;
    severity: 'normal' | 'warning';
  };
  audit_records: {
    sequence: Sequence;
    id: string;
    time: Date;
    tenant_id: Nullable<string>;
    project_id: Nullable<string>;
    actor: string;
    action: string;
    subject_kind: string;
    subject_name: string;
    message: string;
    request_id: string;
  };
  notifications: {
    id: string;
    sequence: Sequence;
    changed: Generated<number>;
    key: string;
    kind: string;
    severity: 'normal' | 'warning';
    topic: string;
    subject_kind: string;
    subject_id: Nullable<string>;
    subject_name: string;
    message: string;
    next_step: Nullable<string>;
    at: Date;
    acknowledged_at: Nullable<Date>;
    acknowledged_by: Nullable<string>;
    done_at: Nullable<Date>;
    done_by: Nullable<string>;
    over_at: Nullable<Date>;
    tenant_id: Nullable<string>;
    project_id: Nullable<string>;
  };
  notification_reads: { token_id: string; notification_id: string };
  webhooks: {
    id: string;
    name: string;
    url: string;
    kinds: readonly string[];
    secret: Buffer;
    secret_since: Date;
    previous_secret: Nullable<Buffer>;
    previous_secret_until: Nullable<Date>;
    is_enabled: Generated<boolean>;
    disabled_reason: Nullable<string>;
    failing_since: Nullable<Date>;
    created_at: Date;
    created_by: string;
    tenant_id: Nullable<string>;
    project_id: Nullable<string>;
  };
  mail_subscriptions: {
    id: string;
    address: string;
    kinds: readonly string[];
    is_enabled: Generated<boolean>;
    disabled_reason: Nullable<string>;
    failing_since: Nullable<Date>;
    last_error: Nullable<string>;
    created_at: Date;
    created_by: string;
    tenant_id: Nullable<string>;
    project_id: Nullable<string>;
  };
  deliveries: {
    id: string;
    webhook_id: Nullable<string>;
    subscription_id: Nullable<string>;
    notification_id: Nullable<string>;
    state: 'waiting' | 'delivered' | 'given-up';
    created_at: Date;
    attempts: Generated<number>;
    next_attempt_at: Date;
    claimed_until: Nullable<Date>;
    ended_at: Nullable<Date>;
  };
  delivery_attempts: {
    id: Sequence;
    delivery_id: string;
    at: Date;
    duration_ms: number;
    status: Nullable<number>;
    error: Nullable<string>;
    response: Nullable<string>;
  };
  tokens: {
    id: string;
    name: string;
    role: string;
    tenant_id: Nullable<string>;
    project_id: Nullable<string>;
    hash: string;
    created_at: Date;
    expires_at: Nullable<Date>;
    revoked_at: Nullable<Date>;
  };
  sign_in_keys: { hash: string; token_id: string; expires_at: Date; used_at: Nullable<Date> };
  web_sessions: { hash: string; token_id: string; created_at: Date; expires_at: Date };
  idempotency_keys: {
    token_id: string;
    key: string;
    request_digest: string;
    status: number;
    reply: Nullable<Buffer>;
    created_at: Date;
  };
}
