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
