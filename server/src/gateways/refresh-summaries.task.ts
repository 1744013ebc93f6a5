/** Computes anew the summaries that are due: marked by a change, or old enough for time alone to have changed them. */

import type { Instant } from '@gatehouse/domain/instant';
import type { Database } from '../database/connection.ts';
import type { Services } from '../http/services.ts';
import { selectGateways } from './gateway.store.ts';
import { loadGateways } from './gateway-facts.store.ts';
import { endSummaries, lockDueSummaries, upsertSummaries } from './gateway-summary.store.ts';
import { toSummary } from './gateway-summary.ts';

const gatewaysPerTransaction = 500;

/** At most one transaction's worth; how many were due. Waits for whoever is at the same ones. */
export async function refreshSomeSummaries({ db, now, timings }: Services): Promise<number> {
  return refresh(db, now(), timings);
}

/** Until none is due. */
export async function refreshSummaries(services: Services): Promise<void> {
  while ((await refreshSomeSummaries(services)) === gatewaysPerTransaction);
}

async function refresh(db: Database, now: Instant, timings: Services['timings']): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const ids = await lockDueSummaries(tx, now, gatewaysPerTransaction);
    if (ids.length === 0) return 0;
    // After the lock: what is marked from now on waits for this commit, and is due again after it.
    const rows = await selectGateways(tx, { ids, limit: ids.length });
    const loaded = await loadGateways(tx, rows, { withProfiles: false });
    const summaries = loaded.map(({ facts }) => toSummary(facts, now, timings));
    await upsertSummaries(tx, summaries, { keepsMark: false });
    const there = new Set(rows.map(({ id }) => id));
    await endSummaries(
      tx,
      ids.filter((id) => !there.has(id)),
    );
    return ids.length;
  });
}
