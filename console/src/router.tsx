/** Every address of the console; the parts of it are in `routes/`. A page's code is loaded when it is first shown. */

import type { QueryClient } from '@tanstack/react-query';
import { createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { NotFound } from './pages/not-found.tsx';
import { PageError } from './pages/page-error.tsx';
import { administrationRoutes } from './routes/administration.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { gatewayRoutes } from './routes/gateway.ts';
import { platformRoutes } from './routes/platform.ts';
import { frame, root } from './routes/root.tsx';
import { Loading } from './ui/loading.tsx';

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./pages/sign-in.tsx'), 'SignIn'),
});

const nowhere = createRoute({ getParentRoute: () => frame, path: '/$', component: () => <NotFound /> });

const tree = root.addChildren([
  signIn,
  frame.addChildren([...fleetRoutes, ...gatewayRoutes, ...platformRoutes, ...administrationRoutes, nowhere]),
]);

export function createConsoleRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queryClient },
    defaultPendingComponent: Loading,
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: () => <NotFound />,
    scrollRestoration: true,
    // PatternFly scrolls the page's main part, not the window.
    scrollToTopSelectors: ['#main'],
  });
}

declare module '@tanstack/react-router' {
  /**
   * What the page of signing in knows of how one came to it. It is kept with the entry of the browser's history, not in
   * the address: nobody can send a link that leads elsewhere after signing in.
   */
  interface HistoryState {
    /** Where one was: a path with its search, of this console. */
    readonly next?: string;
    /** One was signed in, and is not any more. */
    readonly hasEnded?: boolean;
  }
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
