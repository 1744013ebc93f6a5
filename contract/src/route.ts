/** What the parts of the route table (`operator-api.ts`) are made of. */

import Type from 'typebox';
import { Name } from './primitives.ts';
import type { Code } from './problem.ts';

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

export const gatewayParams = Type.Object(
  { gateway: Type.String({ minLength: 1, maxLength: 63 }) },
  { additionalProperties: false },
);
/** A gateway's name is unique in its tenant; who sees several tenants says which. */
export const TenantQuery = Type.Object({ tenant: Type.Optional(Name) }, { additionalProperties: false });
/** What any route that writes, and any that reads, may answer with. */
export const writeCodes = [
  'invalid-request',
  'not-signed-in',
  'not-allowed',
  'idempotency-key-reused',
  'unavailable',
] as const;
export const readCodes = ['invalid-request', 'not-signed-in', 'not-allowed', 'unavailable'] as const;
