/** Who may what, what was done, and who is told. What is chosen on a page is in its address. */

import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { readAuditSearch, readNotificationSearch } from '../format/administration-search.ts';
import { frame } from './root.tsx';

const audit = createRoute({
  getParentRoute: () => frame,
  path: '/audit',
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import('../pages/audit.tsx'), 'Audit'),
});
const notifications = createRoute({
  getParentRoute: () => frame,
  path: '/notifications',
  validateSearch: readNotificationSearch,
  component: lazyRouteComponent(() => import('../pages/notifications.tsx'), 'Notifications'),
});
const settings = createRoute({
  getParentRoute: () => frame,
  path: '/settings',
  component: lazyRouteComponent(() => import('../pages/settings.tsx'), 'Settings'),
});
const settingsPauses = createRoute({
  getParentRoute: () => settings,
  path: '/',
  component: lazyRouteComponent(() => import('../pages/settings-pauses.tsx'), 'SettingsPauses'),
});
const settingsProjects = createRoute({
  getParentRoute: () => settings,
  path: '/projects',
  component: lazyRouteComponent(() => import('../pages/settings-projects.tsx'), 'SettingsProjects'),
});
const settingsTokens = createRoute({
  getParentRoute: () => settings,
  path: '/tokens',
  component: lazyRouteComponent(() => import('../pages/settings-tokens.tsx'), 'SettingsTokens'),
});
const settingsWebhooks = createRoute({
  getParentRoute: () => settings,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('../pages/settings-webhooks.tsx'), 'SettingsWebhooks'),
});
const settingsMail = createRoute({
  getParentRoute: () => settings,
  path: '/mail',
  component: lazyRouteComponent(() => import('../pages/settings-mail.tsx'), 'SettingsMail'),
});
const webhook = createRoute({
  getParentRoute: () => frame,
  path: '/settings/webhooks/$webhook',
  component: lazyRouteComponent(() => import('../pages/webhook.tsx'), 'WebhookPage'),
});

export const administrationRoutes = [
  audit,
  settings.addChildren([settingsPauses, settingsProjects, settingsTokens, settingsWebhooks, settingsMail]),
  webhook,
  notifications,
] as const;
