import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cancelReasons, confirmReasons, decideCancel, decideConfirm, decideRetry, retryReasons } from './confirm.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import type { ProfileUpdatePlan } from './profile-update-types.ts';
import type { Reason } from './reason.ts';
import {
  attempt,
  confirmed,
  gateway,
  kubernetes,
  newAgent,
  observation,
  ownersFacts,
  pause,
  plan,
  progress,
  t0,
} from './testing/facts.ts';

const ready = gateway({ observation: observation({ agent: newAgent }) });
const readyWith = (more: Partial<GatewayFacts>): GatewayFacts => ({ ...ready, ...more });
const { appliedProfile: _none, ...unprovisioned } = observation({ agent: newAgent });
const { observation: _silent, enrolledAt: _never, provisioningBegunAt: _notBegun, ...pending } = ready;
const stopped = readyWith({
  profileUpdate: confirmed({ plan: plan({ planId: 'sha256:before' }) }),
  observation: observation({ agent: newAgent, profileUpdate: progress({ planId: 'sha256:before', phase: 'stopped' }) }),
});

interface Case {
  readonly name: string;
  readonly facts: GatewayFacts;
  readonly plan?: ProfileUpdatePlan | { readonly reasons: readonly Reason[] };
  readonly planId?: string;
  readonly acknowledgePause?: boolean;
  /** `accepted`, `repeated`, or the code of the refusal. */
  readonly becomes: string;
}
const cases: readonly Case[] = [
  { name: 'the plan that holds now', facts: ready, becomes: 'accepted' },
  { name: 'an older plan', facts: ready, planId: 'sha256:older', becomes: 'plan-changed' },
  { name: 'no plan', facts: ready, plan: { reasons: [] }, becomes: 'no-profile-update' },
  { name: 'on an existing cluster', facts: ownersFacts(), becomes: 'existing-cluster' },
  { name: 'before it is installed', facts: pending, becomes: 'gateway-not-running' },
  {
    name: 'while it is provisioned',
    facts: readyWith({ observation: unprovisioned }),
    becomes: 'gateway-provisioning',
  },
  { name: 'while it is deleted', facts: readyWith({ deletionRequestedAt: t0 }), becomes: 'gateway-not-running' },
  { name: 'twice', facts: readyWith({ profileUpdate: confirmed() }), becomes: 'repeated' },
  {
    name: 'twice, the plan having changed in between',
    facts: readyWith({ profileUpdate: confirmed() }),
    plan: plan({ planId: 'sha256:next' }),
    becomes: 'repeated',
  },
  {
    name: 'another one while one is on its way',
    facts: readyWith({ profileUpdate: confirmed({ plan: plan({ planId: 'sha256:before' }) }) }),
    becomes: 'profile-update-in-progress',
  },
  { name: 'a newer one than that which has stopped', facts: stopped, becomes: 'accepted' },
  { name: 'an old one although one has stopped', facts: stopped, planId: 'sha256:older', becomes: 'plan-changed' },
  { name: 'with an agent the release does not accept', facts: gateway(), becomes: 'profile-update-held' },
  {
    name: 'during an agent update',
    facts: readyWith({ observation: observation({ agent: newAgent, attempt: attempt() }) }),
    becomes: 'profile-update-held',
  },
  { name: 'when paused', facts: readyWith({ pauses: [pause()] }), becomes: 'pause-acknowledgement-needed' },
  {
    name: 'when paused, and known to be',
    facts: readyWith({ pauses: [pause()] }),
    acknowledgePause: true,
    becomes: 'accepted',
  },
  { name: 'acknowledged although not paused', facts: ready, acknowledgePause: true, becomes: 'accepted' },
];

function outcome({
  facts,
  plan: current = plan(),
  planId = plan().planId,
  acknowledgePause,
}: Omit<Case, 'name' | 'becomes'>) {
  const request = { planId, ...(acknowledgePause === undefined ? {} : { acknowledgePause }) };
  return decideConfirm({ facts, plan: current, request, now: t0 });
}

describe('confirming', () => {
  test.each(cases)('$name', ({ becomes, ...input }) => {
    const decision = outcome(input);
    expect(decision.kind === 'refused' ? decision.code : decision.kind).toBe(becomes);
  });

  test('a changed plan is answered with the one that holds now', () => {
    expect(outcome({ facts: ready, planId: 'sha256:older' })).toMatchObject({ planId: plan().planId });
  });

  test('the stopped update that a newer plan takes the place of is named', () => {
    expect(outcome({ facts: stopped })).toMatchObject({ kind: 'accepted', supersedes: 'sha256:before' });
  });

  test('a hold names all its reasons', () => {
    const facts = gateway({ observation: observation({ attempt: attempt() }) });
    const decision = outcome({ facts });
    expect(decision.kind === 'refused' && decision.reasons.map(({ code }) => code)).toEqual([
      'agent-not-accepted',
      'agent-update-in-progress',
    ]);
  });

  test('a pause is named with who paused', () => {
    const decision = outcome({ facts: readyWith({ pauses: [pause(), pause()] }) });
    expect(decision.kind === 'refused' && decision.reasons.map(({ code }) => code)).toEqual([
      'pause-acknowledgement-needed',
      'paused',
      'paused',
    ]);
  });

  test('what is shown beside the button is what a confirmation would meet', () => {
    expect(confirmReasons({ facts: ready, plan: plan(), now: t0 })).toEqual([]);
    expect(confirmReasons({ facts: readyWith({ pauses: [pause()] }), plan: plan(), now: t0 })).toEqual([]);
    expect(confirmReasons({ facts: gateway(), plan: plan(), now: t0 }).map(({ code }) => code)).toEqual([
      'agent-not-accepted',
    ]);
    const reasons = [{ code: 'same-profile', message: 'Same.' }];
    expect(confirmReasons({ facts: ready, plan: { reasons }, now: t0 })).toEqual(reasons);
  });
});

