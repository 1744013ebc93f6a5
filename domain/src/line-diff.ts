/**
 * Two texts side by side, line by line: which lines are the same, which took each other's place, which came or went.
 * Lines are matched by a longest common subsequence; beyond a bound of work the middle is shown as replaced as a whole.
 */

export type LineChange = 'same' | 'changed' | 'added' | 'removed';

export interface NumberedLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** `same` and `changed` have both sides, `removed` only the left one, `added` only the right one. */
export interface LineRow {
  readonly kind: LineChange;
  readonly left?: NumberedLine;
  readonly right?: NumberedLine;
}

/** Pairs of lines compared at most: some 30 MB for the table and a few tenths of a second. */
const comparisonsMax = 8_000_000;

/** A text without characters has no lines; a final newline ends the last line and begins none. */
export function linesOf(text: string): readonly string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

export function diffLines(leftText: string, rightText: string): readonly LineRow[] {
  const left = linesOf(leftText);
  const right = linesOf(rightText);
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let tail = 0;
  while (
    tail < left.length - start &&
    tail < right.length - start &&
    left[left.length - 1 - tail] === right[right.length - 1 - tail]
  ) {
    tail += 1;
  }
  const matches = [
    ...Array.from({ length: start }, (_, index): Match => [index, index]),
    ...commonLines(left.slice(start, left.length - tail), right.slice(start, right.length - tail)).map(
      ([l, r]): Match => [l + start, r + start],
    ),
    ...Array.from({ length: tail }, (_, index): Match => [left.length - tail + index, right.length - tail + index]),
  ];
  return toRows(left, right, matches);
}

/** Index on the left, index on the right. */
type Match = readonly [number, number];

function commonLines(left: readonly string[], right: readonly string[]): readonly Match[] {
  const height = left.length;
  const width = right.length;
  if (height === 0 || width === 0 || height * width > comparisonsMax) return [];
  // lengths[l][r]: how many lines left[l..] and right[r..] have in common, in one flat table.
  const lengths = new Uint32Array((height + 1) * (width + 1));
  const at = (l: number, r: number): number => lengths[l * (width + 1) + r] ?? 0;
  for (let l = height - 1; l >= 0; l -= 1) {
    for (let r = width - 1; r >= 0; r -= 1) {
      lengths[l * (width + 1) + r] = left[l] === right[r] ? at(l + 1, r + 1) + 1 : Math.max(at(l + 1, r), at(l, r + 1));
    }
  }
  const matches: Match[] = [];
  let l = 0;
  let r = 0;
  while (l < height && r < width) {
    if (left[l] === right[r]) {
      matches.push([l, r]);
      l += 1;
      r += 1;
    } else if (at(l + 1, r) >= at(l, r + 1)) l += 1;
    else r += 1;
  }
  return matches;
}

function toRows(left: readonly string[], right: readonly string[], matches: readonly Match[]): readonly LineRow[] {
  const line = (lines: readonly string[], index: number): NumberedLine => ({
    number: index + 1,
    text: lines[index] ?? '',
  });
  const rows: LineRow[] = [];
  let l = 0;
  let r = 0;
  for (const [matchLeft, matchRight] of [...matches, [left.length, right.length] satisfies Match]) {
    // Between two matches: as many as there are on both sides stand beside each other, the rest alone.
    while (l < matchLeft && r < matchRight) {
      rows.push({ kind: 'changed', left: line(left, l), right: line(right, r) });
      l += 1;
      r += 1;
    }
    for (; l < matchLeft; l += 1) rows.push({ kind: 'removed', left: line(left, l) });
    for (; r < matchRight; r += 1) rows.push({ kind: 'added', right: line(right, r) });
    if (l < left.length && r < right.length) {
      rows.push({ kind: 'same', left: line(left, l), right: line(right, r) });
      l += 1;
      r += 1;
    }
  }
  return rows;
}
