import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Content, Label } from '@patternfly/react-core';
import LockIcon from '@patternfly/react-icons/dist/esm/icons/lock-icon';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { gatewayQuery, profileUpdateQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { DataTable } from '../ui/data-table.tsx';

/** The profile is locked: a release brings it, and nobody edits it. */
export function GatewayProfile() {
  const address = useGatewayAddress();
  const { data: gateway } = useQuery(gatewayQuery(address));
  const isKept = gateway?.profileKeptByOwner === false;
  const { data: update } = useQuery({ ...profileUpdateQuery(address), enabled: isKept });
  if (gateway === undefined) return null;
  if (!isKept) {
    return (
      <Card>
        <CardTitle component="h2">Profile</CardTitle>
        <CardBody>
          <Content component="p">
            Gatehouse applies no profile to an existing cluster: its owner keeps Kubernetes, network and storage.
          </Content>
        </CardBody>
      </Card>
    );
  }
  return (
    <Card>
      <CardTitle component="h2">
        <span className="console-labels">
          Profile {gateway.profileVersion ?? '(not applied yet)'}
          <Label icon={<LockIcon />}>Locked</Label>
        </span>
      </CardTitle>
      <CardBody>
        <Content component="p">
          It comes with the platform’s release, signed, and cannot be edited. A newer one is offered here and applied
          when a person has confirmed it.
        </Content>
        {update === undefined ? null : <Layers update={update} />}
      </CardBody>
    </Card>
  );
}

/** What was last applied: the left side of the difference until it is completed, then the right one. */
function Layers({ update }: { readonly update: ProfileUpdate }) {
  const isCompleted = update.phase === 'completed';
  const packs = update.layers.flatMap(({ layer, packs }) =>
    packs.flatMap(({ name, fromVersion, toVersion }) => {
      const version = isCompleted ? toVersion : fromVersion;
      return version === undefined ? [] : [{ layer, name, version }];
    }),
  );
  return (
    <DataTable aria-label="Layers and packs" gridBreakPoint="">
      <Thead>
        <Tr>
          <Th>Layer</Th>
          <Th>Pack</Th>
          <Th>Version</Th>
        </Tr>
      </Thead>
      <Tbody>
        {packs.map(({ layer, name, version }) => (
          <Tr key={`${layer} ${name}`}>
            <Td dataLabel="Layer">{layer}</Td>
            <Td dataLabel="Pack" modifier="breakWord">
              {name}
            </Td>
            <Td dataLabel="Version">{version}</Td>
          </Tr>
        ))}
      </Tbody>
    </DataTable>
  );
}
