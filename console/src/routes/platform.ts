/** The platform: its version, its plan, its releases. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frame } from './root.tsx';

const platform = createRoute({
  getParentRoute: () => frame,
  path: '/platform',
  component: lazyRouteComponent(() => import('../pages/platform.tsx'), 'PlatformPage'),
});

export const platformRoutes = [platform] as const;
