/** How answers are kept: what failed in the network is tried once more at once and then at each interval. */

import { ProblemError } from '@gatehouse/contract/client';
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { codeOf } from './problem.ts';

export function createQueryClient({ onSignedOut }: { readonly onSignedOut: () => void }): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (codeOf(error) === 'not-signed-in') onSignedOut();
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
}
