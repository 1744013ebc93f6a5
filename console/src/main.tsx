import '@patternfly/react-core/dist/styles/base.css';
import './console.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { createQueryClient } from './api/query-client.ts';
import { createConsoleRouter } from './router.tsx';
import { followColorScheme } from './theme.ts';

followColorScheme();
const queryClient = createQueryClient({
  onSignedOut: ({ hasEnded }) => {
    // Several questions may be answered so at once.
    const { pathname, href } = router.latestLocation;
    if (pathname === '/sign-in') return;
    void router.navigate({ to: '/sign-in', state: { next: href, hasEnded }, replace: true });
  },
});
const router = createConsoleRouter(queryClient);

const place = document.getElementById('console');
if (place === null) throw new Error('index.html has no element with the id console');
createRoot(place).render(
  <QueryClientProvider client={queryClient}>
    <RouterProvider router={router} />
  </QueryClientProvider>,
);
