import { describe, expect, test } from 'vitest';
import type { ObservedAgentPod } from './agent-cluster.ts';
import type { AgentState } from './agent-update-types.ts';
import { decideGuard, type GuardFacts } from './guard.ts';
import { emptyGuardMemory, type GuardMemory, rememberPods } from './guard-memory.ts';
import { type Instant, minutes, seconds } from './instant.ts';
import { agent, agentPod, at, attempt, deployment, emptyState, newAgent, oldAgent, t0 } from './testing/facts.ts';

const settled: AgentState = {
  ...emptyState,
  good: [newAgent, oldAgent],
  attempt: attempt({ phase: 'settled', swappedAt: t0, generation: 7 }),
};
const end = (finishedAt: Instant, exitCode = 1) => ({ exitCode, message: 'boom', finishedAt });
const crashes = (...times: readonly Instant[]): GuardMemory => ({
  ends: times.map((time) => ({ podName: 'pod', digest: newAgent.digest, end: end(time) })),
});
const facts = (more: Partial<GuardFacts> = {}): GuardFacts => ({
  ownRelease: oldAgent,
  startedAt: at(-minutes(60)),
  state: settled,
  deployment: deployment({ release: newAgent }),
  pods: [agentPod('pod', newAgent, { isReady: true, runningSince: t0 })],
  memory: emptyGuardMemory,
  ...more,
});
const three = crashes(at(minutes(1)), at(minutes(2)), at(minutes(3)));
const runsUnready = agentPod('pod', newAgent, { runningSince: t0 });
const unready = { pods: [runsUnready], memory: { ends: [], notReadySince: t0 } };
const watched: AgentState = { ...emptyState, good: [oldAgent], attempt: attempt({ phase: 'watching', swappedAt: t0 }) };
const pull: ObservedAgentPod = agentPod('pod', newAgent, { waiting: { reason: 'ImagePullBackOff', message: 'gone' } });

interface Case {
  readonly name: string;
  readonly facts: GuardFacts;
  readonly after: number;
  /** `none`, `make <version>`, or `<version>: <code>` it is taken back for; `!` when the version is blamed. */
  readonly does: string;
  readonly says?: readonly string[];
}
const cases: readonly Case[] = [
  { name: 'a good agent is left alone', facts: facts(), after: 0, does: 'none' },
  {
    name: 'what cannot be read is left alone',
    facts: facts({ ...unready, deployment: 'unknown' }),
    after: minutes(10),
    does: 'none',
  },
  {
    name: 'the state cannot be read',
    facts: facts({ ...unready, state: 'unknown' }),
    after: minutes(10),
    does: 'none',
  },
  {
    name: 'a missing Deployment is made from what was good',
    facts: facts({ deployment: undefined }),
    after: 0,
    does: 'make 4.2.7',
  },
  {
    name: 'and from its own image where nothing was',
    facts: facts({ deployment: undefined, state: emptyState, ownRelease: agent('4.0.0') }),
    after: 0,
    does: 'make 4.0.0',
  },
  {
    name: 'but not with what is being taken back',
    facts: facts({
      deployment: undefined,
      state: {
        ...settled,
        takingBack: {
          release: newAgent,
          to: oldAgent,
          reason: { code: 'exited', message: 'x' },
          isBlamed: true,
          at: t0,
        },
      },
    }),
    after: 0,
    does: 'make 4.1.12',
  },
  {
    name: 'two crashes in ten minutes are left alone',
    facts: facts({ memory: crashes(at(minutes(1)), at(minutes(3))) }),
    after: minutes(4),
    does: 'none',
  },
  { name: 'the third is taken back', facts: facts({ memory: three }), after: minutes(4), does: '4.1.12: exited!' },
  {
    name: 'three in more than ten minutes are left alone',
    facts: facts({ memory: three }),
    after: minutes(11) + seconds(1),
    does: 'none',
  },
  {
    name: 'three that ended with the node are left alone',
    facts: facts({ memory: crashes(t0, t0, t0), startedAt: t0 }),
    after: seconds(30),
    does: 'none',
  },
  { name: 'runs and is not Ready for 120 s', facts: facts(unready), after: seconds(120), does: '4.1.12: not-ready!' },
  { name: 'not Ready for 119 s', facts: facts(unready), after: seconds(119), does: 'none' },
  {
    name: 'not Ready since it is still pulled on another node',
    facts: facts({ ...unready, pods: [pull] }),
    after: minutes(30),
    does: 'none',
  },
  {
    name: 'not Ready since there is no room',
    facts: facts({ ...unready, pods: [agentPod('pod', newAgent, { unschedulable: '0/3 nodes' })] }),
    after: minutes(30),
    does: 'none',
  },
  {
    name: 'paused by its owner',
    facts: facts({ ...unready, deployment: deployment({ release: newAgent, isPaused: true }) }),
    after: minutes(5),
    does: 'none',
    says: ['deployment-paused', 'not-ready'],
  },
  {
    name: 'set by another tool',
    facts: facts({ ...unready, deployment: deployment({ release: newAgent, imageSetBy: 'argocd' }) }),
    after: minutes(5),
    does: 'none',
    says: ['image-set-by', 'not-ready'],
  },
  {
    name: 'once per version: what was taken back and put there again stays',
    facts: facts({
      ...unready,
      state: { ...settled, takenBack: [{ release: newAgent, reason: { code: 'exited', message: 'x' }, at: t0 }] },
    }),
    after: minutes(5),
    does: 'none',
    says: ['agent-taken-back', 'not-ready'],
  },
  {
    name: 'nothing to go back to',
    facts: facts({ ...unready, state: { ...emptyState, good: [newAgent] } }),
    after: minutes(5),
    does: 'none',
    says: ['nothing-to-go-back-to'],
  },
  {
    name: 'in an attempt it lets the old agent go first',
    facts: facts({ ...unready, state: watched }),
    after: seconds(134),
    does: 'none',
  },
  {
    name: 'and goes on 15 s after its deadline',
    facts: facts({ ...unready, state: watched }),
    after: seconds(135),
    does: '4.1.12: not-ready!',
  },
  {
    name: 'an image that left the registry in an attempt',
    facts: facts({ pods: [pull], state: watched }),
    after: seconds(135),
    does: '4.1.12: image-pull-failed!',
  },
  {
    name: 'no room in an attempt is not blamed',
    facts: facts({ pods: [], state: watched }),
    after: seconds(135),
    does: '4.1.12: no-room',
  },
  {
    name: 'a trial without an answer is not blamed: the guard cannot know better',
    facts: facts({
      ...unready,
      state: { ...watched, trialFailure: { attemptId: 'attempt-1', kind: 'unreachable', message: 'ECONNREFUSED' } },
    }),
    after: seconds(135),
    does: '4.1.12: server-unreachable',
  },
  {
    name: 'a trial that was refused is',
    facts: facts({
      ...unready,
      state: { ...watched, trialFailure: { attemptId: 'attempt-1', kind: 'refused', message: '401' } },
    }),
    after: seconds(135),
    does: '4.1.12: trial-failed!',
  },
  { name: 'the new one is Ready in an attempt', facts: facts({ state: watched }), after: minutes(30), does: 'none' },
];

