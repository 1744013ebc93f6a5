import { describe, expect, test } from 'vitest';
import { type BeginFacts, type BeginHoldCode, beginHolds } from './agent-begin.ts';
import { minutes, seconds } from './instant.ts';
import { agent, agentPod, at, attempt, deployment, emptyState, newAgent, oldAgent, t0 } from './testing/facts.ts';
import { productionTimings } from './timings.ts';

const own = agentPod('pod', oldAgent, { isReady: true, readySince: t0 });
const ready: BeginFacts = {
  me: { podName: 'pod', release: oldAgent },
  target: { agent: newAgent, isRetried: false, generation: 5 },
  state: emptyState,
  deployment: deployment(),
  pods: [own],
  verificationFailure: undefined,
  isProfileUpdateConfirmed: false,
  isServerReachable: true,
};
const takenBack = [{ release: newAgent, reason: { code: 'exited', message: 'x' }, at: t0, generation: 5 }];
const interrupted = (interruptions: number) => ({
  ...emptyState,
  attempt: attempt({ phase: 'interrupted', interruptions, endedAt: t0, generation: 5 }),
});

const cases: readonly { name: string; more: Partial<BeginFacts>; after?: number; codes: readonly BeginHoldCode[] }[] = [
  { name: 'all is well', more: {}, codes: [] },
  {
    name: 'an older version',
    more: { target: { agent: agent('4.0.0'), isRetried: false, generation: 5 } },
    codes: ['agent-newer-than-target'],
  },
  {
    name: 'a release that does not verify',
    more: { verificationFailure: 'signature' },
    codes: ['release-not-verified'],
  },
  { name: 'taken back', more: { state: { ...emptyState, takenBack } }, codes: ['agent-taken-back'] },
  {
    name: 'taken back, and asked for by the target it was taken back under',
    more: { state: { ...emptyState, takenBack }, target: { agent: newAgent, isRetried: true, generation: 5 } },
    codes: ['agent-taken-back'],
  },
  {
    name: 'taken back, and asked for again by a later one',
    more: { state: { ...emptyState, takenBack }, target: { agent: newAgent, isRetried: true, generation: 6 } },
    codes: [],
  },
  {
    name: 'taken back, and a later target that does not ask',
    more: { state: { ...emptyState, takenBack }, target: { agent: newAgent, isRetried: false, generation: 6 } },
    codes: ['agent-taken-back'],
  },
  { name: 'interrupted a moment ago', more: { state: interrupted(1) }, codes: ['agent-update-waits'] },
  { name: 'interrupted a while ago', more: { state: interrupted(2) }, after: minutes(5), codes: [] },
  {
    name: 'interrupted three times',
    more: { state: interrupted(3) },
    after: minutes(60),
    codes: ['agent-update-interrupted'],
  },
  {
    name: 'interrupted three times, and asked for again',
    more: { state: interrupted(3), target: { agent: newAgent, isRetried: true, generation: 6 } },
    codes: [],
  },
  {
    name: 'a profile update is confirmed',
    more: { isProfileUpdateConfirmed: true },
    codes: ['profile-update-in-progress'],
  },
  { name: 'the server cannot be reached', more: { isServerReachable: false }, codes: ['server-unreachable'] },
  {
    name: 'the template names another image',
    more: { deployment: deployment({ release: agent('4.0.0') }) },
    codes: ['image-set-by'],
  },
  {
    name: 'another field manager has the image',
    more: { deployment: deployment({ imageSetBy: 'argocd' }) },
    codes: ['image-set-by'],
  },
  { name: 'paused by its owner', more: { deployment: deployment({ isPaused: true }) }, codes: ['deployment-paused'] },
  {
    name: 'a rollout is not complete',
    more: { deployment: deployment({ replicas: 2 }) },
    codes: ['rollout-in-progress'],
  },
  { name: 'Ready for 59 s', more: {}, after: seconds(-1), codes: ['agent-not-ready-long-enough'] },
  { name: 'not Ready', more: { pods: [agentPod('pod', oldAgent)] }, codes: ['agent-not-ready-long-enough'] },
  { name: 'its own pod is not seen', more: { pods: [] }, codes: ['agent-not-ready-long-enough'] },
  {
    name: 'all at once: every reason',
    more: {
      verificationFailure: 'x',
      state: { ...emptyState, takenBack },
      isProfileUpdateConfirmed: true,
      isServerReachable: false,
      deployment: deployment({ isPaused: true, imageSetBy: 'argocd', replicas: 2 }),
      pods: [],
    },
    codes: [
      'release-not-verified',
      'agent-taken-back',
      'profile-update-in-progress',
      'server-unreachable',
      'image-set-by',
      'deployment-paused',
      'rollout-in-progress',
      'agent-not-ready-long-enough',
    ],
  },
];

describe('what keeps an attempt from beginning, a minute after its own pod became Ready', () => {
  test.each(cases)('$name', ({ more, after = 0, codes }) => {
    const holds = beginHolds({ ...ready, ...more }, at(seconds(60) + after), productionTimings);
    expect(holds.map(({ code }) => code)).toEqual(codes);
  });
});
