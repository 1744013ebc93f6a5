import { toInstant } from '@gatehouse/domain/instant';
import { productionTimings } from '@gatehouse/domain/timings';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMapsInMemory, type MapsInMemory } from '../cluster/maps-in-memory.ts';
import { createVirtualClock, type VirtualClock } from '../cluster/simulated/virtual-clock.ts';
import { withSteadyTime } from '../cluster/steady-cluster-time.ts';
import { createLeaseKeeper, type LeaseKeeper } from './lease.ts';

describe('the Lease', () => {
  let clock: VirtualClock;
  let world: MapsInMemory;
  const keeper = (pod: string): LeaseKeeper => createLeaseKeeper(world.cluster, pod, clock, productionTimings.lease);

  beforeEach(() => {
    clock = createVirtualClock(toInstant(1_000_000));
    world = createMapsInMemory(() => clock.wall());
  });

  test('is taken by the first and not by the second', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    expect(await a.take()).toBe('taken');
    expect(await b.take()).toBe('held-by-another');
    expect([a.mayAct(), b.mayAct()]).toEqual([true, false]);
  });

  test('belongs to a process, not to a pod: a restarted container is another holder', async () => {
    await keeper('a').take();
    const restarted = keeper('a');
    expect(await restarted.take()).toBe('held-by-another');
    await clock.advance(15_000);
    expect(await restarted.take()).toBe('taken');
  });

  test('passes on as soon as it is emptied, and the one that emptied it does nothing more', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    await a.take();
    await a.release();
    expect(a.mayAct()).toBe(false);
    expect(await b.take()).toBe('taken');
  });

  test('the hand-over number rises with each taking, also after the Lease was deleted', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    await a.take();
    const first = a.handOverNumber();
    await a.release();
    await b.take();
    expect(b.handOverNumber()).toBe(first + 1);
    world.deleteLease();
    await b.renew();
    expect(b.handOverNumber()).toBe(first + 2);
  });

  test('stays with its holder when somebody deletes it: nobody else takes a missing one before its duration is over', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    await a.take();
    world.deleteLease();
    expect(await b.take()).toBe('held-by-another');
    await clock.advance(5_000);
    await a.renew();
    expect([a.mayAct(), await b.take()]).toEqual([true, 'held-by-another']);
    await clock.advance(5_000);
    await a.renew();
    expect(a.mayAct()).toBe(true);
  });

  test('that was deleted with its holder passes on after its duration', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    await a.take();
    world.deleteLease();
    await b.take();
    await clock.advance(14_999);
    expect(await b.take()).toBe('held-by-another');
    await clock.advance(1);
    expect(await b.take()).toBe('taken');
    expect(b.handOverNumber()).toBeGreaterThan(a.handOverNumber());
    await a.renew();
    expect([a.isHeld(), b.mayAct()]).toEqual([false, true]);
  });

  test('that was deleted and taken meanwhile is not made anew by the one that had it', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    await a.take();
    world.deleteLease();
    await b.take();
    await clock.advance(15_000);
    world.breakOff(1, 'after');
    await expect(b.take()).rejects.toThrow('broken off');
    world.setUnreachable(false);
    await a.renew();
    expect([a.isHeld(), b.isHeld()]).toEqual([false, true]);
  });

  test('the hand-over number does not fall when everything in the gateway was deleted', async () => {
    const a = keeper('a');
    await a.take();
    const last = a.handOverNumber();
    await clock.advance(1_000);
    world = createMapsInMemory(() => clock.wall());
    const anew = keeper('a');
    await anew.take();
    expect(anew.handOverNumber()).toBeGreaterThan(last);
  });

  test('a renewal does not raise the number', async () => {
    const a = keeper('a');
    await a.take();
    const number = a.handOverNumber();
    await clock.advance(5_000);
    await a.renew();
    expect(a.handOverNumber()).toBe(number);
  });

  test('is not taken from one who renews it', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    await a.take();
    for (let renewals = 0; renewals < 10; renewals += 1) {
      await clock.advance(5_000);
      await a.renew();
      expect(await b.take()).toBe('held-by-another');
    }
  });

  test('is taken when nobody has renewed it for its duration since it was first seen', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    await a.take();
    await b.take();
    await clock.advance(14_999);
    expect(await b.take()).toBe('held-by-another');
    await clock.advance(1);
    expect(await b.take()).toBe('taken');
  });

  test('a new process waits only until a holder could not act any more, when the stamps say that it has run out', async () => {
    await keeper('a').take();
    await clock.advance(60_000);
    const b = keeper('b');
    expect(await b.take()).toBe('held-by-another');
    await clock.advance(10_000);
    expect(await b.take()).toBe('held-by-another');
    await clock.advance(1);
    expect(await b.take()).toBe('taken');
  });

  test.each([
    ['a day back', -86_400_000],
    ['ten years back', -3_652 * 86_400_000],
    ['a day ahead', 86_400_000],
  ])('is not taken from one who renews it when the clock is set %s, and its time passes as ever', async (_name, by) => {
    let off = 0;
    world = createMapsInMemory(() => clock.wall() + off);
    const steady = () => withSteadyTime(world.cluster, clock, () => undefined);
    const a = createLeaseKeeper(steady(), 'a', clock, productionTimings.lease);
    const b = createLeaseKeeper(steady(), 'b', clock, productionTimings.lease);
    await a.take();
    expect(await b.take()).toBe('held-by-another');
    off = by;
    for (let renewals = 0; renewals < 100; renewals += 1) {
      await clock.advance(5_000);
      await a.renew();
      expect([await b.take(), a.mayAct(), b.mayAct()]).toEqual(['held-by-another', true, false]);
    }
    await clock.advance(14_999);
    expect(await b.take()).toBe('held-by-another');
    await clock.advance(1);
    expect([await b.take(), a.mayAct()]).toEqual(['taken', false]);
  });

  test('a process that was frozen does nothing when it wakes', async () => {
    const [a, b] = [keeper('a'), keeper('b')];
    await a.take();
    await b.take();
    await clock.advance(10_001);
    expect(a.mayAct()).toBe(false);
    await clock.advance(5_000);
    await b.take();
    await a.renew();
    expect([a.mayAct(), a.isHeld(), b.mayAct()]).toEqual([false, false, true]);
  });

  test('acts again when a renewal succeeds late and nobody took it', async () => {
    const a = keeper('a');
    await a.take();
    await clock.advance(12_000);
    expect(a.mayAct()).toBe(false);
    await a.renew();
    expect(a.mayAct()).toBe(true);
  });

  test('is overdue when it could not be renewed for its duration', async () => {
    const a = keeper('a');
    await a.take();
    world.setUnreachable(true);
    await clock.advance(15_001);
    await expect(a.renew()).rejects.toThrow('does not answer');
    expect([a.isHeld(), a.isOverdue(), a.mayAct()]).toEqual([true, true, false]);
  });

  test('stays ours when the answer to a renewal was lost', async () => {
    const a = keeper('a');
    await a.take();
    world.breakOff(0, 'after');
    await expect(a.renew()).rejects.toThrow('broken off');
    world.setUnreachable(false);
    await a.renew();
    expect(a.isHeld()).toBe(true);
    await a.renew();
    expect(a.mayAct()).toBe(true);
  });

  test('nothing is done before the number is raised, and the next renewal raises it', async () => {
    const a = keeper('a');
    world.breakOff(1, 'before');
    await expect(a.take()).rejects.toThrow('broken off');
    expect([a.isHeld(), a.mayAct()]).toEqual([true, false]);
    world.setUnreachable(false);
    await a.renew();
    expect(a.mayAct()).toBe(true);
    expect(a.handOverNumber()).toBeGreaterThan(0);
  });
});
