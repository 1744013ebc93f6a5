import { describe, expect, test } from 'vitest';
import { decideAgentUpdate } from './agent-update.ts';
import { decideConfirm, decideRetry } from './confirm.ts';
import { explain, hopReasons, isCurrent } from './explain.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { isProfileUpdateAvailable } from './profile-availability.ts';
import {
  decideRecall,
  decideWithdrawal,
  isHeldBeforeBeginning,
  isUpdateToCancel,
  type KnownRelease,
  nextGood,
  recalledParts,
  recalledReleases,
  repaveHolds,
} from './recall.ts';
import type { Recall, RecallFacts } from './recall-types.ts';
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
} from './testing/facts.ts';

const recall = (version: string, more: Partial<Recall> = {}): Recall => ({
  platformVersion: platform(version),
  reason: 'It forgets its Lease',
  at: t0,
  isSigned: false,
  by: 'ann',
  ...more,
});
const nextAgent = agent('4.2.8');
const nextProfile = { version: platform('4.2.8'), digest: digestOf('profile-next') };
const oldRelease: KnownRelease = {
  platformVersion: platform('4.1.12'),
  agentDigest: oldAgent.digest,
  profileDigests: [oldProfile.digest],
};
const badRelease: KnownRelease = {
  platformVersion: platform('4.2.7'),
  agentDigest: newAgent.digest,
  profileDigests: [newProfile.digest, digestOf('profile-maas')],
};
const nextRelease: KnownRelease = {
  platformVersion: platform('4.2.8'),
  agentDigest: nextAgent.digest,
  profileDigests: [nextProfile.digest],
};
const known = [oldRelease, badRelease, nextRelease];
const recalls = (more: Partial<RecallFacts> = {}): RecallFacts => ({
  releases: recalledReleases(known, [recall('4.2.7')]),
  evenIfPaused: [],
  ...more,
});
const goodRelease = release({
  platformVersion: platform('4.2.8'),
  agent: { ...release().agent, ...nextAgent },
  profile: nextProfile,
});
/** The platform is on the recalled 4.2.7. */
const onBad = (more: Partial<GatewayFacts> = {}): GatewayFacts => gateway({ recalls: recalls(), ...more });
/** The platform has moved on to 4.2.8. */
const onGood = (more: Partial<GatewayFacts> = {}): GatewayFacts => onBad({ release: goodRelease, ...more });
const runsBad = observation({ agent: newAgent, appliedProfile: newProfile });
const codes = (reasons: readonly { readonly code: string }[]) => reasons.map(({ code }) => code);

describe('what is recalled', () => {
  test('is what the release alone has, by digest', () => {
    const shared: KnownRelease = { ...nextRelease, agentDigest: newAgent.digest };
    const [only] = recalledReleases([oldRelease, badRelease, shared], [recall('4.2.7')]);
    expect(only).toMatchObject({ agentDigests: [], profileDigests: badRelease.profileDigests });
  });

  test('what two recalled releases share is bad', () => {
    const twin: KnownRelease = { ...badRelease, platformVersion: platform('4.2.6') };
    const both = recalledReleases([oldRelease, twin, badRelease], [recall('4.2.6'), recall('4.2.7')]);
    expect(both.map(({ recall: { platformVersion }, agentDigests }) => [platformVersion, agentDigests])).toEqual([
      ['4.2.7', [newAgent.digest]],
      ['4.2.6', [newAgent.digest]],
    ]);
  });

  test('a version that was never imported has nothing, and is recalled all the same', () => {
    expect(recalledReleases([], [recall('9.9.9')])).toEqual([
      { recall: recall('9.9.9'), agentDigests: [], profileDigests: [] },
    ]);
  });

  test('of two recalls of one version the signed one counts, in whatever order they come', () => {
    const signed = recall('4.2.7', { isSigned: true, by: 'the publisher', reason: 'signed' });
    for (const both of [
      [signed, recall('4.2.7')],
      [recall('4.2.7'), signed],
    ]) {
      expect(recalledReleases(known, both).map(({ recall: one }) => one)).toEqual([signed]);
    }
  });
});

