/** What stands above every page of Settings. */

import { PageSection, Title } from '@patternfly/react-core';
import { Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { settingsTexts as texts } from '../texts/settings.ts';
import { AddressTabs } from '../ui/address-tabs.tsx';
import { PageTitle } from '../ui/page-title.tsx';

const tabContentId = 'settings-tab';

const tabs = [
  { title: texts.tabs.pauses, to: '/settings' },
  { title: texts.tabs.projects, to: '/settings/projects' },
  { title: texts.tabs.tokens, to: '/settings/tokens' },
  { title: texts.tabs.webhooks, to: '/settings/webhooks' },
  { title: texts.tabs.mail, to: '/settings/mail' },
] as const;

export function Settings() {
  const navigate = useNavigate();
  const path = useLocation({ select: ({ pathname }) => pathname.replace(/\/+$/, '') });
  const active = tabs.find(({ to }) => to === path) ?? tabs[0];
  return (
    <>
      <PageSection>
        <PageTitle title={active.title} />
        <Title headingLevel="h1">{texts.title}</Title>
      </PageSection>
      <PageSection type="tabs" aria-label={texts.tabsLabel}>
        <AddressTabs
          label={texts.tabsLabel}
          tabs={tabs.map(({ title, to }) => ({ title, href: to, go: () => void navigate({ to }) }))}
          active={active.title}
          contentId={tabContentId}
        />
      </PageSection>
      <PageSection isFilled id={tabContentId} role="tabpanel" aria-label={active.title}>
        <Outlet />
      </PageSection>
    </>
  );
}
