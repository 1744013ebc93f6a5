import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginningOf, changedParts, type DiffLine, differenceRows } from './difference-rows.ts';

const same = (number: number): DiffLine => ({
  kind: 'same',
  left: { number, text: `line ${number}` },
  right: { number, text: `line ${number}` },
});
const removed = (number: number): DiffLine => ({ kind: 'removed', left: { number, text: 'gone' } });
const sames = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => same(from + index));
/** `5` for a line, `4-9` for a fold. */
const outline = (lines: readonly DiffLine[]) =>
  differenceRows(lines).map((row) =>
    row.kind === 'line'
      ? String(row.line.left?.number)
      : `${row.lines[0]?.left?.number}-${row.lines.at(-1)?.left?.number}`,
  );

/** With one of its values repeated so often that it is a long run. */
const stretched = (changes: readonly boolean[]) =>
  fc
    .nat({ max: 90 })
    .map((times) => [...changes, ...changes.slice(0, 1).flatMap((one) => Array.from({ length: times }, () => one))]);

describe('the rows of a difference', () => {
  it('are none without lines', () => {
    expect(differenceRows([])).toEqual([]);
  });
  it('fold what is far from every change, and keep three lines around one', () => {
    expect(outline([...sames(1, 10), removed(11), ...sames(12, 20)])).toEqual([
      '1-7',
      '8',
      '9',
      '10',
      '11',
      '12',
      '13',
      '14',
      '15-20',
    ]);
  });
  it('do not fold fewer than four lines', () => {
    expect(outline([...sames(1, 6), removed(7)])).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(outline([...sames(1, 7), removed(8)])[0]).toBe('1-4');
  });
  it('fold everything when nothing changes', () => {
    expect(outline(sames(1, 9))).toEqual(['1-9']);
  });
  it('fold what is left of a very long change', () => {
    const changes = (count: number) => Array.from({ length: count }, (_, index) => removed(index + 1));
    expect(outline(changes(60))).toHaveLength(60);
    expect(outline(changes(61)).slice(-2)).toEqual(['20', '21-61']);
  });
  it('hold every line once and in order, whatever changes', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }).chain(stretched), (changes) => {
        const lines = changes.map((isChange, index) => (isChange ? removed(index) : same(index)));
        const rows = differenceRows(lines);
        expect(rows.flatMap((row) => (row.kind === 'line' ? [row.line] : row.lines))).toEqual(lines);
        const folded = rows.flatMap((row) => (row.kind === 'fold' && !row.isChange ? row.lines : []));
        expect(folded.every(({ kind }) => kind === 'same')).toBe(true);
      }),
    );
  });
});

describe('a long value', () => {
  it('is folded to its beginning, and a short one is not', () => {
    expect(beginningOf('a'.repeat(400))).toBeUndefined();
    expect(beginningOf('a'.repeat(401))).toBe(`${'a'.repeat(160)}…`);
    expect(beginningOf('😀'.repeat(300))).toBe(`${'😀'.repeat(160)}…`);
  });
});

describe('the changed part of a line', () => {
  it('is whole words between what both sides share', () => {
    expect(changedParts('  image: kube-v1.26.8', '  image: kube-v1.27.11')).toEqual({
      left: { before: '  image: kube-v1.', changed: '26.8', after: '' },
      right: { before: '  image: kube-v1.', changed: '27.11', after: '' },
    });
    expect(changedParts('enabled: true # why', 'enabled: false # why')).toEqual({
      left: { before: 'enabled: ', changed: 'true', after: ' # why' },
      right: { before: 'enabled: ', changed: 'false', after: ' # why' },
    });
  });
  it('may be empty on one side', () => {
    expect(changedParts('thin', 'thin-encrypted')).toEqual({
      left: { before: 'thin', changed: '', after: '' },
      right: { before: 'thin', changed: '-encrypted', after: '' },
    });
  });
  it('leaves both texts whole, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
        const parts = changedParts(left, right);
        const whole = ({ before, changed, after }: (typeof parts)['left']) => before + changed + after;
        expect([whole(parts.left), whole(parts.right)]).toEqual([left, right]);
      }),
    );
  });
});
