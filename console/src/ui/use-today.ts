import { useSyncExternalStore } from 'react';
import { dayOf } from '../format/time.ts';

const everyMilliseconds = 30_000;

function onTick(look: () => void): () => void {
  const timer = setInterval(look, everyMilliseconds);
  return () => clearInterval(timer);
}

/** The reader's day, `2026-07-01`; a page that is left open overnight sees it change. */
export const useToday = (): string => useSyncExternalStore(onTick, () => dayOf(new Date()));
