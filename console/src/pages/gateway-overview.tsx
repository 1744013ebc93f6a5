/** What runs on a gateway, what should run there, and why not yet. */

import type { Explanation, Gateway } from '@gatehouse/contract/operator-types';
import type { Reason } from '@gatehouse/contract/primitives';
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
import { explanationQuery, type GatewayAddress, gatewayQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { reasonPage } from '../format/reason-page.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { AgentUpdateCard } from '../ui/agent-update-card.tsx';
import { tenantSearch } from '../ui/gateway-breadcrumb.tsx';
import { Instant } from '../ui/instant.tsx';
import { HealthLabel, installationText, StatusLabel } from '../ui/labels.tsx';
import { PauseCard } from '../ui/pause-card.tsx';
import { Reasons } from '../ui/reasons.tsx';
import { ButtonLink } from '../ui/router-links.tsx';
import { WayCard } from '../ui/way-card.tsx';

const texts = gatewayTexts.overview;

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
        <WhyNotYet gateway={gateway} address={address} />
      </GridItem>
      {explanation?.way === undefined ? null : (
        <GridItem>
          <WayCard way={explanation.way} />
        </GridItem>
      )}
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
    </Grid>
  );
}

function Facts({ gateway, explanation }: { readonly gateway: Gateway; readonly explanation: Explanation | undefined }) {
  const should = explanation?.shouldRun;
  const isRecalled = (part: 'agent' | 'profile') => gateway.recalled?.some((one) => one.part === part) === true;
  const version = (part: 'agent' | 'profile', runs: string | undefined, wanted: string | undefined) => (
    <>
      {runs ?? texts.notYet}
      {isRecalled(part) ? texts.recalled : null}
      {wanted === undefined || wanted === runs ? null : <div className="console-subtle">{texts.shouldRun(wanted)}</div>}
    </>
  );
  const instant = (at: string | undefined) => (at === undefined ? texts.notYet : <Instant at={at} />);
  const facts: readonly (readonly [string, ReactNode])[] = [
    [texts.status, <StatusLabel key="status" status={gateway.status} />],
    [texts.health, <HealthLabel key="health" health={gateway.health} />],
    [texts.agentVersion, version('agent', gateway.agentVersion, should?.agentVersion)],
    [
      texts.profile,
      gateway.profileKeptByOwner
        ? texts.keptByOwner
        : version('profile', gateway.profileVersion, should?.profileVersion),
    ],
    [texts.kubernetesVersion, gateway.kubernetesVersion ?? texts.unknown],
    [texts.installation, installationText[gateway.installation]],
    [texts.provider, gateway.provider],
    [texts.project, gateway.project?.name ?? texts.none],
    [texts.tenant, gateway.tenant.name],
    [texts.nodes, nodeCount(gateway)],
    [texts.lastPoll, instant(gateway.lastPollAt)],
    [texts.nextPoll, instant(gateway.nextPollDueAt)],
  ];
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{texts.title}</CardTitle>
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

function nodeCount({ nodes }: Gateway): string {
  const controlPlanes = nodes.filter(({ role }) => role === 'control-plane').length;
  return nodes.length === 0 ? texts.notYet : texts.nodeCount(controlPlanes, nodes.length - controlPlanes);
}

function WhyNotYet({ gateway, address }: { readonly gateway: Gateway; readonly address: GatewayAddress }) {
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{gateway.isCurrent ? texts.current : texts.whyNotYet}</CardTitle>
      <CardBody>
        {gateway.isCurrent ? (
          <p>{texts.currentDetail}</p>
        ) : (
          <Reasons reasons={gateway.reasons} after={(reason) => reasonLink(reason, address)} />
        )}
      </CardBody>
    </Card>
  );
}

/** To where something can be done about it, if that is in the console. */
function reasonLink(reason: Reason, address: GatewayAddress): ReactNode {
  const page = reasonPage(reason);
  if (page === undefined) return null;
  return (
    <ButtonLink
      to={`/gateways/$gateway/${page}` as const}
      params={{ gateway: address.gateway }}
      search={tenantSearch(address)}
      variant="link"
      isInline
      size="sm"
    >
      {gatewayTexts.reasonLinks[page]}
    </ButtonLink>
  );
}
