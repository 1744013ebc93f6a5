/** What holds for a gateway in any combination of facts: where it is current, and where a release is recalled. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideAgentUpdate } from './agent-update.ts';
import type { AttemptPhase } from './agent-update-types.ts';
import { explain, isCurrent } from './explain.ts';
import type { GatewayWalk } from './gateway.ts';
import type { GatewayFacts, ObservationFacts } from './gateway-facts.ts';
import { gatewayStatus } from './gateway-status.ts';
import { minutes } from './instant.ts';
import { isProfileUpdateAvailable } from './profile-availability.ts';
import { isPastCancel } from './profile-update-step.ts';
import type { ProfileUpdateProgress } from './profile-update-types.ts';
import {
  attemptToGiveUp,
  isPauseLifted,
  type KnownRelease,
  recalledParts,
  recalledReleases,
  recallOfOffer,
  repaveHolds,
} from './recall.ts';
import type { RecallFacts } from './recall-types.ts';
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
  oldAgent,
  oldProfile,
  ownersFacts,
  pause,
  plan,
  platform,
  progress,
  release,
  t0,
} from './testing/facts.ts';

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
const anyFacts: fc.Arbitrary<GatewayFacts> = fc
  .tuple(anyPlainFacts, anyWalk)
  .map(([facts, walk]) => (facts.release === undefined ? facts : { ...facts, ...walk }));

const known: readonly KnownRelease[] = [
  { platformVersion: platform('4.1.12'), agentDigest: oldAgent.digest, profileDigests: [oldProfile.digest] },
  { platformVersion: platform('4.2.7'), agentDigest: newAgent.digest, profileDigests: [newProfile.digest] },
  {
    platformVersion: platform('4.2.8'),
    agentDigest: digestOf('agent-4.2.8'),
    profileDigests: [digestOf('profile-next')],
  },
];

const anyRecalls: fc.Arbitrary<RecallFacts> = fc
  .record({
    versions: fc.subarray(['4.1.12', '4.2.7', '4.2.8', '4.3.0']),
    evenIfPaused: fc.subarray([platform('4.1.12'), platform('4.2.7')]),
    known: fc.subarray([
      ...known,
      { platformVersion: platform('4.3.0'), agentDigest: digestOf('agent-4.3.0'), profileDigests: [oldProfile.digest] },
    ]),
  })
  .map(({ versions, evenIfPaused, known: there }) => ({
    releases: recalledReleases(
      there,
      versions.map((version) => ({
        platformVersion: platform(version),
        reason: 'x',
        at: t0,
        isSigned: false,
        by: 'ann',
      })),
    ),
    evenIfPaused,
  }));
const anyRecalled: fc.Arbitrary<GatewayFacts> = fc
  .tuple(anyFacts, anyRecalls)
  .map(([facts, more]) => ({ ...facts, recalls: more }));
const many = { numRuns: 2000 };
/** Where most facts are left out first. */
const some = { numRuns: 300 };

test('the explanation is empty if and only if the gateway is current', () => {
  fc.assert(
    fc.property(anyFacts, fc.nat(minutes(60)), (facts, later) => {
      const now = at(later);
      expect(explain(facts, now).length === 0).toBe(isCurrent(facts, now));
    }),
    { numRuns: 2000 },
  );
});

test('a current gateway runs what the release says, and is Running', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      fc.pre(isCurrent(facts, t0));
      const { observation: seen, platformRelease = facts.release } = facts;
      expect(seen?.agent.digest).toBe(platformRelease?.agent.digest);
      expect(gatewayStatus(facts, t0)).toBe('Running');
      const wanted = facts.identity.installation === 'cli' ? platformRelease?.profile?.digest : undefined;
      expect(seen?.appliedProfile?.digest).toBe(wanted ?? seen?.appliedProfile?.digest);
    }),
    { numRuns: 500 },
  );
});

describe('where releases are recalled', () => {
  test('a recalled release is never newly named: neither its agent nor a plan for its profile', () => {
    fc.assert(
      fc.property(anyRecalled, fc.nat(minutes(60)), (facts, later) => {
        fc.pre(recallOfOffer(facts) !== undefined);
        const decision = decideAgentUpdate(facts, at(later));
        expect(decision.kind).not.toBe('update');
        expect(isProfileUpdateAvailable(facts)).toBe(false);
      }),
      many,
    );
  });

  test('an agent that is named is not recalled, unless its attempt was swapped', () => {
    fc.assert(
      fc.property(anyRecalled, (facts) => {
        const decision = decideAgentUpdate(facts, t0);
        const named = decision.kind === 'update' || decision.kind === 'continue' ? decision.to.digest : undefined;
        const bad = facts.recalls?.releases.flatMap(({ agentDigests }) => agentDigests) ?? [];
        fc.pre(named !== undefined && bad.includes(named));
        expect(facts.observation?.attempt?.phase).toBe('watching');
      }),
      some,
    );
  });

  test('what is past its point of no return is not held, and everything else to a recalled profile is', () => {
    fc.assert(
      fc.property(anyRecalled, (facts) => {
        const { profileUpdate, observation: seen } = facts;
        fc.pre(profileUpdate !== undefined && seen !== undefined);
        const bad = facts.recalls?.releases.flatMap(({ profileDigests }) => profileDigests) ?? [];
        const isBad = bad.includes(profileUpdate?.plan.to.digest ?? '');
        const own = seen?.profileUpdate;
        const isOver = own?.phase === 'completed' || own?.phase === 'cancelled';
        const counts =
          own?.planId === profileUpdate?.plan.planId && !(isOver && (own?.retry ?? 0) < (profileUpdate?.retry ?? 0));
        const isPast = own !== undefined && counts && isPastCancel(plan().steps, own);
        fc.pre(isPast || isBad);
        expect(repaveHolds(facts).length === 0).toBe(isPast);
      }),
      many,
    );
  });

  test('a pause is lifted only from what is recalled, towards what is not', () => {
    fc.assert(
      fc.property(anyRecalled, (facts) => {
        fc.pre(isPauseLifted(facts));
        expect(recalledParts(facts)).not.toEqual([]);
        expect(recallOfOffer(facts)).toBeUndefined();
      }),
      some,
    );
  });

  test('the explanation is empty if and only if the gateway is current; with a recalled part it is not', () => {
    fc.assert(
      fc.property(anyRecalled, fc.nat(minutes(60)), (facts, later) => {
        const now = at(later);
        expect(explain(facts, now).length === 0).toBe(isCurrent(facts, now));
        expect(isCurrent(facts, now) && recalledParts(facts).length > 0).toBe(false);
      }),
      many,
    );
  });

  test('an attempt is given up only before its swap', () => {
    fc.assert(
      fc.property(anyRecalled, (facts) => {
        fc.pre(attemptToGiveUp(facts) !== undefined);
        expect(['rehearsing', 'swapping']).toContain(facts.observation?.attempt?.phase);
      }),
      some,
    );
  });
});
