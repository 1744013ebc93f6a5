import type { Gateway } from '@gatehouse/contract/operator-types';
import {
  Card,
  CardBody,
  CardTitle,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
} from '@patternfly/react-core';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { type GatewayAddress, gatewayCall } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { gatewaySettingsTexts } from '../texts/gateway-settings.ts';
import { ActButton } from './act-button.tsx';
import { Instant } from './instant.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { type GivenReason, ReasonDialog } from './reason-dialog.tsx';

const texts = gatewaySettingsTexts.exemption;

interface ExemptionProps {
  readonly gateway: Gateway;
  readonly address: GatewayAddress;
}

/** An audited, expiring exception from the gateway's pauses. */
export function ExemptionCard({ gateway, address }: ExemptionProps) {
  const [isAsking, setIsAsking] = useState(false);
  const roleReasons = useRoleReasons('pause.set', texts.act);
  const exempt = useAct(
    ({ reason, until = '' }: GivenReason) => client.setExemption({ ...gatewayCall(address), body: { reason, until } }),
    () => setIsAsking(false),
  );
  const end = useAct(() => client.clearExemption(gatewayCall(address)));
  const { exemption } = gateway;
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        {exemption === undefined ? <Content component="p">{texts.none}</Content> : <Facts exemption={exemption} />}
        {end.isError ? <ProblemAlert error={end.error} isRefusal /> : null}
        {exemption === undefined ? (
          <ActButton
            variant="secondary"
            reasons={roleReasons}
            onClick={() => {
              exempt.reset();
              setIsAsking(true);
            }}
          >
            {texts.set}
          </ActButton>
        ) : (
          <ActButton
            variant="secondary"
            reasons={roleReasons}
            isLoading={end.isPending}
            onClick={() => end.mutate(undefined)}
          >
            {texts.clear}
          </ActButton>
        )}
        {isAsking ? (
          <ReasonDialog
            title={texts.setTitle(gateway.name)}
            submit={texts.setSubmit}
            ends="required"
            isSending={exempt.isPending}
            error={exempt.error}
            onSubmit={exempt.mutate}
            onClose={() => setIsAsking(false)}
          />
        ) : null}
      </CardBody>
    </Card>
  );
}

function Facts({ exemption }: { readonly exemption: NonNullable<Gateway['exemption']> }) {
  const facts = [
    [texts.by, exemption.by],
    [texts.reason, exemption.reason],
    [texts.since, <Instant key="since" at={exemption.since} />],
    [texts.until, <Instant key="until" at={exemption.until} />],
  ] as const;
  return (
    <DescriptionList isHorizontal isCompact className="console-facts">
      {facts.map(([term, description]) => (
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
