/** What a person sets on one gateway: its pause, its exemption, which agent version may be tried again, its end. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Content } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { type GatewayAddress, gatewayCall, gatewayQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { gatewaySettingsTexts } from '../texts/gateway-settings.ts';
import { ActButton } from '../ui/act-button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { DeleteCard } from '../ui/delete-card.tsx';
import { ExemptionCard } from '../ui/exemption-card.tsx';
import { tenantSearch } from '../ui/gateway-breadcrumb.tsx';
import { Instant } from '../ui/instant.tsx';
import { PauseSwitchCard } from '../ui/pause-switch-card.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Prose } from '../ui/prose.tsx';
import { ButtonLink } from '../ui/router-links.tsx';

export function GatewaySettings() {
  const address = useGatewayAddress();
  const { data: gateway } = useQuery(gatewayQuery(address));
  if (gateway === undefined) return null;
  return (
    <div className="console-stack">
      <PauseSwitchCard gateway={gateway} address={address} />
      <ExemptionCard gateway={gateway} address={address} />
      <TakenBackCard gateway={gateway} address={address} />
      <InstallationCard address={address} />
      <DeleteCard gateway={gateway} address={address} />
    </div>
  );
}

interface CardProps {
  readonly gateway: Gateway;
  readonly address: GatewayAddress;
}

function TakenBackCard({ gateway, address }: CardProps) {
  const texts = gatewaySettingsTexts.takenBack;
  const roleReasons = useRoleReasons('agent-update.retry', texts.act);
  const retry = useAct((version: string) => client.retryAgentUpdate({ ...gatewayCall(address), body: { version } }));
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        {gateway.takenBack.length === 0 ? (
          <p>{texts.none}</p>
        ) : (
          <>
            <Content component="p">{texts.detail}</Content>
            {retry.isError ? <ProblemAlert error={retry.error} isRefusal /> : null}
            <DataTable aria-label={texts.table} gridBreakPoint="grid-md">
              <Thead>
                <Tr>
                  <Th>{texts.columns.version}</Th>
                  <Th>{texts.columns.at}</Th>
                  <Th>{texts.columns.reason}</Th>
                  <Th>{texts.columns.act}</Th>
                </Tr>
              </Thead>
              <Tbody>
                {gateway.takenBack.map(({ version, digest, at, reason, isRetried }) => (
                  <Tr key={digest}>
                    <Td dataLabel={texts.columns.version}>{version}</Td>
                    <Td dataLabel={texts.columns.at}>
                      <Instant at={at} />
                    </Td>
                    <Td dataLabel={texts.columns.reason} modifier="breakWord">
                      <Prose text={reason} />
                    </Td>
                    <Td dataLabel={texts.columns.act}>
                      <ActButton
                        variant="secondary"
                        size="sm"
                        reasons={isRetried ? [{ code: 'retried', message: texts.isRetried }] : roleReasons}
                        isLoading={retry.isPending && retry.variables === version}
                        onClick={() => retry.mutate(version)}
                      >
                        {texts.retry(version)}
                      </ActButton>
                    </Td>
                  </Tr>
                ))}
              </Tbody>
            </DataTable>
          </>
        )}
      </CardBody>
    </Card>
  );
}

function InstallationCard({ address }: { readonly address: GatewayAddress }) {
  const texts = gatewaySettingsTexts.installation;
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <Content component="p">{texts.detail}</Content>
        <ButtonLink
          to="/gateways/$gateway/install"
          params={{ gateway: address.gateway }}
          search={tenantSearch(address)}
          variant="secondary"
        >
          {texts.show}
        </ButtonLink>
      </CardBody>
    </Card>
  );
}
