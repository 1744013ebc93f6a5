import { describe, expect, test } from 'vitest';
import { explain } from './explain.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { minutes } from './instant.ts';
import type { ProfileUpdateProgress } from './profile-update-types.ts';
import {
  agent,
  at,
  attempt,
  confirmed,
  digestOf,
  gateway,
  newAgent,
  newProfile,
  observation,
  oldProfile,
  ownersFacts,
  pause,
  plan,
  platform,
  progress,
  release,
  t0,
} from './testing/facts.ts';

const upToDate = observation({ agent: newAgent, appliedProfile: newProfile });
const { appliedProfile: _none, ...unprovisioned } = upToDate;
const { observation: _silent, ...unobserved } = gateway();
const updating = (more: Partial<ProfileUpdateProgress>): GatewayFacts =>
  gateway({ profileUpdate: confirmed(), observation: observation({ agent: newAgent, profileUpdate: progress(more) }) });

const farRelease = release({
  platformVersion: platform('4.3.1'),
  agent: { ...release().agent, ...agent('4.3.1') },
  profile: { version: platform('4.3.1'), digest: digestOf('profile-4.3.1') },
});
const walking = (more: Partial<GatewayFacts> = {}): GatewayFacts =>
  gateway({
    release: release({ profileNeedsAgent: platform('4.1.0') }),
    platformRelease: farRelease,
    walk: {
      kind: 'on-way',
      from: platform('4.1.12'),
      stops: [
        { release: platform('4.2.7'), bringsAgent: true, bringsProfile: true },
        { release: platform('4.3.1'), bringsAgent: true, bringsProfile: true },
      ],
    },
    ...more,
  });

