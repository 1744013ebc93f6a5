/** Everything that happens on any gateway, newest first and live; what it is narrowed to stands in the address. */

import { Button, FormGroup, FormSelect, FormSelectOption, PageSection, Title } from '@patternfly/react-core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { type EventSearch, eventListQuery } from '../api/fleet-queries.ts';
import { eventsTexts as texts } from '../texts/fleet.ts';
import { EventTable } from '../ui/event-table.tsx';
import { SearchByName } from '../ui/gateway-filters.tsx';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import '../ui/gateways.css';

export function Events() {
  const search = useSearch({ from: '/frame/events' });
  const navigate = useNavigate({ from: '/events' });
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(eventListQuery(search));
  const events = data?.pages.flatMap((page) => page.items);
  const change = useCallback(
    (key: keyof EventSearch, value: string) => {
      void navigate({
        search: ({ [key]: _before, ...others }) => (value === '' ? others : { ...others, [key]: value }),
        replace: key === 'search',
      });
    },
    [navigate],
  );
  const changeSearch = useCallback((value: string) => change('search', value), [change]);
  const isFiltered = Object.keys(search).length > 0;
  return (
    <PageSection>
      <PageTitle title={texts.title} />
      <Title headingLevel="h1">{texts.title}</Title>
      <p className="console-subtle console-page-title">{texts.detail}</p>
      <search aria-label={texts.filters} className="console-filters">
        <div className="console-filter-row">
          <SearchByName label={texts.search} value={search.search ?? ''} onChange={changeSearch} />
          <FormGroup label={texts.severity} fieldId="severity" className="console-filter">
            <FormSelect
              id="severity"
              value={search.severity ?? ''}
              onChange={(_event, value) => change('severity', value)}
            >
              <FormSelectOption value="" label={texts.any} />
              <FormSelectOption value="warning" label={texts.warning} />
              <FormSelectOption value="normal" label={texts.normal} />
            </FormSelect>
          </FormGroup>
          <FormGroup label={texts.type} fieldId="type" className="console-filter">
            <FormSelect id="type" value={search.type ?? ''} onChange={(_event, value) => change('type', value)}>
              <FormSelectOption value="" label={texts.anyType} />
              {typesOf(events ?? [], search.type).map((type) => (
                <FormSelectOption key={type} value={type} label={type} />
              ))}
            </FormSelect>
          </FormGroup>
          {isFiltered ? (
            <Button variant="link" onClick={() => void navigate({ search: {} })}>
              {texts.clear}
            </Button>
          ) : null}
        </div>
      </search>
      {error === null ? null : <ProblemAlert error={error} />}
      {events === undefined && error === null ? <Loading /> : null}
      {events?.length === 0 ? <p>{isFiltered ? texts.noneFits : texts.none}</p> : null}
      {events !== undefined && events.length > 0 ? <EventTable events={events} withGateway /> : null}
      {hasNextPage ? (
        <Button variant="link" isLoading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {texts.older}
        </Button>
      ) : null}
    </PageSection>
  );
}

/** Those that the page shows, and the one that is asked for. */
function typesOf(events: readonly { readonly type: string }[], asked: string | undefined): readonly string[] {
  const types = new Set(events.map(({ type }) => type));
  return [...types, ...(asked === undefined || types.has(asked) ? [] : [asked])].toSorted();
}
