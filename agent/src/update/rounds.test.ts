import { expect, test } from 'vitest';
import { createRounds } from './rounds.ts';

test('a loop is stuck when one of its rounds takes too long, and no longer when it has come round', async () => {
  let now = 0;
  const rounds = createRounds({ monotonic: () => now }, 1_000);
  const { promise, resolve } = Promise.withResolvers<void>();
  const looking = rounds.of('look', () => promise);
  expect(await rounds.of('poll', async () => 'polled')).toBe('polled');
  now = 1_000;
  expect(rounds.stuck()).toBeUndefined();
  now = 1_001;
  expect(rounds.stuck()).toBe('look');
  resolve();
  await looking;
  expect(rounds.stuck()).toBeUndefined();
});

test('a round that fails has come round, and its error is passed on', async () => {
  let now = 0;
  const rounds = createRounds({ monotonic: () => now }, 1_000);
  await expect(rounds.of('poll', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  now = 10_000;
  expect(rounds.stuck()).toBeUndefined();
});

test('a round in which something ends now and then is not stuck, however long it takes; another one is', async () => {
  let now = 0;
  const rounds = createRounds({ monotonic: () => now }, 1_000);
  const answers = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  let asked = 0;
  const door = rounds.steps({
    read: async () => {
      asked += 1;
      return answers[asked - 1]?.promise;
    },
    inner: { fail: async () => Promise.reject(new Error('no')) },
  });
  const hanging = Promise.withResolvers<void>();
  const polling = rounds.of('poll', () => hanging.promise);
  const looking = rounds.of('look', async () => {
    await door.read();
    await door.inner.fail().catch(() => undefined);
    await door.read();
    await door.read();
  });
  for (const { resolve } of answers.slice(0, 2)) {
    now += 900;
    resolve();
    await new Promise(setImmediate);
  }
  expect(rounds.stuck()).toBe('poll');
  hanging.resolve();
  await polling;
  expect(rounds.stuck()).toBeUndefined();
  now += 1_001;
  expect(rounds.stuck()).toBe('look');
  answers[2]?.resolve();
  await looking;
  expect(rounds.stuck()).toBeUndefined();
});

test('what others do at the same door is no step of a round', async () => {
  let now = 0;
  const rounds = createRounds({ monotonic: () => now }, 1_000);
  const door = rounds.steps({ read: async () => 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const looking = rounds.of('look', () => promise);
  now = 1_001;
  await door.read();
  expect(rounds.stuck()).toBe('look');
  resolve();
  await looking;
});
