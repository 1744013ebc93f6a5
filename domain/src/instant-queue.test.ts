import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Instant, toInstant } from './instant.ts';
import { createInstantQueue } from './instant-queue.ts';

interface Entry {
  readonly at: Instant;
  readonly item: number;
}
const isInOrder = (before: Entry | undefined, { at, item }: Entry): boolean =>
  before === undefined || before.at < at || (before.at === at && before.item <= item);

test('gives what was added by time, and what is at one time in the order of the items', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(1000))), (added) => {
      const queue = createInstantQueue();
      const entries = added.map(([at, item]) => ({ at: toInstant(at), item }));
      for (const { at, item } of entries) queue.add(at, item);
      const taken: Entry[] = [];
      for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next);
      expect(taken).toHaveLength(entries.length);
      expect(entries.every((entry) => taken.some(({ at, item }) => at === entry.at && item === entry.item))).toBe(true);
      expect(taken.every(({ at, item }, index) => isInOrder(taken[index - 1], { at, item }))).toBe(true);
      expect(queue.nextAt()).toBeUndefined();
    }),
  );
});

test('the earliest is known while others come and go', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(50), { nil: undefined })), (acts) => {
      const queue = createInstantQueue();
      let model: number[] = [];
      for (const [item, at] of acts.entries()) {
        if (at === undefined) queue.take();
        else queue.add(toInstant(at), item);
        model =
          at === undefined
            ? model.slice(1)
            : [...model.filter((each) => each <= at), at, ...model.filter((each) => each > at)];
        expect(queue.nextAt()).toBe(model[0]);
      }
    }),
  );
});
