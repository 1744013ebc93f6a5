/** What the pages about notifications, receivers, access and audit ask, with the key each answer is kept under. */

import type { CallOf } from '@gatehouse/contract/operator-api';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { client } from './client.ts';
import { liveKey } from './queries.ts';

const second = 1000;
const rowsPerPage = 50;
const noCursor = undefined as string | undefined; // The first page has no cursor.

type Query<Name extends 'listNotifications' | 'listAudit'> = Omit<
  NonNullable<CallOf<Name>['query']>,
  'cursor' | 'limit'
>;
export type NotificationFilter = Query<'listNotifications'>;
export type AuditFilter = Query<'listAudit'>;

export const notificationsQuery = (filter: NotificationFilter) =>
  infiniteQueryOptions({
    queryKey: [...liveKey, 'notifications', filter],
    queryFn: ({ signal, pageParam }) =>
      client.listNotifications({ query: { ...filter, limit: rowsPerPage, ...cursorOf(pageParam) } }, { signal }),
    initialPageParam: noCursor,
    getNextPageParam: (page) => page.next,
    refetchInterval: 15 * second,
  });

/** How many the reader has not read. */
export const unreadQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'unread'],
    queryFn: async ({ signal }) => (await client.listNotifications({ query: { limit: 1 } }, { signal })).unread,
    refetchInterval: 15 * second,
  });

export const pausesQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'pauses'],
    queryFn: ({ signal }) => client.listPauses({}, { signal }),
    refetchInterval: 10 * second,
  });

export const tokensQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'tokens'],
    queryFn: ({ signal }) => client.listTokens({}, { signal }),
    refetchInterval: 30 * second,
  });

export const webhooksQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'webhooks'],
    queryFn: ({ signal }) => client.listWebhooks({}, { signal }),
    refetchInterval: 5 * second,
  });

export const deliveriesQuery = (webhook: string) =>
  infiniteQueryOptions({
    queryKey: [...liveKey, 'deliveries', webhook],
    queryFn: ({ signal, pageParam }) =>
      client.listDeliveries({ params: { webhook }, query: { limit: rowsPerPage, ...cursorOf(pageParam) } }, { signal }),
    initialPageParam: noCursor,
    getNextPageParam: (page) => page.next,
    refetchInterval: 3 * second,
  });

export const mailSubscriptionsQuery = () =>
  queryOptions({
    queryKey: [...liveKey, 'mail-subscriptions'],
    queryFn: ({ signal }) => client.listMailSubscriptions({}, { signal }),
    refetchInterval: 5 * second,
  });

export const auditQuery = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: [...liveKey, 'audit', filter],
    queryFn: ({ signal, pageParam }) =>
      client.listAudit({ query: { ...filter, limit: rowsPerPage, ...cursorOf(pageParam) } }, { signal }),
    initialPageParam: noCursor,
    getNextPageParam: (page) => page.next,
    refetchInterval: 15 * second,
  });

const cursorOf = (cursor: string | undefined) => (cursor === undefined ? {} : { cursor });
