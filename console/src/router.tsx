/** Every address of the console. A page's code is loaded when it is first shown. */

import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { Loading } from './ui/loading.tsx';
import { NotFound } from './pages/not-found.tsx';
import { PageError } from './pages/page-error.tsx';

const root = createRootRouteWithContext<{ readonly queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: () => <NotFound />,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./pages/sign-in.tsx'), 'SignIn'),
});

/** What somebody sees who is signed in: header, live events, and the page below. */
const frame = createRoute({
  getParentRoute: () => root,
  id: 'frame',
  component: lazyRouteComponent(() => import('./pages/frame.tsx'), 'Frame'),
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    // The router takes a redirect that is thrown.
    // oxlint-disable-next-line typescript/only-throw-error
    throw redirect({ to: '/gateways', replace: true });
  },
});

const gateways = createRoute({
  getParentRoute: () => frame,
  path: '/gateways',
  component: lazyRouteComponent(() => import('./pages/gateways.tsx'), 'Gateways'),
});

/** `tenant` where a gateway's name alone is not enough. */
function readTenant(search: Record<string, unknown>): { readonly tenant?: string } {
  const { tenant } = search;
  return typeof tenant === 'string' ? { tenant } : {};
}

const gateway = createRoute({
  getParentRoute: () => frame,
  path: '/gateways/$gateway',
  validateSearch: readTenant,
  component: lazyRouteComponent(() => import('./pages/gateway.tsx'), 'GatewayPage'),
});
const gatewayOverview = createRoute({
  getParentRoute: () => gateway,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/gateway-overview.tsx'), 'GatewayOverview'),
});
const gatewayProfile = createRoute({
  getParentRoute: () => gateway,
  path: '/profile',
  component: lazyRouteComponent(() => import('./pages/gateway-profile.tsx'), 'GatewayProfile'),
});
const gatewayEvents = createRoute({
  getParentRoute: () => gateway,
  path: '/events',
  component: lazyRouteComponent(() => import('./pages/gateway-events.tsx'), 'GatewayEvents'),
});
const updates = createRoute({
  getParentRoute: () => frame,
  path: '/gateways/$gateway/updates',
  validateSearch: readTenant,
  component: lazyRouteComponent(() => import('./pages/updates.tsx'), 'Updates'),
});

const nowhere = createRoute({ getParentRoute: () => frame, path: '/$', component: () => <NotFound /> });

const tree = root.addChildren([
  home,
  signIn,
  frame.addChildren([
    gateways,
    gateway.addChildren([gatewayOverview, gatewayProfile, gatewayEvents]),
    updates,
    nowhere,
  ]),
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
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
