/** What happens when, by time: a binary heap of instants with an item each, for a virtual clock. Equal instants in the order of their items. */

import type { Instant } from './instant.ts';

export interface InstantQueue {
  add(at: Instant, item: number): void;
  /** Takes the earliest. */
  take(): { readonly at: Instant; readonly item: number } | undefined;
  /** Of the earliest. */
  nextAt(): Instant | undefined;
}

interface Entry {
  readonly at: Instant;
  readonly item: number;
}

export function createInstantQueue(): InstantQueue {
  const heap: Entry[] = [];
  const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.item < b.item);

  function sinkFrom(start: number, entry: Entry): void {
    let place = start;
    for (;;) {
      const left = heap[2 * place + 1];
      const right = heap[2 * place + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || !isBefore(child, entry)) break;
      heap[place] = child;
      place = 2 * place + (isRight ? 2 : 1);
    }
    heap[place] = entry;
  }

  return {
    add(at, item) {
      const entry = { at, item };
      let place = heap.length;
      while (place > 0) {
        const above = Math.floor((place - 1) / 2);
        const parent = heap[above];
        if (parent === undefined || !isBefore(entry, parent)) break;
        heap[place] = parent;
        place = above;
      }
      heap[place] = entry;
    },
    take() {
      const [first] = heap;
      const last = heap.pop();
      if (first !== undefined && last !== undefined && heap.length > 0) sinkFrom(0, last);
      return first;
    },
    nextAt: () => heap[0]?.at,
  };
}
