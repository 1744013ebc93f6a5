/** Keeps every shown answer true while the frame is shown: an event is a reason to look again, not the news itself. */

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { client } from './client.ts';
import { type Connection, createLiveEvents, type LiveEvents } from './live-events.ts';
import { liveKey } from './queries.ts';

const connecting: Connection = { kind: 'connecting' };

export function useLiveEvents(): Connection {
  const queryClient = useQueryClient();
  const [live, setLive] = useState<LiveEvents>();
  useEffect(() => {
    const created = createLiveEvents({
      open: (address) => new EventSource(address),
      newestSequence: async () => {
        const { items } = await client.listEvents({ query: { limit: 1 } });
        return items[0]?.sequence ?? 0;
      },
      now: () => Date.now(),
      after: (milliseconds, then) => {
        const timer = setTimeout(then, milliseconds);
        return () => clearTimeout(timer);
      },
    });
    created.subscribe(() => void queryClient.invalidateQueries({ queryKey: liveKey }));
    setLive(created);
    return () => created.close();
  }, [queryClient]);
  return useSyncExternalStore(
    (listener) => live?.onConnection(listener) ?? (() => undefined),
    () => live?.connection() ?? connecting,
  );
}
