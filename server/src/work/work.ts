/**
 * One transaction on the primary with what comes of it besides rows: events, audit records, notifications, and the word to the other
 * replicas that something changed. They are collected and written last, so that the lock that orders events is held only
 * for the commit.
 */

import { randomUUID } from 'node:crypto';
import type { Instant } from '@gatehouse/domain/instant';
import type { Notification } from '@gatehouse/domain/notification';
import { type AuditRecord, insertAuditRecords } from '../audit/audit.store.ts';
import type { Database, DatabaseTransaction } from '../database/connection.ts';
import { type EventSubject, insertEvents, type NewEvent } from '../events/event.store.ts';
import { markSummaries } from '../gateways/gateway-summary.store.ts';
import type { Answer } from '../http/answer.ts';
import type { NotificationPlace } from '../notifications/notification.store.ts';
import { type Told, tell } from '../notifications/tell.ts';
import { type Change, notify } from './change.store.ts';

export interface Work {
  readonly tx: DatabaseTransaction;
  readonly now: Instant;
  event(gateway: EventSubject, event: NewEvent): void;
  audit(record: AuditRecord): void;
  /** What no event of a gateway tells of by itself. */
  tell(notification: Notification, place: NotificationPlace): void;
  /** What was told of the topic is no longer so. */
  over(topic: string): void;
  /** Tells every replica to forget what it remembers of it, and marks what it is found by as out of date. */
  changed(change: Change): void;
}

export interface WorkContext {
  readonly db: Database;
  readonly now: Instant;
  readonly requestId: string;
}

const attemptsMax = 3;
// Serialization failure, deadlock: nothing is wrong with the work, it lost to another one.
const repeatable = new Set(['40001', '40P01']);

class RolledBack extends Error {
  override readonly name = 'RolledBack';
}

/** Runs `body` in one transaction; an answer that is a refusal undoes everything. Repeated when the database asks for it. */
export async function doWork<T>(
  { db, now, requestId }: WorkContext,
  body: (work: Work) => Promise<Answer<T>>,
): Promise<Answer<T>> {
  for (let attempt = 1; ; attempt += 1) {
    let answer: Answer<T> | undefined;
    try {
      return await db.transaction().execute(async (tx) => {
        const events: { readonly gateway: EventSubject; readonly event: NewEvent }[] = [];
        const records: AuditRecord[] = [];
        const changes: Change[] = [];
        const notifications: Told[] = [];
        const over: string[] = [];
        answer = await body({
          tx,
          now,
          event: (gateway, event) => events.push({ gateway, event }),
          audit: (record) => records.push(record),
          tell: (notification, place) => notifications.push({ notification, place }),
          over: (topic) => over.push(topic),
          changed: (change) => changes.push(change),
        });
        if (answer.kind === 'refused') throw new RolledBack('undone because the answer is a refusal');
        await markSummaries(tx, changes);
        await insertAuditRecords(tx, records, { now, requestId });
        await insertEvents(tx, events, now);
        if (events.length > 0) changes.push({ kind: 'events' });
        if (await tell(tx, { events, notifications, over }, now)) changes.push({ kind: 'notifications' });
        await notify(tx, changes);
        return answer;
      });
    } catch (error) {
      if (error instanceof RolledBack && answer !== undefined) return answer;
      if (attempt >= attemptsMax || !isRepeatable(error)) throw error;
    }
  }
}

function isRepeatable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && repeatable.has(error.code);
}

export const newId = (): string => randomUUID();
