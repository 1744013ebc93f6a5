/**
 * Every question the console asks, with the key it is kept under. Events bring news within a second; the intervals are
 * for what no event tells (health, preflight, nodes) and for a lost connection.
 */

import type { CallOf } from '@gatehouse/contract/operator-api';
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { client } from './client.ts';

/** A gateway's name is unique in its tenant; who sees several tenants says which. */
export interface GatewayAddress {
  readonly gateway: string;
  readonly tenant?: string | undefined;
}

const callOf = ({ gateway, tenant }: GatewayAddress) => ({
  params: { gateway },
  query: tenant === undefined ? {} : { tenant },
});
const keyOf = ({ gateway, tenant }: GatewayAddress) => [tenant ?? '', gateway] as const;

const second = 1000;
const eventsPerPage = 100;
const hostClustersPerPage = 100;

/** What was asked once and shown once, such as a registration token: never asked again by itself. */
export const installKey = ({ gateway, tenant }: GatewayAddress) => ['install', tenant ?? '', gateway] as const;

/** Everything that an event may change. */
export const liveKey = ['live'] as const;

export const meQuery = () =>
  queryOptions({ queryKey: ['me'], queryFn: ({ signal }) => client.getMe({}, { signal }), staleTime: 60 * second });

/** What is wrong with the control plane itself. Most of it no event tells of. */
export const statusQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'status'],
    queryFn: ({ signal }) => client.getStatus({}, { signal }),
    refetchInterval: 10 * second,
  });

export const platformQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'platform'],
    queryFn: ({ signal }) => client.getPlatform({}, { signal }),
    refetchInterval: 10 * second,
  });

export const gatewayQuery = (address: GatewayAddress) =>
  queryOptions({
    queryKey: [...liveKey, 'gateway', ...keyOf(address)],
    queryFn: ({ signal }) => client.getGateway(callOf(address), { signal }),
    refetchInterval: 3 * second,
  });

export const explanationQuery = (address: GatewayAddress) =>
  queryOptions({
    queryKey: [...liveKey, 'explanation', ...keyOf(address)],
    queryFn: ({ signal }) => client.explainGateway(callOf(address), { signal }),
    refetchInterval: 3 * second,
  });

export const gatewayProfileQuery = (address: GatewayAddress) =>
  queryOptions({
    queryKey: [...liveKey, 'gateway-profile', ...keyOf(address)],
    queryFn: ({ signal }) => client.getGatewayProfile(callOf(address), { signal }),
    refetchInterval: 30 * second,
  });

export const hostClustersQuery = ({ gateway, tenant }: GatewayAddress) =>
  infiniteQueryOptions({
    queryKey: [...liveKey, 'host-clusters', tenant ?? '', gateway],
    queryFn: ({ signal, pageParam }) => {
      const cursor = pageParam === undefined ? {} : { cursor: pageParam };
      const query = { gateway, ...(tenant === undefined ? {} : { tenant }), ...cursor, limit: hostClustersPerPage };
      return client.listHostClusters({ query }, { signal });
    },
    initialPageParam: undefined as string | undefined, // The first page has no cursor.
    getNextPageParam: (page) => page.next,
    refetchInterval: 10 * second,
  });

export const profileUpdateQuery = (address: GatewayAddress) =>
  queryOptions({
    queryKey: [...liveKey, 'profile-update', ...keyOf(address)],
    queryFn: ({ signal }) => client.getProfileUpdate(callOf(address), { signal }),
    refetchInterval: 2 * second,
  });

type EventFilter = Pick<NonNullable<CallOf<'listGatewayEvents'>['query']>, 'severity' | 'search'>;

export const gatewayEventsQuery = (address: GatewayAddress, filter: EventFilter = {}) =>
  infiniteQueryOptions({
    queryKey: [...liveKey, 'events', ...keyOf(address), filter],
    queryFn: ({ signal, pageParam }) => {
      const { params, query } = callOf(address);
      const cursor = pageParam === undefined ? {} : { cursor: pageParam };
      const wanted = { ...query, ...filter, ...cursor, limit: eventsPerPage };
      return client.listGatewayEvents({ params, query: wanted }, { signal });
    },
    initialPageParam: undefined as string | undefined, // The first page has no cursor.
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    refetchInterval: 10 * second,
  });

export const releasesQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'releases'],
    queryFn: ({ signal }) => client.listReleases({}, { signal }),
    refetchInterval: 30 * second,
  });

export const tenantsQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'tenants'],
    queryFn: ({ signal }) => client.listTenants({}, { signal }),
    staleTime: 30 * second,
  });

export type PlanQuestion = NonNullable<CallOf<'planPlatform'>['query']>;

export const platformPlanQuery = (question: PlanQuestion) =>
  queryOptions({
    queryKey: [...liveKey, 'platform-plan', question],
    queryFn: ({ signal }) => client.planPlatform({ query: question }, { signal }),
    refetchInterval: 15 * second,
  });

export { callOf as gatewayCall };
