/** What shows all gateways together. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { type EventSearch, gatewayListQuery, overviewQuery } from '../api/fleet-queries.ts';
import { readGatewaySearch } from '../format/gateway-search.ts';
import { frame } from './root.tsx';

const overview = createRoute({
  getParentRoute: () => frame,
  path: '/',
  // Asked while the page's code is loaded, as below.
  loader: ({ context }) => void context.queryClient.prefetchQuery(overviewQuery()),
  component: lazyRouteComponent(() => import('../pages/overview.tsx'), 'OverviewPage'),
});

const gateways = createRoute({
  getParentRoute: () => frame,
  path: '/gateways',
  validateSearch: readGatewaySearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context, deps }) => void context.queryClient.prefetchQuery(gatewayListQuery(deps)),
  component: lazyRouteComponent(() => import('../pages/gateways.tsx'), 'Gateways'),
});

/** The gateways to review; absent: all that wait. `at`: the id of the one that is shown. */
function readReviewSearch({ gateways, at }: Readonly<Record<string, unknown>>): {
  readonly gateways?: readonly string[];
  readonly at?: string;
} {
  const ids = Array.isArray(gateways) ? gateways.filter((id) => typeof id === 'string') : [];
  return { ...(ids.length === 0 ? {} : { gateways: ids }), ...(typeof at === 'string' ? { at } : {}) };
}

const review = createRoute({
  getParentRoute: () => frame,
  path: '/review',
  validateSearch: readReviewSearch,
  component: lazyRouteComponent(() => import('../pages/review-list.tsx'), 'ReviewList'),
});

const searchLengthMax = 200;

function readEventSearch({ severity, type, search, tenant }: Readonly<Record<string, unknown>>): EventSearch {
  const text = typeof search === 'number' ? String(search) : search;
  return {
    ...(severity === 'warning' || severity === 'normal' ? { severity } : {}),
    ...(typeof type === 'string' && type !== '' ? { type } : {}),
    ...(typeof text === 'string' && text !== '' ? { search: text.slice(0, searchLengthMax) } : {}),
    ...(typeof tenant === 'string' && tenant !== '' ? { tenant } : {}),
  };
}

const events = createRoute({
  getParentRoute: () => frame,
  path: '/events',
  validateSearch: readEventSearch,
  component: lazyRouteComponent(() => import('../pages/events.tsx'), 'Events'),
});

export const fleetRoutes = [overview, gateways, review, events] as const;
