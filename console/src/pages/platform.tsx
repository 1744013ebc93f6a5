/** What the platform is on, what is wrong with the control plane itself, and the ways to its upgrade and its releases. */

import type { Platform } from '@gatehouse/contract/operator-types';
import {
  Alert,
  ClipboardCopy,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  EmptyState,
  EmptyStateBody,
  PageSection,
  Title,
} from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { platformQuery } from '../api/queries.ts';
import { actTexts } from '../texts/acts.ts';
import { platformTexts as texts } from '../texts/platform.ts';
import { AddressTabs } from '../ui/address-tabs.tsx';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Reasons } from '../ui/reasons.tsx';

export function PlatformPage() {
  const { data: platform, error } = useQuery(platformQuery());
  return (
    <>
      <PageSection>
        <PageTitle title={texts.title} />
        <Title headingLevel="h1" className="console-page-title">
          {texts.title}
        </Title>
        {platform === undefined ? error === null ? <Loading /> : <ProblemAlert error={error} /> : null}
        {platform === undefined ? null : <Facts platform={platform} />}
        {platform === undefined ? null : <Warnings platform={platform} />}
      </PageSection>
      {platform?.version === undefined ? null : (
        <>
          <PageSection type="tabs" aria-label="Tabs">
            <PlatformTabs />
          </PageSection>
          <PageSection isFilled id={tabContentId} role="tabpanel" aria-label="Details">
            <Outlet />
          </PageSection>
        </>
      )}
      {platform !== undefined && platform.version === undefined ? <NoRelease /> : null}
    </>
  );
}

function Facts({ platform }: { readonly platform: Platform }) {
  const { facts } = texts;
  const { version, programVersion, channel, gateways, rootFingerprint } = platform;
  const shown = [
    [facts.version, version ?? facts.noVersion],
    [facts.channel, channel ?? facts.noChannel],
    [facts.gateways, facts.current(gateways.current, gateways.total)],
    [facts.program, programVersion],
    [facts.root, rootFingerprint ?? facts.noVersion],
  ] as const;
  return (
    <DescriptionList columnModifier={{ default: '1Col', sm: '2Col', lg: '3Col' }} isCompact className="console-facts">
      {shown.map(([term, description]) => (
        <DescriptionListGroup key={term}>
          <DescriptionListTerm>{term}</DescriptionListTerm>
          <DescriptionListDescription>
            <span className="console-text">{description}</span>
          </DescriptionListDescription>
        </DescriptionListGroup>
      ))}
    </DescriptionList>
  );
}

/** For whoever sees the whole platform. */
function Warnings({ platform: { preflight } }: { readonly platform: Platform }) {
  const failed = preflight.filter(({ outcome }) => outcome === 'failed');
  if (failed.length === 0) return null;
  return (
    <Alert variant="danger" isInline component="h2" title={texts.warning}>
      <Reasons
        reasons={failed.map(({ check, message, nextStep }) => ({
          code: check,
          message,
          ...(nextStep === undefined ? {} : { nextStep }),
        }))}
      />
    </Alert>
  );
}

const tabContentId = 'platform-tab';

const tabs = [
  { title: texts.tabs.upgrade, to: '/platform' },
  { title: texts.tabs.releases, to: '/platform/releases' },
] as const;

function PlatformTabs() {
  const navigate = useNavigate();
  const isReleases = useLocation({ select: ({ pathname }) => /\/releases\/?$/.test(pathname) });
  return (
    <AddressTabs
      label={texts.tabsLabel}
      tabs={tabs.map(({ title, to }) => ({ title, href: to, go: () => void navigate({ to }) }))}
      active={isReleases ? texts.tabs.releases : texts.tabs.upgrade}
      contentId={tabContentId}
    />
  );
}

function NoRelease() {
  return (
    <PageSection isFilled aria-label={texts.noRelease.title}>
      <EmptyState titleText={texts.noRelease.title} headingLevel="h2">
        <EmptyStateBody>
          <p>{texts.noRelease.detail}</p>
          <ClipboardCopy
            isReadOnly
            isCode
            hoverTip={actTexts.copy}
            clickTip={actTexts.copied}
            className="console-command"
          >
            {texts.noRelease.command}
          </ClipboardCopy>
        </EmptyStateBody>
      </EmptyState>
    </PageSection>
  );
}
