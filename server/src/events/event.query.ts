/** Pages of events. With `after` oldest first from there, as a follower catches up; else the newest first. */

import type { CallOf } from '@gatehouse/contract/operator-api';
import type { GatewayEvent } from '@gatehouse/contract/operator-types';
import { done } from '../http/answer.ts';
import { limitOf, readCursor, toPage } from '../http/cursor.ts';
import type { Queries } from '../http/operator-routes.ts';
import type { Attention } from '../polls/attention.ts';
import { type EventPage, type EventRow, selectEvents } from './event.store.ts';

export const toEventView = (row: EventRow): GatewayEvent => ({
  id: row.id,
  sequence: row.sequence,
  gateway: { id: row.gateway_id, name: row.gateway_name },
  time: row.time.toISOString(),
  type: row.type,
  message: row.message,
  severity: row.severity,
});

type EventQuery = CallOf<'listEvents'>['query'];

/** Which of the events of a part are asked for. */
export const toEventFilter = (query: EventQuery): Pick<EventPage, 'severity' | 'type' | 'search'> => ({
  severity: query?.severity,
  type: query?.type,
  search: query?.search,
});

export function eventQueries(attention: Attention): Pick<Queries, 'listEvents' | 'listGatewayEvents'> {
  const page = async (db: Parameters<typeof selectEvents>[0], part: object, query: EventQuery) => {
    const cursor = readCursor(query?.cursor, ['number'] as const);
    if (cursor.kind === 'refused') return cursor;
    const limit = limitOf(query);
    const place = cursor.reply?.[0];
    const isForward = query?.after !== undefined;
    const rows = await selectEvents(db, {
      ...part,
      ...toEventFilter(query),
      limit: limit + 1,
      ...(isForward ? { after: place ?? query.after } : { before: place }),
    });
    return done(toPage(rows, limit, { item: toEventView, place: ({ sequence }) => [sequence] }));
  };
  return {
    async listEvents({ query }, { db, access }) {
      const part = await access.list(db, { tenant: query?.tenant });
      return part.kind === 'refused' ? part : page(db, part.reply, query);
    },
    async listGatewayEvents({ params, query }, { db, now, access }) {
      const row = await access.gateway(db, { ...params, tenant: query?.tenant });
      if (row.kind === 'refused') return row;
      attention.look(row.reply.id, now);
      return page(db, { gatewayId: row.reply.id }, query);
    },
  };
}
