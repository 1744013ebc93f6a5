import type { GatewayEvent } from '@gatehouse/contract/operator-types';
import { Label } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { Link } from '@tanstack/react-router';
import { DataTable } from './data-table.tsx';
import { Instant } from './instant.tsx';
import { Prose } from './prose.tsx';

/** Newest first; each text as it was recorded, its instants in the reader’s zone. */
export function EventTable({
  events,
  withGateway = false,
}: {
  readonly events: readonly GatewayEvent[];
  /** Where they are of several. */
  readonly withGateway?: boolean;
}) {
  return (
    <DataTable aria-label="Events" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th width={15}>Time</Th>
          {withGateway ? <Th width={20}>Gateway</Th> : null}
          <Th>Message</Th>
          <Th width={25}>Type</Th>
        </Tr>
      </Thead>
      <Tbody>
        {events.map((event) => (
          <Tr key={event.id}>
            <Td dataLabel="Time">
              <Instant at={event.time} />
            </Td>
            {withGateway ? (
              <Td dataLabel="Gateway" modifier="breakWord">
                <Link to="/gateways/$gateway" params={{ gateway: event.gateway.name }}>
                  {event.gateway.name}
                </Link>
              </Td>
            ) : null}
            <Td dataLabel="Message" modifier="breakWord">
              <div className="console-labels">
                <Prose text={event.message} />
                {event.severity === 'warning' ? (
                  <Label isCompact status="warning">
                    Warning
                  </Label>
                ) : null}
              </div>
            </Td>
            <Td dataLabel="Type" modifier="breakWord" className="console-subtle">
              {event.type}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </DataTable>
  );
}