const cases: readonly { name: string; facts: GatewayFacts; codes: readonly string[] }[] = [
  { name: 'agent and profile of the release', facts: gateway({ observation: upToDate }), codes: [] },
  { name: 'current although paused', facts: gateway({ observation: upToDate, pauses: [pause()] }), codes: [] },
  { name: 'an existing cluster needs the agent only', facts: ownersFacts({ observation: unprovisioned }), codes: [] },
  {
    name: 'a release without a profile for the provider moves none',
    facts: gateway({
      release: (({ profile: _dropped, ...rest }) => rest)(release()),
      observation: observation({ agent: newAgent }),
    }),
    codes: [],
  },
  {
    name: 'a release with the same profile: only the agent moves',
    facts: gateway({ release: release({ profile: oldProfile }) }),
    codes: ['agent-update-waiting-for-poll'],
  },
  {
    name: 'both are old: the agent waits for its poll, the profile for a person and for the agent',
    facts: gateway(),
    codes: ['agent-update-waiting-for-poll', 'profile-update-waiting-for-confirmation', 'agent-not-accepted'],
  },
  {
    name: 'an old agent on an existing cluster',
    facts: ownersFacts(),
    codes: ['agent-update-waiting-for-poll'],
  },
  {
    name: 'paused at two scopes: two reasons, beside those of the profile',
    facts: gateway({ pauses: [pause(), pause({ scope: { kind: 'tenant', id: 't', name: 'acme' } })] }),
    codes: ['paused', 'paused', 'profile-update-waiting-for-confirmation', 'agent-not-accepted'],
  },
  {
    name: 'the agent is being updated',
    facts: gateway({ observation: observation({ attempt: attempt(), appliedProfile: newProfile }) }),
    codes: ['agent-update-in-progress'],
  },
  {
    name: 'the new agent acts and is still watched: not current yet',
    facts: gateway({ observation: { ...upToDate, attempt: attempt() } }),
    codes: ['agent-update-in-progress'],
  },
  {
    name: 'interrupted once: tried again, with the reason',
    facts: gateway({
      observation: observation({
        appliedProfile: newProfile,
        attempt: attempt({ phase: 'interrupted', interruptions: 1, reason: { code: 'no-room', message: 'No room' } }),
      }),
    }),
    codes: ['agent-update-waiting-for-poll', 'agent-update-interrupted'],
  },
  { name: 'not enrolled', facts: unobserved, codes: ['provisioning', 'pending-enrolment'] },
  { name: 'provisioning', facts: gateway({ observation: unprovisioned }), codes: ['provisioning'] },
  {
    name: 'confirmed, waits for its poll',
    facts: gateway({ profileUpdate: confirmed(), observation: observation({ agent: newAgent }) }),
    codes: ['profile-update-waiting-for-poll'],
  },
  {
    name: 'in its preflight, with what has not passed',
    facts: gateway({
      profileUpdate: confirmed(),
      observation: observation({
        agent: newAgent,
        profileUpdate: progress({ phase: 'preflight' }),
        preflight: {
          planId: plan().planId,
          results: [
            { check: 'etcd-healthy', outcome: 'failed', message: 'etcd is not healthy.' },
            { check: 'free-address', outcome: 'passed', message: 'ok' },
          ],
        },
      }),
    }),
    codes: ['profile-update-preflight', 'preflight-etcd-healthy'],
  },
  {
    name: 'the profile of the release, and another one still confirmed',
    facts: gateway({ profileUpdate: confirmed(), observation: upToDate }),
    codes: ['profile-update-waiting-for-poll'],
  },
  { name: 'on its way', facts: updating({}), codes: ['profile-update-in-progress'] },
  {
    name: 'away for several releases: what it is brought to next, and where that leads',
    facts: walking(),
    codes: ['on-its-way', 'agent-update-waiting-for-poll', 'profile-update-waiting-for-confirmation'],
  },
  {
    name: 'at a stop with its agent: the profile of the stop waits for a person',
    facts: walking({ observation: observation({ agent: newAgent }) }),
    codes: ['on-its-way', 'profile-update-waiting-for-confirmation'],
  },
  {
    name: 'at a stop with both it is not current: that is not where the platform is',
    facts: walking({ observation: upToDate }),
    codes: ['on-its-way'],
  },
  {
    name: 'no way is known: neither agent nor profile is offered',
    facts: gateway({ walk: { kind: 'held', reasons: [{ code: 'no-way', message: 'No way.' }] } }),
    codes: ['no-way'],
  },
  {
    name: 'stopped, with the reason',
    facts: updating({ phase: 'stopped', stopped: { code: 'nodes-stuck', message: 'Stuck.' } }),
    codes: ['profile-update-stopped', 'nodes-stuck'],
  },
  {
    name: 'a retry that the gateway has not taken up',
    facts: gateway({
      profileUpdate: confirmed({ retry: 1 }),
      observation: observation({ agent: newAgent, profileUpdate: progress({ phase: 'stopped' }) }),
    }),
    codes: ['profile-update-waiting-for-poll'],
  },
  {
    name: 'up to date but for a profile that its agent refuses',
    facts: gateway({
      profileUpdate: confirmed(),
      observation: observation({
        agent: newAgent,
        agentHolds: [{ code: 'metadata-expired', message: 'timestamp.json has expired.' }],
      }),
    }),
    codes: ['profile-update-waiting-for-poll', 'metadata-expired'],
  },
  {
    name: 'deleted while it was old',
    facts: gateway({
      deletionRequestedAt: t0,
      observation: observation({ agent: newAgent, appliedProfile: newProfile }),
    }),
    codes: ['gateway-deleting'],
  },
  {
    name: 'without any release',
    facts: (({ release: _dropped, ...rest }) => rest)(gateway()),
    codes: ['no-platform-version'],
  },
];

describe('why a gateway is not current', () => {
  test.each(cases)('$name', ({ facts, codes }) => {
    expect(explain(facts, t0).map(({ code }) => code)).toEqual(codes);
  });
});

test('silence is a reason only where something is still to come', () => {
  const late = at(minutes(30));
  expect(explain(gateway({ observation: upToDate }), late)).toEqual([]);
  expect(explain(ownersFacts(), late).map(({ code }) => code)).toEqual(['agent-update-waiting-for-poll', 'silent']);
  const announced = ownersFacts({ silenceExpectedUntil: at(minutes(60)) });
  expect(explain(announced, late).map(({ code }) => code)).toEqual([
    'agent-update-waiting-for-poll',
    'silence-expected',
  ]);
});

test('what waits for a poll says by when, and since when it is due', () => {
  expect(explain(ownersFacts(), t0)[0]?.message).toBe(
    'Agent 4.2.7 is offered; the gateway takes it up with the next poll, by 2026-11-23T10:15:00.000Z.',
  );
  expect(explain(ownersFacts(), at(minutes(16)))[0]?.message).toBe(
    'Agent 4.2.7 is offered; the gateway takes it up with the next poll, due since 2026-11-23T10:15:00.000Z.',
  );
});
