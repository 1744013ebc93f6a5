/** Notifications as a caller sees them: what lies in their scope, read or unread by them, taken care of by whoever. */

import type { Notification } from '@gatehouse/contract/notification-types';
import { type NotificationKind, notificationKinds } from '@gatehouse/domain/notification';
import { type Answer, done, refuse } from '../http/answer.ts';
import { limitOf, readCursor, toPage } from '../http/cursor.ts';
import type { CommandContext, Commands, Queries } from '../http/operator-routes.ts';
import {
  acknowledge,
  countUnread,
  finish,
  insertReads,
  type NotificationRow,
  selectNotifications,
} from './notification.store.ts';

function parseKind(text: string): NotificationKind {
  const kind = notificationKinds.find((known) => known === text);
  if (kind === undefined) throw new TypeError(`the database holds a kind that this program does not know: ${text}`);
  return kind;
}

const subjectKinds = ['gateway', 'project', 'tenant', 'platform', 'webhook', 'mail-subscription'] as const;

function parseSubjectKind(text: string): (typeof subjectKinds)[number] {
  const kind = subjectKinds.find((known) => known === text);
  if (kind === undefined) throw new TypeError(`the database holds a subject that this program does not know: ${text}`);
  return kind;
}

const act = (by: string | null, at: Date | null) =>
  by === null || at === null ? undefined : { by, at: at.toISOString() };

export function toNotificationView(row: NotificationRow): Notification {
  const acknowledged = act(row.acknowledged_by, row.acknowledged_at);
  const isDone = act(row.done_by, row.done_at);
  const { tenant_id: tenantId, tenant_name: tenant, project_id: projectId, project_name: project } = row;
  return {
    id: row.id,
    sequence: row.sequence,
    kind: parseKind(row.kind),
    severity: row.severity,
    at: row.at.toISOString(),
    subject: {
      kind: parseSubjectKind(row.subject_kind),
      ...(row.subject_id === null ? {} : { id: row.subject_id }),
      name: row.subject_name,
    },
    ...(tenantId === null || tenant === null ? {} : { tenant: { id: tenantId, name: tenant } }),
    ...(projectId === null || project === null ? {} : { project: { id: projectId, name: project } }),
    message: row.message,
    ...(row.next_step === null ? {} : { nextStep: row.next_step }),
    isUnread: !row.is_read,
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(isDone === undefined ? {} : { done: isDone }),
    ...(row.over_at === null ? {} : { overAt: row.over_at.toISOString() }),
  };
}

export const notificationQueries: Pick<Queries, 'listNotifications'> = {
  async listNotifications({ query = {} }, { db, access }) {
    const { tenant, project, kind, subject, unread, state = 'open' } = query;
    const own = await access.list(db, {});
    if (own.kind === 'refused') return own;
    const part = await access.list(db, { tenant, project });
    if (part.kind === 'refused') return part;
    const cursor = readCursor(query.cursor, ['number'] as const);
    if (cursor.kind === 'refused') return cursor;
    const limit = limitOf(query);
    const { tokenId } = access.principal;
    const rows = await selectNotifications(db, {
      ...part.reply,
      tokenId,
      state,
      kind,
      subject,
      unread,
      before: cursor.reply?.[0],
      limit: limit + 1,
    });
    const page = toPage(rows, limit, { item: toNotificationView, place: ({ sequence }) => [sequence] });
    return done({ ...page, unread: await countUnread(db, { ...own.reply, tokenId }) });
  },
};

/** The named ones, all of them in the caller's scope. */
async function find(
  ids: readonly string[],
  { work, access }: CommandContext,
): Promise<Answer<readonly NotificationRow[]>> {
  const part = await access.list(work.tx, {});
  if (part.kind === 'refused') return part;
  const { tokenId } = access.principal;
  const rows = await selectNotifications(work.tx, { ...part.reply, tokenId, ids, limit: ids.length });
  const missing = ids.find((id) => !rows.some((row) => row.id === id));
  if (missing === undefined) return done(rows);
  const detail = `There is no notification ${missing}, or it belongs to somebody else.`;
  return refuse('not-found', detail, { reasons: [{ code: 'not-found', message: detail }] });
}

type Written = Pick<Commands, 'readNotifications' | 'acknowledgeNotifications' | 'finishNotifications'>;

export const notificationCommands: Written = {
  async readNotifications({ body }, context) {
    const found = await find(body.ids, context);
    if (found.kind === 'refused') return found;
    await insertReads(context.work.tx, context.access.principal.tokenId, body.ids);
    return done(undefined);
  },

  async acknowledgeNotifications({ body }, context) {
    return actOn(body.ids, context, {
      save: acknowledge,
      action: 'notification.acknowledge',
      verb: 'acknowledged',
      isNew: ({ acknowledged_at }) => acknowledged_at === null,
    });
  },

  async finishNotifications({ body }, context) {
    return actOn(body.ids, context, {
      save: finish,
      action: 'notification.done',
      verb: 'marked as done',
      isNew: ({ done_at }) => done_at === null,
    });
  },
};

interface SharedAct {
  readonly save: typeof acknowledge;
  readonly action: string;
  readonly verb: string;
  readonly isNew: (row: NotificationRow) => boolean;
}

/** What somebody does for all to see. Who does it has read it, and it is an audit record once. */
async function actOn(ids: readonly string[], context: CommandContext, { save, action, verb, isNew }: SharedAct) {
  const { work, access } = context;
  const found = await find(ids, context);
  if (found.kind === 'refused') return found;
  const { name: by, tokenId } = access.principal;
  await insertReads(work.tx, tokenId, ids);
  await save(work.tx, { ids, by, now: work.now });
  for (const row of found.reply.filter(isNew)) {
    work.audit({
      actor: by,
      action,
      subjectKind: row.subject_kind,
      subjectName: row.subject_name,
      tenantId: row.tenant_id ?? undefined,
      projectId: row.project_id ?? undefined,
      message: `The notification was ${verb} by ${by}: ${row.message}`,
    });
  }
  work.changed({ kind: 'notifications' });
  return done(undefined);
}
