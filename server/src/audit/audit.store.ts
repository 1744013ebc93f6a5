/** What people and tokens did. */

import { randomUUID } from 'node:crypto';
import type { Instant } from '@gatehouse/domain/instant';
import { sql } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import { plainLine } from '../http/plain-text.ts';

export interface AuditRecord {
  readonly actor: string;
  /** `<subject>.<verb>`, such as `profile-update.confirm`. */
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectName: string;
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly message: string;
}

export async function insertAuditRecords(
  tx: DatabaseTransaction,
  records: readonly AuditRecord[],
  { now, requestId }: { readonly now: Instant; readonly requestId: string },
): Promise<void> {
  if (records.length === 0) return;
  await tx
    .insertInto('audit_records')
    .values(
      records.map((record) => ({
        id: randomUUID(),
        time: new Date(now),
        tenant_id: record.tenantId ?? null,
        project_id: record.projectId ?? null,
        actor: record.actor,
        action: record.action,
        subject_kind: record.subjectKind,
        subject_name: record.subjectName,
        message: plainLine(record.message),
        request_id: requestId,
      })),
    )
    .execute();
}

export interface AuditFilter {
  readonly actor?: string | undefined;
  /** Whole, or up to and with its full stop. */
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  /** RFC 3339; from it, inclusive. */
  readonly since?: string | undefined;
  /** RFC 3339; up to it, exclusive. */
  readonly until?: string | undefined;
}

export interface AuditPage extends AuditFilter {
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function selectAuditRecords(db: Queryable, page: AuditPage) {
  let query = db
    .selectFrom('audit_records as a')
    .leftJoin('tenants as t', 't.id', 'a.tenant_id')
    .leftJoin('projects as p', 'p.id', 'a.project_id')
    .selectAll('a')
    .select(['t.name as tenant_name', 'p.name as project_name'])
    .orderBy('a.sequence', 'desc')
    .limit(page.limit);
  if (page.tenantId !== undefined) query = query.where('a.tenant_id', '=', page.tenantId);
  if (page.projectId !== undefined) query = query.where('a.project_id', '=', page.projectId);
  if (page.actor !== undefined) query = query.where('a.actor', '=', page.actor);
  if (page.action?.endsWith('.') === true) query = query.where(sql<boolean>`starts_with(a.action, ${page.action})`);
  else if (page.action !== undefined) query = query.where('a.action', '=', page.action);
  if (page.subject !== undefined) query = query.where('a.subject_name', '=', page.subject);
  if (page.since !== undefined) query = query.where('a.time', '>=', new Date(page.since));
  if (page.until !== undefined) query = query.where('a.time', '<', new Date(page.until));
  if (page.before !== undefined) query = query.where('a.sequence', '<', page.before);
  return query.execute();
}
