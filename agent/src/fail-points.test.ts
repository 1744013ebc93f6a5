import type { FailPoints } from '@gatehouse/release/fail-point';
import { describe, expect, it } from 'vitest';
import { createMapsInMemory } from './cluster/maps-in-memory.ts';
import { agentFailPointNames, failingDoors, readFailingDoors } from './fail-points.ts';

/** Throws at one place and notes the places that are passed. */
function throwingAt(place: string): { readonly points: FailPoints; readonly passed: readonly string[] } {
  const passed: string[] = [];
  const reach = async (name: string): Promise<void> => {
    if (!agentFailPointNames.includes(name)) throw new Error(`${name} is in no list`);
    passed.push(name);
    if (name === place) throw new Error(`stopped at ${place}`);
  };
  return { points: { reach }, passed };
}

describe('the doors of the agent', () => {
  it('are what they were without fail points', () => {
    const { cluster } = createMapsInMemory(() => 0);
    expect(readFailingDoors({}, 'agent').agentCluster(cluster)).toBe(cluster);
  });

  it.each([
    ['agent.writeMap.state.before', undefined],
    ['agent.writeMap.state.after', { phase: 'swapping' }],
  ])('stopped at %s, the map then holds %j', async (place, data) => {
    const { cluster } = createMapsInMemory(() => 0);
    const { points, passed } = throwingAt(place);
    const { readMap, writeMap } = cluster;
    const door = failingDoors(points, 'agent').agentCluster({ ...cluster, readMap, writeMap });
    await expect(door.writeMap('state', { phase: 'swapping' }, undefined)).rejects.toThrow(`stopped at ${place}`);
    expect((await door.readMap('state'))?.data).toEqual(data);
    expect(passed.at(-1)).toBe(place);
  });

  it('a name that there is not is refused with those that are near', () => {
    const environment = { GATEHOUSE_FAIL_POINTS: 'guard.swap.before=kill', NODE_ENV: 'test' };
    expect(() => readFailingDoors(environment, 'guard')).toThrow(
      'There are: guard.writeMap.state.before, guard.writeMap.state.after, guard.applyDeployment.before',
    );
  });
});
