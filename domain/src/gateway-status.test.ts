import { describe, expect, test } from 'vitest';
import type { GatewayHealth, GatewayStatus } from './gateway.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { gatewayHealth, gatewayStatus } from './gateway-status.ts';
import { minutes, seconds } from './instant.ts';
import { at, attempt, confirmed, gateway, newAgent, observation, ownersFacts, progress, t0 } from './testing/facts.ts';

function without(facts: GatewayFacts, ...keys: readonly (keyof GatewayFacts)[]): GatewayFacts {
  const left = { ...facts };
  for (const key of keys) delete (left as Partial<Record<keyof GatewayFacts, unknown>>)[key];
  return left;
}
const { appliedProfile: _none, ...bare } = observation();
const waiting = progress({ phase: 'preflight', steps: [{ id: 'control-planes', state: 'waiting' }] });
const updating = (more: Parameters<typeof progress>[0]) =>
  gateway({ profileUpdate: confirmed(), observation: observation({ profileUpdate: progress(more) }) });

const statuses: readonly { name: string; facts: GatewayFacts; status: GatewayStatus }[] = [
  {
    name: 'created, nothing begun',
    facts: without(gateway(), 'provisioningBegunAt', 'enrolledAt', 'observation'),
    status: 'Pending',
  },
  { name: 'install has begun', facts: without(gateway(), 'enrolledAt', 'observation'), status: 'Provisioning' },
  { name: 'enrolled, nothing reported', facts: without(gateway(), 'observation'), status: 'Provisioning' },
  {
    name: 'reported, the first profile is not on it yet',
    facts: gateway({ observation: bare }),
    status: 'Provisioning',
  },
  { name: 'the first profile is on it', facts: gateway(), status: 'Running' },
  {
    name: 'existing cluster, not enrolled',
    facts: without(ownersFacts(), 'enrolledAt', 'observation'),
    status: 'Pending',
  },
  { name: 'existing cluster, enrolled but silent', facts: without(ownersFacts(), 'observation'), status: 'Pending' },
  { name: 'existing cluster, has reported', facts: ownersFacts(), status: 'Running' },
  { name: 'confirmed, and not taken up', facts: gateway({ profileUpdate: confirmed() }), status: 'Running' },
  {
    name: 'in its preflight: nothing has begun',
    facts: gateway({ profileUpdate: confirmed(), observation: observation({ profileUpdate: waiting }) }),
    status: 'Running',
  },
  { name: 'a step has begun', facts: updating({}), status: 'Updating' },
  { name: 'stopped in the middle', facts: updating({ phase: 'stopped' }), status: 'Error' },
  {
    name: 'stopped before anything began',
    facts: gateway({
      profileUpdate: confirmed(),
      observation: observation({ profileUpdate: { ...waiting, phase: 'stopped' } }),
    }),
    status: 'Running',
  },
  { name: 'completed, and not recorded yet', facts: updating({ phase: 'completed' }), status: 'Running' },
  { name: 'progress on another plan says nothing', facts: updating({ planId: 'sha256:other' }), status: 'Running' },
  {
    name: 'an agent update does not change the status',
    facts: gateway({ observation: observation({ agent: newAgent, attempt: attempt() }) }),
    status: 'Running',
  },
  { name: 'to be deleted', facts: gateway({ deletionRequestedAt: t0 }), status: 'Deleting' },
  { name: 'deleted', facts: gateway({ deletionRequestedAt: t0, deletedAt: t0 }), status: 'Deleted' },
];

describe('status', () => {
  test.each(statuses)('$name', ({ facts, status }) => {
    expect(gatewayStatus(facts, t0)).toBe(status);
  });
});

const due = at(minutes(15));
const healths: readonly { name: string; facts: GatewayFacts; after: number; health: GatewayHealth }[] = [
  { name: 'never heard', facts: without(gateway(), 'lastPollAt', 'nextPollDueAt'), after: 0, health: 'unknown' },
  { name: 'heard just now', facts: gateway(), after: 0, health: 'healthy' },
  { name: 'ten minutes beyond the due poll', facts: gateway(), after: minutes(25), health: 'healthy' },
  { name: 'one second more', facts: gateway(), after: minutes(25) + seconds(1), health: 'unhealthy' },
  {
    name: 'silent as announced',
    facts: gateway({ silenceExpectedUntil: at(minutes(60)) }),
    after: minutes(59),
    health: 'healthy',
  },
  {
    name: 'silent for longer than announced',
    facts: gateway({ silenceExpectedUntil: at(minutes(60)) }),
    after: minutes(60),
    health: 'unhealthy',
  },
  { name: 'deleted', facts: gateway({ deletedAt: t0 }), after: minutes(60), health: 'unknown' },
  {
    name: 'without a due poll the usual interval counts',
    facts: without(gateway(), 'nextPollDueAt'),
    after: minutes(25) + 1,
    health: 'unhealthy',
  },
];

describe('health', () => {
  test.each(healths)('$name', ({ facts, after, health }) => {
    expect(due).toBe(facts.nextPollDueAt ?? due);
    expect(gatewayHealth(facts, at(after))).toBe(health);
  });
});
