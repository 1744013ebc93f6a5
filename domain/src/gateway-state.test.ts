import { describe, expect, test } from 'vitest';
import { explain } from './explain.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { type GatewayState, gatewayStanding, standingUntil } from './gateway-state.ts';
import { addMilliseconds, minutes } from './instant.ts';
import {
  at,
  attempt,
  confirmed,
  gateway,
  newAgent,
  newProfile,
  observation,
  ownersFacts,
  pause,
  plan,
  progress,
  t0,
} from './testing/facts.ts';

const upToDate = observation({ agent: newAgent, appliedProfile: newProfile });
const { identity, settings, pauses, retriedAgentDigests, release, generation } = gateway();
const pending: GatewayFacts = {
  identity,
  settings,
  pauses,
  retriedAgentDigests,
  generation,
  ...(release === undefined ? {} : { release }),
};
const waiting = observation({ agent: newAgent });
const updating = (more: Parameters<typeof progress>[0]): GatewayFacts =>
  gateway({ profileUpdate: confirmed(), observation: observation({ agent: newAgent, profileUpdate: progress(more) }) });

const cases: readonly {
  readonly name: string;
  readonly facts: GatewayFacts;
  readonly after?: number;
  readonly states: readonly GatewayState[];
  readonly heldBy?: readonly string[];
}[] = [
  { name: 'agent and profile of the release', facts: gateway({ observation: upToDate }), states: ['current'] },
  {
    name: 'current, paused and not heard: all three',
    facts: gateway({ observation: upToDate, pauses: [pause()] }),
    after: minutes(60),
    states: ['current', 'paused', 'unhealthy'],
  },
  {
    name: 'an agent update is offered: updating, though the profile waits for that agent',
    facts: gateway(),
    states: ['updating', 'waiting-for-confirmation'],
  },
  {
    name: 'an attempt runs',
    facts: gateway({ observation: observation({ attempt: attempt() }) }),
    states: ['updating', 'waiting-for-confirmation'],
  },
  {
    name: 'offered, and silent for long: not updating',
    facts: gateway(),
    after: minutes(60),
    states: ['waiting-for-confirmation', 'held', 'unhealthy'],
    heldBy: ['agent-not-accepted'],
  },
  {
    name: 'only a confirmation is missing',
    facts: gateway({ observation: waiting }),
    states: ['waiting-for-confirmation'],
  },
  {
    name: 'paused: the pause is no hold, the agent that is missing is one',
    facts: gateway({ pauses: [pause()] }),
    states: ['waiting-for-confirmation', 'held', 'paused'],
    heldBy: ['agent-not-accepted'],
  },
  {
    name: 'an existing cluster that is paused',
    facts: ownersFacts({ pauses: [pause()] }),
    states: ['paused'],
  },
  {
    name: 'exempt from its pause',
    facts: ownersFacts({
      pauses: [pause()],
      exemption: { by: 'ann', reason: 'because', since: t0, until: at(minutes(90)) },
    }),
    states: ['updating'],
  },
  { name: 'confirmed', facts: gateway({ observation: waiting, profileUpdate: confirmed() }), states: ['updating'] },
  { name: 'in preflight, nothing found yet', facts: updating({ phase: 'preflight' }), states: ['updating'] },
  {
    name: 'in preflight, and a check fails',
    facts: (() => {
      const facts = updating({ phase: 'preflight' });
      const results = [{ check: 'quorum', outcome: 'failed', message: 'A node is not ready.' }] as const;
      return facts.observation === undefined
        ? facts
        : { ...facts, observation: { ...facts.observation, preflight: { planId: plan().planId, results } } };
    })(),
    states: ['held'],
    heldBy: ['preflight-quorum'],
  },
  { name: 'rolling', facts: updating({ phase: 'running' }), states: ['updating'] },
  {
    name: 'stopped',
    facts: updating({ phase: 'stopped' }),
    states: ['held'],
    heldBy: ['profile-update-stopped'],
  },
  { name: 'nobody has installed the agent', facts: pending, states: ['held'], heldBy: ['pending-enrolment'] },
  {
    name: 'the agent says that something holds it',
    facts: gateway({
      observation: {
        ...upToDate,
        appliedProfile: waiting.appliedProfile ?? newProfile,
        agentHolds: [{ code: 'odd', message: 'Odd.' }],
      },
    }),
    states: ['waiting-for-confirmation', 'held'],
    heldBy: ['odd'],
  },
];

describe('the states of a gateway', () => {
  test.each(cases)('$name', ({ facts, after = 0, states, heldBy = [] }) => {
    const now = at(after);
    expect(gatewayStanding(facts, explain(facts, now), now)).toEqual({ states, heldBy });
  });

  test('current if and only if nothing explains why not, and never in no state', () => {
    for (const { facts } of cases) {
      for (const after of [0, minutes(14), minutes(16), minutes(25), minutes(26), minutes(600)]) {
        const reasons = explain(facts, at(after));
        const { states } = gatewayStanding(facts, reasons, at(after));
        expect(states.includes('current')).toBe(reasons.length === 0);
        expect(states.length).toBeGreaterThan(0);
      }
    }
  });
});

describe('until when time alone changes nothing of it', () => {
  const moments = Array.from({ length: 33 }, (_none, index) => at(minutes(4 * index)));

  test.each(cases)('$name: the same at each moment before', ({ facts }) => {
    for (const from of moments) {
      const until = standingUntil(facts, from);
      const standing = gatewayStanding(facts, explain(facts, from), from);
      expect(until ?? Number.POSITIVE_INFINITY).toBeGreaterThan(from);
      for (const later of moments.filter((moment) => moment > from && (until === undefined || moment < until))) {
        expect(gatewayStanding(facts, explain(facts, later), later)).toEqual(standing);
      }
    }
  });

  test('the first of what is ahead', () => {
    const paused = gateway({ pauses: [pause({ until: at(minutes(5)) })] });
    expect(standingUntil(paused, t0)).toBe(at(minutes(5)));
    expect(standingUntil(paused, at(minutes(5)))).toBe(addMilliseconds(at(minutes(15)), 1));
    expect(standingUntil(paused, at(minutes(16)))).toBe(addMilliseconds(at(minutes(25)), 1));
    expect(standingUntil(paused, at(minutes(30)))).toBeUndefined();
    expect(standingUntil(pending, t0)).toBeUndefined();
  });
});