describe('the agent', () => {
  const held = (facts: GatewayFacts) => {
    const decision = decideAgentUpdate(facts, t0);
    return decision.kind === 'hold' ? codes(decision.reasons) : decision.kind;
  };

  test('of a recalled release is not offered, and the reason says why and what to do', () => {
    expect(decideAgentUpdate(onBad(), t0)).toEqual({
      kind: 'hold',
      reasons: [
        {
          code: 'release-recalled',
          message: 'Release 4.2.7 was recalled by ann: It forgets its Lease. Its agent 4.2.7 is offered to nobody.',
          nextStep:
            'No imported release leads on from 4.2.7; import the next good one with `gatehouse release import`.',
        },
      ],
    });
    const next = onBad({ recalls: recalls({ next: platform('4.2.8') }) });
    expect(decideAgentUpdate(next, t0)).toMatchObject({
      reasons: [{ nextStep: expect.stringContaining('`gatehouse platform upgrade 4.2.8`') }],
    });
  });

  test.each<{ name: string; facts: GatewayFacts; becomes: string | readonly string[] }>([
    {
      name: 'is held besides all other reasons',
      facts: onBad({ pauses: [pause()] }),
      becomes: ['release-recalled', 'paused'],
    },
    { name: 'stays where it runs', facts: onBad({ observation: runsBad }), becomes: 'upToDate' },
    { name: 'gives way to the next good one', facts: onGood({ observation: runsBad }), becomes: 'update' },
    {
      name: 'is not offered although a person asked to retry it',
      facts: onBad({ retriedAgentDigests: [newAgent.digest] }),
      becomes: ['release-recalled'],
    },
    {
      name: 'that a good release has too is offered with that one only',
      facts: onBad({
        recalls: {
          ...recalls(),
          releases: recalledReleases([badRelease, { ...nextRelease, agentDigest: newAgent.digest }], [recall('4.2.7')]),
        },
      }),
      becomes: ['release-recalled'],
    },
    {
      name: 'is given up while it is rehearsed',
      facts: onBad({ observation: observation({ attempt: attempt({ phase: 'rehearsing' }) }) }),
      becomes: ['release-recalled'],
    },
    {
      name: 'is given up before the swap',
      facts: onGood({ observation: observation({ attempt: attempt({ phase: 'swapping' }) }) }),
      becomes: ['release-recalled'],
    },
    {
      name: 'that was swapped is judged to the end',
      facts: onBad({ observation: observation({ attempt: attempt({ phase: 'watching' }) }) }),
      becomes: 'continue',
    },
    {
      name: 'that is good goes on being rehearsed',
      facts: onGood({ observation: { ...runsBad, attempt: attempt({ phase: 'rehearsing', to: nextAgent }) } }),
      becomes: 'continue',
    },
    {
      name: 'goes before a confirmed update that the recall holds',
      facts: onGood({ observation: runsBad, profileUpdate: confirmed() }),
      becomes: 'update',
    },
    {
      name: 'waits for a profile update that is past its point of no return',
      facts: onGood({ observation: { ...runsBad, profileUpdate: progress() }, profileUpdate: confirmed() }),
      becomes: ['profile-update-in-progress'],
    },
  ])('$name', ({ facts, becomes }) => {
    expect(held(facts)).toEqual(becomes);
  });

  const lifted = { recalls: recalls({ evenIfPaused: [platform('4.2.7')] }), pauses: [pause()] };
  test.each<{ name: string; facts: GatewayFacts; becomes: string | readonly string[] }>([
    {
      name: 'comes through a pause when a person said so',
      facts: onGood({ observation: runsBad, ...lifted }),
      becomes: 'update',
    },
    {
      name: 'also when only the profile is recalled',
      facts: onGood({ observation: observation({ appliedProfile: newProfile }), ...lifted }),
      becomes: 'update',
    },
    {
      name: 'is paused when nobody said so',
      facts: onGood({ observation: runsBad, pauses: [pause()] }),
      becomes: ['paused'],
    },
    {
      name: 'is paused when it was said of another recall',
      facts: onGood({ observation: runsBad, ...lifted, recalls: recalls({ evenIfPaused: [platform('4.1.12')] }) }),
      becomes: ['paused'],
    },
    { name: 'is paused where nothing recalled runs', facts: onGood(lifted), becomes: ['paused'] },
    {
      name: 'is paused while there is nothing good to bring',
      facts: onBad({ observation: observation({ appliedProfile: newProfile }), ...lifted }),
      becomes: ['release-recalled', 'paused'],
    },
  ])('$name', ({ facts, becomes }) => {
    expect(held(facts)).toEqual(becomes);
  });
});

