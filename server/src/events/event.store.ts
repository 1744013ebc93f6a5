/** Everything that happens on a gateway, in one order for the whole control plane. */

import { randomUUID } from 'node:crypto';
import type { Instant } from '@gatehouse/domain/instant';
import { sql } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import { containing } from '../database/pattern.ts';
import { plainText } from '../http/plain-text.ts';

export interface EventSubject {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
  readonly projectId?: string | undefined;
}

export interface NewEvent {
  readonly type: string;
  readonly message: string;
  readonly severity: 'normal' | 'warning';
}

// Any number, the same in every program that writes events.
const eventLock = 7_241_001;
const rowsPerInsert = 1000;

/** Until the transaction ends; the order of who has it is that of the commits. */
export async function lockEvents(tx: DatabaseTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(${eventLock})`.execute(tx);
}

/**
 * Last in its transaction. The lock makes the order of sequences that of the commits; else a reader that has seen 6
 * could miss a 5 that is committed after it.
 */
export async function insertEvents(
  tx: DatabaseTransaction,
  events: readonly { readonly gateway: EventSubject; readonly event: NewEvent }[],
  now: Instant,
): Promise<void> {
  if (events.length === 0) return;
  await lockEvents(tx);
  for (let from = 0; from < events.length; from += rowsPerInsert) {
    await tx
      .insertInto('events')
      .values(
        events.slice(from, from + rowsPerInsert).map(({ gateway, event }) => ({
          id: randomUUID(),
          tenant_id: gateway.tenantId,
          project_id: gateway.projectId ?? null,
          gateway_id: gateway.id,
          gateway_name: gateway.name,
          time: new Date(now),
          type: event.type,
          message: plainText(event.message, 4000),
          severity: event.severity,
        })),
      )
      .execute();
  }
}

export interface EventPage {
  readonly gatewayId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly severity?: 'normal' | 'warning' | undefined;
  readonly type?: string | undefined;
  /** A part of the message, whatever the case of its letters. */
  readonly search?: string | undefined;
  /** Oldest first from there; else newest first, before `before`. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

export async function selectEvents(db: Queryable, page: EventPage) {
  const direction = page.after === undefined ? 'desc' : 'asc';
  let query = db.selectFrom('events as e').selectAll('e').orderBy('e.sequence', direction).limit(page.limit);
  if (page.gatewayId !== undefined) query = query.where('e.gateway_id', '=', page.gatewayId);
  if (page.tenantId !== undefined) query = query.where('e.tenant_id', '=', page.tenantId);
  if (page.projectId !== undefined) query = query.where('e.project_id', '=', page.projectId);
  if (page.severity !== undefined) query = query.where('e.severity', '=', page.severity);
  if (page.type !== undefined) query = query.where('e.type', '=', page.type);
  if (page.search !== undefined) query = query.where('e.message', 'ilike', containing(page.search));
  if (page.after !== undefined) query = query.where('e.sequence', '>', page.after);
  if (page.before !== undefined) query = query.where('e.sequence', '<', page.before);
  return query.execute();
}

export type EventRow = Awaited<ReturnType<typeof selectEvents>>[number];

/** 0 when there are none yet. */
export async function selectLastSequence(db: Queryable): Promise<number> {
  const row = await db
    .selectFrom('events as e')
    .select('e.sequence')
    .orderBy('e.sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.sequence ?? 0;
}
