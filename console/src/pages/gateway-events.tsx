import { Button, Card, CardBody, CardTitle } from '@patternfly/react-core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { gatewayEventsQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { EventTable } from '../ui/event-table.tsx';
import { Loading } from '../ui/loading.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';

/** Everything that happened on the gateway, newest first and live. */
export function GatewayEvents() {
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    gatewayEventsQuery(useGatewayAddress()),
  );
  if (data === undefined) return error === null ? <Loading /> : <ProblemAlert error={error} />;
  const events = data.pages.flatMap((page) => page.items);
  return (
    <Card>
      <CardTitle component="h2">Events</CardTitle>
      <CardBody>
        {events.length === 0 ? <p>Nothing has happened here yet. Events appear by themselves.</p> : null}
        {events.length === 0 ? null : <EventTable events={events} />}
        {hasNextPage ? (
          <Button variant="link" isLoading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Show older events
          </Button>
        ) : null}
      </CardBody>
    </Card>
  );
}
