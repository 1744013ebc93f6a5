/** The list of gateways: where each one is, and what waits for a person. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { Button, ClipboardCopy, EmptyState, EmptyStateBody, PageSection, Title } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { gatewaysQuery, platformQuery } from '../api/queries.ts';
import {
  CurrentLabel,
  installationText,
  PausedLabel,
  SandboxLabel,
  sandboxText,
  StatusLabel,
  UpdatesAvailableLabel,
} from '../ui/labels.tsx';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { DataTable } from '../ui/data-table.tsx';

export function Gateways() {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(gatewaysQuery());
  const gateways = data?.pages.flatMap((page) => page.items);
  return (
    <PageSection>
      <PageTitle title="Gateways" />
      <Title headingLevel="h1" className="console-page-title">
        Gateways
      </Title>
      {gateways === undefined ? error === null ? <Loading /> : <ProblemAlert error={error} /> : null}
      {gateways?.length === 0 ? <NoGateways /> : null}
      {gateways !== undefined && gateways.length > 0 ? <GatewayTable gateways={gateways} /> : null}
      {hasNextPage ? (
        <Button variant="link" isLoading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Show more gateways
        </Button>
      ) : null}
    </PageSection>
  );
}

function GatewayTable({ gateways }: { readonly gateways: readonly Gateway[] }) {
  // A gateway's name is unique in its tenant only.
  const needsTenant = new Set(gateways.map(({ tenant }) => tenant.id)).size > 1;
  return (
    <DataTable aria-label="Gateways" gridBreakPoint="grid-lg">
      <Thead>
        <Tr>
          <Th>Name</Th>
          <Th>Provider</Th>
          <Th modifier="nowrap">Installation</Th>
          <Th>Status</Th>
          <Th modifier="nowrap">Agent Version</Th>
          <Th>Profile</Th>
          <Th>Updates</Th>
        </Tr>
      </Thead>
      <Tbody>
        {gateways.map((gateway) => (
          <Tr key={gateway.id}>
            <Td dataLabel="Name" modifier="breakWord">
              <Link
                to="/gateways/$gateway"
                params={{ gateway: gateway.name }}
                search={needsTenant ? { tenant: gateway.tenant.name } : {}}
                className="console-strong"
              >
                {gateway.name}
              </Link>
              {needsTenant ? <div className="console-subtle">{gateway.tenant.name}</div> : null}
              {gateway.isSandbox ? (
                <div className="console-below">
                  <SandboxLabel>{sandboxText}</SandboxLabel>
                </div>
              ) : null}
            </Td>
            <Td dataLabel="Provider">{gateway.provider}</Td>
            <Td dataLabel="Installation">{installationText[gateway.installation]}</Td>
            <Td dataLabel="Status">
              <div>
                <StatusLabel status={gateway.status} />
              </div>
            </Td>
            <Td dataLabel="Agent Version">{gateway.agentVersion ?? 'not yet'}</Td>
            <Td dataLabel="Profile">
              {gateway.profileKeptByOwner ? 'kept by its owner' : (gateway.profileVersion ?? 'not yet')}
            </Td>
            <Td dataLabel="Updates">
              <UpdatesCell gateway={gateway} />
            </Td>
          </Tr>
        ))}
      </Tbody>
    </DataTable>
  );
}

function UpdatesCell({ gateway }: { readonly gateway: Gateway }) {
  const [first, ...others] = gateway.reasons;
  return (
    <div className="console-labels">
      {gateway.isCurrent ? <CurrentLabel /> : null}
      {gateway.updatesAvailable ? <UpdatesAvailableLabel /> : null}
      {gateway.isPaused ? <PausedLabel /> : null}
      {first === undefined || gateway.updatesAvailable ? null : (
        <span className="console-subtle console-text">
          {first.message}
          {others.length === 0 ? '' : ` (and ${others.length} more)`}
        </span>
      )}
    </div>
  );
}

function NoGateways() {
  const isSandbox = useQuery(platformQuery()).data?.isSandbox === true;
  return (
    <EmptyState titleText="No gateways yet" headingLevel="h2">
      {isSandbox ? (
        <EmptyStateBody>
          This is a sandbox, and its gateways are just being made: they appear here by themselves. For gateways of your
          own, start a control plane with <code>npm start -- --no-sandbox</code>.
        </EmptyStateBody>
      ) : (
        <EmptyStateBody>
          <p>
            Create one. On a Kubernetes cluster that you have, this prints two <code>kubectl</code> commands to run
            there:
          </p>
          <ClipboardCopy isReadOnly isCode hoverTip="Copy" clickTip="Copied" className="console-command">
            npx gatehouse gateway create site-a --installation existing-cluster --provider vsphere
          </ClipboardCopy>
          <p>Or let Gatehouse make the cluster through Cluster API:</p>
          <ClipboardCopy isReadOnly isCode hoverTip="Copy" clickTip="Copied" className="console-command">
            npx gatehouse gateway install site-b --kubeconfig MANAGEMENT --control-planes 3
          </ClipboardCopy>
        </EmptyStateBody>
      )}
    </EmptyState>
  );
}
