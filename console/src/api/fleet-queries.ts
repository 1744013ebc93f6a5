/** The questions about all gateways together. Events bring news within a second; the intervals are for what none tells. */

import type { CallOf } from '@gatehouse/contract/operator-api';
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { type GatewaySearch, toListQuery } from '../format/gateway-search.ts';
import { client } from './client.ts';
import { liveKey } from './queries.ts';

const second = 1000;
export const gatewaysPerPage = 50;
const eventsPerPage = 100;

export const overviewQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'overview'],
    queryFn: ({ signal }) => client.getOverview({}, { signal }),
    refetchInterval: 5 * second,
  });

export const gatewayListQuery = (search: GatewaySearch, limit = gatewaysPerPage) =>
  queryOptions({
    queryKey: [...liveKey, 'gateways', search, limit],
    queryFn: ({ signal }) => client.listGateways({ query: toListQuery(search, limit) }, { signal }),
    refetchInterval: 5 * second,
    // The list stays while the next one is asked for.
    placeholderData: keepPreviousData,
  });

export type EventSearch = Pick<NonNullable<CallOf<'listEvents'>['query']>, 'severity' | 'type' | 'search' | 'tenant'>;

export const eventListQuery = (search: EventSearch) =>
  infiniteQueryOptions({
    queryKey: [...liveKey, 'events', 'of all', search],
    queryFn: ({ signal, pageParam }) =>
      client.listEvents(
        { query: { ...search, limit: eventsPerPage, ...(pageParam === undefined ? {} : { cursor: pageParam }) } },
        { signal },
      ),
    initialPageParam: undefined as string | undefined, // The first page has no cursor.
    getNextPageParam: (page) => page.next,
    refetchInterval: 10 * second,
    placeholderData: keepPreviousData,
  });
