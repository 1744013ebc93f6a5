import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Grant,
  isAllowed,
  isGrantable,
  mayGrant,
  type Permission,
  permissions,
  permissionsOf,
  type Role,
  roles,
  type Scope,
} from './authorisation.ts';

const platform: Scope = { kind: 'platform' };
const acme: Scope = { kind: 'tenant', tenantId: 'acme' };
const globex: Scope = { kind: 'tenant', tenantId: 'globex' };
const edge: Scope = { kind: 'project', tenantId: 'acme', projectId: 'edge' };
const core: Scope = { kind: 'project', tenantId: 'acme', projectId: 'core' };
const foreign: Scope = { kind: 'project', tenantId: 'globex', projectId: 'edge' };

const reads: readonly Permission[] = [
  'gateway.read',
  'platform.read',
  'release.read',
  'host-cluster.read',
  'tenant.read',
  'notification.read',
  'session.own',
];
const operating: readonly Permission[] = [
  'profile-update.confirm',
  'agent-update.retry',
  'pause.set',
  'host-cluster.write',
  'notification.acknowledge',
];

/** The whole table, written a second time: a permission that slips into a role shows here. */
const expected: Readonly<Record<Role, readonly Permission[]>> = {
  'Platform Admin': permissions,
  'Tenant Admin': [
    ...reads,
    ...operating,
    'gateway.create',
    'gateway.delete',
    'audit.read',
    'project.write',
    'token.write',
    'notification.write',
  ],
  'Project Admin': [
    ...reads,
    ...operating,
    'gateway.create',
    'gateway.delete',
    'audit.read',
    'token.write',
    'notification.write',
  ],
  Operator: [...reads, ...operating],
  Viewer: reads,
  Auditor: [...reads, 'audit.read'],
};

test.each(roles)('%s may do exactly what the table says', (role) => {
  expect(new Set(permissionsOf(role))).toEqual(new Set(expected[role]));
});

interface Case {
  readonly name: string;
  readonly grant: Grant;
  readonly permission: Permission;
  readonly scope: Scope;
  readonly allowed: boolean;
}
const cases: readonly Case[] = [
  {
    name: 'a platform admin reaches every tenant',
    grant: { role: 'Platform Admin', scope: platform },
    permission: 'gateway.delete',
    scope: foreign,
    allowed: true,
  },
  {
    name: 'a tenant admin reaches a gateway of the tenant without project',
    grant: { role: 'Tenant Admin', scope: acme },
    permission: 'gateway.delete',
    scope: acme,
    allowed: true,
  },
  {
    name: 'a tenant admin reaches each project of the tenant',
    grant: { role: 'Tenant Admin', scope: acme },
    permission: 'gateway.create',
    scope: edge,
    allowed: true,
  },
  {
    name: 'a tenant admin does not reach another tenant',
    grant: { role: 'Tenant Admin', scope: acme },
    permission: 'gateway.read',
    scope: globex,
    allowed: false,
  },
  {
    name: 'a tenant admin does not reach a project of another tenant with the same name',
    grant: { role: 'Tenant Admin', scope: acme },
    permission: 'gateway.read',
    scope: foreign,
    allowed: false,
  },
  {
    name: 'a tenant admin does not upgrade the platform',
    grant: { role: 'Tenant Admin', scope: acme },
    permission: 'platform.upgrade',
    scope: platform,
    allowed: false,
  },
  {
    name: 'a tenant admin sees the platform version',
    grant: { role: 'Tenant Admin', scope: acme },
    permission: 'platform.read',
    scope: platform,
    allowed: true,
  },
  {
    name: 'a project admin stays in the project',
    grant: { role: 'Project Admin', scope: edge },
    permission: 'pause.set',
    scope: core,
    allowed: false,
  },
  {
    name: 'a project admin does not pause the tenant',
    grant: { role: 'Project Admin', scope: edge },
    permission: 'pause.set',
    scope: acme,
    allowed: false,
  },
  {
    name: 'a project admin pauses the project',
    grant: { role: 'Project Admin', scope: edge },
    permission: 'pause.set',
    scope: edge,
    allowed: true,
  },
  {
    name: 'who works in a project sees its tenant',
    grant: { role: 'Viewer', scope: edge },
    permission: 'tenant.read',
    scope: acme,
    allowed: true,
  },
  {
    name: 'who works in a project sees no gateway of the tenant outside it',
    grant: { role: 'Viewer', scope: edge },
    permission: 'gateway.read',
    scope: acme,
    allowed: false,
  },
  {
    name: 'who works in a project does not see another tenant',
    grant: { role: 'Viewer', scope: edge },
    permission: 'tenant.read',
    scope: globex,
    allowed: false,
  },
  {
    name: 'an operator confirms',
    grant: { role: 'Operator', scope: acme },
    permission: 'profile-update.confirm',
    scope: edge,
    allowed: true,
  },
  {
    name: 'a viewer does not confirm',
    grant: { role: 'Viewer', scope: acme },
    permission: 'profile-update.confirm',
    scope: edge,
    allowed: false,
  },
  {
    name: 'an auditor reads the audit and changes nothing',
    grant: { role: 'Auditor', scope: acme },
    permission: 'audit.read',
    scope: acme,
    allowed: true,
  },
  {
    name: 'an auditor does not pause',
    grant: { role: 'Auditor', scope: acme },
    permission: 'pause.set',
    scope: acme,
    allowed: false,
  },
  {
    name: 'an operator does not read the audit',
    grant: { role: 'Operator', scope: acme },
    permission: 'audit.read',
    scope: acme,
    allowed: false,
  },
  {
    name: 'a viewer of the platform sees every tenant',
    grant: { role: 'Viewer', scope: platform },
    permission: 'gateway.read',
    scope: foreign,
    allowed: true,
  },
  {
    name: 'a platform admin of one tenant does not exist and may nothing',
    grant: { role: 'Platform Admin', scope: acme },
    permission: 'gateway.read',
    scope: acme,
    allowed: false,
  },
  {
    name: 'a tenant admin of the platform does not exist and may nothing',
    grant: { role: 'Tenant Admin', scope: platform },
    permission: 'gateway.read',
    scope: acme,
    allowed: false,
  },
];

