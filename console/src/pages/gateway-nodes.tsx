/** The gateway's own nodes as its agent saw them last, and what an update on its way means for each. */

import type { Gateway, ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Alert, Card, CardBody, CardTitle, Label } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { gatewayQuery, profileUpdateQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { isOnItsWay } from '../format/profile-update-phase.ts';
import { nodePart } from '../format/repave-progress.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { DataTable } from '../ui/data-table.tsx';
import { Instant } from '../ui/instant.tsx';

const texts = gatewayTexts.nodes;

export function GatewayNodes() {
  const address = useGatewayAddress();
  const { data: gateway } = useQuery(gatewayQuery(address));
  const hasProfile = gateway?.profileKeptByOwner === false;
  const { data: update } = useQuery({ ...profileUpdateQuery(address), enabled: hasProfile });
  if (gateway === undefined) return null;
  const rolling = hasProfile && update !== undefined && isOnItsWay(update.phase) ? update : undefined;
  return (
    <div className="console-stack">
      {rolling === undefined ? null : (
        <Alert variant="info" isInline isPlain component="h2" title={texts.rolling(rolling.to.version)} />
      )}
      <NodeCard title={texts.controlPlanes} of="control-plane" gateway={gateway} update={rolling} />
      <NodeCard title={texts.workers} of="worker" gateway={gateway} update={rolling} />
    </div>
  );
}

interface NodeCardProps {
  readonly title: string;
  readonly of: string;
  readonly gateway: Gateway;
  readonly update: ProfileUpdate | undefined;
}

function NodeCard({ title, of, gateway, update }: NodeCardProps) {
  const nodes = gateway.nodes.filter((node) => node.role === of).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const isEmptyByDesign = of === 'worker' && gateway.workers === 0;
  return (
    <Card>
      <CardTitle component="h2">{title}</CardTitle>
      <CardBody>
        {nodes.length === 0 ? (
          <p>{isEmptyByDesign ? texts.noWorkers : texts.none}</p>
        ) : (
          <NodeTable title={title} nodes={nodes} update={update} />
        )}
      </CardBody>
    </Card>
  );
}

interface NodeTableProps {
  readonly title: string;
  readonly nodes: Gateway['nodes'];
  readonly update: ProfileUpdate | undefined;
}

export function NodeTable({ title, nodes, update }: NodeTableProps) {
  const { columns } = texts;
  return (
    <DataTable aria-label={title} gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>{columns.name}</Th>
          <Th modifier="wrap">{columns.kubernetes}</Th>
          <Th>{columns.state}</Th>
          {update === undefined ? null : <Th>{columns.part}</Th>}
          <Th>{columns.made}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {nodes.map((node) => (
          <Tr key={node.name}>
            <Td dataLabel={columns.name} modifier="breakWord">
              {node.name}
            </Td>
            <Td dataLabel={columns.kubernetes}>{node.kubernetesVersion}</Td>
            <Td dataLabel={columns.state}>
              <div>
                <ReadyLabel ready={node.ready} />
              </div>
            </Td>
            {update === undefined ? null : (
              <Td dataLabel={columns.part}>
                <PartLabel part={nodePart(node, update) ?? 'stays'} />
              </Td>
            )}
            <Td dataLabel={columns.made}>
              <Instant at={node.createdAt} />
            </Td>
          </Tr>
        ))}
      </Tbody>
    </DataTable>
  );
}

/** What is neither is shown as it came. */
function ReadyLabel({ ready }: { readonly ready: string }) {
  const isKnown = ready === 'true' || ready === 'false';
  const text = ready === 'true' ? texts.ready : ready === 'false' ? texts.notReady : ready;
  return (
    <Label isCompact {...(isKnown ? { status: ready === 'true' ? ('success' as const) : ('danger' as const) } : {})}>
      {text}
    </Label>
  );
}

const partColours = { stays: 'grey', 'will-be-replaced': 'orange', new: 'green' } as const;

function PartLabel({ part }: { readonly part: keyof typeof partColours }) {
  return (
    <div>
      <Label isCompact variant="outline" color={partColours[part]}>
        {texts.part[part]}
      </Label>
    </div>
  );
}
