/**
 * How the lines of a difference are shown: long runs without a change are folded, and what is left of a very long change
 * too; a changed line names its part.
 */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';

export type DiffLine = ProfileUpdate['layers'][number]['packs'][number]['lines'][number];

export type DifferenceRow =
  | { readonly kind: 'line'; readonly line: DiffLine }
  | { readonly kind: 'fold'; readonly id: number; readonly isChange: boolean; readonly lines: readonly DiffLine[] };

/** Unchanged lines shown on each side of a change. */
const contextLines = 3;
/** A shorter run is not worth a button. */
const foldedLinesMin = 4;
/** Of a change that is longer than `longChange`, so many lines are shown. */
const longChange = 60;
const longChangeShown = 20;

export function differenceRows(lines: readonly DiffLine[]): readonly DifferenceRow[] {
  const isNear = nearAChange(lines);
  const rows: DifferenceRow[] = [];
  let index = 0;
  while (index < lines.length) {
    const end = runEnd(isNear, index);
    const run = lines.slice(index, end);
    if (isNear[index] !== true && run.length >= foldedLinesMin) {
      rows.push({ kind: 'fold', id: index, isChange: false, lines: run });
    } else {
      rows.push(...withLongChangesFolded(run, index));
    }
    index = end;
  }
  return rows;
}

/** `start`: where the run begins among all lines, which names its folds. */
function withLongChangesFolded(run: readonly DiffLine[], start: number): readonly DifferenceRow[] {
  const rows: DifferenceRow[] = [];
  let index = 0;
  while (index < run.length) {
    const next = run.findIndex((line, at) => at > index && isChange(line) !== isChange(run[index]));
    const end = next === -1 ? run.length : next;
    const lines = run.slice(index, end);
    const isLong = isChange(run[index]) && lines.length > longChange;
    const shown = isLong ? lines.slice(0, longChangeShown) : lines;
    rows.push(...shown.map((line) => ({ kind: 'line', line }) as const));
    if (isLong) {
      rows.push({
        kind: 'fold',
        id: start + index + longChangeShown,
        isChange: true,
        lines: lines.slice(longChangeShown),
      });
    }
    index = end;
  }
  return rows;
}

const isChange = (line: DiffLine | undefined): boolean => line !== undefined && line.kind !== 'same';

function nearAChange(lines: readonly DiffLine[]): readonly boolean[] {
  const isNear = lines.map(() => false);
  for (const [index, line] of lines.entries()) {
    if (line.kind !== 'same') isNear.fill(true, Math.max(0, index - contextLines), index + contextLines + 1);
  }
  return isNear;
}

function runEnd(isNear: readonly boolean[], start: number): number {
  const end = isNear.findIndex((near, index) => index > start && near !== isNear[start]);
  return end === -1 ? isNear.length : end;
}

export interface LineParts {
  readonly before: string;
  readonly changed: string;
  readonly after: string;
}

/** The part of each side that differs, whole words where it can be; characters outside the BMP stay whole. */
export function changedParts(left: string, right: string): { readonly left: LineParts; readonly right: LineParts } {
  const a = words(left);
  const b = words(right);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const parts = (all: readonly string[]): LineParts => ({
    before: all.slice(0, start).join(''),
    changed: all.slice(start, all.length - end).join(''),
    after: all.slice(all.length - end).join(''),
  });
  return { left: parts(a), right: parts(b) };
}

const words = (text: string): readonly string[] => text.match(/[\p{L}\p{N}_]+|[^\p{L}\p{N}_]/gu) ?? [];

/** A value longer than this is folded to its beginning. */
const longValue = 400;
const longValueShown = 160;

/** The beginning of a very long text; undefined where it is short enough to stand whole. */
export const beginningOf = (text: string): string | undefined =>
  text.length <= longValue ? undefined : `${Array.from(text).slice(0, longValueShown).join('')}…`;
