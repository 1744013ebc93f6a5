import { useSyncExternalStore } from 'react';

const everyMilliseconds = 1000;

function onTick(look: () => void): () => void {
  const timer = setInterval(look, everyMilliseconds);
  return () => clearInterval(timer);
}

const thisSecond = (): number => Math.floor(Date.now() / everyMilliseconds) * everyMilliseconds;

/** The present second, in milliseconds; whoever asks is drawn again with each. */
export const useNow = (): number => useSyncExternalStore(onTick, thisSecond);
