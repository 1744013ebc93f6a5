/** One gateway: how it is made, its tabs, and its updates. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frame } from './root.tsx';

/** `tenant` where a gateway's name alone is not enough. */
function readTenant(search: Record<string, unknown>): { readonly tenant?: string } {
  const { tenant } = search;
  return typeof tenant === 'string' ? { tenant } : {};
}

export interface EventFilter {
  readonly severity?: 'warning';
  readonly search?: string;
}

const searchLengthMax = 200;

function readEventFilter({ severity, search }: Record<string, unknown>): EventFilter {
  return {
    ...(severity === 'warning' ? { severity } : {}),
    ...(typeof search === 'string' && search !== '' ? { search: search.slice(0, searchLengthMax) } : {}),
  };
}

const createGateway = createRoute({
  getParentRoute: () => frame,
  // Not below `/gateways/`, where it could be the name of one.
  path: '/create-gateway',
  component: lazyRouteComponent(() => import('../pages/create-gateway.tsx'), 'CreateGatewayPage'),
});
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
const gatewayNodes = createRoute({
  getParentRoute: () => gateway,
  path: '/nodes',
  component: lazyRouteComponent(() => import('../pages/gateway-nodes.tsx'), 'GatewayNodes'),
});
const gatewayProfile = createRoute({
  getParentRoute: () => gateway,
  path: '/profile',
  component: lazyRouteComponent(() => import('../pages/gateway-profile.tsx'), 'GatewayProfile'),
});
const gatewayHostClusters = createRoute({
  getParentRoute: () => gateway,
  path: '/host-clusters',
  component: lazyRouteComponent(() => import('../pages/gateway-host-clusters.tsx'), 'GatewayHostClusters'),
});
const gatewayEvents = createRoute({
  getParentRoute: () => gateway,
  path: '/events',
  validateSearch: readEventFilter,
  component: lazyRouteComponent(() => import('../pages/gateway-events.tsx'), 'GatewayEvents'),
});
const gatewaySettings = createRoute({
  getParentRoute: () => gateway,
  path: '/settings',
  component: lazyRouteComponent(() => import('../pages/gateway-settings.tsx'), 'GatewaySettings'),
});
const install = createRoute({
  getParentRoute: () => frame,
  path: '/gateways/$gateway/install',
  validateSearch: readTenant,
  component: lazyRouteComponent(() => import('../pages/install-gateway.tsx'), 'InstallGateway'),
});
const updates = createRoute({
  getParentRoute: () => frame,
  path: '/gateways/$gateway/updates',
  validateSearch: readTenant,
  component: lazyRouteComponent(() => import('../pages/updates.tsx'), 'Updates'),
});

export const gatewayRoutes = [
  createGateway,
  gateway.addChildren([
    gatewayOverview,
    gatewayNodes,
    gatewayProfile,
    gatewayHostClusters,
    gatewayEvents,
    gatewaySettings,
  ]),
  install,
  updates,
] as const;
