import { describe, expect, test } from 'vitest';
import { type AgentStateChange, changeState } from './agent-state.ts';
import type { AgentState, TakingBack } from './agent-update-types.ts';
import { agent, at, attempt, emptyState, newAgent, oldAgent, t0 } from './testing/facts.ts';

const reason = { code: 'exited', message: 'x' };
const takingBack: TakingBack = { release: newAgent, to: oldAgent, reason, isBlamed: true, at: t0 };
const watching: AgentState = { ...emptyState, good: [oldAgent], attempt: attempt({ swappedAt: t0, generation: 4 }) };
const begin: AgentStateChange = { kind: 'begin', attempt: attempt({ id: 'next', phase: 'rehearsing' }), forget: false };

describe('a change that no longer fits changes nothing', () => {
  test.each<{ name: string; state: AgentState; change: AgentStateChange }>([
    { name: 'a second attempt while one runs', state: watching, change: begin },
    { name: 'an attempt while one is taken back', state: { ...emptyState, takingBack }, change: begin },
    { name: 'of another attempt', state: watching, change: { kind: 'settled', attemptId: 'other', at: t0 } },
    {
      name: 'of an attempt that has ended',
      state: { ...watching, attempt: attempt({ phase: 'settled' }) },
      change: { kind: 'interrupted', attemptId: 'attempt-1', reason, at: t0 },
    },
    {
      name: 'settled while it is taken back',
      state: { ...watching, takingBack },
      change: { kind: 'settled', attemptId: 'attempt-1', at: t0 },
    },
    {
      name: 'the end of a take-back that is not on its way',
      state: watching,
      change: { kind: 'taken-back', release: newAgent, at: t0 },
    },
    {
      name: 'a second take-back',
      state: { ...watching, takingBack },
      change: { kind: 'taking-back', takingBack: { ...takingBack, isBlamed: false } },
    },
    {
      name: 'a second time of being Ready',
      state: { ...watching, attempt: attempt({ readyAt: t0 }) },
      change: { kind: 'ready', attemptId: 'attempt-1', at: at(1) },
    },
    { name: 'what is good already', state: watching, change: { kind: 'good', release: oldAgent } },
  ])('$name', ({ state, change }) => {
    expect(changeState(state, change)).toEqual(state);
  });
});

describe('a take-back', () => {
  test('that is blamed is remembered with its generation, and is not good any more', () => {
    const before: AgentState = { ...watching, takingBack, good: [newAgent, oldAgent] };
    const after = changeState(before, { kind: 'taken-back', release: newAgent, at: at(5) });
    expect(after).toEqual({
      ...emptyState,
      good: [oldAgent],
      attempt: { ...watching.attempt, phase: 'taken-back', endedAt: at(5), reason },
      takenBack: [{ release: newAgent, reason, at: at(5), generation: 4 }],
    });
  });

  test('that is not blamed counts as an interruption', () => {
    const before: AgentState = { ...watching, takingBack: { ...takingBack, isBlamed: false } };
    const after = changeState(before, { kind: 'taken-back', release: newAgent, at: at(5) });
    expect(after).toMatchObject({
      attempt: { phase: 'interrupted', interruptions: 1 },
      takenBack: [],
      good: [oldAgent],
    });
    expect(after).not.toHaveProperty('takingBack');
  });

  test('long after the attempt was settled changes the attempt too', () => {
    const before: AgentState = { ...watching, attempt: attempt({ phase: 'settled' }), takingBack };
    expect(changeState(before, { kind: 'taken-back', release: newAgent, at: at(5) }).attempt?.phase).toBe('taken-back');
  });
});

test('two are remembered as good, newest first, each once', () => {
  const [a, b, c] = [agent('4.0.0'), agent('4.1.0'), agent('4.2.0')];
  const good = [a, b, c, b].reduce((state, release) => changeState(state, { kind: 'good', release }), emptyState);
  expect(good.good).toEqual([b, c]);
});

test('twenty take-backs are remembered, each version once, the newest last', () => {
  let state = emptyState;
  for (let count = 0; count < 30; count += 1) {
    const release = agent(`4.2.${count}`);
    state = changeState(state, { kind: 'taking-back', takingBack: { ...takingBack, release } });
    state = changeState(state, { kind: 'taken-back', release, at: at(count) });
  }
  expect(state.takenBack).toHaveLength(20);
  expect(state.takenBack.at(-1)?.release.version).toBe('4.2.29');
});

test('a retry forgets that the version was taken back, and that alone', () => {
  const other = { release: agent('4.0.0'), reason, at: t0 };
  const before: AgentState = {
    ...emptyState,
    takenBack: [other, { release: newAgent, reason, at: t0 }],
    trialFailure: { attemptId: 'old', kind: 'refused', message: 'no' },
  };
  const after = changeState(before, { ...begin, forget: true });
  expect(after.takenBack).toEqual([other]);
  expect(after).not.toHaveProperty('trialFailure');
  expect(changeState(before, begin).takenBack).toHaveLength(2);
});

test('fields that this version does not know are kept', () => {
  const newer = { ...watching, attempt: { ...attempt(), writtenByNewer: 1 } };
  expect(changeState(newer, { kind: 'ready', attemptId: 'attempt-1', at: t0 }).attempt).toHaveProperty(
    'writtenByNewer',
    1,
  );
});
