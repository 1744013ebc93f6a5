import type { Gateway, ProfileUpdate } from '@gatehouse/contract/operator-types';
import { describe, expect, it } from 'vitest';
import { nodePart, repaveProgress } from './repave-progress.ts';

const node = (name: string, role = 'control-plane'): Gateway['nodes'][number] => ({
  name,
  role,
  kubernetesVersion: '1.27.11',
  ready: 'true',
  createdAt: '2026-07-01T09:00:00Z',
});
const step = (id: string, nodes: readonly string[]): ProfileUpdate['steps'][number] => ({
  id,
  title: id,
  nodes: [...nodes],
  state: 'running',
});

describe('a step that replaces nodes', () => {
  it('is as far as the nodes it found are gone', () => {
    const nodes = [node('b'), node('c'), node('x'), node('w', 'worker')];
    expect(repaveProgress(step('control-planes', ['a', 'b', 'c']), nodes)).toEqual({
      total: 3,
      replaced: 1,
      left: ['b', 'c'],
      fresh: [node('x')],
    });
  });
  it('counts the workers apart', () => {
    const nodes = [node('a'), node('v', 'worker')];
    expect(repaveProgress(step('workers', ['w']), nodes)).toMatchObject({ replaced: 1, fresh: [{ name: 'v' }] });
  });
  it('is none where it replaces nothing', () => {
    expect(repaveProgress(step('pack:network/cilium', []), [node('a')])).toBeUndefined();
  });
});

describe('a node in an update', () => {
  const update = { steps: [step('control-planes', ['a']), step('workers', [])] };
  it.each([
    ['will be replaced while it is one that the plan found', node('a'), update, 'will-be-replaced'],
    ['is new when the plan did not find it', node('x'), update, 'new'],
    ['stays when its role is not replaced', node('w', 'worker'), update, 'stays'],
    ['has no part while there is no update', node('a'), undefined, undefined],
  ] as const)('%s', (_name, one, of, part) => {
    expect(nodePart(one, of)).toBe(part);
  });
});