const confirmedFacts = (more: Parameters<typeof progress>[0] | undefined, order = confirmed()): GatewayFacts =>
  readyWith({
    profileUpdate: order,
    observation: observation({ agent: newAgent, ...(more === undefined ? {} : { profileUpdate: progress(more) }) }),
  });
const waitingSteps = [
  { id: 'control-planes', state: 'waiting' },
  { id: 'pack:network/cilium', state: 'waiting' },
] as const;

describe('retrying', () => {
  test.each([
    { name: 'what has stopped', facts: confirmedFacts({ phase: 'stopped' }), becomes: { kind: 'accepted', retry: 1 } },
    {
      name: 'a second time',
      facts: confirmedFacts({ phase: 'stopped', retry: 1 }, confirmed({ retry: 1 })),
      becomes: { kind: 'accepted', retry: 2 },
    },
    {
      name: 'while the first is on its way to the gateway',
      facts: confirmedFacts({ phase: 'stopped' }, confirmed({ retry: 1 })),
      becomes: { kind: 'repeated' },
    },
    { name: 'what runs', facts: confirmedFacts({}), becomes: { kind: 'refused', code: 'profile-update-not-stopped' } },
    {
      name: 'what was not taken up',
      facts: confirmedFacts(undefined),
      becomes: { kind: 'refused', code: 'profile-update-not-stopped' },
    },
    { name: 'nothing', facts: ready, becomes: { kind: 'refused', code: 'no-profile-update' } },
  ])('$name', ({ facts, becomes }) => {
    expect(decideRetry(facts)).toMatchObject(becomes);
  });
  test('has no reason against it exactly when it would do something', () => {
    const codes = (facts: GatewayFacts) => retryReasons(facts).map(({ code }) => code);
    expect(codes(confirmedFacts({ phase: 'stopped' }))).toEqual([]);
    expect(codes(confirmedFacts({ phase: 'stopped' }, confirmed({ retry: 1 })))).toEqual(['retry-on-its-way']);
    expect(codes(confirmedFacts({}))).toEqual(['profile-update-not-stopped']);
    expect(codes(ready)).toEqual(['no-profile-update']);
  });
});

const withoutMove: ProfileUpdatePlan['steps'] = [
  { id: 'control-planes', kind: 'control-planes', to: { kubernetes: kubernetes('1.33.5'), os: 'ubuntu-1' }, nodes: [] },
];

describe('cancelling', () => {
  test('has no reason against it exactly when it would do something', () => {
    const codes = (facts: GatewayFacts) => cancelReasons(facts).map(({ code }) => code);
    expect(codes(confirmedFacts(undefined))).toEqual([]);
    expect(codes(confirmedFacts(undefined, confirmed({ isCancelled: true })))).toEqual(['cancel-on-its-way']);
    expect(codes(confirmedFacts({}))).toEqual(['profile-update-past-cancel']);
    expect(codes(ready)).toEqual(['no-profile-update']);
  });
  test.each([
    { name: 'what was not taken up', facts: confirmedFacts(undefined), becomes: { kind: 'accepted' } },
    {
      name: 'what is in its preflight',
      facts: confirmedFacts({ phase: 'preflight', steps: waitingSteps }),
      becomes: { kind: 'accepted' },
    },
    {
      name: 'what replaces a control plane',
      facts: confirmedFacts({}),
      becomes: { kind: 'refused', code: 'profile-update-past-cancel' },
    },
    {
      name: 'what has stopped while it replaced one',
      facts: confirmedFacts({ phase: 'stopped' }),
      becomes: { kind: 'refused', code: 'profile-update-past-cancel' },
    },
    {
      name: 'what has stopped before it began',
      facts: confirmedFacts({ phase: 'stopped', steps: waitingSteps }),
      becomes: { kind: 'accepted' },
    },
    {
      name: 'what replaces no node, in the middle of its packs',
      facts: confirmedFacts({}, confirmed({ plan: plan({ steps: withoutMove }) })),
      becomes: { kind: 'accepted' },
    },
    {
      name: 'twice',
      facts: confirmedFacts(undefined, confirmed({ isCancelled: true })),
      becomes: { kind: 'repeated' },
    },
    { name: 'nothing', facts: ready, becomes: { kind: 'refused', code: 'no-profile-update' } },
  ])('$name', ({ facts, becomes }) => {
    expect(decideCancel(facts)).toMatchObject(becomes);
  });
});

test('no confirmation is accepted while an agent update runs or another profile update is on its way', () => {
  const anyFacts = fc.constantFrom(...cases.map(({ facts }) => facts));
  fc.assert(
    fc.property(
      anyFacts,
      fc.constantFrom('sha256:plan', 'sha256:other'),
      fc.boolean(),
      (facts, planId, acknowledgePause) => {
        const decision = outcome({ facts, planId, acknowledgePause });
        fc.pre(decision.kind === 'accepted');
        expect(facts.observation?.attempt).toBeUndefined();
        expect(facts.profileUpdate === undefined || facts.observation?.profileUpdate?.phase === 'stopped').toBe(true);
        expect(facts.identity.installation).toBe('cli');
      },
    ),
  );
});
