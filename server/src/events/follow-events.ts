/**
 * Events as server-sent events: first those after the given sequence, then each new one. The order of sequences is that
 * of the commits, so a reader never misses one. A follower that does not read is cut off and resumes by Last-Event-ID.
 * While the database does not answer the streams stay open; before they go on, whoever reads is asked for permission anew.
 */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Database } from '../database/connection.ts';
import { faultOf } from '../database/database-fault.ts';
import { toNotificationView } from '../notifications/notification.command.ts';
import { type NotificationPage, selectLastChange, selectNotifications } from '../notifications/notification.store.ts';
import { toEventView } from './event.query.ts';
import { type EventPage, selectEvents } from './event.store.ts';
import type { ChangeSignal } from './event-signal.ts';

export interface Followers {
  follow(request: FastifyRequest, reply: FastifyReply, options: FollowOptions): Promise<void>;
  /** Ends all of them; for a shutdown. */
  close(): void;
  count(): number;
}

export interface FollowOptions {
  readonly part: Omit<EventPage, 'after' | 'before' | 'limit'>;
  readonly after: number;
  /** With it the stream also carries each notification of the part that is new or has changed, as `event: notification`. */
  readonly notifications?: Pick<NotificationPage, 'tenantId' | 'projectId' | 'tokenId'> | undefined;
  /** Asked again now and then: a revoked token ends the stream. */
  readonly isStillAllowed: () => Promise<boolean>;
  /** Called now and then while the stream is open. */
  readonly onWatched: () => void;
}

const rowsPerRead = 200;
const heartbeatMilliseconds = 15_000;
/** Without a signal they look anyway: a signal may be lost. */
const lookMilliseconds = 5_000;
const unsentBytesMax = 1_000_000;
const followersMax = 2000;

export function createFollowers(db: Database, signal: ChangeSignal, onError: (error: unknown) => void): Followers {
  const open = new Set<() => void>();
  return {
    count: () => open.size,
    close() {
      for (const tellEnd of open) tellEnd();
    },
    async follow(request, reply, { part, after, notifications, isStillAllowed, onWatched }) {
      reply.hijack();
      const { raw } = reply;
      const headers = Object.fromEntries(
        Object.entries(reply.getHeaders()).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      );
      if (open.size >= followersMax) {
        raw.writeHead(503, { ...headers, 'retry-after': '10' }).end();
        return;
      }
      raw.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      raw.write(': events follow\n\n');
      let last = after;
      /** No notification carries an id: who is cut off asks for all of them anew. */
      let lastChange: number | undefined;
      let isReading = false;
      let isWanted = true;
      let isOver = false;
      let isToAskAgain = false;

      /** It goes on when the database is back; any other fault ends it. */
      function breakOff(error: unknown): void {
        isToAskAgain = true;
        if (faultOf(error) !== undefined) return;
        onError(error);
        end();
      }

      async function readNotifications(): Promise<void> {
        if (notifications === undefined) return;
        lastChange ??= await selectLastChange(db);
        const rows = await selectNotifications(db, { ...notifications, changedAfter: lastChange, limit: rowsPerRead });
        for (const row of rows) {
          lastChange = row.changed;
          raw.write(`event: notification\ndata: ${JSON.stringify(toNotificationView(row))}\n\n`);
        }
        if (rows.length === rowsPerRead) isWanted = true;
      }

      async function read(): Promise<void> {
        isWanted = true;
        if (isReading || isOver) return;
        isReading = true;
        try {
          while (isWanted && !isOver) {
            isWanted = false;
            if (isToAskAgain && !(await isStillAllowed())) return end();
            isToAskAgain = false;
            const rows = await selectEvents(db, { ...part, after: last, limit: rowsPerRead });
            for (const row of rows) {
              last = row.sequence;
              raw.write(`id: ${row.sequence}\nevent: event\ndata: ${JSON.stringify(toEventView(row))}\n\n`);
            }
            if (rows.length === rowsPerRead) isWanted = true;
            await readNotifications();
            if (raw.writableLength > unsentBytesMax) end();
          }
        } catch (error) {
          breakOff(error);
        } finally {
          isReading = false;
        }
      }

      const unsubscribe = signal.subscribe({
        onChange: (change) => {
          if (change.kind === 'events' || change.kind === 'notifications') void read();
        },
      });
      const looking = setInterval(() => void read(), lookMilliseconds);
      const heart = setInterval(() => {
        // A page in a browser sees no comments, and asks for notifications; other clients take each `data` for an event.
        raw.write(notifications === undefined ? ': still here\n\n' : 'event: here\ndata: {}\n\n');
        onWatched();
        isStillAllowed().then((isAllowed) => (isAllowed ? undefined : end()), breakOff);
      }, heartbeatMilliseconds);
      const { promise, resolve } = Promise.withResolvers<void>();
      function tellEnd(): void {
        raw.write(': this server is ending; connect again\nretry: 1000\n\n');
        end();
      }
      function end(): void {
        if (isOver) return;
        isOver = true;
        unsubscribe();
        clearInterval(looking);
        clearInterval(heart);
        open.delete(tellEnd);
        raw.end();
        resolve();
      }
      open.add(tellEnd);
      request.raw.on('close', end);
      raw.on('close', end);
      raw.on('error', end);
      onWatched();
      await read();
      await promise;
    },
  };
}
