/** The gateway's own pause as a switch, and every scope that holds it. Resuming one scope does not resume another. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Content, Switch } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useId, useState } from 'react';
import { client } from '../api/client.ts';
import { type GatewayAddress, gatewayCall } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { gatewaySettingsTexts } from '../texts/gateway-settings.ts';
import { AskDialog } from './ask-dialog.tsx';
import { DataTable } from './data-table.tsx';
import { Instant } from './instant.tsx';
import { type GivenReason, ReasonDialog } from './reason-dialog.tsx';
import { Reasons } from './reasons.tsx';

const texts = gatewaySettingsTexts.pause;

interface PauseSwitchProps {
  readonly gateway: Gateway;
  readonly address: GatewayAddress;
}

export function PauseSwitchCard({ gateway, address }: PauseSwitchProps) {
  const id = useId();
  const [isAsking, setIsAsking] = useState(false);
  const roleReasons = useRoleReasons('pause.set', texts.act);
  const { query } = gatewayCall(address);
  const { name } = gateway;
  const close = () => setIsAsking(false);
  const pause = useAct(
    (given: GivenReason) => client.setPause({ query, body: { scope: 'gateway', name, ...given } }),
    close,
  );
  const resume = useAct(() => client.clearPause({ query, params: { scope: 'gateway', name } }), close);
  const isOn = gateway.pauses.some(({ scope }) => scope.kind === 'gateway');
  const isForbidden = roleReasons.length > 0;
  const ask = () => {
    pause.reset();
    resume.reset();
    setIsAsking(true);
  };
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <div className="console-act">
          <Switch
            id={id}
            label={texts.toggle}
            isChecked={isOn}
            isDisabled={isForbidden}
            aria-describedby={`${id}-why`}
            onChange={ask}
          />
          <div id={`${id}-why`}>
            <p>{texts.does}</p>
            {isForbidden ? <Reasons reasons={roleReasons} /> : null}
          </div>
        </div>
        <Held gateway={gateway} />
        {isAsking && !isOn ? (
          <ReasonDialog
            title={texts.setTitle(name)}
            submit={texts.set}
            ends="optional"
            isSending={pause.isPending}
            error={pause.error}
            onSubmit={pause.mutate}
            onClose={close}
          >
            <Content component="p">{texts.does}</Content>
          </ReasonDialog>
        ) : null}
        {isAsking && isOn ? (
          <AskDialog
            title={texts.clearTitle(name)}
            submit={texts.clear}
            isSending={resume.isPending}
            error={resume.error}
            onSubmit={() => resume.mutate(undefined)}
            onClose={close}
          >
            <Content component="p">{texts.clearDetail}</Content>
          </AskDialog>
        ) : null}
      </CardBody>
    </Card>
  );
}

function Held({ gateway: { pauses, isPaused } }: { readonly gateway: Gateway }) {
  const { columns } = texts;
  if (pauses.length === 0) return <p>{texts.notHeld}</p>;
  return (
    <>
      <h3 className="console-pack">{texts.heldBy}</h3>
      {isPaused ? null : <p>{texts.exempt}</p>}
      <DataTable aria-label={texts.table} gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th>{columns.scope}</Th>
            <Th>{columns.by}</Th>
            <Th>{columns.since}</Th>
            <Th>{columns.until}</Th>
            <Th>{columns.reason}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {pauses.map(({ id, scope, by, since, until, reason }) => (
            <Tr key={id}>
              <Td dataLabel={columns.scope} modifier="breakWord">
                {texts.scopes[scope.kind]} {scope.name}
              </Td>
              <Td dataLabel={columns.by} modifier="breakWord">
                {by}
              </Td>
              <Td dataLabel={columns.since}>
                <Instant at={since} />
              </Td>
              <Td dataLabel={columns.until}>{until === undefined ? texts.noEnd : <Instant at={until} />}</Td>
              <Td dataLabel={columns.reason} modifier="breakWord">
                <span className="console-text">{reason}</span>
              </Td>
            </Tr>
          ))}
        </Tbody>
      </DataTable>
      <p className="console-subtle">{texts.elsewhere}</p>
    </>
  );
}
