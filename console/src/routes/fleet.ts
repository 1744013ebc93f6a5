/** What shows all gateways together. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frame } from './root.tsx';

const overview = createRoute({
  getParentRoute: () => frame,
  path: '/',
  component: lazyRouteComponent(() => import('../pages/overview.tsx'), 'Overview'),
});

const gateways = createRoute({
  getParentRoute: () => frame,
  path: '/gateways',
  component: lazyRouteComponent(() => import('../pages/gateways.tsx'), 'Gateways'),
});

const events = createRoute({
  getParentRoute: () => frame,
  path: '/events',
  component: lazyRouteComponent(() => import('../pages/events.tsx'), 'Events'),
});

export const fleetRoutes = [overview, gateways, events] as const;
