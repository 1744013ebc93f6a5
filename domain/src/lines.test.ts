import { expect, test } from 'vitest';
import { linesOf } from './lines.ts';

test.each([
  ['one', ['one']],
  [' one \r\n\n  two\rthree\n', ['one', 'two', 'three']],
  [' \n ', []],
  ['', []],
])('%j has the lines %j', (text, lines) => expect(linesOf(text)).toEqual(lines));
