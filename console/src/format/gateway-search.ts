/**
 * What the address of the list of gateways says: filters, order and page, as the control plane is asked. Whatever stands
 * there is asked for as it is; what does not fit is the control plane's to refuse.
 */

import type { CallOf } from '@gatehouse/contract/operator-api';

type ListQuery = NonNullable<CallOf<'listGateways'>['query']>;

const textKeys = [
  'tenant',
  'project',
  'name',
  'search',
  'provider',
  'installation',
  'status',
  'health',
  'state',
  'reason',
  'agentVersion',
  'profileVersion',
  'sort',
  'cursor',
] as const;
const answerKeys = ['updatesAvailable', 'paused'] as const;

export type GatewaySearch = Partial<Record<(typeof textKeys)[number], string>> &
  Partial<Record<(typeof answerKeys)[number], boolean>> & {
    /** The number of the page, from 1; only for what is said of it. */
    readonly page?: number;
  };

/** The filters that are set, in the order in which they are shown. */
export const filterKeys = [
  'search',
  'name',
  'state',
  'reason',
  'status',
  'health',
  'provider',
  'installation',
  'agentVersion',
  'profileVersion',
  'updatesAvailable',
  'paused',
  'tenant',
  'project',
] as const;
export type FilterKey = (typeof filterKeys)[number];

/** Of an address, in which anything may stand. */
export function readGatewaySearch(search: Readonly<Record<string, unknown>>): GatewaySearch {
  const texts = textKeys.flatMap((key): [string, string][] => {
    const value = search[key];
    const isText = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return isText && value !== '' ? [[key, String(value)]] : [];
  });
  const answers = answerKeys.flatMap((key): [string, boolean][] => {
    const value = search[key];
    return typeof value === 'boolean' ? [[key, value]] : [];
  });
  const { page } = search;
  return {
    ...Object.fromEntries(texts),
    ...Object.fromEntries(answers),
    ...(typeof page === 'number' && Number.isSafeInteger(page) && page > 1 ? { page } : {}),
  };
}

export function toListQuery({ page: _page, ...search }: GatewaySearch, limit: number): ListQuery {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- An address may say anything; the control plane refuses what does not fit, by its name.
  return { ...search, limit } as ListQuery;
}

/** Undefined takes a filter away. */
export type FilterChange = { readonly [Key in keyof GatewaySearch]?: GatewaySearch[Key] | undefined };

/** With another filter or order the list begins at its first page. */
export function withFilter(search: GatewaySearch, change: FilterChange): GatewaySearch {
  const { cursor: _cursor, page: _page, ...rest } = { ...search, ...change };
  return readGatewaySearch(rest);
}

export const setFilters = (search: GatewaySearch): readonly FilterKey[] =>
  filterKeys.filter((key) => search[key] !== undefined);

/** Pressed once a column is sorted by, pressed again the other way round. */
export function nextSort(sort: string | undefined, column: string): string {
  return (sort ?? 'name') === column ? `-${column}` : column;
}
