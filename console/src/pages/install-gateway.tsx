/** What installs the agent, shown once, and the wait for its first poll. The token never stands in an address. */

import type { Gateway, InstallInstructions } from '@gatehouse/contract/operator-types';
import {
  Alert,
  Card,
  CardBody,
  CardTitle,
  Content,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  PageSection,
  Spinner,
  Title,
} from '@patternfly/react-core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { isNoSuchPage } from '../api/problem.ts';
import { type GatewayAddress, gatewayCall, gatewayQuery, installKey, platformQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { installGatewayTexts as texts } from '../texts/create-gateway.ts';
import { ActButton } from '../ui/act-button.tsx';
import { CopiedText } from '../ui/copied-text.tsx';
import { GatewayBreadcrumb, tenantSearch } from '../ui/gateway-breadcrumb.tsx';
import { Instant } from '../ui/instant.tsx';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { ButtonLink } from '../ui/router-links.tsx';
import { useNow } from '../ui/use-now.ts';
import { NotFound } from './not-found.tsx';

export function InstallGateway() {
  const address = useGatewayAddress();
  const { data: gateway, error } = useQuery(gatewayQuery(address));
  if (isNoSuchPage(error)) return <NotFound detail={error?.message} />;
  return (
    <PageSection>
      <PageTitle title={texts.title(address.gateway)} />
      <GatewayBreadcrumb address={address} page={texts.page} />
      <div className="console-title-row">
        <Title headingLevel="h1">{texts.title(address.gateway)}</Title>
      </div>
      {gateway === undefined ? (
        error === null ? (
          <Loading />
        ) : (
          <ProblemAlert error={error} />
        )
      ) : (
        <div className="console-stack">
          <Arrival gateway={gateway} address={address} />
          {gateway.installation === 'cli' ? <InstallCommand gateway={gateway} /> : <Instructions address={address} />}
        </div>
      )}
    </PageSection>
  );
}

function Arrival({ gateway, address }: { readonly gateway: Gateway; readonly address: GatewayAddress }) {
  const hasArrived = gateway.lastPollAt !== undefined;
  const link = (
    <ButtonLink
      to="/gateways/$gateway"
      params={{ gateway: address.gateway }}
      search={tenantSearch(address)}
      variant="primary"
    >
      {texts.open}
    </ButtonLink>
  );
  if (hasArrived) {
    return (
      <Alert
        variant="success"
        isInline
        isLiveRegion
        component="h2"
        title={texts.arrived(gateway.name)}
        actionLinks={link}
      >
        {texts.arrivedDetail(gateway.agentVersion)}
      </Alert>
    );
  }
  return (
    <Alert
      variant="info"
      isInline
      component="h2"
      title={texts.waiting}
      customIcon={<Spinner size="md" aria-label={texts.waiting} />}
    >
      {texts.waitingDetail}
    </Alert>
  );
}

function Instructions({ address }: { readonly address: GatewayAddress }) {
  const queryClient = useQueryClient();
  const { data: install } = useQuery<InstallInstructions>({
    queryKey: installKey(address),
    // It is only ever put there by who made it.
    enabled: false,
    gcTime: Number.POSITIVE_INFINITY,
  });
  const platform = useQuery(platformQuery()).data;
  const roleReasons = useRoleReasons('gateway.create', texts.act);
  const reasons = [...roleReasons, ...(platform?.createReasons ?? [])];
  const again = useAct(
    () => client.installGateway({ ...gatewayCall(address), body: {} }),
    ({ instructions }) => queryClient.setQueryData(installKey(address), instructions),
  );
  const now = useNow();
  const hasExpired = install !== undefined && Date.parse(install.registrationTokenExpiresAt) <= now;
  return (
    <Card>
      {install === undefined ? (
        <CardBody>
          <EmptyState titleText={texts.notShown} headingLevel="h2">
            <EmptyStateBody>{texts.notShownDetail}</EmptyStateBody>
            <EmptyStateFooter>
              {again.isError ? <ProblemAlert error={again.error} isRefusal /> : null}
              <EmptyStateActions>
                <ActButton reasons={reasons} isLoading={again.isPending} onClick={() => again.mutate(undefined)}>
                  {texts.again}
                </ActButton>
              </EmptyStateActions>
            </EmptyStateFooter>
          </EmptyState>
        </CardBody>
      ) : (
        <>
          <CardTitle component="h2">{texts.commands}</CardTitle>
          <CardBody>
            {hasExpired ? <Alert variant="warning" isInline component="h3" title={texts.expired} /> : null}
            <Commands install={install} />
            {again.isError ? <ProblemAlert error={again.error} isRefusal /> : null}
            <ActButton
              variant={hasExpired ? 'primary' : 'secondary'}
              reasons={reasons}
              isLoading={again.isPending}
              onClick={() => again.mutate(undefined)}
            >
              {texts.again}
            </ActButton>
          </CardBody>
        </>
      )}
    </Card>
  );
}

function Commands({ install }: { readonly install: InstallInstructions }) {
  const [manifest = '', token = ''] = install.commands;
  return (
    <>
      <h3 className="console-pack">{texts.first}</h3>
      <CopiedText text={manifest} label={texts.first} />
      <h3 className="console-pack">{texts.second}</h3>
      <CopiedText text={token} label={texts.second} />
      <Content component="p">
        {texts.once} <Instant at={install.registrationTokenExpiresAt} />.
      </Content>
      <h3 className="console-pack">{texts.root}</h3>
      <CopiedText text={install.rootFingerprint} label={texts.root} />
      <Content component="p">{texts.rootDetail}</Content>
      {install.imagesAt === undefined ? null : (
        <Content component="p">
          {texts.imagesAt} <code>{install.imagesAt}</code>
        </Content>
      )}
    </>
  );
}

function InstallCommand({ gateway }: { readonly gateway: Gateway }) {
  return (
    <Card>
      <CardTitle component="h2">{texts.command}</CardTitle>
      <CardBody>
        <CopiedText
          label={texts.command}
          text={`npx gatehouse gateway install ${gateway.name} --kubeconfig MANAGEMENT --provider ${gateway.provider} --control-planes ${gateway.controlPlanes}`}
        />
        <Content component="p">{texts.commandDetail}</Content>
      </CardBody>
    </Card>
  );
}
