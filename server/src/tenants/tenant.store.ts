/** Tenants and their projects. */

import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

export interface TenantRow {
  readonly id: string;
  readonly name: string;
}

export async function selectTenantByName(db: Queryable, name: string): Promise<TenantRow | undefined> {
  return db.selectFrom('tenants as n').select(['n.id', 'n.name']).where('n.name', '=', name).executeTakeFirst();
}

export async function selectTenantById(db: Queryable, id: string): Promise<TenantRow | undefined> {
  return db.selectFrom('tenants as n').select(['n.id', 'n.name']).where('n.id', '=', id).executeTakeFirst();
}

export async function selectProjectByName(
  db: Queryable,
  wanted: { readonly tenantId: string; readonly name: string },
): Promise<TenantRow | undefined> {
  return db
    .selectFrom('projects as p')
    .select(['p.id', 'p.name'])
    .where('p.tenant_id', '=', wanted.tenantId)
    .where('p.name', '=', wanted.name)
    .executeTakeFirst();
}

export async function selectTenants(db: Queryable, tenantId?: string): Promise<readonly TenantRow[]> {
  let query = db.selectFrom('tenants as n').select(['n.id', 'n.name']).orderBy('n.name').limit(1000);
  if (tenantId !== undefined) query = query.where('n.id', '=', tenantId);
  return query.execute();
}

export async function selectProjects(
  db: Queryable,
  part: { readonly tenantId?: string | undefined; readonly projectId?: string | undefined },
) {
  let query = db.selectFrom('projects as p').select(['p.id', 'p.name', 'p.tenant_id']).orderBy('p.name').limit(10_000);
  if (part.tenantId !== undefined) query = query.where('p.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('p.id', '=', part.projectId);
  return query.execute();
}

/** False when the name is taken. */
export async function insertTenant(tx: DatabaseTransaction, tenant: TenantRow, now: Instant): Promise<boolean> {
  const inserted = await tx
    .insertInto('tenants')
    .values({ ...tenant, created_at: new Date(now) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

/** False when the tenant has a project of that name. */
export async function insertProject(
  tx: DatabaseTransaction,
  project: TenantRow & { readonly tenantId: string },
  now: Instant,
): Promise<boolean> {
  const inserted = await tx
    .insertInto('projects')
    .values({ id: project.id, name: project.name, tenant_id: project.tenantId, created_at: new Date(now) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}