describe('the guard', () => {
  test.each(cases)('$name', ({ facts: seen, after, does, says }) => {
    const { actions, reasons } = decideGuard(seen, at(after));
    const text = actions.flatMap((action) => {
      if (action.kind === 'makeDeployment') return [`make ${action.release.version}`];
      const isTakingBack = action.kind === 'recordState' && action.change.kind === 'taking-back';
      if (!isTakingBack) return [];
      const { to, reason, isBlamed } = action.change.takingBack;
      return [`${to.version}: ${reason.code}${isBlamed ? '!' : ''}`];
    });
    expect(text.join(' ') || 'none').toBe(does);
    const codes = reasons.map(({ code }) => code);
    expect(codes).toEqual(says ?? codes);
  });

  test('records the reason before it touches the Deployment, and the end after it', () => {
    const { actions } = decideGuard(facts({ memory: three }), at(minutes(4)));
    expect(actions).toMatchObject([
      {
        kind: 'recordState',
        change: {
          kind: 'taking-back',
          takingBack: {
            reason: { exitCode: 1, lastLogLines: 'boom', message: 'The new agent exited 3 times within 10 min' },
          },
        },
      },
      { kind: 'takeBack', to: oldAgent, minReadySeconds: 0, resourceVersion: '1' },
      { kind: 'recordState', change: { kind: 'taken-back', release: newAgent } },
    ]);
  });

  const recorded: AgentState = {
    ...watched,
    takingBack: { release: newAgent, to: oldAgent, reason: { code: 'exited', message: 'x' }, isBlamed: true, at: t0 },
  };

  test('goes on with a take-back that was only recorded, after it gave the old agent its time', () => {
    expect(decideGuard(facts({ state: recorded }), at(seconds(14))).actions).toEqual([]);
    expect(decideGuard(facts({ state: recorded }), at(seconds(15))).actions).toMatchObject([
      { kind: 'takeBack', to: oldAgent },
      { kind: 'recordState' },
    ]);
  });

  test('only records the end of one that was applied', () => {
    const applied = facts({ state: recorded, deployment: deployment({ release: oldAgent }) });
    expect(decideGuard(applied, at(seconds(15))).actions).toEqual([
      { kind: 'recordState', change: { kind: 'taken-back', release: newAgent, at: at(seconds(15)) } },
    ]);
  });

  test('ends an attempt whose Deployment was deleted', () => {
    expect(decideGuard(facts({ deployment: undefined, state: watched }), t0).actions).toMatchObject([
      { kind: 'recordState', change: { kind: 'interrupted', reason: { code: 'deployment-deleted' } } },
      { kind: 'makeDeployment', release: oldAgent, minReadySeconds: 60 },
    ]);
  });
});

describe('what the guard remembers', () => {
  const seen = (...pods: readonly ObservedAgentPod[]) => ({ deployment: deployment({ release: newAgent }), pods });
  const crashed = (time: Instant) => agentPod('pod', newAgent, { lastEnd: end(time) });

  test('each end once, however often it is seen', () => {
    const once = rememberPods(emptyGuardMemory, seen(crashed(t0)), t0);
    const twice = rememberPods(once, seen(crashed(t0)), at(seconds(1)));
    expect(rememberPods(twice, seen(crashed(at(seconds(9)))), at(seconds(9))).ends).toHaveLength(2);
  });

  test('no end with the pod, and none older than the window', () => {
    expect(rememberPods(emptyGuardMemory, seen({ ...crashed(t0), isDeleting: true }), t0).ends).toEqual([]);
    expect(rememberPods(crashes(t0), seen(), at(minutes(10) + 1)).ends).toEqual([]);
  });

  test('since when none is Ready, without a gap in which the API server did not answer', () => {
    const first = rememberPods(emptyGuardMemory, seen(runsUnready), t0);
    expect(rememberPods(first, seen(runsUnready), at(seconds(9))).notReadySince).toBe(t0);
    expect(rememberPods(first, { ...seen(runsUnready), pods: 'unknown' }, at(seconds(9)))).not.toHaveProperty(
      'notReadySince',
    );
    expect(rememberPods(first, seen({ ...runsUnready, isReady: true }), at(seconds(9)))).not.toHaveProperty(
      'notReadySince',
    );
  });
});
