/** The platform: its version, its plan, its releases. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { readPlanSearch } from '../format/plan-search.ts';
import { frame } from './root.tsx';

const platform = createRoute({
  getParentRoute: () => frame,
  path: '/platform',
  component: lazyRouteComponent(() => import('../pages/platform.tsx'), 'PlatformPage'),
});
const upgrade = createRoute({
  getParentRoute: () => platform,
  path: '/',
  validateSearch: readPlanSearch,
  component: lazyRouteComponent(() => import('../pages/platform-upgrade.tsx'), 'PlatformUpgrade'),
});
const releases = createRoute({
  getParentRoute: () => platform,
  path: '/releases',
  component: lazyRouteComponent(() => import('../pages/platform-releases.tsx'), 'PlatformReleases'),
});

export const platformRoutes = [platform.addChildren([upgrade, releases])] as const;
