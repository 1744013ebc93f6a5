/**
 * The one place where a request meets the role matrix. A use case reaches what it works on through here, with the
 * permission of its route; one that reached nothing through here is refused after the fact (`isChecked`), so that a
 * forgotten check denies. What lies outside of the caller's scope is answered like what does not exist.
 */

import { isAllowed, type Permission, permissionsOf, type Scope } from '@gatehouse/domain/authorisation';
import type { Queryable } from '../database/connection.ts';
import { type GatewayRow, selectGatewaysNamed } from '../gateways/gateway.store.ts';
import { type Answer, done, type Refusal, refuse } from '../http/answer.ts';
import { selectProjectByName, selectTenantById, selectTenantByName, type TenantRow } from '../tenants/tenant.store.ts';
import { type Principal, scopeOf, visiblePart } from './principal.ts';

export const defaultTenantName = 'default';

export interface Place {
  readonly tenant: TenantRow;
  readonly project?: TenantRow;
}

export interface ListPart {
  readonly tenantId?: string;
  readonly projectId?: string;
}

export interface Access {
  readonly principal: Principal;
  /** By name or id. `tenant` where a caller sees several. */
  gateway(
    db: Queryable,
    named: { readonly gateway: string; readonly tenant?: string | undefined },
  ): Promise<Answer<GatewayRow>>;
  /** A tenant, or a project of it: the named one, else the caller's own, else the default one. */
  place(
    db: Queryable,
    named: { readonly tenant?: string | undefined; readonly project?: string | undefined },
  ): Promise<Answer<Place>>;
  /** The part of a list that the caller may see, narrowed to what is named. */
  list(
    db: Queryable,
    named: { readonly tenant?: string | undefined; readonly project?: string | undefined },
  ): Promise<Answer<ListPart>>;
  /** Where something new of the caller's shall lie: in what is named, else at the place of the caller's own grant. */
  ownPlace(
    db: Queryable,
    named: { readonly tenant?: string | undefined; readonly project?: string | undefined },
  ): Promise<Answer<ListPart>>;
  platform(): Answer<undefined>;
  /** What belongs to whoever is signed in. */
  own(): void;
  isChecked(): boolean;
}

export function roleRefusal(principal: Principal, permission: Permission): Refusal | undefined {
  if (permissionsOf(principal.grant.role).includes(permission)) return undefined;
  return notAllowed(principal, permission);
}

function notAllowed({ name, grant }: Principal, permission: Permission): Refusal {
  const where = { platform: 'of the platform', tenant: 'of its tenant', project: 'of its project' }[grant.scope.kind];
  const detail = `${name} is ${grant.role} ${where}, which does not permit ${permission} here; ask an administrator for it.`;
  return refuse('not-allowed', detail, { reasons: [{ code: 'not-allowed', message: detail }] });
}

const unknown = (kind: string, name: string): Refusal =>
  refuse('not-found', `There is no ${kind} ${name}, or it belongs to somebody else.`, {
    reasons: [{ code: 'not-found', message: `There is no ${kind} ${name}.` }],
  });

