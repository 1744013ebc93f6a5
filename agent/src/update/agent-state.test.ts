import type { AgentState } from '@gatehouse/domain/agent-update-types';
import { toInstant } from '@gatehouse/domain/instant';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import { describe, expect, test } from 'vitest';
import { createMapsInMemory } from '../cluster/maps-in-memory.ts';
import { agentStateChanges, parseAgentState } from './agent-state.ts';
import { changeAgentState } from './change-agent-state.ts';

function release(version: string, digit: string) {
  const parsed = parsePlatformVersion(version);
  if (parsed === undefined) throw new TypeError(version);
  return { version: parsed, digest: `sha256:${digit.repeat(64)}` };
}
const old = release('4.1.12', 'a');
const fresh = release('4.2.7', 'b');
const reason = {
  code: 'exited',
  message: 'The new agent exited at start',
  exitCode: 3,
  lastLogLines: 'no such setting',
};

const whole: AgentState = {
  attempt: {
    id: 'attempt-1',
    from: old,
    to: fresh,
    phase: 'taken-back',
    startedAt: toInstant(1_000),
    swappedAt: toInstant(2_000),
    interruptions: 2,
    endedAt: toInstant(3_000),
    reason,
    generation: 7,
    pullErrorSince: toInstant(1_500),
    readyAt: toInstant(2_500),
    excusedEnds: [toInstant(2_200), toInstant(2_300)],
  },
  good: [fresh, old],
  takenBack: [{ release: fresh, reason, at: toInstant(3_000), generation: 7 }],
  handOverNumber: 5,
  takingBack: { release: fresh, to: old, reason, isBlamed: true, at: toInstant(2_900) },
  trialFailure: { attemptId: 'attempt-1', kind: 'unreachable', message: 'no route to host' },
};
const empty: AgentState = { good: [], takenBack: [], handOverNumber: 0 };

const stored = (data: Readonly<Record<string, string>>) => ({ data, resourceVersion: '1' });

describe('the state of the agent', () => {
  test('an absent object is the empty state', () => {
    expect(parseAgentState(undefined)).toEqual(empty);
  });

  test('what is written is read again', async () => {
    const { cluster } = createMapsInMemory(() => 0);
    await changeAgentState(cluster, () => whole);
    const map = await cluster.readMap('state');
    expect(parseAgentState(map)).toEqual(whole);
    expect(map?.data['attempt']).toContain('"swappedAt":"1970-01-01T00:00:02.000Z"');
  });

  test('what goes is removed, and what stays is not written', async () => {
    const { cluster } = createMapsInMemory(() => 0);
    await changeAgentState(cluster, () => whole);
    const map = await cluster.readMap('state');
    const { attempt: _, takingBack: __, trialFailure: ___, ...rest } = whole;
    expect(agentStateChanges(map, rest)).toEqual({ attempt: null, takingBack: null, trialFailure: null });
    expect(agentStateChanges(map, whole)).toEqual({});
  });

  test('an entry that is not understood is left out and left alone', () => {
    const map = stored({
      attempt: '{"id":"x","phase":"levitating"}',
      good: 'nonsense',
      handOverNumber: '-1',
      other: '1',
    });
    expect(parseAgentState(map)).toEqual(empty);
    expect(agentStateChanges(map, { ...empty, handOverNumber: 1 })).toEqual({ handOverNumber: '1' });
  });

  test('fields that only a newer agent knows stay in the attempt', async () => {
    const { cluster } = createMapsInMemory(() => 0);
    await changeAgentState(cluster, () => whole);
    const map = await cluster.readMap('state');
    const newer = JSON.stringify({ ...(JSON.parse(map?.data['attempt'] ?? '') as object), mood: 'good' });
    await cluster.writeMap('state', { attempt: newer }, map?.resourceVersion);
    await changeAgentState(cluster, (state) =>
      state.attempt === undefined ? state : { ...state, attempt: { ...state.attempt, phase: 'settled' } },
    );
    const after = JSON.parse((await cluster.readMap('state'))?.data['attempt'] ?? '') as unknown;
    expect(after).toMatchObject({ phase: 'settled', mood: 'good', generation: 7 });
  });
});
