/** What stands above every tab of a gateway: its name, what waits for a person, and the way there. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { Alert, Breadcrumb, BreadcrumbItem, PageSection, Tab, Tabs, Title } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { codeOf } from '../api/problem.ts';
import { type GatewayAddress, gatewayQuery, profileUpdateQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { isOnItsWay } from '../format/profile-update-phase.ts';
import { PausedLabel, SandboxLabel, sandboxText, StatusLabel, UpdatesAvailableLabel } from '../ui/labels.tsx';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { ButtonLink } from '../ui/router-links.tsx';
import { NotFound } from './not-found.tsx';

export function GatewayPage() {
  const address = useGatewayAddress();
  const { data: gateway, error } = useQuery(gatewayQuery(address));
  if (codeOf(error) === 'not-found') return <NotFound detail={error?.message} />;
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
        <Breadcrumb>
          <BreadcrumbItem
            render={({ className }) => (
              <Link to="/gateways" className={className}>
                Gateways
              </Link>
            )}
          />
          <BreadcrumbItem isActive>{gateway.name}</BreadcrumbItem>
        </Breadcrumb>
        <div className="console-title-row">
          <Title headingLevel="h1">{gateway.name}</Title>
          <div className="console-labels">
            <StatusLabel status={gateway.status} />
            {gateway.updatesAvailable ? <UpdatesAvailableLabel /> : null}
            {gateway.isPaused ? <PausedLabel /> : null}
            {gateway.isSandbox ? <SandboxLabel>{sandboxText}</SandboxLabel> : null}
          </div>
        </div>
        <Notifications gateway={gateway} address={address} />
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
  { title: 'Overview', to: '/gateways/$gateway' },
  { title: 'Profile', to: '/gateways/$gateway/profile' },
  { title: 'Events', to: '/gateways/$gateway/events' },
] as const;

/** Each tab has an address of its own, so each is a link that can be opened elsewhere. */
function GatewayTabs({ address }: { readonly address: GatewayAddress }) {
  const navigate = useNavigate();
  const end = useLocation({ select: ({ pathname }) => /\/(profile|events)\/?$/.exec(pathname)?.[1] });
  const active = tabs.find(({ to }) => end !== undefined && to.endsWith(`/${end}`)) ?? tabs[0];
  const params = { gateway: address.gateway };
  const search = address.tenant === undefined ? {} : { tenant: address.tenant };
  return (
    <Tabs
      aria-label="Gateway"
      activeKey={active.title}
      usePageInsets
      onSelect={(event, title) => {
        const tab = tabs.find((one) => one.title === title);
        if (tab === undefined || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        void navigate({ to: tab.to, params, search });
      }}
    >
      {tabs.map(({ title, to }) => (
        <Tab
          key={title}
          eventKey={title}
          title={title}
          tabContentId={tabContentId}
          href={`${to.replace('$gateway', encodeURIComponent(address.gateway))}${new URLSearchParams(search).size === 0 ? '' : `?${new URLSearchParams(search)}`}`}
        />
      ))}
    </Tabs>
  );
}

function Notifications({ gateway, address }: { readonly gateway: Gateway; readonly address: GatewayAddress }) {
  const hasProfile = !gateway.profileKeptByOwner;
  const { data: update } = useQuery({ ...profileUpdateQuery(address), enabled: hasProfile });
  const search = address.tenant === undefined ? {} : { tenant: address.tenant };
  const link = (text: string) => (
    <ButtonLink
      to="/gateways/$gateway/updates"
      params={{ gateway: address.gateway }}
      search={search}
      variant={text === 'Updates' ? 'primary' : 'secondary'}
    >
      {text}
    </ButtonLink>
  );
  if (!hasProfile) {
    return (
      <Alert
        variant="info"
        isInline
        component="h2"
        title="The owner of this cluster keeps its Kubernetes, network and storage"
      >
        Gatehouse keeps only the agent current, by itself. So no profile update is offered here, and there is nothing to
        confirm.
      </Alert>
    );
  }
  return (
    <>
      {gateway.updatesAvailable ? (
        <Alert
          variant="info"
          isInline
          component="h2"
          title={`Profile ${gateway.availableProfileVersion ?? ''} is available`}
          actionLinks={link('Updates')}
        >
          Look at what would change before you confirm it.
        </Alert>
      ) : null}
      {update !== undefined && isOnItsWay(update.phase) ? (
        <Alert
          variant={update.phase === 'stopped' ? 'danger' : 'info'}
          isInline
          component="h2"
          title={
            update.phase === 'stopped'
              ? `The update to profile ${update.to.version} has stopped`
              : `The update to profile ${update.to.version} is on its way`
          }
          actionLinks={link('Follow the update')}
        />
      ) : null}
    </>
  );
}
