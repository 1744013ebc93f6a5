import { describe, expect, test } from 'vitest';
import { decideAgentUpdate, isWithinKubernetesRange, openRetries } from './agent-update.ts';
import type { TakenBack } from './agent-update-types.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { minutes } from './instant.ts';
import {
  agent,
  at,
  attempt,
  confirmed,
  gateway,
  kubernetes,
  newAgent,
  observation,
  oldAgent,
  ownersFacts,
  pause,
  platform,
  release,
  t0,
} from './testing/facts.ts';

const crash = {
  code: 'exited',
  message: 'The new agent exited at start',
  exitCode: 1,
  lastLogLines: 'no settings\nbye',
};
const takenBack: TakenBack = { release: newAgent, reason: crash, at: t0 };
const seen = (more: Parameters<typeof observation>[0]): GatewayFacts => gateway({ observation: observation(more) });
const { release: _noRelease, ...unreleased } = gateway();
const { observation: _noObservation, enrolledAt: _notEnrolled, ...unenrolled } = ownersFacts();
const { appliedProfile: _noProfile, ...provisioning } = observation();

/** What the target names, or the codes of all reasons why it stays. */
function outcome(facts: GatewayFacts): string | readonly string[] {
  const decision = decideAgentUpdate(facts, t0);
  switch (decision.kind) {
    case 'upToDate':
      return 'up to date';
    case 'update':
      return `update to ${decision.to.version}${decision.isRetried ? ', retried' : ''}`;
    case 'continue':
      return `continue to ${decision.to.version}`;
    default:
      return decision.reasons.map(({ code }) => code);
  }
}

const cases: readonly { name: string; facts: GatewayFacts; becomes: string | readonly string[] }[] = [
  { name: 'an older agent is updated', facts: gateway(), becomes: 'update to 4.2.7' },
  { name: 'so is one on an existing cluster', facts: ownersFacts(), becomes: 'update to 4.2.7' },
  { name: 'the agent of the release is up to date', facts: seen({ agent: newAgent }), becomes: 'up to date' },
  {
    name: 'up to date also when paused',
    facts: gateway({ observation: observation({ agent: newAgent }), pauses: [pause()] }),
    becomes: 'up to date',
  },
  {
    name: 'the same version built anew is another agent',
    facts: seen({ agent: agent('4.2.7', 'sha256:other') }),
    becomes: 'update to 4.2.7',
  },
  { name: 'one pause holds it', facts: gateway({ pauses: [pause()] }), becomes: ['paused'] },
  {
    name: 'each pause is a reason',
    facts: gateway({ pauses: [pause(), pause({ scope: { kind: 'tenant', id: 't', name: 'acme' } })] }),
    becomes: ['paused', 'paused'],
  },
  {
    name: 'an exemption lets it run',
    facts: gateway({ pauses: [pause()], exemption: { by: 'bo', reason: 'x', since: t0, until: at(minutes(1)) } }),
    becomes: 'update to 4.2.7',
  },
  {
    name: 'what has begun finishes, also when paused',
    facts: gateway({ observation: observation({ attempt: attempt({ phase: 'rehearsing' }) }), pauses: [pause()] }),
    becomes: 'continue to 4.2.7',
  },
  {
    name: 'what has begun finishes, also when a newer release has come',
    facts: seen({ attempt: attempt({ to: agent('4.2.0'), phase: 'watching' }) }),
    becomes: 'continue to 4.2.0',
  },
  {
    name: 'the new agent that polls while it is watched is not up to date yet',
    facts: seen({ agent: newAgent, attempt: attempt({ phase: 'watching' }) }),
    becomes: 'continue to 4.2.7',
  },
  {
    name: 'a version taken back is not offered again',
    facts: seen({ takenBack: [takenBack] }),
    becomes: ['agent-taken-back'],
  },
  {
    name: 'taken back and paused: both reasons',
    facts: gateway({ observation: observation({ takenBack: [takenBack] }), pauses: [pause()] }),
    becomes: ['agent-taken-back', 'paused'],
  },
  {
    name: 'a person offers it again',
    facts: gateway({ observation: observation({ takenBack: [takenBack] }), retriedAgentDigests: [newAgent.digest] }),
    becomes: 'update to 4.2.7, retried',
  },
  {
    name: 'a newer one than that taken back is offered',
    facts: seen({ takenBack: [{ ...takenBack, release: agent('4.2.6') }] }),
    becomes: 'update to 4.2.7',
  },
  {
    name: 'a version that was built anew is not the one taken back',
    facts: seen({ takenBack: [{ ...takenBack, release: agent('4.2.7', 'sha256:first') }] }),
    becomes: 'update to 4.2.7',
  },
  {
    name: 'two interruptions: again',
    facts: seen({ attempt: attempt({ phase: 'interrupted', interruptions: 2 }) }),
    becomes: 'update to 4.2.7',
  },
  {
    name: 'the third interruption holds it',
    facts: seen({ attempt: attempt({ phase: 'interrupted', interruptions: 3 }) }),
    becomes: ['agent-update-interrupted'],
  },
  {
    name: 'interruptions of another version do not count',
    facts: seen({ attempt: attempt({ to: agent('4.2.6'), phase: 'interrupted', interruptions: 3 }) }),
    becomes: 'update to 4.2.7',
  },
  {
    name: 'interrupted three times, and a person offers it again',
    facts: gateway({
      observation: observation({ attempt: attempt({ phase: 'interrupted', interruptions: 3 }) }),
      retriedAgentDigests: [newAgent.digest],
    }),
    becomes: 'update to 4.2.7, retried',
  },
  {
    name: 'no agent update begins during a profile update',
    facts: gateway({ profileUpdate: confirmed() }),
    becomes: ['profile-update-in-progress'],
  },
  { name: 'while it is provisioned', facts: gateway({ observation: provisioning }), becomes: ['provisioning'] },
  { name: 'before it is enrolled', facts: unenrolled, becomes: ['pending-enrolment'] },
  { name: 'while it is deleted', facts: gateway({ deletionRequestedAt: t0 }), becomes: ['gateway-deleting'] },
  { name: 'without a release', facts: unreleased, becomes: ['no-platform-version'] },
  {
    name: 'an agent newer than the release stays',
    facts: seen({ agent: agent('4.3.0') }),
    becomes: ['agent-newer-than-release'],
  },
  {
    name: 'Kubernetes too old',
    facts: seen({ kubernetes: kubernetes('1.29.9') }),
    becomes: ['kubernetes-outside-range'],
  },
  {
    name: 'Kubernetes too new',
    facts: seen({ kubernetes: kubernetes('1.36.0') }),
    becomes: ['kubernetes-outside-range'],
  },
  {
    name: 'a later patch of the last minor is within the range',
    facts: seen({ kubernetes: kubernetes('1.35.9') }),
    becomes: 'update to 4.2.7',
  },
  {
    name: 'Kubernetes that could not be read',
    facts: seen({ kubernetes: 'unknown' }),
    becomes: ['kubernetes-unknown'],
  },
  {
    name: "the agent's own holds are reasons before it is named",
    facts: seen({ agentHolds: [{ code: 'deployment-paused', message: 'Paused by its owner.' }] }),
    becomes: ['deployment-paused'],
  },
  {
    name: 'and no longer take the name away once it is: the agent waits by itself',
    facts: gateway({
      targetAgent: newAgent,
      observation: observation({ agentHolds: [{ code: 'deployment-paused', message: 'Paused by its owner.' }] }),
    }),
    becomes: 'update to 4.2.7',
  },
  {
    name: 'everything at once: all reasons',
    facts: gateway({
      observation: observation({
        takenBack: [takenBack],
        kubernetes: kubernetes('1.20.0'),
        agentHolds: [{ code: 'image-set-by', message: 'Set by argocd.' }],
      }),
      pauses: [pause()],
      profileUpdate: confirmed(),
    }),
    becomes: ['agent-taken-back', 'kubernetes-outside-range', 'paused', 'profile-update-in-progress', 'image-set-by'],
  },
];

