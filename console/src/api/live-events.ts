/**
 * One stream of events for the whole console. It resumes after the last event it saw, by itself and with a growing
 * delay when the server refused or went away; whoever looks is told whether the page is live.
 */

export type Connection =
  | { readonly kind: 'connecting' }
  /** `isHealed` for a while after it was lost. */
  | { readonly kind: 'live'; readonly isHealed: boolean }
  | { readonly kind: 'lost'; readonly since: number };

export interface LiveEvents {
  /** Once; nothing is asked of the server before. */
  readonly start: () => void;
  /** `onEvents` comes once for a burst of events, at most once in a second, and once whenever the stream opens. */
  readonly subscribe: (onEvents: () => void) => () => void;
  readonly connection: () => Connection;
  readonly onConnection: (listener: () => void) => () => void;
  readonly close: () => void;
}

/** As much of an `EventSource` as is used here. */
export interface EventStream {
  addEventListener(
    type: 'open' | 'error' | 'event' | 'notification' | 'here',
    listener: (event: { readonly lastEventId?: string }) => void,
  ): void;
  close(): void;
}

export interface LiveEventsOptions {
  readonly open: (address: string) => EventStream;
  /** The sequence of the newest event there is. */
  readonly newestSequence: () => Promise<number>;
  readonly now: () => number;
  readonly after: (milliseconds: number, act: () => void) => () => void;
}

const burstMilliseconds = 150;
/** However many events there are: each word makes every shown page ask again. */
const betweenMilliseconds = 1000;
const retryFirst = 1000;
const retryMax = 15_000;
/** The control plane says every 15 s that it is there; a connection that died in silence gives no error. */
const silenceMax = 40_000;
/** Long enough to be read. */
const healedMilliseconds = 10_000;

export function createLiveEvents(options: LiveEventsOptions): LiveEvents {
  const subscribers = new Set<() => void>();
  const connectionListeners = new Set<() => void>();
  let connection: Connection = { kind: 'connecting' };
  let stream: EventStream | undefined;
  let last: number | undefined;
  let retryDelay = retryFirst;
  let announcedAt = Number.NEGATIVE_INFINITY;
  let isClosed = false;
  let cancelRetry: (() => void) | undefined;
  let cancelBurst: (() => void) | undefined;
  let cancelHealed: (() => void) | undefined;
  let cancelSilence: (() => void) | undefined;

  function setConnection(next: Connection): void {
    connection = next;
    for (const listener of connectionListeners) listener();
  }
  function announce(): void {
    const wait = Math.max(burstMilliseconds, announcedAt + betweenMilliseconds - options.now());
    cancelBurst ??= options.after(Math.min(wait, betweenMilliseconds), () => {
      cancelBurst = undefined;
      announcedAt = options.now();
      for (const subscriber of subscribers) subscriber();
    });
  }
  function heard(): void {
    cancelSilence?.();
    cancelSilence = options.after(silenceMax, lose);
  }
  function lose(): void {
    if (isClosed) return;
    stream?.close();
    stream = undefined;
    cancelHealed?.();
    cancelSilence?.();
    if (connection.kind !== 'lost') setConnection({ kind: 'lost', since: options.now() });
    cancelRetry ??= options.after(retryDelay, () => {
      cancelRetry = undefined;
      void connect();
    });
    retryDelay = Math.min(retryDelay * 2, retryMax);
  }
  async function connect(): Promise<void> {
    try {
      last ??= await options.newestSequence();
    } catch {
      // Whatever it was, it is tried again, and shown as a lost connection meanwhile.
      lose();
      return;
    }
    if (isClosed) return;
    const opened = options.open(`/v1/events?after=${last}&notifications=true`);
    stream = opened;
    // A stream that never opens is as silent as one that died.
    heard();
    for (const sign of ['open', 'event', 'notification', 'here'] as const) opened.addEventListener(sign, heard);
    opened.addEventListener('open', () => {
      retryDelay = retryFirst;
      // What happened before it opened may be in no answer yet.
      announce();
      const isHealed = connection.kind === 'lost';
      setConnection({ kind: 'live', isHealed });
      if (isHealed) {
        cancelHealed = options.after(healedMilliseconds, () => setConnection({ kind: 'live', isHealed: false }));
      }
    });
    opened.addEventListener('event', ({ lastEventId }) => {
      const sequence = Number(lastEventId);
      if (Number.isSafeInteger(sequence) && sequence > (last ?? 0)) last = sequence;
      announce();
    });
    // A notification that no event tells of, or that somebody has acknowledged.
    opened.addEventListener('notification', announce);
    opened.addEventListener('error', () => {
      if (stream === opened) lose();
    });
  }

  return {
    start: () => void connect(),
    subscribe(onEvents) {
      subscribers.add(onEvents);
      return () => subscribers.delete(onEvents);
    },
    connection: () => connection,
    onConnection(listener) {
      connectionListeners.add(listener);
      return () => connectionListeners.delete(listener);
    },
    close() {
      isClosed = true;
      cancelRetry?.();
      cancelBurst?.();
      cancelHealed?.();
      cancelSilence?.();
      stream?.close();
    },
  };
}
