/** What every address of the console lies below. */

import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, lazyRouteComponent, Outlet } from '@tanstack/react-router';
import { NotFound } from '../pages/not-found.tsx';

export const root = createRootRouteWithContext<{ readonly queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: () => <NotFound />,
});

/** What somebody sees who is signed in: header, navigation, live events, and the page below. */
export const frame = createRoute({
  getParentRoute: () => root,
  id: 'frame',
  component: lazyRouteComponent(() => import('../pages/frame.tsx'), 'Frame'),
});