describe('a profile update', () => {
  test('to a recalled profile is not proposed, and explain says why', () => {
    const facts = onBad({ observation: observation({ agent: newAgent }) });
    expect(isProfileUpdateAvailable(facts)).toBe(false);
    expect(codes(explain(facts, t0))).toEqual(['runs-recalled-release', 'release-recalled']);
  });

  test('of a recalled agent is not taken: another agent goes first', () => {
    const made = plan({ to: nextProfile });
    const facts = onGood({ observation: runsBad });
    const decision = decideConfirm({ facts, plan: made, request: { planId: made.planId }, now: t0 });
    expect(decision).toMatchObject({ kind: 'refused', code: 'profile-update-held' });
    const updated = onGood({ observation: { ...runsBad, agent: nextAgent } });
    expect(decideConfirm({ facts: updated, plan: made, request: { planId: made.planId }, now: t0 })).toMatchObject({
      kind: 'accepted',
    });
  });

  test('of a recalled agent is taken where the next stop of the gateway brings a profile alone', () => {
    const kept = { ...goodRelease, agent: { ...goodRelease.agent, ...newAgent }, agentRelease: platform('4.2.7') };
    const made = plan({ to: nextProfile });
    const request = { planId: made.planId };
    const onTheWay = onGood({ observation: runsBad, release: kept });
    expect(decideConfirm({ facts: onTheWay, plan: made, request, now: t0 })).toMatchObject({ kind: 'accepted' });
    const onRecalled = onBad({ observation: runsBad, release: { ...kept, platformVersion: platform('4.2.7') } });
    expect(codes(repaveHolds(onRecalled))).toEqual(['release-recalled']);
  });

  const waits = progress({ phase: 'preflight', steps: plan().steps.map(({ id }) => ({ id, state: 'waiting' })) });
  const before = { ...observation(), profileUpdate: waits };
  const past = { ...observation(), profileUpdate: progress() };
  const atPack = {
    ...observation(),
    profileUpdate: progress({
      steps: plan().steps.map(({ id, kind }) => ({ id, state: kind === 'pack' ? 'running' : 'waiting' })),
    }),
  };
  const stoppedBefore = { ...observation(), profileUpdate: { ...waits, phase: 'stopped' as const } };
  const stoppedPast = { ...observation(), profileUpdate: progress({ phase: 'stopped' }) };
  const profileUpdate = confirmed();

  test.each<{ name: string; facts: GatewayFacts; holds: number; agentFirst: boolean; isCancelled: boolean }>([
    { name: 'nothing is confirmed', facts: onBad(), holds: 0, agentFirst: false, isCancelled: false },
    { name: 'confirmed', facts: onBad({ profileUpdate }), holds: 1, agentFirst: true, isCancelled: false },
    {
      name: 'confirmed by a gateway whose agent is recalled too',
      facts: onBad({ profileUpdate, observation: observation({ agent: newAgent }) }),
      holds: 2,
      agentFirst: true,
      isCancelled: false,
    },
    {
      name: 'in its preflight',
      facts: onBad({ profileUpdate, observation: before }),
      holds: 1,
      agentFirst: true,
      isCancelled: false,
    },
    {
      name: 'at a pack, before its nodes',
      facts: onBad({ profileUpdate, observation: atPack }),
      holds: 1,
      agentFirst: false,
      isCancelled: false,
    },
    {
      name: 'at a pack, and the platform has better',
      facts: onGood({ profileUpdate, observation: atPack }),
      holds: 1,
      agentFirst: false,
      isCancelled: true,
    },
    {
      name: 'a control plane is being replaced: only forward',
      facts: onBad({ profileUpdate, observation: past }),
      holds: 0,
      agentFirst: false,
      isCancelled: false,
    },
    {
      name: 'the platform has better: it will never begin',
      facts: onGood({ profileUpdate, observation: before }),
      holds: 1,
      agentFirst: true,
      isCancelled: true,
    },
    {
      name: 'the platform has better, and it is past its point of no return',
      facts: onGood({ profileUpdate, observation: past }),
      holds: 0,
      agentFirst: false,
      isCancelled: false,
    },
    {
      name: 'cancelled already',
      facts: onGood({ profileUpdate: confirmed({ isCancelled: true }), observation: before }),
      holds: 1,
      agentFirst: true,
      isCancelled: false,
    },
    {
      name: 'to a good profile',
      facts: onGood({ profileUpdate: confirmed({ plan: plan({ to: nextProfile }) }), observation: before }),
      holds: 0,
      agentFirst: false,
      isCancelled: false,
    },
  ])('$name', ({ facts, holds, agentFirst, isCancelled }) => {
    expect([repaveHolds(facts).length, isHeldBeforeBeginning(facts), isUpdateToCancel(facts)]).toEqual([
      holds,
      agentFirst,
      isCancelled,
    ]);
  });

  test('that stopped is retried only where there is no way back', () => {
    expect(decideRetry(onBad({ profileUpdate, observation: stoppedBefore }))).toMatchObject({
      kind: 'refused',
      code: 'profile-update-held',
    });
    expect(decideRetry(onBad({ profileUpdate, observation: stoppedPast }))).toEqual({ kind: 'accepted', retry: 1 });
  });
});

