/** One gateway: its tabs and its updates. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frame } from './root.tsx';

/** `tenant` where a gateway's name alone is not enough. */
function readTenant(search: Record<string, unknown>): { readonly tenant?: string } {
  const { tenant } = search;
  return typeof tenant === 'string' ? { tenant } : {};
}

const gateway = createRoute({
  getParentRoute: () => frame,
  path: '/gateways/$gateway',
  validateSearch: readTenant,
  component: lazyRouteComponent(() => import('../pages/gateway.tsx'), 'GatewayPage'),
});
const gatewayOverview = createRoute({
  getParentRoute: () => gateway,
  path: '/',
  component: lazyRouteComponent(() => import('../pages/gateway-overview.tsx'), 'GatewayOverview'),
});
const gatewayProfile = createRoute({
  getParentRoute: () => gateway,
  path: '/profile',
  component: lazyRouteComponent(() => import('../pages/gateway-profile.tsx'), 'GatewayProfile'),
});
const gatewayEvents = createRoute({
  getParentRoute: () => gateway,
  path: '/events',
  component: lazyRouteComponent(() => import('../pages/gateway-events.tsx'), 'GatewayEvents'),
});
const updates = createRoute({
  getParentRoute: () => frame,
  path: '/gateways/$gateway/updates',
  validateSearch: readTenant,
  component: lazyRouteComponent(() => import('../pages/updates.tsx'), 'Updates'),
});

export const gatewayRoutes = [gateway.addChildren([gatewayOverview, gatewayProfile, gatewayEvents]), updates] as const;
