/**
 * Audit records as a table for a spreadsheet (RFC 4180), newest first, sent as they are read. Names and reasons are of
 * people and agents: a cell that a spreadsheet would take for a formula begins with an apostrophe, and is text.
 */

import { Readable } from 'node:stream';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import { Parse } from 'typebox/value';
import type { Queryable } from '../database/connection.ts';
import { type Answer, done } from '../http/answer.ts';
import type { Follow } from '../http/operator-routes.ts';
import { sendRefusal } from '../http/problem-reply.ts';
import type { Services } from '../http/services.ts';
import { type Access, createAccess } from '../identity/access.ts';
import { type AuditFilter, type AuditPage, selectAuditRecords } from './audit.store.ts';

const rowsPerRead = 1000;
/** Columns are only ever added, at the end. */
const header = ['time', 'actor', 'action', 'subjectKind', 'subject', 'tenant', 'project', 'message', 'requestId', 'id'];

export function exportAuditRoute({ db }: Pick<Services, 'db'>): Follow {
  return async ({ name, request, reply, principal }) => {
    if (name !== 'exportAudit') return false;
    const access = createAccess(principal, 'audit.read');
    const part = await readAuditPart(db, access, Parse(operatorRoutes.exportAudit.query, request.query));
    if (part.kind === 'refused') {
      await sendRefusal(request, reply, part);
      return true;
    }
    await reply
      .type('text/csv; charset=utf-8; header=present')
      .header('cache-control', 'no-store')
      .header('content-disposition', 'attachment; filename="gatehouse-audit.csv"')
      .send(Readable.from(linesOf(db, part.reply)));
    return true;
  };
}

/** What of the audit a caller may see, narrowed to what is asked for. */
export async function readAuditPart(
  db: Queryable,
  access: Access,
  query: AuditFilter & { readonly tenant?: string },
): Promise<Answer<Omit<AuditPage, 'limit'>>> {
  const { tenant, ...filter } = query;
  const part = await access.list(db, { tenant });
  return part.kind === 'refused' ? part : done({ ...part.reply, ...filter });
}

async function* linesOf(db: Queryable, part: Omit<AuditPage, 'limit'>): AsyncGenerator<string> {
  yield toLine(header);
  let before: number | undefined;
  for (;;) {
    const rows = await selectAuditRecords(db, { ...part, before, limit: rowsPerRead });
    const lines = rows.map((row) =>
      toLine([
        row.time.toISOString(),
        row.actor,
        row.action,
        row.subject_kind,
        row.subject_name,
        row.tenant_name ?? '',
        row.project_name ?? '',
        row.message,
        row.request_id,
        row.id,
      ]),
    );
    if (lines.length > 0) yield lines.join('');
    before = rows.at(-1)?.sequence;
    if (rows.length < rowsPerRead) return;
  }
}

const toLine = (cells: readonly string[]): string => `${cells.map(toCell).join(',')}\r\n`;

// What OWASP names, and the full-width forms that some spreadsheets read as the plain ones.
const formula = /^[=+\-@\t\r\n|%＝＋－＠]/;

export function toCell(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
