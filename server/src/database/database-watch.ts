/**
 * Whether the database answers, known at each moment without asking it. A connection of its own asks every second; the
 * connections in use tell what they meet. So a question about health never waits for a database that hangs, and whoever
 * needs the database hears at once that it is away.
 */

import { Client } from 'pg';
import { type DatabaseFault, type DatabaseFaultCode, databaseFault, faultOf, sqlStateOf } from './database-fault.ts';

export interface DatabaseWatch {
  /** What is wrong with it now; undefined while all is well. Never waits. */
  trouble(): DatabaseTrouble | undefined;
  /** Its clock by its last answer, as milliseconds since the epoch; undefined before the first. */
  time(): number | undefined;
  /** A statement or an attempt to connect failed. */
  saw(error: unknown): void;
  /** A statement was answered: whatever the watch's own connection meets, it does not hang. */
  answered(): void;
  /** A connection was had. */
  connected(): void;
  /** Told of each change. */
  subscribe(listener: (trouble: DatabaseTrouble | undefined) => void): () => void;
  close(): Promise<void>;
}

export interface DatabaseTrouble extends DatabaseFault {
  /** It answers reads. What does not answer is not asked. */
  readonly isAnswering: boolean;
}

export interface WatchPace {
  readonly everyMilliseconds: number;
  /** An answer that takes longer is none. Two in a row, with nothing else answered meanwhile, and it hangs. */
  readonly answerMillisecondsMax: number;
}

const defaultPace: WatchPace = { everyMilliseconds: 1000, answerMillisecondsMax: 10_000 };
/** Nobody was answered for so long: it is slow, and may be about to hang. It is asked on. */
const slowAfterMilliseconds = 3000;
/** A deadline that is noticed so late says something about this process, not about the database. */
const lateMilliseconds = 500;
/** How often room is looked for while the disk is full. */
const roomLookEveryMilliseconds = 2000;
/** What looks for connections while there were none left looks so long after the last refusal. */
const refusalLastsMilliseconds = 3000;

