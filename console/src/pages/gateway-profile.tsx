/** The profile is locked: a release brings it, and nobody edits it. */

import type { GatewayProfile as Profile } from '@gatehouse/contract/profile-types';
import { Button, Card, CardBody, CardTitle, CodeBlock, CodeBlockCode, Content, Label } from '@patternfly/react-core';
import LockIcon from '@patternfly/react-icons/dist/esm/icons/lock-icon';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { gatewayProfileQuery, gatewayQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { DataTable } from '../ui/data-table.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';

const texts = gatewayTexts.profile;

type Layer = NonNullable<Profile['layers']>[number];

export function GatewayProfile() {
  const address = useGatewayAddress();
  const { data: gateway } = useQuery(gatewayQuery(address));
  const isApplied = gateway?.profileKeptByOwner === false && gateway.profileVersion !== undefined;
  const { data: profile, error } = useQuery({ ...gatewayProfileQuery(address), enabled: isApplied });
  if (gateway === undefined) return null;
  if (gateway.profileKeptByOwner) {
    return (
      <Card>
        <CardTitle component="h2">{texts.owner}</CardTitle>
        <CardBody>
          <Content component="p">{texts.ownerDetail}</Content>
        </CardBody>
      </Card>
    );
  }
  return (
    <Card>
      <CardTitle component="h2">
        <span className="console-labels">
          {texts.title(gateway.profileVersion)}
          <Label icon={<LockIcon />}>{texts.locked}</Label>
        </span>
      </CardTitle>
      <CardBody>
        <Content component="p">{texts.lockedDetail}</Content>
        {profile === undefined && error !== null ? <ProblemAlert error={error} /> : null}
        {profile === undefined ? null : <Layers profile={profile} />}
      </CardBody>
    </Card>
  );
}

function Layers({ profile: { layers, digest } }: { readonly profile: Profile }) {
  if (layers === undefined) return <p>{texts.missing}</p>;
  return (
    <>
      <DataTable aria-label={texts.layers} gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th>{texts.layer}</Th>
            <Th>{texts.pack}</Th>
            <Th>{texts.version}</Th>
            <Th>{texts.objects}</Th>
            <Th>{texts.valuesColumn}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {layers.flatMap(({ layer, packs }) =>
            packs.map((pack) => <PackRow key={`${layer} ${pack.name}`} layer={layer} pack={pack} />),
          )}
        </Tbody>
      </DataTable>
      <p className="console-subtle console-plan">{digest}</p>
    </>
  );
}

function PackRow({ layer, pack }: { readonly layer: string; readonly pack: Layer['packs'][number] }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <Tr>
        <Td dataLabel={texts.layer}>{layer}</Td>
        <Td dataLabel={texts.pack} modifier="breakWord">
          {pack.name}
        </Td>
        <Td dataLabel={texts.version}>{pack.version}</Td>
        <Td dataLabel={texts.objects}>{pack.objects}</Td>
        <Td dataLabel={texts.valuesColumn}>
          <Button
            variant="link"
            size="sm"
            isInline
            aria-expanded={isOpen}
            aria-label={`${isOpen ? texts.hide : texts.show} ${texts.values(pack.name)}`}
            onClick={() => setIsOpen(!isOpen)}
          >
            {isOpen ? texts.hide : texts.show}
          </Button>
        </Td>
      </Tr>
      {isOpen ? (
        <Tr>
          <Td colSpan={5}>
            <CodeBlock aria-label={texts.values(pack.name)}>
              <CodeBlockCode className="console-code">{pack.text}</CodeBlockCode>
            </CodeBlock>
          </Td>
        </Tr>
      ) : null}
    </>
  );
}
