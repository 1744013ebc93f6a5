import { describe, expect, it } from 'vitest';
import { planChanges } from './plan-changes.ts';

const plan = (planId: string, version: string, nodes: readonly string[], deletes: readonly string[] = []) => ({
  planId,
  from: { version: '4.1.12', digest: '' },
  to: { version, digest: '' },
  summary: {
    sentences: ['The network moves.'],
    layersMoved: [],
    deletes: [...deletes],
    repaves: [...nodes],
    usualDurationSeconds: 60,
    downtime: 'possible' as const,
  },
  steps: [
    { id: 'control-planes', title: 'Replace control planes', nodes: [...nodes], state: 'waiting' as const },
    { id: 'pack:network/cilium', title: 'Apply cilium', nodes: [], state: 'waiting' as const },
  ],
});

describe('what is otherwise in another plan', () => {
  it('is nothing in the same one', () => {
    expect(planChanges(plan('one', '4.2.7', ['a']), plan('one', '4.2.7', ['a']))).toEqual([]);
  });
  it('is what is gone and what has come, and nothing that both have', () => {
    const seen = plan('one', '4.2.7', ['a'], ['Job kube-system/old']);
    expect(planChanges(seen, plan('two', '4.2.8', ['a', 'b']))).toEqual([
      { kind: 'no-longer', text: '4.1.12 → 4.2.7' },
      { kind: 'no-longer', text: 'Replace control planes: a' },
      { kind: 'no-longer', text: '− Job kube-system/old' },
      { kind: 'now', text: '4.1.12 → 4.2.8' },
      { kind: 'now', text: 'Replace control planes: a, b' },
    ]);
  });
});
