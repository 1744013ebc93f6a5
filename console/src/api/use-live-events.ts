/** Keeps every shown answer true while the frame is shown: an event is a reason to look again, not the news itself. */

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { client } from './client.ts';
import { type Connection, createLiveEvents, type LiveEvents } from './live-events.ts';
import { createNews } from './news.ts';
import { liveKey } from './queries.ts';

const after = (milliseconds: number, act: () => void) => {
  const timer = setTimeout(act, milliseconds);
  return () => clearTimeout(timer);
};

const fromThisBrowser = (): LiveEvents =>
  createLiveEvents({
    open: (address) => new EventSource(address),
    newestSequence: async () => {
      const { items } = await client.listEvents({ query: { limit: 1 } });
      return items[0]?.sequence ?? 0;
    },
    now: () => Date.now(),
    after,
  });

export function useLiveEvents(): Connection {
  const queryClient = useQueryClient();
  const [live] = useState(fromThisBrowser);
  useEffect(() => {
    live.subscribe(createNews({ lookAgain: () => queryClient.invalidateQueries({ queryKey: liveKey }), after }));
    live.start();
    return () => live.close();
  }, [live, queryClient]);
  return useSyncExternalStore(live.onConnection, live.connection);
}
