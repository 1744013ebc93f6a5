/** The platform: its version, its plan, its releases. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frame } from './root.tsx';

/** Which upgrade is looked at, and under what assumptions; so a preview can be sent to somebody. */
export interface PlanSearch {
  readonly to?: string;
  /** Names of risks, with commas between. */
  readonly accept?: string;
  readonly forecast?: boolean;
  readonly confirmAfter?: number;
}

const versionPattern = /^\d{1,6}\.\d{1,6}\.\d{1,6}$/;
const namesPattern = /^[a-z0-9-]+(,[a-z0-9-]+)*$/;

function readPlanSearch({ to, accept, forecast, confirmAfter }: Record<string, unknown>): PlanSearch {
  return {
    ...(typeof to === 'string' && versionPattern.test(to) ? { to } : {}),
    ...(typeof accept === 'string' && namesPattern.test(accept) ? { accept } : {}),
    ...(forecast === true ? { forecast } : {}),
    ...(typeof confirmAfter === 'number' && Number.isInteger(confirmAfter) && confirmAfter >= 0
      ? { confirmAfter }
      : {}),
  };
}

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
