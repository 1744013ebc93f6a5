import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Move, type ProfileWorld, rolling, startProfileWorld } from './testing/profile-world.ts';

const anyMove: fc.Arbitrary<Move> = fc.record({
  version: fc.constantFrom('1.33.5', '1.33.6', '1.34.1'),
  os: fc.constantFrom('one', 'two'),
  controlPlanes: fc.constantFrom(1 as const, 3 as const),
  workers: fc.nat(2),
  packs: fc.subarray(['a', 'b', 'c']),
});
const anyDisturbance = fc.constantFrom(
  'none',
  'none',
  'none',
  'unknown',
  'crash before',
  'crash after',
  'pause',
  'resume',
  'nothing moves',
);

test('whatever comes in between, it completes, with one milestone, never two sets of nodes at once', () => {
  fc.assert(
    fc.property(anyMove, fc.array(anyDisturbance, { maxLength: 60 }), (move, disturbances) => {
      const world = startProfileWorld(move);
      const milestones = new Set<number>();
      const look = (more: Parameters<ProfileWorld['look']>[0]) => {
        const { progress, actions } = world.look(more);
        expect(actions.filter(({ kind }) => rolling.includes(kind)).length).toBeLessThanOrEqual(1);
        const kept = world.progress()?.controlPlanesUpdatedAt;
        if (kept !== undefined) milestones.add(kept);
        return progress.phase;
      };
      for (const disturbance of disturbances) {
        if (disturbance === 'pause' || disturbance === 'resume') world.cluster.setPaused(disturbance === 'pause');
        else if (disturbance === 'unknown') look({ seen: 'unknown' });
        else if (disturbance === 'crash before') look({ crash: 'before' });
        else if (disturbance === 'crash after') look({ crash: 'after' });
        else if (disturbance === 'none') look({});
        else world.decide();
      }
      world.cluster.setPaused(false);
      let looks = 0;
      while (look({}) !== 'completed') {
        looks += 1;
        expect(looks).toBeLessThan(100);
      }
      expect(milestones.size).toBe(1);
      expect(world.cluster.violations).toEqual([]);
      expect(world.cluster.observe()).toMatchObject({
        topologyVersion: move.version,
        topologyVariables: { osImage: move.os },
        controlPlaneOverrides: {},
      });
    }),
    { numRuns: 300 },
  );
});