describe('isAllowed', () => {
  test.each(cases)('$name', ({ grant, permission, scope, allowed }) => {
    expect(isAllowed(grant, permission, scope)).toBe(allowed);
  });
});

const id = fc.constantFrom('a', 'b');
const anyScope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant(platform),
  id.map((tenantId): Scope => ({ kind: 'tenant', tenantId })),
  fc.record({ tenantId: id, projectId: id }).map((ids): Scope => ({ kind: 'project', ...ids })),
);
const anyGrant: fc.Arbitrary<Grant> = fc.record({ role: fc.constantFrom(...roles), scope: anyScope });
const anyPermission = fc.constantFrom(...permissions);

test("a tenant's grant never reaches another tenant", () => {
  fc.assert(
    fc.property(anyGrant, anyPermission, anyScope, (grant, permission, scope) => {
      const isForeign =
        grant.scope.kind !== 'platform' && scope.kind !== 'platform' && grant.scope.tenantId !== scope.tenantId;
      expect(isForeign && isAllowed(grant, permission, scope)).toBe(false);
    }),
  );
});

test('outside the platform nobody but a platform admin changes it', () => {
  fc.assert(
    fc.property(anyGrant, anyScope, (grant, scope) => {
      for (const permission of ['platform.upgrade', 'release.import', 'tenant.write'] as const) {
        expect(grant.role !== 'Platform Admin' && isAllowed(grant, permission, scope)).toBe(false);
      }
    }),
  );
});

test('nobody gives out more than they may do', () => {
  fc.assert(
    fc.property(anyGrant, anyGrant, anyPermission, anyScope, (holder, wanted, permission, scope) => {
      fc.pre(mayGrant(holder, wanted));
      expect(isGrantable(wanted)).toBe(true);
      expect(isAllowed(wanted, permission, scope) && !isAllowed(holder, permission, scope)).toBe(false);
    }),
  );
});

test('a tenant admin makes an operator of a project, and no second tenant', () => {
  const admin: Grant = { role: 'Tenant Admin', scope: acme };
  expect(mayGrant(admin, { role: 'Operator', scope: edge })).toBe(true);
  expect(mayGrant(admin, { role: 'Tenant Admin', scope: globex })).toBe(false);
  expect(mayGrant(admin, { role: 'Platform Admin', scope: platform })).toBe(false);
  expect(mayGrant({ role: 'Operator', scope: acme }, { role: 'Viewer', scope: acme })).toBe(false);
});
