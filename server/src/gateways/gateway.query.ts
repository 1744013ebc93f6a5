/** Gateways for the screen: a page of them, one, and why it is not current. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import type { Instant } from '@gatehouse/domain/instant';
import type { Queryable } from '../database/connection.ts';
import { done } from '../http/answer.ts';
import { limitOf, readCursor, toPage } from '../http/cursor.ts';
import type { Queries } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import type { Attention } from '../polls/attention.ts';
import { loadGateway, loadGateways } from './gateway-facts.store.ts';
import { type GatewayRow, selectGateways } from './gateway.store.ts';
import { toExplanation, toGatewayView } from './gateway-view.ts';

/** How many rows are loaded at once while a list is searched for a status, which only the facts give. */
const searchRows = 500;

export function gatewayQueries(
  { timings }: Services,
  attention: Attention,
): Pick<Queries, 'listGateways' | 'getGateway' | 'explainGateway'> {
  return {
    async listGateways({ query }, { db, now, access }) {
      const part = await access.list(db, { tenant: query?.tenant, project: query?.project });
      if (part.kind === 'refused') return part;
      const cursor = readCursor(query?.cursor, ['string', 'string'] as const);
      if (cursor.kind === 'refused') return cursor;
      const limit = limitOf(query);
      const status = query?.status;
      const found: Gateway[] = [];
      let after = cursor.reply && { name: cursor.reply[0], id: cursor.reply[1] };
      for (;;) {
        const wanted = status === undefined ? limit + 1 : searchRows;
        const rows = await selectGateways(db, {
          ...part.reply,
          provider: query?.provider,
          name: query?.name,
          after,
          limit: wanted,
        });
        const views = (await loadGateways(db, rows, { withProfiles: false })).map((loaded) =>
          toGatewayView(loaded, now, timings),
        );
        found.push(...(status === undefined ? views : views.filter((view) => view.status === status)));
        const last = rows.at(-1);
        if (found.length > limit || rows.length < wanted || last === undefined) break;
        after = { name: last.name, id: last.id };
      }
      return done(toPage(found, limit, { item: (view) => view, place: ({ name, id }) => [name, id] }));
    },
    async getGateway({ params, query }, { db, now, access }) {
      const row = await access.gateway(db, { ...params, tenant: query?.tenant });
      if (row.kind === 'refused') return row;
      attention.look(row.reply.id, now);
      return done(await viewGateway(db, row.reply, now, timings));
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
