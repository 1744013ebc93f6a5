import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { acceptTarget, generationJumpMax, nextGeneration } from './generation.ts';

test.each([
  { name: 'a newer target is taken', stored: 3, offered: 4, answer: 'accept' },
  { name: 'the same one needs no write', stored: 3, offered: 3, answer: 'same' },
  { name: 'an older one is refused', stored: 3, offered: 2, answer: 'older' },
  { name: 'the first one is taken', stored: 0, offered: 1, answer: 'accept' },
  { name: 'some may have been missed', stored: 3, offered: 3 + generationJumpMax, answer: 'accept' },
  { name: 'one that is too far ahead is refused', stored: 3, offered: 4 + generationJumpMax, answer: 'too-far' },
  { name: 'the last number there is is refused', stored: 3, offered: Number.MAX_SAFE_INTEGER, answer: 'too-far' },
  { name: 'so is what is beyond it', stored: 3, offered: 1e300, answer: 'too-far' },
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
