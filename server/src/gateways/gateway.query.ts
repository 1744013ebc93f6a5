/** Gateways for the screen: a page of them, all of them counted, one, and why it is not current. */

import { type GatewaySort, type GatewayState, gatewaySorts } from '@gatehouse/contract/fleet-types';
import type { CallOf } from '@gatehouse/contract/operator-api';
import type { Gateway } from '@gatehouse/contract/operator-types';
import type { Instant } from '@gatehouse/domain/instant';
import type { Queryable } from '../database/connection.ts';
import { countHostClusters } from '../host-clusters/host-cluster.store.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import { limitOf, readCursor, toPage } from '../http/cursor.ts';
import type { Queries } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import type { ListPart } from '../identity/access.ts';
import type { Attention } from '../polls/attention.ts';
import { selectPlatform } from '../releases/release.store.ts';
import { type GatewayRow, isUuid } from './gateway.store.ts';
import { loadGateway, loadGateways } from './gateway-facts.store.ts';
import {
  countListedGateways,
  type GatewayFilter,
  type GatewayOrder,
  type GatewayPlace,
  selectListedGateways,
} from './gateway-list.store.ts';
import {
  countAgentVersions,
  countHeldBy,
  countProfileVersions,
  countProviders,
  countStates,
  type VersionCount,
} from './gateway-summary.store.ts';
import { toExplanation, toGatewayView } from './gateway-view.ts';

/** Brings the summaries that are due up to date, at most so many that nobody waits for long. */
export type RefreshSummaries = () => Promise<unknown>;

const heldByMax = 50;

export function gatewayQueries(
  { timings, programVersion }: Services,
  { attention, summaries }: { readonly attention: Attention; readonly summaries: RefreshSummaries },
): Pick<Queries, 'listGateways' | 'getOverview' | 'getGateway' | 'explainGateway'> {
  return {
    async listGateways({ query }, { db, now, access }) {
      const part = await access.list(db, { tenant: query?.tenant, project: query?.project });
      if (part.kind === 'refused') return part;
      const order = toOrder(query?.sort ?? 'name');
      const after = readPlace(query?.cursor, order);
      if (after.kind === 'refused') return after;
      const limit = limitOf(query);
      await bringUpToDate(summaries);
      const filter = toFilter(query, part.reply);
      const rows = await selectListedGateways(db, filter, { order, after: after.reply, limit: limit + 1 });
      const isWhole = after.reply === undefined && rows.length <= limit;
      const total = isWhole ? rows.length : await countListedGateways(db, filter);
      const shown = rows.slice(0, limit);
      const views = (await loadGateways(db, shown, { withProfiles: false })).map((loaded, index) => ({
        ...toGatewayView(loaded, now, timings),
        hostClusters: shown[index]?.host_clusters ?? 0,
      }));
      const { next } = toPage(rows, limit, {
        item: (row) => row.id,
        place: ({ place, name, id }) => [sortOf(order), place, name, id],
      });
      return done({ items: views, total, ...(next === undefined ? {} : { next }) });
    },
    async getOverview({ query }, { db, access }) {
      const part = await access.list(db, { tenant: query?.tenant, project: query?.project });
      if (part.kind === 'refused') return part;
      await bringUpToDate(summaries);
      const { version, isSandbox } = await selectPlatform(db);
      const { total, states } = await countStates(db, part.reply);
      const count = (state: GatewayState) => states.get(state) ?? 0;
      return done({
        platform: { ...(version === undefined ? {} : { version }), programVersion, isSandbox },
        gateways: {
          total,
          current: count('current'),
          updating: count('updating'),
          waitingForConfirmation: count('waiting-for-confirmation'),
          held: count('held'),
          paused: count('paused'),
          unhealthy: count('unhealthy'),
        },
        heldBy: [...(await countHeldBy(db, part.reply, heldByMax))],
        agentVersions: (await countAgentVersions(db, part.reply)).map(toVersionCount),
        profileVersions: (await countProfileVersions(db, part.reply)).map(toVersionCount),
        providers: await countProviders(db, part.reply),
      });
    },
    async getGateway({ params, query }, { db, now, access }) {
      const row = await access.gateway(db, { ...params, tenant: query?.tenant });
      if (row.kind === 'refused') return row;
      attention.look(row.reply.id, now);
      const hostClusters = await countHostClusters(db, row.reply.id);
      return done({ ...(await viewGateway(db, row.reply, now, timings)), hostClusters });
    },
    async explainGateway({ params, query }, { db, now, access }) {
      const row = await access.gateway(db, { ...params, tenant: query?.tenant });
      if (row.kind === 'refused') return row;
      attention.look(row.reply.id, now);
      return done(toExplanation(await loadGateway(db, row.reply, { withProfiles: false }), now, timings));
    },
  };
}

export async function viewGateway(
  db: Queryable,
  row: GatewayRow,
  now: Instant,
  timings: Services['timings'],
): Promise<Gateway> {
  return toGatewayView(await loadGateway(db, row, { withProfiles: false }), now, timings);
}

/** As far as it can be done: a list is answered by a database that takes no writes too, and the task says what is wrong. */
export async function bringUpToDate(refresh: RefreshSummaries): Promise<void> {
  await refresh().catch(() => undefined);
}

const toVersionCount = ({ version, count }: VersionCount) => ({ ...(version === null ? {} : { version }), count });

type ListQuery = CallOf<'listGateways'>['query'];

function toFilter(query: ListQuery, part: ListPart): GatewayFilter {
  if (query === undefined) return part;
  const { limit: _limit, cursor: _cursor, sort: _sort, tenant: _tenant, project: _project, ...filter } = query;
  return { ...filter, ...part };
}

const isSort = (text: string): text is GatewaySort => gatewaySorts.some((sort) => sort === text);

function toOrder(sort: string): GatewayOrder {
  const isDescending = sort.startsWith('-');
  const by = isDescending ? sort.slice(1) : sort;
  if (!isSort(by)) throw new TypeError(`the schema let the sort ${sort} pass`);
  return { by, isDescending };
}

const sortOf = ({ by, isDescending }: GatewayOrder): string => (isDescending ? `-${by}` : by);

/** The place says by what its list was sorted: in another order it would be a place of nothing. */
function readPlace(cursor: string | undefined, order: GatewayOrder): Answer<GatewayPlace | undefined> {
  const read = readCursor(cursor, ['string', 'string', 'string', 'string'] as const);
  if (read.kind === 'refused' || read.reply === undefined) return read.kind === 'refused' ? read : done(undefined);
  const [sort, value, name, id] = read.reply;
  if (sort === sortOf(order) && isUuid(id)) return done([value, name, id]);
  const message = 'query.cursor is of a list with another query.sort; leave it out to begin at the first page.';
  return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
}
