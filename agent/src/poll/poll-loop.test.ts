import type { PollReply, PollRequest } from '@gatehouse/contract/agent-api';
import { type Milliseconds, toInstant } from '@gatehouse/domain/instant';
import { productionTimings } from '@gatehouse/domain/timings';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import { afterEach, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../cluster/simulated/virtual-clock.ts';
import type { Seen } from '../observe/observation-message.ts';
import type { Answer } from './control-plane.ts';
import { createPollLoop } from './poll-loop.ts';

const version = parsePlatformVersion('4.1.12');
if (version === undefined) throw new Error('not a version');
const targetDigest = `sha256:${'7'.repeat(64)}`;
const self = { version, digest: `sha256:${'a'.repeat(64)}` };
const seen: Seen = { agent: self, takenBack: [], agentHolds: [], kubernetes: 'unknown', nodes: 'unknown', drift: [] };
const minute = 60_000;

function start(options: {
  answer: (request: PollRequest) => Answer<PollReply> | Promise<Answer<PollReply>>;
  random?: number;
}) {
  const clock = { ...createVirtualClock(toInstant(1_000_000)), random: () => options.random ?? 0.5 };
  const began = clock.monotonic();
  const polls: { readonly at: Milliseconds; readonly request: PollRequest }[] = [];
  const world = { seen, mayAct: true, running: 0, runningMax: 0 };
  const loop = createPollLoop({
    clock,
    log: () => {},
    timings: productionTimings,
    self,
    round: (exchange) => exchange(),
    mayAct: () => world.mayAct,
    handOverNumber: () => 3,
    observe: async () => world.seen,
    target: async () => ({ generation: 7, targetDigest }),
    send: async (request) => {
      polls.push({ at: clock.monotonic() - began, request });
      world.running += 1;
      world.runningMax = Math.max(world.runningMax, world.running);
      const answer = await options.answer(request);
      world.running -= 1;
      return answer;
    },
    receive: async () => {},
  });
  const stop = new AbortController();
  const done = loop.run(stop.signal);
  stops.push(async () => {
    stop.abort();
    // An answer that is still on its way comes in, too.
    await clock.advance(minute);
    await done;
  });
  return { clock, polls, loop, world, times: () => polls.map(({ at }) => Math.round(at)) };
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const reply = (more: Partial<PollReply> = {}): Answer<PollReply> => ({
  kind: 'answered',
  value: { isObservationWanted: false, pollAgainSeconds: 900, ...more },
});
const away: Answer<PollReply> = { kind: 'unreachable', message: 'no route to host' };

describe('the poll', () => {
  test('comes at once, then when the server asked for it', async () => {
    const { clock, times } = start({ answer: () => reply() });
    await clock.advance(46 * minute);
    expect(times()).toEqual([0, 15 * minute, 30 * minute, 45 * minute]);
  });

  test.each([
    [0, 13.5 * minute],
    [0.999999, 16.5 * minute],
  ])('has jitter of a tenth (chance %d)', async (random, second) => {
    const { clock, times } = start({ answer: () => reply(), random });
    await clock.advance(20 * minute);
    expect(Math.abs((times()[1] ?? 0) - second)).toBeLessThan(100);
  });

  test('sends the observation when it changed, otherwise its digest', async () => {
    const { clock, polls, world } = start({ answer: () => reply() });
    await clock.advance(16 * minute);
    world.seen = { ...seen, drift: ['a ConfigMap is missing'] };
    await clock.advance(30 * minute);
    expect(polls.map(({ request }) => request.observation !== undefined)).toEqual([true, false, true, false]);
    expect(polls[0]?.request).toMatchObject({ generation: 7, targetDigest, handOverNumber: 3, agent: self });
  });

  test('sends the observation at once when the server lacks it, and not for ever', async () => {
    const { clock, polls } = start({ answer: () => reply({ isObservationWanted: true }) });
    await clock.advance(minute);
    expect(polls.length).toBe(3);
    expect(polls.every(({ request }) => request.observation !== undefined)).toBe(true);
  });

  test('an observation whose answer was lost is sent again', async () => {
    let lost = true;
    const { clock, polls } = start({
      answer: () => {
        const answer = lost ? away : reply();
        lost = false;
        return answer;
      },
    });
    await clock.advance(minute);
    expect(polls.map(({ request }) => request.observation !== undefined)).toEqual([true, true]);
  });

  test('after a failure it comes again with full jitter that grows up to the interval', async () => {
    const { clock, times } = start({ answer: () => away, random: 0.999999 });
    await clock.advance(60 * minute);
    const gaps = times().map((at, index) => Math.round((at - (times()[index - 1] ?? 0)) / 1000));
    expect(gaps).toEqual([0, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
  });

  test('obeys Retry-After', async () => {
    const { clock, times } = start({ answer: () => ({ ...away, retryAfterSeconds: 120 }), random: 0 });
    await clock.advance(121_000);
    expect(times()).toEqual([0, 120_000]);
  });

  test('there are never two at once', async () => {
    const { clock, world, polls, loop } = start({
      answer: async () => {
        await clockOf.sleep(20_000);
        return reply({ pollAgainSeconds: 1 });
      },
    });
    const clockOf = clock;
    for (let times = 0; times < 20; times += 1) {
      loop.wake();
      await clock.advance(5_000);
    }
    expect(world.runningMax).toBe(1);
    expect(polls.length).toBeGreaterThan(2);
  });

  test('comes sooner when something changed, but not within a second', async () => {
    const { clock, times, loop } = start({ answer: () => reply() });
    await clock.advance(100);
    loop.wake();
    await clock.advance(100);
    loop.wake();
    await clock.advance(5 * minute);
    loop.wake();
    await clock.advance(minute);
    expect(times()).toEqual([0, 1_000, 5 * minute + 200]);
  });

  test('a change does not shorten the wait after a failure', async () => {
    const { clock, times, loop } = start({ answer: () => away, random: 0.999999 });
    await clock.advance(1_000);
    loop.wake();
    await clock.advance(1_000);
    expect(times()).toEqual([0]);
  });

  test('who may not act does not poll, and polls at once when it may', async () => {
    const { clock, times, world } = start({ answer: () => reply() });
    await clock.advance(minute);
    world.mayAct = false;
    await clock.advance(15 * minute);
    expect(times()).toEqual([0]);
    world.mayAct = true;
    await clock.advance(100);
    expect(times()).toEqual([0, 16 * minute + 100]);
  });

  test('names the attempt that runs', async () => {
    const id = '3b241101-e2bb-4255-8caf-4136c566a962';
    const attempt = { id, from: self, to: self, phase: 'watching', startedAt: toInstant(0), interruptions: 0 } as const;
    const { clock, polls, world } = start({ answer: () => reply() });
    world.seen = { ...seen, attempt };
    await clock.advance(16 * minute);
    world.seen = { ...seen, attempt: { ...attempt, phase: 'settled', endedAt: toInstant(1) } };
    await clock.advance(16 * minute);
    expect(polls.map(({ request }) => request.attemptId)).toEqual([undefined, id, undefined]);
  });
});
