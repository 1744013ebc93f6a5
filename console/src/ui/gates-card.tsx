/** Who holds a hop, by name where the reader may know it; and who was left out of the gates. */

import type { Platform } from '@gatehouse/contract/operator-types';
import type { Gate, Waiver } from '@gatehouse/contract/platform-types';
import { Card, CardBody, CardTitle, Content, Label } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { platformTexts } from '../texts/platform.ts';
import { ActButton } from './act-button.tsx';
import { DataTable } from './data-table.tsx';
import { Instant } from './instant.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { type GivenReason, ReasonDialog } from './reason-dialog.tsx';
import { Reasons } from './reasons.tsx';

const texts = platformTexts.gates;

interface PlatformProps {
  readonly platform: Platform;
}

const callOf = ({ gateway, tenant }: Pick<Gate, 'gateway' | 'tenant'>) => ({
  params: { gateway },
  query: { tenant },
});

export function GatesCard({ platform: { gates } }: PlatformProps) {
  const [asked, setAsked] = useState<Gate>();
  const roleReasons = useRoleReasons('platform.waive', texts.waiveAct);
  const waive = useAct(
    ({ gate, given }: { readonly gate: Gate; readonly given: GivenReason }) =>
      client.setWaiver({ ...callOf(gate), body: given }),
    () => setAsked(undefined),
  );
  return (
    <Card component="section" aria-label={texts.title}>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <Content component="p">{texts.detail}</Content>
        {gates.length === 0 ? (
          <p>{texts.none}</p>
        ) : (
          <DataTable aria-label={texts.table} gridBreakPoint="grid-lg">
            <Thead>
              <Tr>
                <Th width={20}>{texts.gateway}</Th>
                <Th>{texts.state}</Th>
                <Th width={40}>{texts.why}</Th>
                <Th>{texts.opens}</Th>
                <Th>{texts.act}</Th>
              </Tr>
            </Thead>
            <Tbody>
              {gates.map((gate) => (
                <Tr key={`${gate.tenant}/${gate.gateway}`}>
                  <Td dataLabel={texts.gateway} modifier="breakWord">
                    <GatewayLink of={gate} />
                  </Td>
                  <Td dataLabel={texts.state}>
                    <div>
                      {gate.state === 'closed' ? (
                        <Label isCompact status="warning">
                          {texts.closed}
                        </Label>
                      ) : (
                        <Label isCompact color="grey">
                          {texts.waived}
                        </Label>
                      )}
                    </div>
                  </Td>
                  <Td dataLabel={texts.why} modifier="breakWord">
                    <Reasons reasons={gate.reasons} />
                  </Td>
                  <Td dataLabel={texts.opens}>
                    {gate.opensAt === undefined ? texts.notByItself : <Instant at={gate.opensAt} />}
                  </Td>
                  <Td dataLabel={texts.act}>
                    {gate.state === 'closed' ? (
                      <ActButton
                        variant="secondary"
                        size="sm"
                        aria-label={texts.waiveName(gate.gateway)}
                        reasons={roleReasons}
                        onClick={() => {
                          waive.reset();
                          setAsked(gate);
                        }}
                      >
                        {texts.waive}
                      </ActButton>
                    ) : null}
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </DataTable>
        )}
        {asked === undefined ? null : (
          <ReasonDialog
            title={texts.waiveTitle(asked.gateway)}
            submit={texts.waiveSubmit}
            variant="warning"
            ends="required"
            isSending={waive.isPending}
            error={waive.error}
            onSubmit={(given) => waive.mutate({ gate: asked, given })}
            onClose={() => setAsked(undefined)}
          >
            <Content component="p">{texts.waiveDetail}</Content>
          </ReasonDialog>
        )}
      </CardBody>
    </Card>
  );
}

function GatewayLink({ of: { gateway, tenant } }: { readonly of: Pick<Gate, 'gateway' | 'tenant'> }) {
  return (
    <>
      <Link to="/gateways/$gateway" params={{ gateway }} search={{ tenant }} className="console-strong">
        {gateway}
      </Link>
      <div className="console-subtle">{tenant}</div>
    </>
  );
}

export function WaiversCard({ platform: { waivers } }: PlatformProps) {
  const roleReasons = useRoleReasons('platform.waive', texts.endAct);
  const end = useAct((waiver: Waiver) => client.clearWaiver(callOf(waiver)));
  if (waivers.length === 0) return null;
  return (
    <Card component="section" aria-label={texts.waivers}>
      <CardTitle component="h2">{texts.waivers}</CardTitle>
      <CardBody>
        {end.isError ? <ProblemAlert error={end.error} isRefusal /> : null}
        <DataTable aria-label={texts.waivers} gridBreakPoint="grid-lg">
          <Thead>
            <Tr>
              <Th>{texts.gateway}</Th>
              <Th>{texts.by}</Th>
              <Th>{texts.reason}</Th>
              <Th>{texts.until}</Th>
              <Th>{texts.act}</Th>
            </Tr>
          </Thead>
          <Tbody>
            {waivers.map((waiver) => (
              <Tr key={`${waiver.tenant}/${waiver.gateway}`}>
                <Td dataLabel={texts.gateway} modifier="breakWord">
                  <GatewayLink of={waiver} />
                </Td>
                <Td dataLabel={texts.by} modifier="breakWord">
                  {waiver.by}
                </Td>
                <Td dataLabel={texts.reason} modifier="breakWord">
                  <span className="console-text">{waiver.reason}</span>
                </Td>
                <Td dataLabel={texts.until}>
                  <Instant at={waiver.until} />
                </Td>
                <Td dataLabel={texts.act}>
                  <ActButton
                    variant="secondary"
                    size="sm"
                    aria-label={texts.endName(waiver.gateway)}
                    reasons={roleReasons}
                    isLoading={end.isPending && end.variables === waiver}
                    onClick={() => end.mutate(waiver)}
                  >
                    {texts.end}
                  </ActButton>
                </Td>
              </Tr>
            ))}
          </Tbody>
        </DataTable>
      </CardBody>
    </Card>
  );
}
