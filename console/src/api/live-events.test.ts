import { describe, expect, it } from 'vitest';
import { createLiveEvents, type EventStream } from './live-events.ts';

type Heard = Parameters<EventStream['addEventListener']>;

interface OpenedStream {
  readonly address: string;
  readonly isClosed: () => boolean;
  readonly say: (type: Heard[0], sequence?: number) => void;
}

/** The world around: streams that a test speaks through, and a clock that a test turns. */
function world(newest: () => Promise<number> = () => Promise.resolve(7)) {
  const streams: OpenedStream[] = [];
  const timers = new Set<{ readonly at: number; readonly act: () => void }>();
  let time = 0;
  let told = 0;
  const live = createLiveEvents({
    open: (address) => {
      const listeners: Heard[] = [];
      let isClosed = false;
      streams.push({
        address,
        isClosed: () => isClosed,
        say: (type, sequence) => {
          for (const [heard, listener] of listeners) {
            if (heard === type) listener(sequence === undefined ? {} : { lastEventId: String(sequence) });
          }
        },
      });
      return {
        addEventListener: (...heard) => void listeners.push(heard),
        close: () => {
          isClosed = true;
        },
      };
    },
    newestSequence: newest,
    now: () => time,
    after: (milliseconds, act) => {
      const timer = { at: time + milliseconds, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  live.subscribe(() => {
    told += 1;
  });
  live.start();
  const settle = async () => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return {
    live,
    streams,
    told: () => told,
    settle,
    waiting: () => timers.size,
    async pass(milliseconds: number) {
      time += milliseconds;
      for (const timer of timers) {
        if (timer.at > time) continue;
        timers.delete(timer);
        timer.act();
      }
      await settle();
    },
  };
}

describe('live events', () => {
  it('begin after the newest event there is, and tell once that they are open', async () => {
    const { live, streams, told, settle, pass } = world();
    await settle();
    expect(streams.map(({ address }) => address)).toEqual(['/v1/events?after=7&notifications=true']);
    expect(live.connection().kind).toBe('connecting');
    streams[0]?.say('open');
    expect(live.connection().kind).toBe('live');
    await pass(200);
    expect(told()).toBe(1);
  });

  it('tell of a burst once', async () => {
    const { streams, told, settle, pass } = world();
    await settle();
    for (const sequence of [8, 9, 10]) streams[0]?.say('event', sequence);
    expect(told()).toBe(0);
    await pass(200);
    expect(told()).toBe(1);
    await pass(1000);
    streams[0]?.say('event', 11);
    await pass(200);
    expect(told()).toBe(2);
  });

  it('tell at most once in a second, and of the last one in any case', async () => {
    const { streams, told, settle, pass } = world();
    await settle();
    for (let sequence = 1; sequence <= 100; sequence += 1) {
      streams[0]?.say('event', sequence);
      await pass(50);
    }
    expect(told()).toBe(5);
    streams[0]?.say('event', 101);
    await pass(1000);
    expect(told()).toBe(6);
    await pass(5000);
    expect(told()).toBe(6);
  });

  it('resume after the last event when the stream breaks, later each time, and say since when it is lost', async () => {
    const { live, streams, settle, pass } = world();
    await settle();
    streams[0]?.say('open');
    streams[0]?.say('event', 12);
    await pass(5000);
    streams[0]?.say('error');
    expect(live.connection()).toEqual({ kind: 'lost', since: 5000 });
    expect(streams[0]?.isClosed()).toBe(true);
    await pass(999);
    expect(streams).toHaveLength(1);
    await pass(1);
    expect(streams[1]?.address).toBe('/v1/events?after=12&notifications=true');
    streams[1]?.say('error');
    await pass(1999);
    expect(streams).toHaveLength(2);
    await pass(1);
    expect(streams).toHaveLength(3);
    expect(live.connection()).toEqual({ kind: 'lost', since: 5000 });
    streams[2]?.say('open');
    expect(live.connection()).toEqual({ kind: 'live', isHealed: true });
    streams[2]?.say('error');
    await pass(1000);
    expect(streams).toHaveLength(4);
  });

  it('say for a while that the connection is back, and not at the first opening', async () => {
    const { live, streams, settle, pass } = world();
    await settle();
    streams[0]?.say('open');
    expect(live.connection()).toEqual({ kind: 'live', isHealed: false });
    streams[0]?.say('error');
    await pass(1000);
    streams[1]?.say('open');
    expect(live.connection()).toEqual({ kind: 'live', isHealed: true });
    await pass(9999);
    expect(live.connection()).toEqual({ kind: 'live', isHealed: true });
    await pass(1);
    expect(live.connection()).toEqual({ kind: 'live', isHealed: false });
    streams[1]?.say('error');
    await pass(20_000);
    streams[2]?.say('open');
    streams[2]?.say('error');
    await pass(10_000);
    expect(live.connection().kind, 'lost again before the word of its healing ended').toBe('lost');
  });

  it('count as lost when nothing was heard for long, and not while the control plane says that it is there', async () => {
    const { live, streams, settle, pass } = world();
    await settle();
    streams[0]?.say('open');
    for (let beat = 1; beat <= 5; beat += 1) {
      await pass(39_999);
      streams[0]?.say('here');
    }
    expect(live.connection().kind).toBe('live');
    await pass(40_000);
    expect(live.connection().kind).toBe('lost');
    expect(streams[0]?.isClosed()).toBe(true);
    await pass(1000);
    expect(streams, 'and it tries again').toHaveLength(2);
    await pass(40_000);
    expect(streams[1]?.isClosed(), 'one that never opens').toBe(true);
  });

  it('never go back when an older event comes late', async () => {
    const { streams, settle, pass } = world();
    await settle();
    streams[0]?.say('event', 20);
    streams[0]?.say('event', 19);
    streams[0]?.say('error');
    await pass(1000);
    expect(streams[1]?.address).toBe('/v1/events?after=20&notifications=true');
  });

  it('ask for the newest event again when the server did not answer', async () => {
    let isThere = false;
    const { live, streams, settle, pass } = world(() =>
      isThere ? Promise.resolve(3) : Promise.reject(new TypeError('Failed to fetch')),
    );
    await settle();
    expect(live.connection().kind).toBe('lost');
    isThere = true;
    await pass(1000);
    expect(streams.map(({ address }) => address)).toEqual(['/v1/events?after=3&notifications=true']);
  });

  it('do nothing more once closed', async () => {
    const { live, streams, settle, pass, told, waiting } = world();
    await settle();
    streams[0]?.say('event', 8);
    live.close();
    streams[0]?.say('error');
    expect(waiting()).toBe(0);
    await pass(60_000);
    expect(streams).toHaveLength(1);
    expect(told()).toBe(0);
  });
});
