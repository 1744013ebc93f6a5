/** Facts of one gateway in any combination, for properties that hold for all of them. */

import * as fc from 'fast-check';
import type { AttemptPhase } from '../agent-update-types.ts';
import type { GatewayFacts, ObservationFacts } from '../gateway-facts.ts';
import type { GatewayWalk } from '../gateway.ts';
import type { ProfileUpdateProgress } from '../profile-update-types.ts';
import {
  agent,
  attempt,
  confirmed,
  digestOf,
  gateway,
  newAgent,
  newProfile,
  observation,
  oldAgent,
  oldProfile,
  ownersFacts,
  pause,
  plan,
  platform,
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
const farRelease = release({
  platformVersion: platform('4.3.0'),
  agent: { ...release().agent, ...agent('4.3.0') },
  profile: { version: platform('4.3.0'), digest: digestOf('profile-far') },
});
const bringsBoth = { bringsAgent: true, bringsProfile: true };
const onWay: GatewayWalk = {
  kind: 'on-way',
  from: platform('4.1.12'),
  stops: [
    { release: platform('4.2.7'), ...bringsBoth },
    { release: platform('4.3.0'), ...bringsBoth },
  ],
};
const noWay: GatewayWalk = { kind: 'held', reasons: [{ code: 'no-way-to-platform-version', message: 'No way.' }] };
/** One stop left, several, or no way. */
const anyWalk: fc.Arbitrary<Pick<GatewayFacts, 'walk' | 'platformRelease'>> = fc.constantFrom(
  {},
  { walk: noWay },
  { walk: onWay, platformRelease: farRelease },
);
const {
  enrolledAt: _enrolled,
  provisioningBegunAt: _begun,
  release: _release,
  observation: _seen,
  ...bareGateway
} = gateway();
const anyPlainFacts: fc.Arbitrary<GatewayFacts> = fc.oneof(
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

/** Facts as a server could hold them: every part there or not, in any combination. */
export const anyFacts: fc.Arbitrary<GatewayFacts> = fc
  .tuple(anyPlainFacts, anyWalk)
  .map(([facts, walk]) => (facts.release === undefined ? facts : { ...facts, ...walk }));
