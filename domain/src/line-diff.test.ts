import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffLines, linesOf } from './line-diff.ts';

/** `=a` same, `a>b` changed, `-a` removed, `+b` added. */
function short(left: string, right: string): string {
  return diffLines(left, right)
    .map((row) => {
      const [l, r] = [row.left?.text ?? '', row.right?.text ?? ''];
      return { same: `=${l}`, changed: `${l}>${r}`, removed: `-${l}`, added: `+${r}` }[row.kind];
    })
    .join(' ');
}

describe('two texts side by side', () => {
  test.each([
    { name: 'nothing and nothing', left: '', right: '', rows: '' },
    { name: 'the same', left: 'a\nb\n', right: 'a\nb\n', rows: '=a =b' },
    { name: 'a final newline makes no difference', left: 'a\nb', right: 'a\nb\n', rows: '=a =b' },
    { name: 'all new', left: '', right: 'a\nb', rows: '+a +b' },
    { name: 'all gone', left: 'a\nb', right: '', rows: '-a -b' },
    { name: 'one line in the middle', left: 'a\nb\nc', right: 'a\nx\nc', rows: '=a b>x =c' },
    { name: 'a line comes in', left: 'a\nc', right: 'a\nb\nc', rows: '=a +b =c' },
    { name: 'a line goes', left: 'a\nb\nc', right: 'a\nc', rows: '=a -b =c' },
    { name: 'two become one', left: 'a\nb\nc\nd', right: 'a\nx\nd', rows: '=a b>x -c =d' },
    { name: 'one becomes two', left: 'a\nb\nd', right: 'a\nx\ny\nd', rows: '=a b>x +y =d' },
    { name: 'lines that moved', left: 'a\nb\nc', right: 'c\na\nb', rows: '+c =a =b -c' },
    { name: 'an empty line is a line', left: 'a\n\nb', right: 'a\nb', rows: '=a - =b' },
  ])('$name', ({ left, right, rows }) => {
    expect(short(left, right)).toBe(rows);
  });
});

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));

test('either side can be read back from the rows, numbered without a gap', () => {
  fc.assert(
    fc.property(text, text, (left, right) => {
      const rows = diffLines(left, right);
      const side = (key: 'left' | 'right') => rows.flatMap((row) => row[key] ?? []);
      expect(side('left').map((line) => line.text)).toEqual(linesOf(left));
      expect(side('right').map((line) => line.text)).toEqual(linesOf(right));
      expect(side('left').map((line) => line.number)).toEqual(linesOf(left).map((_, index) => index + 1));
      expect(side('right').map((line) => line.number)).toEqual(linesOf(right).map((_, index) => index + 1));
    }),
  );
});

test('a row is what it says', () => {
  fc.assert(
    fc.property(text, text, (left, right) => {
      for (const row of diffLines(left, right)) {
        const expected =
          row.left && row.right
            ? row.left.text === row.right.text
              ? 'same'
              : 'changed'
            : row.left
              ? 'removed'
              : 'added';
        expect(row.kind).toBe(expected);
      }
    }),
  );
});

test('texts too long to compare pair by pair still come out whole', () => {
  const left = Array.from({ length: 4000 }, (_, index) => `left ${index}`).join('\n');
  const right = Array.from({ length: 4000 }, (_, index) => `right ${index}`).join('\n');
  const rows = diffLines(`first\n${left}\nlast`, `first\n${right}\nlast`);
  expect(rows).toHaveLength(4002);
  expect([rows[0]?.kind, rows[1]?.kind, rows[4001]?.kind]).toEqual(['same', 'changed', 'same']);
});
