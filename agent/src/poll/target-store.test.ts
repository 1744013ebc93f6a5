import type { Target } from '@gatehouse/contract/agent-api';
import { generationJumpMax } from '@gatehouse/domain/generation';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMapsInMemory, type MapsInMemory } from '../cluster/maps-in-memory.ts';
import { readTarget, storeTarget, unknownFields } from './target-store.ts';

const settings = { controlPlanes: 3, workers: 0 };
const digest = `sha256:${'a'.repeat(64)}`;
const agent = { release: '4.2.7', version: '4.2.7', digest, isRetried: false };
const has: Target = { generation: 7, agent, settings };

let world: MapsInMemory;

beforeEach(async () => {
  world = createMapsInMemory(() => 0);
  await storeTarget(world.cluster, has);
});

describe('of what a control plane sends', () => {
  test.each([
    ['the next one is stored', { ...has, generation: 8 }, 'stored'],
    ['one after some that were missed is stored', { ...has, generation: 7 + generationJumpMax }, 'stored'],
    ['the same one again is no news', has, 'same'],
    ['the same one in another order of fields is no news', { settings, agent, generation: 7 }, 'same'],
    ['an older one is refused', { ...has, generation: 6 }, 'target-older'],
    ['the same number with another agent is refused', { generation: 7, settings }, 'target-changed'],
    ['one more than it can count to is refused', { ...has, generation: 8 + generationJumpMax }, 'target-too-far-ahead'],
    ['the last number there is is refused', { ...has, generation: Number.MAX_SAFE_INTEGER }, 'target-too-far-ahead'],
    ['one that no map can keep is refused', { ...has, generation: 8, more: 'x'.repeat(400_000) }, 'target-too-large'],
  ] as const)('%s', async (_, offered, answer) => {
    const stored = await storeTarget(world.cluster, offered);
    expect(stored.kind === 'refused' ? stored.reason.code : stored.kind).toBe(answer);
    const isTaken = answer === 'stored';
    expect((await readTarget(world.cluster))?.generation).toBe(isTaken ? offered.generation : 7);
    expect((await readTarget(world.cluster))?.agent?.digest).toBe(digest);
  });
});

describe('fields that this agent knows nothing of', () => {
  const named = (more: string): readonly string[] =>
    unknownFields(JSON.parse(`{"generation":1,"settings":{"controlPlanes":1,"workers":0},${more}}`) as Target);

  test('are named with their place', () => {
    expect(named('"agent":{"release":"1.0.0","image":"x"},"image":"y"')).toEqual(['agent.image', 'image']);
    expect(named('"profileUpdate":{"steps":[{"id":"a","manifest":{}},{"id":"b","manifest":{}}]}')).toEqual([
      'profileUpdate.steps.manifest',
    ]);
  });

  test('whatever they are called', () => {
    expect(named('"__proto__":{"agent":{}},"constructor":1')).toEqual(['__proto__', 'constructor']);
  });

  test('up to a number and a length', () => {
    const many = Array.from({ length: 500 }, (_, index) => `"${'f'.repeat(5000)}${index}":1`).join(',');
    const fields = named(many);
    expect(fields.length).toBeLessThanOrEqual(20);
    expect(fields.join('').length).toBeLessThan(2000);
  });

  test('there are none in a target of this version', () => {
    expect(unknownFields(has)).toEqual([]);
  });
});
