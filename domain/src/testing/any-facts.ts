/** Facts of one gateway in any combination, for properties that hold for all of them. */

import * as fc from 'fast-check';
import type { AttemptPhase } from '../agent-update-types.ts';
import type { GatewayFacts, ObservationFacts } from '../gateway-facts.ts';
import type { ProfileUpdateProgress } from '../profile-update-types.ts';
import {
  agent,
  attempt,
  confirmed,
  gateway,
  newAgent,
  newProfile,
  observation,
  oldAgent,
  oldProfile,
  ownersFacts,
  pause,
  plan,
  progress,
  release,
  t0,
} from './facts.ts';

const phase: fc.Arbitrary<AttemptPhase> = fc.constantFrom(
  'rehearsing',
  'swapping',
  'watching',
  'settled',
  'taken-back',
  'interrupted',
  'rehearsal-failed',
);
const anyAgent = fc.constantFrom(oldAgent, newAgent, agent('4.3.0'));
const anyProfile = fc.constantFrom(oldProfile, newProfile);
const anyProgress: fc.Arbitrary<ProfileUpdateProgress> = fc
  .record({
    planId: fc.constantFrom(plan().planId, 'sha256:other'),
    phase: fc.constantFrom('preflight', 'running', 'stopped', 'completed', 'cancelled'),
    retry: fc.nat(1),
  })
  .map((more) => progress(more));

const { appliedProfile: _profile, ...bareObservation } = observation();
const anyObservation: fc.Arbitrary<ObservationFacts> = fc
  .record(
    {
      agent: anyAgent,
      attempt: fc.record({ phase, to: anyAgent, interruptions: fc.nat(4) }).map((more) => attempt(more)),
      appliedProfile: anyProfile,
      profileUpdate: anyProgress,
      takenBack: fc.constantFrom([], [{ release: newAgent, reason: { code: 'exited', message: 'x' }, at: t0 }]),
      kubernetes: fc.constantFrom(observation().kubernetes, 'unknown' as const),
    },
    { requiredKeys: ['agent', 'takenBack', 'kubernetes'] },
  )
  .map((more) => ({ ...bareObservation, ...more }));
const anyRelease = fc.constantFrom(
  release(),
  release({ profile: oldProfile }),
  release({ agent: { ...release().agent, ...oldAgent } }),
);
const {
  enrolledAt: _enrolled,
  provisioningBegunAt: _begun,
  release: _release,
  observation: _seen,
  ...bareGateway
} = gateway();
/** Facts as a server could hold them: every part there or not, in any combination. */
export const anyFacts: fc.Arbitrary<GatewayFacts> = fc.oneof(
  fc
    .record(
      {
        enrolledAt: fc.constant(t0),
        provisioningBegunAt: fc.constant(t0),
        deletionRequestedAt: fc.constant(t0),
        observation: anyObservation,
        release: anyRelease,
        pauses: fc.constantFrom([], [pause()]),
        profileUpdate: fc.record({ retry: fc.nat(1), isCancelled: fc.boolean() }).map((more) => confirmed(more)),
        targetAgent: anyAgent,
      },
      { requiredKeys: ['pauses'] },
    )
    .map((more) => ({ ...bareGateway, ...more })),
  fc
    .record(
      {
        enrolledAt: fc.constant(t0),
        observation: anyObservation,
        release: anyRelease,
        pauses: fc.constantFrom([], [pause()]),
      },
      { requiredKeys: ['pauses'] },
    )
    .map((more) => ({ ...bareGateway, identity: ownersFacts().identity, ...more })),
);
