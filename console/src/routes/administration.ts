/** Who may what, what was done, and who is told. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frame } from './root.tsx';

const audit = createRoute({
  getParentRoute: () => frame,
  path: '/audit',
  component: lazyRouteComponent(() => import('../pages/audit.tsx'), 'Audit'),
});
const settings = createRoute({
  getParentRoute: () => frame,
  path: '/settings',
  component: lazyRouteComponent(() => import('../pages/settings.tsx'), 'Settings'),
});
const notifications = createRoute({
  getParentRoute: () => frame,
  path: '/notifications',
  component: lazyRouteComponent(() => import('../pages/notifications.tsx'), 'Notifications'),
});

export const administrationRoutes = [audit, settings, notifications] as const;
