import { done } from '../http/answer.ts';
import { limitOf, readCursor, toPage } from '../http/cursor.ts';
import type { Queries } from '../http/operator-routes.ts';
import { selectAuditRecords } from './audit.store.ts';
import { readAuditPart } from './audit-export.ts';

export const auditQueries: Pick<Queries, 'listAudit'> = {
  async listAudit({ query }, { db, access }) {
    const { limit: _limit, cursor: _cursor, ...filter } = query ?? {};
    const part = await readAuditPart(db, access, filter);
    if (part.kind === 'refused') return part;
    const cursor = readCursor(query?.cursor, ['number'] as const);
    if (cursor.kind === 'refused') return cursor;
    const limit = limitOf(query);
    const rows = await selectAuditRecords(db, {
      ...part.reply,
      before: cursor.reply?.[0],
      limit: limit + 1,
    });
    return done(
      toPage(rows, limit, {
        item: (row) => ({
          id: row.id,
          sequence: row.sequence,
          time: row.time.toISOString(),
          actor: row.actor,
          action: row.action,
          subjectKind: row.subject_kind,
          subjectName: row.subject_name,
          message: row.message,
        }),
        place: ({ sequence }) => [sequence],
      }),
    );
  },
};
