/** How the lines of a difference are shown: long runs without a change are folded, a changed line names its part. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';

export type DiffLine = ProfileUpdate['layers'][number]['packs'][number]['lines'][number];

export type DifferenceRow =
  | { readonly kind: 'line'; readonly line: DiffLine }
  | { readonly kind: 'fold'; readonly id: number; readonly lines: readonly DiffLine[] };

/** Unchanged lines shown on each side of a change. */
const contextLines = 3;
/** A shorter run is not worth a button. */
const foldedLinesMin = 4;

export function differenceRows(lines: readonly DiffLine[]): readonly DifferenceRow[] {
  const isNear = nearAChange(lines);
  const rows: DifferenceRow[] = [];
  let index = 0;
  while (index < lines.length) {
    const end = runEnd(isNear, index);
    const run = lines.slice(index, end);
    if (isNear[index] !== true && run.length >= foldedLinesMin) rows.push({ kind: 'fold', id: index, lines: run });
    else rows.push(...run.map((line) => ({ kind: 'line', line }) as const));
    index = end;
  }
  return rows;
}

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
