/**
 * Who may do what where: role × permission × scope in one table. What the table does not name is denied. A grant
 * reaches its own scope and what lies within it; a tenant's grant never reaches another tenant.
 */

/** The same words as the permissions of the operator API; the server checks that the two are one. */
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

export const roles = ['Platform Admin', 'Tenant Admin', 'Project Admin', 'Operator', 'Viewer', 'Auditor'] as const;
export type Role = (typeof roles)[number];

export type Scope =
  | { readonly kind: 'platform' }
  | { readonly kind: 'tenant'; readonly tenantId: string }
  | { readonly kind: 'project'; readonly tenantId: string; readonly projectId: string };

export interface Grant {
  readonly role: Role;
  readonly scope: Scope;
}

const reads: readonly Permission[] = [
  'gateway.read',
  'platform.read',
  'release.read',
  'host-cluster.read',
  'tenant.read',
  'session.own',
  'notification.read',
];
const operates: readonly Permission[] = [
  ...reads,
  'profile-update.confirm',
  'agent-update.retry',
  'pause.set',
  'host-cluster.write',
  'notification.acknowledge',
];
const administers: readonly Permission[] = [
  ...operates,
  'gateway.create',
  'gateway.delete',
  'audit.read',
  'token.write',
  'notification.write',
];

const permissionsOfRole: Readonly<Record<Role, readonly Permission[]>> = {
  'Platform Admin': permissions,
  'Tenant Admin': [...administers, 'project.write'],
  'Project Admin': administers,
  Operator: operates,
  Viewer: reads,
  Auditor: [...reads, 'audit.read'],
};

const scopesOfRole: Readonly<Record<Role, readonly Scope['kind'][]>> = {
  'Platform Admin': ['platform'],
  'Tenant Admin': ['tenant'],
  'Project Admin': ['project'],
  Operator: ['platform', 'tenant', 'project'],
  Viewer: ['platform', 'tenant', 'project'],
  Auditor: ['platform', 'tenant', 'project'],
};

/** What everybody who is signed in may see of the platform itself, whatever the scope of their grant. */
const knownToAll: readonly Permission[] = ['platform.read', 'release.read', 'session.own'];

/** Whether such a grant can exist: an administrator's role belongs to one kind of scope. */
export function isGrantable(grant: Grant): boolean {
  return scopesOfRole[grant.role].includes(grant.scope.kind);
}

function contains(outer: Scope, inner: Scope): boolean {
  if (outer.kind === 'platform') return true;
  if (inner.kind === 'platform' || inner.tenantId !== outer.tenantId) return false;
  return outer.kind === 'tenant' || (inner.kind === 'project' && inner.projectId === outer.projectId);
}

function reaches(grant: Grant, permission: Permission, scope: Scope): boolean {
  if (contains(grant.scope, scope)) return true;
  if (scope.kind === 'platform') return knownToAll.includes(permission);
  // Who works in a project may see the tenant it is in, though not the tenant's other projects.
  return (
    permission === 'tenant.read' &&
    scope.kind === 'tenant' &&
    grant.scope.kind === 'project' &&
    grant.scope.tenantId === scope.tenantId
  );
}

/** `scope`: where the thing lies that is to be read or changed. A gateway without a project lies in its tenant. */
export function isAllowed(grant: Grant, permission: Permission, scope: Scope): boolean {
  return isGrantable(grant) && permissionsOfRole[grant.role].includes(permission) && reaches(grant, permission, scope);
}

/** What the role may do somewhere: for showing, never for deciding. */
export function permissionsOf(role: Role): readonly Permission[] {
  return permissionsOfRole[role];
}

/** Whether the holder of `grant` may give out `wanted`: within their own scope, and never more than they may do. */
export function mayGrant(grant: Grant, wanted: Grant): boolean {
  return (
    isGrantable(wanted) &&
    isAllowed(grant, 'token.write', wanted.scope) &&
    permissionsOfRole[wanted.role].every((permission) => permissionsOfRole[grant.role].includes(permission))
  );
}