describe('which agent the target names', () => {
  test.each(cases)('$name', ({ facts, becomes }) => {
    expect(outcome(facts)).toEqual(becomes);
  });
});

test('the reason of a take-back carries exit code and last log lines', () => {
  expect(decideAgentUpdate(seen({ takenBack: [takenBack] }), t0)).toMatchObject({
    reasons: [
      {
        message:
          'Agent 4.2.7 was tried and taken back: The new agent exited at start (exit code 1); last lines: no settings | bye',
        nextStep: 'Run `gatehouse agent-update retry site-b`, or upgrade to a release with a newer agent.',
      },
    ],
  });
});

test('on an existing cluster the reason holds a text for its owner', () => {
  const facts = ownersFacts({ observation: { ...observation(), kubernetes: kubernetes('1.29.0') } });
  const decision = decideAgentUpdate(facts, t0);
  expect(decision).toMatchObject({
    reasons: [
      {
        message: 'Agent 4.2.7 supports Kubernetes 1.30.0 to 1.35; the gateway site-a runs Kubernetes 1.29.0.',
        nextStep: expect.stringContaining('Send this to the owner of the cluster: "The Gatehouse gateway site-a'),
      },
    ],
  });
});

test.each([
  ['1.29.9', false],
  ['1.30.0', true],
  ['1.35.0', true],
  ['1.35.12', true],
  ['1.36.0', false],
  ['2.0.0', false],
])('Kubernetes %s is within 1.30.0 to 1.35: %s', (version, isWithin) => {
  expect(isWithinKubernetesRange(kubernetes(version), release().agent)).toBe(isWithin);
});

describe('a retry', () => {
  const digest = newAgent.digest;
  const again: TakenBack = { ...takenBack, at: at(minutes(1)) };
  test.each([
    {
      name: 'is open until it is used',
      before: [takenBack],
      after: { takenBack: [takenBack], agent: oldAgent },
      open: [digest],
    },
    {
      name: 'is open while it is tried',
      before: [takenBack],
      after: { takenBack: [], agent: oldAgent },
      open: [digest],
    },
    {
      name: 'is open while the new agent is watched',
      before: [takenBack],
      after: { takenBack: [], agent: newAgent, attempt: attempt() },
      open: [digest],
    },
    {
      name: 'is used when it was taken back again',
      before: [takenBack],
      after: { takenBack: [again], agent: oldAgent },
      open: [],
    },
    { name: 'is used when the version is the agent', before: [], after: { takenBack: [], agent: newAgent }, open: [] },
    {
      name: 'is not used by another version',
      before: [],
      after: { takenBack: [{ ...again, release: agent('4.2.0') }], agent: oldAgent },
      open: [digest],
    },
  ])('$name', ({ before, after, open }) => {
    expect(openRetries([digest], { takenBack: before }, after)).toEqual(open);
  });
});

test('the platform version is not the agent version: a release may carry an older agent', () => {
  const facts = gateway({ release: release({ platformVersion: platform('4.3.0') }) });
  expect(outcome(facts)).toBe('update to 4.2.7');
});
