/**
 * Hears what replicas tell each other over PostgreSQL's LISTEN. What is said is only *look*; whoever hears it reads the
 * database. While the connection is lost nothing is heard, and that is said too.
 */

import { Client } from 'pg';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { type Change, channel } from '../work/change.store.ts';

export interface ChangeSignal {
  subscribe(listener: ChangeListener): () => void;
  close(): Promise<void>;
}

export interface ChangeListener {
  onChange(change: Change): void;
  /** False while changes cannot be heard. Called with true after each (re)connection: look at everything anew. */
  onListening?(isListening: boolean): void;
}

const ChangeMessage = Type.Union([
  Type.Object({ kind: Type.Literal('gateway'), gatewayId: Type.String() }),
  Type.Object({ kind: Type.Literal('everything') }),
  Type.Object({ kind: Type.Literal('events') }),
  Type.Object({ kind: Type.Literal('notifications') }),
]);

const retryMilliseconds = 1000;
/** A connection through a firewall can be dead without saying so. */
const probeMilliseconds = 30_000;

export function listenForChanges(url: string, onError: (error: unknown) => void): ChangeSignal {
  const listeners = new Set<ChangeListener>();
  let isClosed = false;
  let isListening = false;
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const say = (value: boolean) => {
    isListening = value;
    for (const listener of listeners) listener.onListening?.(value);
  };

  async function connect(): Promise<void> {
    const next = new Client({ connectionString: url, connectionTimeoutMillis: 10_000, query_timeout: 10_000 });
    let isLost = false;
    const lose = (error?: unknown) => {
      if (isLost) return;
      isLost = true;
      clearInterval(timer);
      say(false);
      void endQuietly(next);
      if (isClosed) return;
      if (error !== undefined) onError(error);
      setTimeout(() => void connect(), retryMilliseconds).unref();
    };
    next.on('error', lose);
    next.on('end', () => lose());
    next.on('notification', ({ payload }) => {
      const change = parseChange(payload);
      if (change !== undefined) for (const listener of listeners) listener.onChange(change);
    });
    try {
      await next.connect();
      await next.query(`listen ${channel}`);
    } catch (error) {
      lose(error);
      return;
    }
    client = next;
    if (isClosed) return lose();
    timer = setInterval(() => void probe(next, lose), probeMilliseconds);
    timer.unref();
    say(true);
  }

  void connect();
  return {
    subscribe(listener) {
      listeners.add(listener);
      listener.onListening?.(isListening);
      return () => listeners.delete(listener);
    },
    async close() {
      isClosed = true;
      clearInterval(timer);
      if (client !== undefined) await endQuietly(client);
    },
  };
}

async function probe(client: Client, lose: (error: unknown) => void): Promise<void> {
  try {
    await client.query('select 1');
  } catch (error) {
    lose(error);
  }
}

/** For a connection that may be lost already. */
async function endQuietly(client: Client): Promise<void> {
  try {
    await client.end();
  } catch {
    // It was lost already.
  }
}

function parseChange(payload: string | undefined): Change | undefined {
  if (payload === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(payload);
    return Check(ChangeMessage, value) ? value : undefined;
  } catch {
    return undefined; // Somebody else's message on our channel.
  }
}
