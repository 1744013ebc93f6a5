import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minutes, toInstant } from './instant.ts';
import { activePauses, isExempt, isPaused, type Pause, type PauseFacts, pauseReasons } from './pause.ts';
import { at, pause, t0 } from './testing/facts.ts';

const cases: readonly { name: string; facts: PauseFacts; isPaused: boolean; reasons: number }[] = [
  { name: 'no scope is paused', facts: { pauses: [] }, isPaused: false, reasons: 0 },
  { name: 'the gateway is paused', facts: { pauses: [pause()] }, isPaused: true, reasons: 1 },
  {
    name: 'all three scopes are paused: three reasons',
    facts: {
      pauses: [
        pause({ scope: { kind: 'tenant', id: 't', name: 'acme' } }),
        pause({ scope: { kind: 'project', id: 'p', name: 'edge' } }),
        pause(),
      ],
    },
    isPaused: true,
    reasons: 3,
  },
  {
    name: 'one of two has ended: the other still holds',
    facts: { pauses: [pause({ until: t0 }), pause({ scope: { kind: 'tenant', id: 't', name: 'acme' } })] },
    isPaused: true,
    reasons: 1,
  },
  {
    name: 'the end is not part of the pause',
    facts: { pauses: [pause({ until: at(minutes(1)) })] },
    isPaused: false,
    reasons: 0,
  },
  {
    name: 'one millisecond before its end it holds',
    facts: { pauses: [pause({ until: toInstant(at(minutes(1)) + 1) })] },
    isPaused: true,
    reasons: 1,
  },
  {
    name: 'an exemption lets it run although two scopes are paused',
    facts: { pauses: [pause(), pause()], exemption: { by: 'bo', reason: 'urgent', since: t0, until: at(minutes(2)) } },
    isPaused: false,
    reasons: 0,
  },
  {
    name: 'an exemption that has expired changes nothing',
    facts: { pauses: [pause()], exemption: { by: 'bo', reason: 'urgent', since: t0, until: at(minutes(1)) } },
    isPaused: true,
    reasons: 1,
  },
];

describe('a gateway one minute later', () => {
  test.each(cases)('$name', ({ facts, isPaused: expected, reasons }) => {
    const now = at(minutes(1));
    expect(isPaused(facts, now)).toBe(expected);
    expect(pauseReasons(facts, now)).toHaveLength(reasons);
  });
});

test('a reason says which scope, by whom, since when, until when and why', () => {
  const [reason] = pauseReasons({ pauses: [pause({ until: at(minutes(60)) })] }, t0);
  expect(reason?.message).toBe(
    'Agent updates are paused for the gateway site-b by ann since 2026-11-23T10:00:00.000Z until 2026-11-23T11:00:00.000Z: audit',
  );
});

const instant = fc.integer({ min: 0, max: 100 }).map(toInstant);
const scope = fc.record({
  kind: fc.constantFrom('tenant', 'project', 'gateway'),
  id: fc.constantFrom('1', '2'),
  name: fc.string(),
});
const anyPause: fc.Arbitrary<Pause> = fc
  .record({ scope, since: instant, until: fc.option(instant, { nil: undefined }) })
  .map(({ until, ...rest }) => ({ ...rest, by: 'ann', reason: 'why', ...(until === undefined ? {} : { until }) }));
const anyFacts: fc.Arbitrary<PauseFacts> = fc
  .record({
    pauses: fc.array(anyPause, { maxLength: 4 }),
    exemption: fc.option(fc.record({ by: fc.string(), reason: fc.string(), since: instant, until: instant }), {
      nil: undefined,
    }),
  })
  .map(({ pauses, exemption }) => ({ pauses, ...(exemption === undefined ? {} : { exemption }) }));

test('paused if and only if some scope is and no exemption holds', () => {
  fc.assert(
    fc.property(anyFacts, instant, (facts, now) => {
      const isSomeScopePaused = facts.pauses.some(
        ({ since, until }) => since <= now && (until === undefined || until > now),
      );
      const { exemption } = facts;
      const isExempted = exemption !== undefined && exemption.since <= now && now < exemption.until;
      expect(isPaused(facts, now)).toBe(isSomeScopePaused && !isExempted);
      expect(isExempt(exemption, now)).toBe(isExempted);
      expect(pauseReasons(facts, now).length > 0).toBe(isPaused(facts, now));
    }),
  );
});

test('resuming one scope never resumes another', () => {
  fc.assert(
    fc.property(fc.array(anyPause, { minLength: 1, maxLength: 4 }), instant, fc.nat(), (pauses, now, pick) => {
      const left = pauses.filter((_, index) => index !== pick % pauses.length);
      expect(activePauses(left, now)).toEqual(activePauses(pauses, now).filter((one) => left.includes(one)));
    }),
  );
});