export function createAccess(principal: Principal, permission: Permission): Access {
  let checked = false;
  const { grant } = principal;
  const may = (scope: Scope, wanted: Permission = permission): boolean => {
    checked = true;
    return isAllowed(grant, wanted, scope);
  };
  /** Undefined: allowed. Who may not even see it does not learn that it is there. */
  const refusal = (scope: Scope, absent: Refusal): Refusal | undefined => {
    if (may(scope)) return undefined;
    return may(scope, scope.kind === 'project' ? 'gateway.read' : 'tenant.read')
      ? notAllowed(principal, permission)
      : absent;
  };
  const ownTenantId = grant.scope.kind === 'platform' ? undefined : grant.scope.tenantId;

  async function findTenant(db: Queryable, name: string | undefined): Promise<TenantRow | undefined> {
    const found =
      name === undefined && ownTenantId !== undefined
        ? await selectTenantById(db, ownTenantId)
        : await selectTenantByName(db, name ?? defaultTenantName);
    return ownTenantId === undefined || found?.id === ownTenantId ? found : undefined;
  }

  const access: Access = {
    principal,
    async gateway(db, { gateway, tenant }) {
      checked = true;
      const absent = unknown('gateway', gateway);
      const place = tenant === undefined ? undefined : await findTenant(db, tenant);
      if (tenant !== undefined && place === undefined) return absent;
      const found = await selectGatewaysNamed(db, { nameOrId: gateway, tenantId: place?.id ?? ownTenantId });
      const [row, ...others] = found.filter((each) => may(scopeOfGateway(each), 'gateway.read'));
      if (row === undefined) return absent;
      if (others.length > 0) {
        const detail = `Several tenants have a gateway ${gateway}; say which with ?tenant=.`;
        const tenants = [row, ...others].map(({ tenant_name }) => tenant_name).join(', ');
        return refuse('invalid-request', detail, {
          reasons: [{ code: 'field-invalid', message: `query.tenant is needed; it may be ${tenants}.` }],
        });
      }
      return may(scopeOfGateway(row)) ? done(row) : notAllowed(principal, permission);
    },
    async place(db, { tenant: tenantName, project: projectName }) {
      checked = true;
      const tenant = await findTenant(db, tenantName);
      if (tenant === undefined) return unknown('tenant', tenantName ?? defaultTenantName);
      if (projectName === undefined) {
        const denied = refusal({ kind: 'tenant', tenantId: tenant.id }, unknown('tenant', tenant.name));
        return denied ?? done({ tenant });
      }
      const absent = unknown('project', projectName);
      const project = await selectProjectByName(db, { tenantId: tenant.id, name: projectName });
      if (project === undefined) return absent;
      const denied = refusal({ kind: 'project', tenantId: tenant.id, projectId: project.id }, absent);
      return denied ?? done({ tenant, project });
    },
    async list(db, named) {
      if (!may(grant.scope)) return notAllowed(principal, permission);
      const visible = visiblePart(principal);
      const tenant = named.tenant === undefined ? undefined : await findTenant(db, named.tenant);
      if (named.tenant !== undefined && tenant === undefined) return unknown('tenant', named.tenant);
      const part: ListPart = { ...(tenant === undefined ? {} : { tenantId: tenant.id }), ...visible };
      if (named.project === undefined) return done(part);
      const tenantId = part.tenantId ?? (await findTenant(db, undefined))?.id;
      const project =
        tenantId === undefined ? undefined : await selectProjectByName(db, { tenantId, name: named.project });
      const isVisible = visible.projectId === undefined || visible.projectId === project?.id;
      if (tenantId === undefined || project === undefined || !isVisible) return unknown('project', named.project);
      return done({ tenantId, projectId: project.id });
    },
    async ownPlace(db, named) {
      const isOfPlatform = named.tenant === undefined && named.project === undefined && grant.scope.kind === 'platform';
      if (isOfPlatform) {
        const allowed = access.platform();
        return allowed.kind === 'refused' ? allowed : done({});
      }
      const own = named.tenant === undefined && named.project === undefined ? visiblePart(principal) : undefined;
      if (own !== undefined) return may(grant.scope) ? done(own) : notAllowed(principal, permission);
      const place = await access.place(db, named);
      if (place.kind === 'refused') return place;
      const { tenant, project } = place.reply;
      return done({ tenantId: tenant.id, ...(project === undefined ? {} : { projectId: project.id }) });
    },
    platform: () => (may({ kind: 'platform' }) ? done(undefined) : notAllowed(principal, permission)),
    own() {
      checked = true;
    },
    isChecked: () => checked,
  };
  return access;
}

/** Of a row that lies in a tenant, in a project of it, or in none. */
export const placeOf = (row: {
  readonly tenant_id: string | null;
  readonly project_id: string | null;
}): { readonly tenantId: string | undefined; readonly projectId: string | undefined } => ({
  tenantId: row.tenant_id ?? undefined,
  projectId: row.project_id ?? undefined,
});

export const scopeOfGateway = (row: GatewayRow): Scope =>
  scopeOf({ tenantId: row.tenant_id, projectId: row.project_id });
