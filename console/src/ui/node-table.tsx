import type { Gateway } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Label } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { Instant } from './instant.tsx';
import { DataTable } from './data-table.tsx';

const readyLooks: Readonly<Record<string, { readonly text: string; readonly status?: 'success' | 'danger' }>> = {
  true: { text: 'Ready', status: 'success' },
  false: { text: 'Not ready', status: 'danger' },
};

/** The gateway's own nodes, as its agent saw them last. */
export function NodeTable({ gateway }: { readonly gateway: Gateway }) {
  return (
    <Card>
      <CardTitle component="h2">Nodes</CardTitle>
      <CardBody>
        {gateway.nodes.length === 0 ? (
          <p>The agent has reported no nodes yet.</p>
        ) : (
          <DataTable aria-label="Nodes" gridBreakPoint="grid-md">
            <Thead>
              <Tr>
                <Th>Name</Th>
                <Th>Role</Th>
                <Th modifier="wrap">Kubernetes version</Th>
                <Th>State</Th>
                <Th>Made</Th>
              </Tr>
            </Thead>
            <Tbody>
              {gateway.nodes.map((node) => {
                const { text, status } = readyLooks[node.ready] ?? { text: node.ready };
                return (
                  <Tr key={node.name}>
                    <Td dataLabel="Name" modifier="breakWord">
                      {node.name}
                    </Td>
                    <Td dataLabel="Role">{node.role}</Td>
                    <Td dataLabel="Kubernetes version">{node.kubernetesVersion}</Td>
                    <Td dataLabel="State">
                      <div>
                        <Label isCompact {...(status === undefined ? {} : { status })}>
                          {text}
                        </Label>
                      </div>
                    </Td>
                    <Td dataLabel="Made">
                      <Instant at={node.createdAt} />
                    </Td>
                  </Tr>
                );
              })}
            </Tbody>
          </DataTable>
        )}
      </CardBody>
    </Card>
  );
}
