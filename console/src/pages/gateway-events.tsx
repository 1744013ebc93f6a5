/** Everything that happened on the gateway, newest first and live; what it is narrowed to stands in the address. */

import { Button, Card, CardBody, CardTitle, Checkbox, Form, FormGroup, TextInput } from '@patternfly/react-core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { gatewayEventsQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { EventTable } from '../ui/event-table.tsx';
import { Loading } from '../ui/loading.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';

const texts = gatewayTexts.events;

export function GatewayEvents() {
  const { severity, search } = useSearch({ from: '/frame/gateways/$gateway/events' });
  const filter = { ...(severity === undefined ? {} : { severity }), ...(search === undefined ? {} : { search }) };
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    gatewayEventsQuery(useGatewayAddress(), filter),
  );
  const events = data?.pages.flatMap((page) => page.items);
  const isFiltered = severity !== undefined || search !== undefined;
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <Filter />
        {events === undefined ? error === null ? <Loading /> : <ProblemAlert error={error} /> : null}
        {events?.length === 0 ? <p>{isFiltered ? texts.noneFits : texts.none}</p> : null}
        {events === undefined || events.length === 0 ? null : <EventTable events={events} />}
        {hasNextPage ? (
          <Button variant="link" isLoading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {texts.older}
          </Button>
        ) : null}
      </CardBody>
    </Card>
  );
}

function Filter() {
  const { tenant, severity, search } = useSearch({ from: '/frame/gateways/$gateway/events' });
  const navigate = useNavigate({ from: '/gateways/$gateway/events' });
  const isFiltered = severity !== undefined || search !== undefined;
  const change = (to: { readonly severity?: 'warning'; readonly search?: string }) =>
    void navigate({ search: { ...(tenant === undefined ? {} : { tenant }), ...to }, replace: true });
  return (
    <search>
      <Form className="console-event-filter" onSubmit={(event) => event.preventDefault()}>
        <FormGroup label={texts.text} fieldId="event-search">
          <TextInput
            id="event-search"
            type="search"
            maxLength={200}
            value={search ?? ''}
            onChange={(_event, value) =>
              change({ ...(severity === undefined ? {} : { severity }), ...(value === '' ? {} : { search: value }) })
            }
          />
        </FormGroup>
        <Checkbox
          id="event-warnings"
          label={texts.warnings}
          isChecked={severity === 'warning'}
          onChange={(_event, isChecked) =>
            change({ ...(search === undefined ? {} : { search }), ...(isChecked ? { severity: 'warning' } : {}) })
          }
        />
        {isFiltered ? (
          <Button variant="link" isInline onClick={() => change({})}>
            {texts.clear}
          </Button>
        ) : null}
      </Form>
    </search>
  );
}
