/** The part of the route table (`operator-api.ts`) that is about who may what, and who did what: audit, tenants, tokens, sessions. */

import Type from 'typebox';
import { AuditRecord, Role, TokenInfo } from './operator-types.ts';
import { Id, Name, PageQuery, page, Timestamp } from './primitives.ts';
import { type Route, readCodes, TenantQuery, writeCodes } from './route.ts';

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

export const accessRoutes = {
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    summary: 'Audit records, newest first',
    permission: 'audit.read',
    query: Type.Object({ ...PageQuery.properties, ...auditFilter }, { additionalProperties: false }),
    reply: page(AuditRecord),
    status: 200,
    codes: [...readCodes, 'not-found'],
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
    codes: [...readCodes, 'not-found'],
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
    codes: [...readCodes],
  },
  createTenant: {
    method: 'POST',
    path: '/v1/tenants',
    summary: 'Create a tenant',
    permission: 'tenant.write',
    body: Type.Object({ name: Name }, { additionalProperties: false }),
    reply: Type.Object({ id: Id, name: Type.String() }),
    status: 201,
    codes: [...writeCodes, 'name-taken'],
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
    codes: [...writeCodes, 'name-taken', 'not-found'],
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
    codes: [...writeCodes, 'not-found', 'name-taken'],
  },
  listTokens: {
    method: 'GET',
    path: '/v1/tokens',
    summary: 'API tokens, without their secrets',
    permission: 'token.write',
    reply: Type.Object({ items: Type.Array(TokenInfo) }),
    status: 200,
    codes: [...readCodes],
  },
  revokeToken: {
    method: 'DELETE',
    path: '/v1/tokens/:name',
    summary: 'Revoke an API token',
    permission: 'token.write',
    params: Type.Object({ name: Name }, { additionalProperties: false }),
    status: 204,
    codes: [...writeCodes, 'not-found'],
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
    codes: [...readCodes],
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
} as const satisfies Record<string, Route>;