describe('a gateway on a recalled release', () => {
  test('is not current, and hears what replaces it', () => {
    const facts = onBad({ observation: runsBad, recalls: recalls({ next: platform('4.2.8') }) });
    expect(isCurrent(facts, t0)).toBe(false);
    expect(explain(facts, t0)).toEqual([
      {
        code: 'runs-recalled-release',
        message:
          'The gateway site-b runs agent 4.2.7 and profile 4.2.7 of a recalled release. ' +
          'Release 4.2.7 was recalled by ann: It forgets its Lease.',
        nextStep:
          'Upgrade the platform with `gatehouse platform upgrade 4.2.8`; what it brings replaces what was recalled.',
      },
    ]);
    expect(explain(onGood({ observation: runsBad }), t0)[0]).toMatchObject({
      nextStep:
        'Agent 4.2.8 replaces it by itself as soon as nothing holds it. ' +
        'Profile 4.2.8 replaces it once it is confirmed with `gatehouse profile-update confirm site-b`.',
    });
  });

  test('with two recalled releases hears of each', () => {
    const both = recalledReleases(known, [recall('4.2.7'), recall('4.1.12', { isSigned: true })]);
    const facts = onGood({ observation: observation({ agent: newAgent }), recalls: recalls({ releases: both }) });
    expect(recalledParts(facts).map(({ part, recall: { platformVersion } }) => [part, platformVersion])).toEqual([
      ['agent', '4.2.7'],
      ['profile', '4.1.12'],
    ]);
    expect(codes(explain(facts, t0)).filter((code) => code === 'runs-recalled-release')).toHaveLength(2);
  });

  test('holds the next hop only with what has begun', () => {
    for (const facts of [
      onBad(),
      onBad({ observation: runsBad }),
      onBad({ pauses: [pause()] }),
      ownersFacts({ recalls: recalls() }),
    ]) {
      expect(explain(facts, t0)).not.toEqual([]);
      expect(hopReasons(facts, t0)).toEqual([]);
    }
    const swapped = onBad({ observation: observation({ attempt: attempt({ phase: 'watching' }) }) });
    expect(codes(hopReasons(swapped, t0))).toEqual(['agent-update-in-progress']);
    const rolling = onBad({ profileUpdate: confirmed(), observation: { ...runsBad, profileUpdate: progress() } });
    expect(codes(hopReasons(rolling, t0))).toEqual(['profile-update-in-progress']);
    expect(hopReasons(onBad({ profileUpdate: confirmed() }), t0)).toEqual([]);
    expect(codes(hopReasons(onGood(), t0))).toEqual(codes(explain(onGood(), t0)));
  });
});

test.each([
  { from: '4.2.7', to: ['4.3.0', '4.2.9', '4.2.8'], next: '4.2.9' },
  { from: '4.2.7', to: ['5.0.0', '4.3.1', '4.3.0'], next: '4.3.0' },
  { from: '4.2.7', to: [], next: undefined },
])('of $to the next good one after $from is $next', ({ from, to, next }) => {
  expect(nextGood(platform(from), to.map(platform))).toBe(next);
});

describe("an operator's act", () => {
  const version = platform('4.2.7');
  const signed = recall('4.2.7', { isSigned: true });
  test.each([
    { name: 'recalls what is known', facts: { isKnown: true, recalls: [] }, becomes: 'recall' },
    { name: 'not what was never imported', facts: { isKnown: false, recalls: [] }, becomes: 'release-unknown' },
    { name: 'twice is once', facts: { isKnown: true, recalls: [recall('4.2.7')] }, becomes: 'repeated' },
    { name: 'nor what is signed as recalled', facts: { isKnown: false, recalls: [signed] }, becomes: 'repeated' },
  ])('$name', ({ facts, becomes }) => {
    const decision = decideRecall({ version, ...facts });
    expect(decision.kind === 'refused' ? decision.code : decision.kind).toBe(becomes);
  });

  test.each([
    { name: 'withdraws its own', recalls: [recall('4.2.7')], becomes: 'withdraw' },
    { name: 'not a signed one', recalls: [signed], becomes: 'recall-signed' },
    { name: 'nor its own while there is a signed one', recalls: [recall('4.2.7'), signed], becomes: 'recall-signed' },
    { name: 'nor what is not recalled', recalls: [], becomes: 'not-recalled' },
  ])('$name', ({ recalls: of, becomes }) => {
    const decision = decideWithdrawal({ version, isKnown: true, recalls: of });
    expect(decision.kind === 'refused' ? decision.code : decision.kind).toBe(becomes);
  });
});
