/**
 * Every route an operator's client may call: address, schemas, what it needs, and the codes it may answer with. The
 * server registers these, the client is typed by these, and OpenAPI is written from these; so they cannot drift apart.
 */

import Type, { type Static } from 'typebox';
import { fleetRoutes } from './fleet-routes.ts';
import { notificationRoutes } from './notification-routes.ts';
import {
  AuditRecord,
  ConfirmReply,
  ConfirmRequest,
  CreateGateway,
  Exemption,
  Explanation,
  Gateway,
  GatewayEvent,
  HostCluster,
  InstallBundle,
  InstallInstructions,
  Pause,
  Platform,
  ProfileUpdate,
  Release,
  Role,
  SetPause,
  TokenInfo,
} from './operator-types.ts';
import { Channel, PlanQuery, SetWaiver, UpgradePlan, UpgradeRequest, Waiver } from './platform-types.ts';
import { Id, Name, OperatorText, PageQuery, page, RegistryPrefix, Timestamp, Version } from './primitives.ts';
import type { Code } from './problem.ts';
import { GatewayProfile } from './profile-types.ts';
import { RecallRequest } from './recall-types.ts';
import { SystemStatus } from './status-types.ts';

/** What a caller must be permitted to do; which role may, in which scope, is one table in `domain/authorisation`. */
export const permissions = [
  'gateway.read',
  'gateway.create',
  'gateway.delete',
  'profile-update.confirm',
  'agent-update.retry',
  'pause.set',
  'platform.read',
  'platform.upgrade',
  'platform.waive',
  'release.read',
  'release.import',
  'release.recall',
  'host-cluster.read',
  'host-cluster.write',
  'audit.read',
  'tenant.read',
  'tenant.write',
  'project.write',
  'token.write',
  'session.own',
  'notification.read',
  'notification.acknowledge',
  'notification.write',
] as const;
export type Permission = (typeof permissions)[number];

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:parameters`. A gateway is named by its name or id. */
  readonly path: string;
  readonly summary: string;
  readonly permission: Permission | 'public';
  readonly params?: Type.TSchema;
  readonly query?: Type.TSchema;
  readonly body?: Type.TSchema;
  /** Absent: 204 without a body. */
  readonly reply?: Type.TSchema;
  /** Where the reply is a text and not JSON. */
  readonly replyType?: 'text/csv';
  readonly status: 200 | 201 | 202 | 204;
  readonly codes: readonly Code[];
}

const gatewayParams = Type.Object(
  { gateway: Type.String({ minLength: 1, maxLength: 63 }) },
  { additionalProperties: false },
);
/** A gateway's name is unique in its tenant; who sees several tenants says which. */
const TenantQuery = Type.Object({ tenant: Type.Optional(Name) }, { additionalProperties: false });
const EventQuery = Type.Object(
  {
    ...PageQuery.properties,
    tenant: Type.Optional(Name),
    severity: Type.Optional(Type.Enum(['normal', 'warning'])),
    type: Type.Optional(Type.String({ maxLength: 100, pattern: '^[a-z0-9-]+$' })),
    search: Type.Optional(Type.String({ maxLength: 200, description: 'A part of the message.' })),
    after: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only events with a greater sequence, oldest first.',
      }),
    ),
    notifications: Type.Optional(
      Type.Boolean({
        description: 'Followed, the stream of all gateways also carries notifications that are new or have changed.',
      }),
    ),
  },
  { additionalProperties: false },
);
const auditFilter = {
  tenant: Type.Optional(Name),
  actor: Type.Optional(Type.String({ maxLength: 100 })),
  action: Type.Optional(
    Type.String({ maxLength: 60, description: '`pause.set`, or `pause.` for all acts on pauses.' }),
  ),
  subject: Type.Optional(Type.String({ maxLength: 100, description: 'Name of what it was done to.' })),
  since: Type.Optional(Timestamp),
  until: Type.Optional(Timestamp),
};
const releaseParams = Type.Object({ version: Version }, { additionalProperties: false });
const writes = ['invalid-request', 'not-signed-in', 'not-allowed', 'idempotency-key-reused', 'unavailable'] as const;
const reads = ['invalid-request', 'not-signed-in', 'not-allowed', 'unavailable'] as const;

export const operatorRoutes = {
  ...fleetRoutes,
  getGateway: {
    method: 'GET',
    path: '/v1/gateways/:gateway',
    summary: 'Get a gateway',
    permission: 'gateway.read',
    params: gatewayParams,
    query: TenantQuery,
    reply: Gateway,
    status: 200,
    codes: [...reads, 'not-found'],
  },
  createGateway: {
    method: 'POST',
    path: '/v1/gateways',
    summary: 'Create a gateway',
    permission: 'gateway.create',
    query: TenantQuery,
    body: CreateGateway,
    reply: Type.Object({ gateway: Gateway, install: Type.Optional(InstallInstructions) }),
    status: 201,
    codes: [...writes, 'name-taken', 'not-found', 'sandbox-control-plane', 'no-platform-version', 'release-recalled'],
  },
  /** A fresh registration token, with what installs the agent; the token before it stops working. */
  installGateway: {
    method: 'POST',
    path: '/v1/gateways/:gateway/install',
    summary: 'What installs the agent, with a fresh registration token',
    permission: 'gateway.create',
    params: gatewayParams,
    query: TenantQuery,
    body: Type.Object({}, { additionalProperties: false }),
    reply: Type.Object({ instructions: InstallInstructions, bundle: InstallBundle }),
    status: 200,
    codes: [
      ...writes,
      'not-found',
      'sandbox-control-plane',
      'no-platform-version',
      'gateway-not-running',
      'release-recalled',
    ],
  },
  deleteGateway: {
    method: 'DELETE',
    path: '/v1/gateways/:gateway',
    summary: 'Delete a gateway; host clusters go on',
    permission: 'gateway.delete',
    params: gatewayParams,
    query: TenantQuery,
    reply: Gateway,
    status: 202,
    codes: [...writes, 'not-found'],
  },
  explainGateway: {
    method: 'GET',
    path: '/v1/gateways/:gateway/explanation',
    summary: 'What runs there, what should, and why not yet',
    permission: 'gateway.read',
    params: gatewayParams,
    query: TenantQuery,
    reply: Explanation,
    status: 200,
    codes: [...reads, 'not-found'],
  },
  listGatewayEvents: {
    method: 'GET',
    path: '/v1/gateways/:gateway/events',
    summary: 'Events of a gateway; with `Accept: text/event-stream` they are followed',
    permission: 'gateway.read',
    params: gatewayParams,
    query: EventQuery,
    reply: page(GatewayEvent),
    status: 200,
    codes: [...reads, 'not-found'],
  },
  listEvents: {
    method: 'GET',
    path: '/v1/events',
    summary: 'Events of all gateways; with `Accept: text/event-stream` they are followed',
    permission: 'gateway.read',
    query: EventQuery,
    reply: page(GatewayEvent),
    status: 200,
    codes: [...reads, 'not-found'],
  },
  getGatewayProfile: {
    method: 'GET',
    path: '/v1/gateways/:gateway/profile',
    summary: 'The locked profile that was last applied, layer by layer',
    permission: 'gateway.read',
    params: gatewayParams,
    query: TenantQuery,
    reply: GatewayProfile,
    status: 200,
    codes: [...reads, 'not-found', 'existing-cluster', 'gateway-provisioning'],
  },
  getProfileUpdate: {
    method: 'GET',
    path: '/v1/gateways/:gateway/profile-update',
    summary: 'The profile update of a gateway: the one on its way, else the one available, else the last',
    permission: 'gateway.read',
    params: gatewayParams,
    query: TenantQuery,
    reply: ProfileUpdate,
    status: 200,
    codes: [...reads, 'not-found', 'no-profile-update', 'existing-cluster', 'gateway-provisioning'],
  },
  confirmProfileUpdate: {
    method: 'POST',
    path: '/v1/gateways/:gateway/profile-update/confirm',
    summary: 'Confirm the plan that was seen',
    permission: 'profile-update.confirm',
    params: gatewayParams,
    query: TenantQuery,
    body: ConfirmRequest,
    reply: ConfirmReply,
    status: 202,
    codes: [
      ...writes,
      'not-found',
      'no-profile-update',
      'plan-changed',
      'profile-update-in-progress',
      'gateway-provisioning',
      'gateway-not-running',
      'existing-cluster',
      'profile-update-held',
      'pause-acknowledgement-needed',
    ],
  },
  retryProfileUpdate: {
    method: 'POST',
    path: '/v1/gateways/:gateway/profile-update/retry',
    summary: 'Retry a stopped profile update',
    permission: 'profile-update.confirm',
    params: gatewayParams,
    query: TenantQuery,
    body: Type.Object({}, { additionalProperties: false }),
    reply: ConfirmReply,
    status: 202,
    codes: [...writes, 'not-found', 'no-profile-update', 'profile-update-not-stopped', 'profile-update-held'],
  },
  cancelProfileUpdate: {
    method: 'POST',
    path: '/v1/gateways/:gateway/profile-update/cancel',
    summary: 'Cancel what has not begun',
    permission: 'profile-update.confirm',
    params: gatewayParams,
    query: TenantQuery,
    body: Type.Object({}, { additionalProperties: false }),
    reply: ConfirmReply,
    status: 202,
    codes: [...writes, 'not-found', 'no-profile-update', 'profile-update-past-cancel'],
  },
  retryAgentUpdate: {
    method: 'POST',
    path: '/v1/gateways/:gateway/agent-update/retry',
    summary: 'Offer an agent version again that was taken back',
    permission: 'agent-update.retry',
    params: gatewayParams,
    query: TenantQuery,
    body: Type.Object({ version: Type.Optional(Version) }, { additionalProperties: false }),
    reply: Gateway,
    status: 200,
    codes: [...writes, 'not-found', 'not-taken-back'],
  },
  listPauses: {
    method: 'GET',
    path: '/v1/pauses',
    summary: 'Pauses and exemptions',
    permission: 'gateway.read',
    query: TenantQuery,
    reply: Type.Object({
      items: Type.Array(Pause),
      exemptions: Type.Array(Type.Object({ gateway: Type.String(), ...Exemption.properties })),
    }),
    status: 200,
    codes: [...reads, 'not-found'],
  },
  setPause: {
    method: 'POST',
    path: '/v1/pauses',
    summary: 'Pause automatic agent updates of a scope',
    permission: 'pause.set',
    query: TenantQuery,
    body: SetPause,
    reply: Pause,
    status: 200,
    codes: [...writes, 'not-found'],
  },
  clearPause: {
    method: 'DELETE',
    path: '/v1/pauses/:scope/:name',
    summary: 'Resume automatic agent updates of a scope',
    permission: 'pause.set',
    params: Type.Object(
      { scope: Type.Enum(['tenant', 'project', 'gateway']), name: Name },
      { additionalProperties: false },
    ),
    query: TenantQuery,
    status: 204,
    codes: [...writes, 'not-found'],
  },
  setExemption: {
    method: 'PUT',
    path: '/v1/gateways/:gateway/exemption',
    summary: 'Exempt a gateway from its pauses for a time',
    permission: 'pause.set',
    params: gatewayParams,
    query: TenantQuery,
    body: Type.Object({ reason: OperatorText, until: Timestamp }, { additionalProperties: false }),
    reply: Gateway,
    status: 200,
    codes: [...writes, 'not-found'],
  },
  clearExemption: {
    method: 'DELETE',
    path: '/v1/gateways/:gateway/exemption',
    summary: 'End an exemption',
    permission: 'pause.set',
    params: gatewayParams,
    query: TenantQuery,
    status: 204,
    codes: [...writes, 'not-found'],
  },
  getStatus: {
    method: 'GET',
    path: '/v1/status',
    summary: 'What a person should know about the control plane itself: its database, its clock, what it forgot',
    permission: 'platform.read',
    reply: SystemStatus,
    status: 200,
    codes: [...reads],
  },
  getPlatform: {
    method: 'GET',
    path: '/v1/platform',
    summary: 'The platform version and what waits for it',
    permission: 'platform.read',
    reply: Platform,
    status: 200,
    codes: [...reads],
  },
  planPlatform: {
    method: 'GET',
    path: '/v1/platform/plan',
    summary: 'The shortest supported way to a version, with what each hop brings, or where and why there is none',
    permission: 'platform.read',
    query: PlanQuery,
    reply: UpgradePlan,
    status: 200,
    codes: [...reads, 'release-unknown', 'no-platform-version'],
  },
  upgradePlatform: {
    method: 'POST',
    path: '/v1/platform/upgrade',
    summary: 'Start or continue a plan to a version; each hop waits for every gateway',
    permission: 'platform.upgrade',
    body: UpgradeRequest,
    reply: Platform,
    status: 202,
    codes: [...writes, 'upgrade-refused', 'release-unknown', 'no-platform-version'],
  },
  cancelPlatformPlan: {
    method: 'POST',
    path: '/v1/platform/cancel',
    summary: 'End the plan under way before its next hop',
    permission: 'platform.upgrade',
    body: Type.Object({}, { additionalProperties: false }),
    reply: Platform,
    status: 200,
    codes: [...writes, 'no-platform-plan'],
  },
  setPlatformChannel: {
    method: 'PUT',
    path: '/v1/platform/channel',
    summary: 'Follow a channel: only its releases are offered',
    permission: 'platform.upgrade',
    body: Type.Object({ channel: Channel }, { additionalProperties: false }),
    reply: Platform,
    status: 200,
    codes: [...writes, 'not-found'],
  },
  clearPlatformChannel: {
    method: 'DELETE',
    path: '/v1/platform/channel',
    summary: 'Follow no channel: every imported release is offered',
    permission: 'platform.upgrade',
    reply: Platform,
    status: 200,
    codes: [...writes],
  },
  listWaivers: {
    method: 'GET',
    path: '/v1/platform/waivers',
    summary: 'Gateways left out of the gates',
    permission: 'platform.read',
    reply: Type.Object({ items: Type.Array(Waiver) }),
    status: 200,
    codes: [...reads],
  },
  setWaiver: {
    method: 'PUT',
    path: '/v1/gateways/:gateway/waiver',
    summary: 'Leave a gateway out of the gates of platform upgrades until an end',
    permission: 'platform.waive',
    params: gatewayParams,
    query: TenantQuery,
    body: SetWaiver,
    reply: Waiver,
    status: 200,
    codes: [...writes, 'not-found'],
  },
  clearWaiver: {
    method: 'DELETE',
    path: '/v1/gateways/:gateway/waiver',
    summary: 'End a waiver',
    permission: 'platform.waive',
    params: gatewayParams,
    query: TenantQuery,
    status: 204,
    codes: [...writes, 'not-found'],
  },
  listReleases: {
    method: 'GET',
    path: '/v1/releases',
    summary: 'Imported releases',
    permission: 'release.read',
    reply: Type.Object({ items: Type.Array(Release) }),
    status: 200,
    codes: [...reads],
  },
  /**
   * Takes a TUF repository's files. Each must verify against the control plane's root (the first import brings the
   * root); all or nothing. Targets of earlier imports need not be sent again.
   */
  importReleases: {
    method: 'POST',
    path: '/v1/releases/import',
    summary: 'Import signed releases',
    permission: 'release.import',
    body: Type.Object(
      {
        metadata: Type.Record(Type.String({ maxLength: 200 }), Type.String(), { description: 'File name to base64.' }),
        targets: Type.Record(Type.String({ maxLength: 300 }), Type.String(), { description: 'Target path to base64.' }),
        releases: Type.Optional(
          Type.Array(Version, {
            maxItems: 10_000,
            description: 'What a part of a repository brings; absent: all of it.',
          }),
        ),
        imagesAt: Type.Optional(RegistryPrefix),
        isTrial: Type.Optional(Type.Boolean({ description: 'Only verifies and answers what would be taken.' })),
      },
      { additionalProperties: false },
    ),
    reply: Type.Object({
      items: Type.Array(Release),
      /** Of the items, those that were not here before. */
      added: Type.Array(Version),
      /** Signed, and neither in the import nor here. */
      notCarried: Type.Array(Version),
      platformVersion: Type.Optional(Version),
      rootFingerprint: Type.String(),
    }),
    status: 200,
    codes: [...writes, 'release-invalid', 'payload-too-large'],
  },
  recallRelease: {
    method: 'POST',
    path: '/v1/releases/:version/recall',
    summary: 'Mark a release bad: it is offered to nobody',
    permission: 'release.recall',
    params: releaseParams,
    query: TenantQuery,
    body: RecallRequest,
    reply: Release,
    status: 200,
    codes: [...writes, 'release-unknown', 'not-found'],
  },
  withdrawRecall: {
    method: 'DELETE',
    path: '/v1/releases/:version/recall',
    summary: "Take an operator's recall back; a signed one stays",
    permission: 'release.recall',
    params: releaseParams,
    query: Type.Object({ reason: Type.Optional(OperatorText) }, { additionalProperties: false }),
    reply: Release,
    status: 200,
    codes: [...writes, 'not-recalled', 'recall-signed'],
  },
  listHostClusters: {
    method: 'GET',
    path: '/v1/host-clusters',
    summary: 'Host clusters',
    permission: 'host-cluster.read',
    query: Type.Object(
      { ...PageQuery.properties, tenant: Type.Optional(Name), gateway: Type.Optional(Type.String({ maxLength: 63 })) },
      { additionalProperties: false },
    ),
    reply: page(HostCluster),
    status: 200,
    codes: [...reads, 'not-found'],
  },
  createHostCluster: {
    method: 'POST',
    path: '/v1/host-clusters',
    summary: 'Record a host cluster of a gateway',
    permission: 'host-cluster.write',
    query: TenantQuery,
    body: Type.Object(
      { name: Name, namespace: Name, gateway: Type.String({ minLength: 1, maxLength: 63 }) },
      { additionalProperties: false },
    ),
    reply: HostCluster,
    status: 201,
    codes: [...writes, 'not-found', 'name-taken'],
  },
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    summary: 'Audit records, newest first',
    permission: 'audit.read',
    query: Type.Object({ ...PageQuery.properties, ...auditFilter }, { additionalProperties: false }),
    reply: page(AuditRecord),
    status: 200,
    codes: [...reads, 'not-found'],
  },
  /** As RFC 4180 says, with a header; a cell that a spreadsheet would take for a formula begins with an apostrophe. */
  exportAudit: {
    method: 'GET',
    path: '/v1/audit.csv',
    summary: 'All audit records that fit, newest first, as a table for a spreadsheet',
    permission: 'audit.read',
    query: Type.Object(auditFilter, { additionalProperties: false }),
    reply: Type.String(),
    replyType: 'text/csv',
    status: 200,
    codes: [...reads, 'not-found'],
  },
  listTenants: {
    method: 'GET',
    path: '/v1/tenants',
    summary: 'Tenants and their projects',
    permission: 'tenant.read',
    reply: Type.Object({
      items: Type.Array(
        Type.Object({
          id: Id,
          name: Type.String(),
          projects: Type.Array(Type.Object({ id: Id, name: Type.String() })),
        }),
      ),
    }),
    status: 200,
    codes: [...reads],
  },
  createTenant: {
    method: 'POST',
    path: '/v1/tenants',
    summary: 'Create a tenant',
    permission: 'tenant.write',
    body: Type.Object({ name: Name }, { additionalProperties: false }),
    reply: Type.Object({ id: Id, name: Type.String() }),
    status: 201,
    codes: [...writes, 'name-taken'],
  },
  createProject: {
    method: 'POST',
    path: '/v1/projects',
    summary: 'Create a project',
    permission: 'project.write',
    query: TenantQuery,
    body: Type.Object({ name: Name }, { additionalProperties: false }),
    reply: Type.Object({ id: Id, name: Type.String() }),
    status: 201,
    codes: [...writes, 'name-taken', 'not-found'],
  },
  createToken: {
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Create an API token; it is shown once',
    permission: 'token.write',
    body: Type.Object(
      {
        name: Name,
        role: Role,
        tenant: Type.Optional(Name),
        project: Type.Optional(Name),
        expiresAt: Type.Optional(Timestamp),
      },
      { additionalProperties: false },
    ),
    reply: Type.Object({ token: Type.String(), info: TokenInfo }),
    status: 201,
    codes: [...writes, 'not-found', 'name-taken'],
  },
  listTokens: {
    method: 'GET',
    path: '/v1/tokens',
    summary: 'API tokens, without their secrets',
    permission: 'token.write',
    reply: Type.Object({ items: Type.Array(TokenInfo) }),
    status: 200,
    codes: [...reads],
  },
  revokeToken: {
    method: 'DELETE',
    path: '/v1/tokens/:name',
    summary: 'Revoke an API token',
    permission: 'token.write',
    params: Type.Object({ name: Name }, { additionalProperties: false }),
    status: 204,
    codes: [...writes, 'not-found'],
  },
  getMe: {
    method: 'GET',
    path: '/v1/me',
    summary: 'Who is signed in',
    permission: 'session.own',
    reply: Type.Object({
      name: Type.String(),
      role: Role,
      permissions: Type.Array(Type.String()),
      tenant: Type.Optional(Type.String()),
      project: Type.Optional(Type.String()),
    }),
    status: 200,
    codes: [...reads],
  },
  /** Takes a one-time link's key or an API token, answers with a session cookie. */
  signIn: {
    method: 'POST',
    path: '/v1/session',
    summary: 'Sign in',
    permission: 'public',
    body: Type.Union([
      Type.Object({ key: Type.String({ maxLength: 200 }) }, { additionalProperties: false }),
      Type.Object({ token: Type.String({ maxLength: 200 }) }, { additionalProperties: false }),
    ]),
    reply: Type.Object({ name: Type.String() }),
    status: 200,
    codes: ['invalid-request', 'not-signed-in', 'too-many-requests', 'unavailable'],
  },
  signOut: {
    method: 'DELETE',
    path: '/v1/session',
    summary: 'Sign out',
    permission: 'session.own',
    status: 204,
    codes: ['not-signed-in', 'unavailable'],
  },
  ...notificationRoutes,
} as const satisfies Record<string, Route>;

export type OperatorRoutes = typeof operatorRoutes;
export type RouteName = keyof OperatorRoutes;

type StaticOf<S> = S extends Type.TSchema ? Static<S> : never;
type PartOf<R, Key extends string> = R extends Record<Key, infer S> ? { [K in Key]: StaticOf<S> } : unknown;
type QueryOf<R> = R extends { query: infer S } ? { query?: StaticOf<S> } : unknown;

/** What a call of a route takes: `params` and `body` where the route has them, `query` where it may. */
export type CallOf<Name extends RouteName> = PartOf<OperatorRoutes[Name], 'params'> &
  PartOf<OperatorRoutes[Name], 'body'> &
  QueryOf<OperatorRoutes[Name]>;
/** What it answers with. */
export type ReplyOf<Name extends RouteName> = OperatorRoutes[Name] extends { reply: infer S } ? StaticOf<S> : undefined;
