/** How answers are kept: what failed in the network is tried once more at once and then at each interval. */

import { ProblemError } from '@gatehouse/contract/client';
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { codeOf, reasonCodesOf } from './problem.ts';
import { meQuery } from './queries.ts';

interface Options {
  /** `hasEnded`: there was a session. */
  readonly onSignedOut: (how: { readonly hasEnded: boolean }) => void;
}

export function createQueryClient({ onSignedOut }: Options): QueryClient {
  const queryClient: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (codeOf(error) !== 'not-signed-in') return;
        const wasSignedIn = queryClient.getQueryData(meQuery().queryKey) !== undefined;
        onSignedOut({ hasEnded: wasSignedIn || reasonCodesOf(error).includes('session-ended') });
      },
    }),
    defaultOptions: {
      queries: {
        retry: (failures, error) => !(error instanceof ProblemError) && failures < 1,
        // The browser may be offline and the control plane on the same machine: always ask.
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
  return queryClient;
}
