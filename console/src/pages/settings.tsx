/** What stands above every page of Settings. */

import { PageSection, Tab, Tabs, Title } from '@patternfly/react-core';
import { Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { settingsTexts as texts } from '../texts/settings.ts';
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
        <Tabs
          aria-label={texts.tabsLabel}
          activeKey={active.title}
          usePageInsets
          onSelect={(event, title) => {
            const tab = tabs.find((one) => one.title === title);
            if (tab === undefined || event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            void navigate({ to: tab.to });
          }}
        >
          {tabs.map(({ title, to }) => (
            <Tab key={title} eventKey={title} title={title} tabContentId={tabContentId} href={to} />
          ))}
        </Tabs>
      </PageSection>
      <PageSection isFilled id={tabContentId} role="tabpanel" aria-label={active.title}>
        <Outlet />
      </PageSection>
    </>
  );
}
