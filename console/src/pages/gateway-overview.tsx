/** What runs on a gateway, what should run there, and why not yet. */

import type { Explanation, Gateway } from '@gatehouse/contract/operator-types';
import {
  Card,
  CardBody,
  CardTitle,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Grid,
  GridItem,
} from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { explanationQuery, gatewayQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { AgentUpdateCard } from '../ui/agent-update-card.tsx';
import { Instant } from '../ui/instant.tsx';
import { HealthLabel, installationText, StatusLabel } from '../ui/labels.tsx';
import { NodeTable } from '../ui/node-table.tsx';
import { PauseCard } from '../ui/pause-card.tsx';
import { Reasons } from '../ui/reasons.tsx';

export function GatewayOverview() {
  const address = useGatewayAddress();
  const { data: gateway } = useQuery(gatewayQuery(address));
  const { data: explanation } = useQuery(explanationQuery(address));
  if (gateway === undefined) return null;
  return (
    <Grid hasGutter>
      <GridItem lg={7}>
        <Facts gateway={gateway} explanation={explanation} />
      </GridItem>
      <GridItem lg={5}>
        <WhyNotYet gateway={gateway} />
      </GridItem>
      {gateway.agentUpdate === undefined && gateway.takenBack.length === 0 ? null : (
        <GridItem lg={7}>
          <AgentUpdateCard gateway={gateway} />
        </GridItem>
      )}
      {gateway.pauses.length === 0 && gateway.exemption === undefined ? null : (
        <GridItem lg={5}>
          <PauseCard gateway={gateway} />
        </GridItem>
      )}
      <GridItem>
        <NodeTable gateway={gateway} />
      </GridItem>
    </Grid>
  );
}

function Facts({ gateway, explanation }: { readonly gateway: Gateway; readonly explanation: Explanation | undefined }) {
  const should = explanation?.shouldRun;
  const isRecalled = (part: 'agent' | 'profile') => gateway.recalled?.some((one) => one.part === part) === true;
  const version = (part: 'agent' | 'profile', runs: string | undefined, wanted: string | undefined) => (
    <>
      {runs ?? 'not yet'}
      {isRecalled(part) ? ' (recalled)' : null}
      {wanted === undefined || wanted === runs ? null : <div className="console-subtle">should run {wanted}</div>}
    </>
  );
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Status', <StatusLabel key="status" status={gateway.status} />],
    ['Health', <HealthLabel key="health" health={gateway.health} />],
    ['Agent Version', version('agent', gateway.agentVersion, should?.agentVersion)],
    [
      'Profile',
      gateway.profileKeptByOwner
        ? 'kept by its owner'
        : version('profile', gateway.profileVersion, should?.profileVersion),
    ],
    ['Kubernetes version', gateway.kubernetesVersion ?? 'unknown'],
    ['Installation', installationText[gateway.installation]],
    ['Provider', gateway.provider],
    ['Project', gateway.project?.name ?? 'none'],
    ['Tenant', gateway.tenant.name],
    ['Last poll', gateway.lastPollAt === undefined ? 'not yet' : <Instant key="poll" at={gateway.lastPollAt} />],
  ];
  return (
    <Card isFullHeight>
      <CardTitle component="h2">Gateway</CardTitle>
      <CardBody>
        <DescriptionList columnModifier={{ default: '1Col', sm: '2Col' }} isCompact>
          {facts.map(([term, description]) => (
            <DescriptionListGroup key={term}>
              <DescriptionListTerm>{term}</DescriptionListTerm>
              <DescriptionListDescription>{description}</DescriptionListDescription>
            </DescriptionListGroup>
          ))}
        </DescriptionList>
      </CardBody>
    </Card>
  );
}

function WhyNotYet({ gateway }: { readonly gateway: Gateway }) {
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{gateway.isCurrent ? 'Current' : 'Why not yet'}</CardTitle>
      <CardBody>
        {gateway.isCurrent ? (
          <p>Everything here is as the platform’s version wants it.</p>
        ) : (
          <Reasons reasons={gateway.reasons} />
        )}
      </CardBody>
    </Card>
  );
}
