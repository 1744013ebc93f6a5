import { describe, expect, test } from 'vitest';
import { nextAgentUpdateActions } from './agent-protocol.ts';
import { isOfAnotherTime, withoutFutureStamps } from './future-stamps.ts';
import { decideGuard } from './guard.ts';
import { emptyGuardMemory, rememberPods } from './guard-memory.ts';
import { addMilliseconds, hours, minutes, seconds } from './instant.ts';
import { agentPod, at, attempt, deployment, emptyState, newAgent, oldAgent, t0 } from './testing/facts.ts';

const looking = { now: t0, since: at(-minutes(10)) };
/** By the clock before it was set back. */
const before = at(hours(24));

test.each([
  ['now', t0, false],
  ['within the margin', at(minutes(1)), false],
  ['beyond it', at(minutes(1) + 1), true],
])('a stamp %s is of another time: %s', (_name, stamp, expected) => {
  expect(isOfAnotherTime(stamp, t0)).toBe(expected);
});

test('what lies in the future began when whoever looks began to look; everything else stays', () => {
  const pod = agentPod('pod', oldAgent, { isReady: true, createdAt: before, runningSince: before, readySince: before });
  const plain = agentPod('pod', oldAgent, {
    isReady: true,
    createdAt: at(-5),
    runningSince: at(-4),
    readySince: at(-3),
  });
  const running = attempt({ phase: 'watching', startedAt: at(-9), swappedAt: before });
  const state = { ...emptyState, attempt: running };
  expect(withoutFutureStamps({ state, pods: [pod, plain] }, looking)).toEqual({
    state: { ...state, attempt: { ...running, swappedAt: looking.since } },
    pods: [{ ...pod, createdAt: looking.since, runningSince: looking.since, readySince: looking.since }, plain],
  });
  expect(withoutFutureStamps({ state: emptyState, pods: [] }, looking)).toEqual({ state: emptyState, pods: [] });
});

describe('after a clock was set back by a day', () => {
  const facts = {
    me: { podName: 'pod', release: oldAgent, startedAt: at(-minutes(10)), isStopping: false, isTrialPending: false },
    isHolder: true,
    mayAct: true,
    isServerReachable: true,
    isProfileUpdateConfirmed: false,
    verification: { digest: newAgent.digest },
    target: { agent: newAgent, isRetried: false, generation: 5 },
    state: { ...emptyState, good: [oldAgent] },
    deployment: deployment(),
    pods: [agentPod('pod', oldAgent, { isReady: true, readySince: before })],
    rehearsal: undefined,
    lease: 'unknown' as const,
    newAttemptId: 'attempt-1',
  };

  test('an agent that has been Ready since tomorrow begins its update, and not in a day', () => {
    const { actions, holds } = nextAgentUpdateActions(facts, t0);
    expect(holds).toEqual([]);
    expect(actions[0]).toMatchObject({ kind: 'recordState', change: { kind: 'begin' } });
  });

  test('a new agent that hangs is taken back in its time, by the old one and by the guard', () => {
    const state = { ...facts.state, attempt: attempt({ phase: 'watching', startedAt: before, swappedAt: before }) };
    const hanging = agentPod('new', newAgent, { createdAt: before, runningSince: before });
    const seen = { ...facts, state, deployment: deployment({ release: newAgent }), pods: [...facts.pods, hanging] };
    expect(nextAgentUpdateActions(seen, t0).actions).toMatchObject([
      { kind: 'recordState', change: { kind: 'taking-back', takingBack: { reason: { code: 'not-ready' } } } },
      { kind: 'takeBack' },
      { kind: 'recordState' },
    ]);
    const guard = { ownRelease: oldAgent, startedAt: at(-minutes(10)), memory: emptyGuardMemory };
    const guarded = { ...guard, state, deployment: seen.deployment, pods: [hanging] };
    expect(decideGuard(guarded, t0).actions).toMatchObject([{ kind: 'recordState' }, { kind: 'takeBack' }, {}]);
  });

  test('the guard goes on with what was to be taken back tomorrow', () => {
    const takingBack = {
      release: newAgent,
      to: oldAgent,
      reason: { code: 'exited', message: 'x' },
      isBlamed: true,
      at: before,
    };
    const state = { ...facts.state, takingBack };
    const guard = { ownRelease: oldAgent, startedAt: t0, memory: emptyGuardMemory, state, pods: [] };
    const decision = decideGuard({ ...guard, deployment: deployment({ release: newAgent }) }, t0);
    expect(decision.actions).toMatchObject([{ kind: 'takeBack' }, { kind: 'recordState' }]);
  });

  test('what the guard sees unready counts from now on', () => {
    const hanging = agentPod('new', newAgent, { createdAt: t0, runningSince: t0 });
    const seen = { deployment: deployment({ release: newAgent }), pods: [hanging] };
    const memory = rememberPods({ ends: [], notReadySince: before }, seen, t0);
    expect(memory.notReadySince).toBe(t0);
    expect(rememberPods(memory, seen, addMilliseconds(t0, seconds(5))).notReadySince).toBe(t0);
  });
});