export function watchDatabase(url: string, pace: WatchPace = defaultPace): DatabaseWatch {
  const listeners = new Set<(trouble: DatabaseTrouble | undefined) => void>();
  let probed: 'database-away' | 'database-hangs' | 'database-connections-used-up' | undefined;
  let isReadOnly = false;
  let isFull = false;
  let lastRoomLook = 0;
  let refusedAt: number | undefined;
  let heard: { readonly time: number; readonly at: number } | undefined;
  let client: Client | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let told: DatabaseFaultCode | undefined;
  let answeredAt = Number.NEGATIVE_INFINITY;
  let askedAt: number | undefined;

  const trouble = (): DatabaseTrouble | undefined => {
    // A watch that was not heard for long has nothing to say.
    const lastHeard = Math.max(heard?.at ?? Number.POSITIVE_INFINITY, answeredAt);
    const isStale = performance.now() - lastHeard > staleAfter(pace);
    if (probed === 'database-away' || probed === 'database-hangs')
      return { ...databaseFault(probed), isAnswering: false };
    if (isStale && probed === undefined) return { ...databaseFault('database-hangs'), isAnswering: false };
    const isSlow = askedAt !== undefined && performance.now() - Math.max(askedAt, answeredAt) > slowAfterMilliseconds;
    if (isSlow) return { ...databaseFault('database-slow'), isAnswering: true };
    const isRefused = refusedAt !== undefined && performance.now() - refusedAt < refusalLastsMilliseconds;
    if (probed !== undefined || isRefused)
      return { ...databaseFault('database-connections-used-up'), isAnswering: true };
    if (isFull) return { ...databaseFault('database-full'), isAnswering: true };
    return isReadOnly ? { ...databaseFault('database-read-only'), isAnswering: true } : undefined;
  };

  const tell = (): void => {
    const now = trouble();
    if (now?.code === told) return;
    told = now?.code;
    for (const listener of listeners) listener(now);
  };

  async function ask(): Promise<void> {
    client ??= await connect(url, pace.answerMillisecondsMax, drop);
    const asked = client;
    const answer = await within(
      asked.query<ProbeRow>(
        `select (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
                pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as is_read_only`,
      ),
      pace.answerMillisecondsMax,
    );
    const [row] = answer.rows;
    if (row === undefined) throw new Error('the database answered without a row');
    heard = { time: row.now, at: performance.now() };
    isReadOnly = row.is_read_only;
    if (isFull && performance.now() - lastRoomLook > roomLookEveryMilliseconds) {
      lastRoomLook = performance.now();
      isFull = !(await hasRoom(asked, pace.answerMillisecondsMax));
    }
  }

  function drop(lost: Client): void {
    if (client === lost) client = undefined;
    void lost.end().catch(() => undefined); // Lost already, or hanging: then its socket is destroyed.
  }

  async function look(): Promise<void> {
    const begun = performance.now();
    askedAt = begun;
    // One connection may be lost without the database being away: the second try is on a new one.
    for (const isLastTry of [false, true]) {
      try {
        await ask();
        probed = undefined;
        break;
      } catch (error) {
        if (client !== undefined) drop(client);
        if (!isLastTry) continue;
        // A machine that is busy answers others late as well, but it answers.
        if (error instanceof NoAnswer && answeredAt > begun) break;
        probed = error instanceof NoAnswer ? 'database-hangs' : awayCodeOf(error);
      }
    }
    askedAt = undefined;
    tell();
    if (isClosed) return;
    timer = setTimeout(() => void look(), pace.everyMilliseconds);
    timer.unref();
  }

  void look();
  return {
    trouble,
    time: () => (heard === undefined ? undefined : heard.time + performance.now() - heard.at),
    saw(error) {
      const code = faultOf(error)?.code;
      if (code === 'database-connections-used-up') refusedAt = performance.now();
      if (code === 'database-full' && !isFull) {
        isFull = true;
        lastRoomLook = performance.now();
      }
      if (code === 'database-connections-used-up' || code === 'database-full') tell();
    },
    answered() {
      answeredAt = performance.now();
    },
    connected() {
      if (refusedAt === undefined) return;
      refusedAt = undefined;
      tell();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      if (client !== undefined) drop(client);
    },
  };
}

interface ProbeRow {
  readonly now: number;
  readonly is_read_only: boolean;
}

/** Two tries, the pause before them, and as much again. */
const staleAfter = ({ everyMilliseconds, answerMillisecondsMax }: WatchPace): number =>
  2 * (everyMilliseconds + 4 * answerMillisecondsMax);

/** Nothing came back in time. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

async function connect(url: string, millisecondsMax: number, onLost: (client: Client) => void): Promise<Client> {
  const client = new Client({ connectionString: url, keepAlive: true, application_name: 'gatehouse watch' });
  client.on('error', () => onLost(client));
  try {
    await within(client.connect(), millisecondsMax);
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

function awayCodeOf(error: unknown): 'database-away' | 'database-connections-used-up' {
  return sqlStateOf(error) === '53300' ? 'database-connections-used-up' : 'database-away';
}

/** Rejects with `NoAnswer` after the time. A deadline that this process itself notices late is given once more. */
async function within<T>(answer: Promise<T>, milliseconds: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const due = performance.now() + milliseconds;
    timer = setTimeout(() => {
      if (performance.now() - due > lateMilliseconds) wait();
      else reject(new NoAnswer('no answer in time'));
    }, milliseconds);
    timer.unref();
  };
  wait();
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
    // What was given up may still fail; that was said already.
    void answer.catch(() => undefined);
  }
}

/** Whether a table can grow. A role that may make no temporary table is taken at its next write's word. */
async function hasRoom(client: Client, millisecondsMax: number): Promise<boolean> {
  try {
    await within(
      client.query(
        `create temporary table gatehouse_room as select md5(n::text) from generate_series(1, 8000) as n;
         drop table gatehouse_room`,
      ),
      millisecondsMax,
    );
    return true;
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    return faultOf(error)?.code !== 'database-full';
  }
}
