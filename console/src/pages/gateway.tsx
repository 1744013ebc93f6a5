/** What stands above every tab of a gateway: its name, what waits for a person, and the way there. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { Alert, PageSection, Title } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { isNoSuchPage } from '../api/problem.ts';
import { type GatewayAddress, gatewayQuery, profileUpdateQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { isOnItsWay } from '../format/profile-update-phase.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { AddressTabs } from '../ui/address-tabs.tsx';
import { GatewayBreadcrumb, tenantSearch } from '../ui/gateway-breadcrumb.tsx';
import { PausedLabel, SandboxLabel, StatusLabel, sandboxText, UpdatesAvailableLabel } from '../ui/labels.tsx';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { ButtonLink } from '../ui/router-links.tsx';
import { NotFound } from './not-found.tsx';

export function GatewayPage() {
  const address = useGatewayAddress();
  const { data: gateway, error } = useQuery(gatewayQuery(address));
  if (isNoSuchPage(error)) return <NotFound detail={error?.message} />;
  if (gateway === undefined) {
    return (
      <PageSection aria-label={address.gateway}>
        {error === null ? <Loading /> : <ProblemAlert error={error} />}
      </PageSection>
    );
  }
  return (
    <>
      <PageSection>
        <PageTitle title={gateway.name} />
        <GatewayBreadcrumb address={address} />
        <div className="console-title-row">
          <Title headingLevel="h1">{gateway.name}</Title>
          <div className="console-labels">
            <StatusLabel status={gateway.status} />
            {gateway.updatesAvailable ? <UpdatesAvailableLabel /> : null}
            {gateway.isPaused ? <PausedLabel /> : null}
            {gateway.isSandbox ? <SandboxLabel>{sandboxText}</SandboxLabel> : null}
          </div>
        </div>
        <div className="console-notices">
          <Notifications gateway={gateway} address={address} />
        </div>
      </PageSection>
      <PageSection type="tabs" aria-label="Tabs">
        <GatewayTabs address={address} />
      </PageSection>
      <PageSection isFilled id={tabContentId} role="tabpanel" aria-label="Details">
        <Outlet />
      </PageSection>
    </>
  );
}

const tabContentId = 'gateway-tab';

const tabs = [
  { title: gatewayTexts.tabs.overview, end: '', to: '/gateways/$gateway' },
  { title: gatewayTexts.tabs.nodes, end: 'nodes', to: '/gateways/$gateway/nodes' },
  { title: gatewayTexts.tabs.profile, end: 'profile', to: '/gateways/$gateway/profile' },
  { title: gatewayTexts.tabs.hostClusters, end: 'host-clusters', to: '/gateways/$gateway/host-clusters' },
  { title: gatewayTexts.tabs.events, end: 'events', to: '/gateways/$gateway/events' },
  { title: gatewayTexts.tabs.settings, end: 'settings', to: '/gateways/$gateway/settings' },
] as const;

function GatewayTabs({ address }: { readonly address: GatewayAddress }) {
  const navigate = useNavigate();
  const end = useLocation({ select: ({ pathname }) => pathname.split('/').filter((part) => part !== '')[2] ?? '' });
  const active = tabs.find((tab) => tab.end === end) ?? tabs[0];
  const params = { gateway: address.gateway };
  const search = tenantSearch(address);
  const query = new URLSearchParams(search);
  return (
    <AddressTabs
      label={gatewayTexts.tabsLabel}
      tabs={tabs.map(({ title, to }) => ({
        title,
        href: `${to.replace('$gateway', encodeURIComponent(address.gateway))}${query.size === 0 ? '' : `?${query}`}`,
        go: () => void navigate({ to, params, search }),
      }))}
      active={active.title}
      contentId={tabContentId}
    />
  );
}

const texts = gatewayTexts.notification;

function Notifications({ gateway, address }: { readonly gateway: Gateway; readonly address: GatewayAddress }) {
  const isLeaving = gateway.status === 'Deleting' || gateway.status === 'Deleted';
  const hasProfile = !gateway.profileKeptByOwner;
  const { data: update } = useQuery({ ...profileUpdateQuery(address), enabled: hasProfile });
  if (gateway.status === 'Pending') return <NotInstalled address={address} />;
  if (isLeaving) return null;
  if (!hasProfile) {
    return (
      <Alert variant="info" isInline component="h2" title={texts.owner}>
        {texts.ownerDetail}
      </Alert>
    );
  }
  const link = (text: string) => (
    <ButtonLink
      to="/gateways/$gateway/updates"
      params={{ gateway: address.gateway }}
      search={tenantSearch(address)}
      variant={text === texts.updates ? 'primary' : 'secondary'}
    >
      {text}
    </ButtonLink>
  );
  const isStopped = update?.phase === 'stopped';
  return (
    <>
      {gateway.updatesAvailable ? (
        <Alert
          variant="info"
          isInline
          component="h2"
          title={texts.available(gateway.availableProfileVersion ?? '')}
          actionLinks={link(texts.updates)}
        >
          {texts.look}
        </Alert>
      ) : null}
      {update !== undefined && isOnItsWay(update.phase) ? (
        <Alert
          variant={isStopped ? 'danger' : 'info'}
          isInline
          component="h2"
          title={isStopped ? texts.stopped(update.to.version) : texts.onItsWay(update.to.version)}
          actionLinks={link(texts.follow)}
        />
      ) : null}
    </>
  );
}

function NotInstalled({ address }: { readonly address: GatewayAddress }) {
  const link = (
    <ButtonLink
      to="/gateways/$gateway/install"
      params={{ gateway: address.gateway }}
      search={tenantSearch(address)}
      variant="primary"
    >
      {texts.install}
    </ButtonLink>
  );
  return (
    <Alert variant="info" isInline component="h2" title={texts.notInstalled} actionLinks={link}>
      {texts.notInstalledDetail}
    </Alert>
  );
}
