import { addMilliseconds, hours, minutes, seconds, toInstant } from '@gatehouse/domain/instant';
import { expect, test } from 'vitest';
import { withSteadyTime } from './steady-cluster-time.ts';

const start = toInstant(1_800_000_000_000);
const day = hours(24);

function world() {
  const at = { passed: 0, off: 0 };
  const said: string[] = [];
  const cluster = {
    now: () => Promise.resolve(addMilliseconds(start, at.passed + at.off)),
    name: () => 'site-a',
  };
  const steady = withSteadyTime(cluster, { monotonic: () => at.passed }, (_level, event, fields) => {
    said.push(`${event}: ${String(fields?.['what'])}, ${String(fields?.['message'])}`);
  });
  return { at, said, steady };
}

test.each([
  ['a day ahead', day],
  ['a day behind', -day],
  ['ten years ahead', 3652 * day],
])('set %s in the middle of an update, the clock moves no deadline of it, and is said once', async (_name, off) => {
  const { at, said, steady } = world();
  const swappedAt = await steady.now();
  at.passed = seconds(30);
  at.off = off;
  expect((await steady.now()) - swappedAt).toBe(seconds(30));
  at.passed = seconds(210);
  expect((await steady.now()) - swappedAt).toBe(seconds(210));
  expect(said).toEqual([expect.stringContaining('clock: jumped')]);
  // What is true for good is believed, after every deadline of the update.
  at.passed = seconds(30) + minutes(5);
  expect((await steady.now()) - start).toBe(at.passed + off);
});

test('time is read in whole milliseconds, as it is written, and never goes back', async () => {
  const { at, steady } = world();
  const read: number[] = [];
  for (const passed of [0.2, 0.7, 1.1, 1.999, 2]) {
    at.passed = passed;
    read.push((await steady.now()) - start);
  }
  expect(read).toEqual([0, 0, 1, 1, 2]);
});

test('everything else is the cluster as it is', () => {
  expect(world().steady.name()).toBe('site-a');
});
