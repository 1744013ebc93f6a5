/** Who may what, what was done, and who is told. What is chosen on a page is in its address. */

import { type NotificationKind, notificationKinds } from '@gatehouse/contract/notification-types';
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { frame } from './root.tsx';

export interface AuditSearch {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
}

const textLengthMax = 100;

function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, textLengthMax) : undefined;
}

/** With the fields that have a value. */
function given<Fields extends object>(fields: Fields): { readonly [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What is undefined was taken out.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    readonly [Key in keyof Fields]?: NonNullable<Fields[Key]>;
  };
}

const readAuditSearch = ({ actor, action, subject, since, until }: Record<string, unknown>): AuditSearch =>
  given({
    actor: readText(actor),
    action: readText(action),
    subject: readText(subject),
    since: readText(since),
    until: readText(until),
  });

export interface NotificationSearch {
  readonly state?: 'closed' | 'all';
  readonly kind?: NotificationKind;
  readonly unread?: true;
}

const readNotificationSearch = ({ state, kind, unread }: Record<string, unknown>): NotificationSearch =>
  given({
    state: state === 'closed' || state === 'all' ? state : undefined,
    kind: notificationKinds.find((known) => known === kind),
    unread: unread === true ? unread : undefined,
  });

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
