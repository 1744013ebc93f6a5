import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { acceptTarget, nextGeneration } from './generation.ts';

test.each([
  { name: 'a newer target is taken', stored: 3, offered: 4, answer: 'accept' },
  { name: 'the same one needs no write', stored: 3, offered: 3, answer: 'same' },
  { name: 'an older one is refused', stored: 3, offered: 2, answer: 'refuse' },
  { name: 'the first one is taken', stored: 0, offered: 1, answer: 'accept' },
])('$name', ({ stored, offered, answer }) => {
  expect(acceptTarget({ stored, offered })).toBe(answer);
});

test('a generation never falls, whatever order targets arrive in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), (offers) => {
      let stored = 0;
      for (const offered of offers) {
        const before = stored;
        if (acceptTarget({ stored, offered }) === 'accept') stored = offered;
        expect(stored).toBeGreaterThanOrEqual(before);
      }
      expect(stored).toBe(Math.max(0, ...offers));
    }),
  );
});

test('the next generation is always higher, and what is none is a bug', () => {
  fc.assert(
    fc.property(fc.nat(), (current) => {
      expect(nextGeneration(current)).toBe(current + 1);
    }),
  );
  expect(() => nextGeneration(-1)).toThrow('not a generation');
  expect(() => nextGeneration(Number.NaN)).toThrow('not a generation');
});
