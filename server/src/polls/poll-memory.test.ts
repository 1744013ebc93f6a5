import type { PollRequest } from '@gatehouse/contract/agent-api';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { addMilliseconds, hours, type Instant, minutes, toInstant } from '@gatehouse/domain/instant';
import { productionTimings } from '@gatehouse/domain/timings';
import { expect, test } from 'vitest';
import { createPollMemory, type PollMemory, type PollMemoryOptions } from './poll-memory.ts';

const now = toInstant(1_000_000_000_000);
const later = (milliseconds: number): Instant => addMilliseconds(now, milliseconds);
const session = { gatewayId: 'g', identityId: 'i' };
const request: PollRequest = {
  generation: 3,
  handOverNumber: 1,
  agent: { version: '4.1.12', digest: 'd' },
  observationDigest: 'o',
};
const facts: GatewayFacts = {
  identity: {
    id: 'g',
    name: 'site-a',
    tenant: { id: 't', name: 'default' },
    installation: 'existing-cluster',
    provider: 'vsphere',
  },
  settings: { controlPlanes: 1, workers: 0 },
  pauses: [],
  retriedAgentDigests: [],
  generation: 3,
};
const entry = { identityId: 'i', generation: 3, observationDigest: 'o', handOverNumber: 1, facts };

function remembering(more: Partial<GatewayFacts> = {}, options: PollMemoryOptions = {}): PollMemory {
  const memory = createPollMemory(productionTimings, options);
  memory.setListening(true);
  memory.remember('g', { ...entry, facts: { ...facts, ...more } }, now, memory.begin());
  return memory;
}
const answers = (memory: PollMemory, change: Partial<PollRequest> = {}, at = now): boolean =>
  memory.answer({ ...request, ...change }, session, at, false) !== undefined;

test('the same again is answered: nothing new, and when to come back', () => {
  expect(remembering().answer(request, session, now, false)).toEqual({
    isObservationWanted: false,
    pollAgainSeconds: 900,
  });
  expect(remembering().answer(request, session, now, true)).toEqual({
    isObservationWanted: false,
    pollAgainSeconds: 60,
  });
});

test.each<[string, Partial<PollRequest>]>([
  ['an older generation', { generation: 2 }],
  ['a newer generation', { generation: 4 }],
  ['another observation', { observationDigest: 'p' }],
  ['a lower hand-over number', { handOverNumber: 0 }],
  ['a higher hand-over number', { handOverNumber: 2 }],
])('%s is for the database', (_name, change) => {
  expect(answers(remembering(), change)).toBe(false);
});

test('another identity of the gateway is for the database', () => {
  expect(remembering().answer(request, { ...session, identityId: 'j' }, now, false)).toBeUndefined();
});

test('after five minutes, and when a pause or an exemption begins or ends, it is decided anew', () => {
  let monotonic = 0;
  const memory = remembering({}, { monotonic: () => monotonic });
  monotonic = minutes(5) - 1;
  expect(answers(memory)).toBe(true);
  // Whatever the wall clock says meanwhile.
  expect(answers(memory, {}, later(-hours(24)))).toBe(true);
  expect(answers(memory, {}, later(hours(24)))).toBe(true);
  monotonic = minutes(5);
  expect(answers(memory)).toBe(false);
  expect(answers(memory, {}, later(-hours(24)))).toBe(false);
  const scope = { kind: 'gateway' as const, id: 'g', name: 'site-a' };
  const paused = remembering({ pauses: [{ scope, by: 'x', reason: 'y', since: now, until: later(1000) }] });
  expect(answers(paused, {}, later(999))).toBe(true);
  expect(answers(paused, {}, later(1000))).toBe(false);
  const exempt = remembering({ exemption: { by: 'x', reason: 'y', since: now, until: later(2000) } });
  expect(answers(exempt, {}, later(1999))).toBe(true);
  expect(answers(exempt, {}, later(2000))).toBe(false);
});

test('a change of the gateway, or of everything, is forgotten at once; of another gateway not', () => {
  const memory = remembering();
  memory.forget({ kind: 'gateway', gatewayId: 'other' });
  memory.forget({ kind: 'events' });
  expect(answers(memory)).toBe(true);
  memory.forget({ kind: 'gateway', gatewayId: 'g' });
  expect(answers(memory)).toBe(false);
  const second = remembering();
  second.forget({ kind: 'everything' });
  expect(answers(second)).toBe(false);
});

test.each([{ kind: 'gateway', gatewayId: 'g' } as const, { kind: 'everything' } as const])(
  'what was loaded before a change (%j) is not remembered after it',
  (change) => {
    const memory = createPollMemory(productionTimings);
    memory.setListening(true);
    const ticket = memory.begin();
    memory.forget(change);
    memory.remember('g', entry, now, ticket);
    expect(answers(memory)).toBe(false);
    memory.remember('g', entry, now, memory.begin());
    expect(answers(memory)).toBe(true);
  },
);

test('while changes cannot be heard nothing is answered, nor from before afterwards', () => {
  const memory = remembering();
  memory.setListening(false);
  expect(answers(memory)).toBe(false);
  const ticket = memory.begin();
  memory.remember('g', entry, now, ticket);
  memory.setListening(true);
  expect(answers(memory)).toBe(false);
});

test('while the database does not answer, what was decided last holds on, also with nothing heard, for half an hour', () => {
  let monotonic = 0;
  let isAway = true;
  const memory = remembering({}, { monotonic: () => monotonic, isDatabaseAway: () => isAway });
  memory.setListening(false);
  monotonic = minutes(30) - 1;
  expect(answers(memory)).toBe(true);
  expect(answers(memory, { observationDigest: 'p' })).toBe(false);
  // It answers again, and what was missed meanwhile is not known yet.
  isAway = false;
  expect(answers(memory)).toBe(false);
  isAway = true;
  monotonic = minutes(30);
  expect(answers(memory)).toBe(false);
});

test('a pause that ends while the database does not answer is for the database', () => {
  const scope = { kind: 'gateway' as const, id: 'g', name: 'site-a' };
  const pauses = [{ scope, by: 'x', reason: 'y', since: now, until: later(1000) }];
  const memory = remembering({ pauses }, { isDatabaseAway: () => true });
  memory.setListening(false);
  expect(answers(memory, {}, later(999))).toBe(true);
  expect(answers(memory, {}, later(1000))).toBe(false);
});
