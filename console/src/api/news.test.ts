import { expect, test } from 'vitest';
import { createNews } from './news.ts';

interface Look {
  end(): Promise<void>;
  fail(): Promise<void>;
}

function world() {
  const looks: Look[] = [];
  const timers = new Set<() => void>();
  const settle = async (act: () => void) => {
    act();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const news = createNews({
    lookAgain: () =>
      new Promise((resolve, reject) => {
        looks.push({ end: () => settle(resolve), fail: () => settle(() => reject(new Error('no answer'))) });
      }),
    after: (_milliseconds, act) => {
      timers.add(act);
      return () => timers.delete(act);
    },
  });
  return { news, looks, timers };
}

test('the first news is looked at once; what comes meanwhile leads to one more look, after it', async () => {
  const { news, looks } = world();
  for (let times = 0; times < 5; times += 1) news();
  expect(looks).toHaveLength(1);
  await looks[0]?.end();
  expect(looks).toHaveLength(2);
  await looks[1]?.end();
  expect(looks).toHaveLength(2);
  news();
  expect(looks).toHaveLength(3);
});

test('a look that fails is over too', async () => {
  const { news, looks, timers } = world();
  news();
  await looks[0]?.fail();
  expect(timers.size).toBe(0);
  news();
  expect(looks).toHaveLength(2);
});

test('a look that never ends is not waited for, and its late end is none of the next one', async () => {
  const { news, looks, timers } = world();
  news();
  news();
  const [patienceIsOver] = timers;
  patienceIsOver?.();
  expect(looks).toHaveLength(2);
  news();
  await looks[0]?.end();
  expect(looks).toHaveLength(2);
  await looks[1]?.end();
  expect(looks).toHaveLength(3);
});
