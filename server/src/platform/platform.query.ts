/** The platform's version and what waits for it. */

import type { Platform } from '@gatehouse/contract/operator-types';
import { explain } from '@gatehouse/domain/explain';
import type { Instant } from '@gatehouse/domain/instant';
import { type ReleaseEdges, reachableVersions } from '@gatehouse/domain/platform-upgrade';
import type { Reason } from '@gatehouse/domain/reason';
import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import type { Queryable } from '../database/connection.ts';
import { loadGateways } from '../gateways/gateway-facts.store.ts';
import { selectGateways } from '../gateways/gateway.store.ts';
import { toReasonView } from '../gateways/gateway-view.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { done } from '../http/answer.ts';
import type { Queries } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import type { Principal } from '../identity/principal.ts';
import { visiblePart } from '../identity/principal.ts';
import { selectPlatform, selectReleaseDocuments } from '../releases/release.store.ts';

const waitingMax = 100;
const rowsPerRead = 500;

export function platformQueries(services: Services): Pick<Queries, 'getPlatform'> {
  return {
    async getPlatform(_call, { db, now, access }) {
      const allowed = access.platform();
      return allowed.kind === 'refused' ? allowed : done(await viewPlatform(db, access.principal, now, services));
    },
  };
}

export const toEdges = (document: ReleaseDocument): ReleaseEdges => ({
  version: platformVersion(document.platformVersion),
  ...(document.upgradeFrom === undefined ? {} : { upgradeFrom: document.upgradeFrom.map(({ from }) => from) }),
});

/** Every gateway that counts, with what holds it up; of the whole platform, or of the part that is named. */
export async function explainGateways(
  db: Queryable,
  part: { readonly tenantId?: string; readonly projectId?: string },
  now: Instant,
  { timings }: Services,
): Promise<readonly { readonly name: string; readonly reasons: readonly Reason[] }[]> {
  const all: { readonly name: string; readonly reasons: readonly Reason[] }[] = [];
  let after: { readonly name: string; readonly id: string } | undefined;
  for (;;) {
    const rows = await selectGateways(db, { ...part, after, limit: rowsPerRead });
    // One that is being deleted moves nowhere and holds nobody up.
    const counting = rows.filter((row) => row.deletion_requested_at === null);
    for (const { row, facts } of await loadGateways(db, counting, { withProfiles: false })) {
      all.push({ name: row.name, reasons: explain(facts, now, timings) });
    }
    const last = rows.at(-1);
    if (rows.length < rowsPerRead || last === undefined) return all;
    after = { name: last.name, id: last.id };
  }
}

/** A tenant sees only its own gateways in it. */
export async function viewPlatform(
  db: Queryable,
  principal: Principal,
  now: Instant,
  services: Services,
): Promise<Platform> {
  const platform = await selectPlatform(db);
  const documents = await selectReleaseDocuments(db);
  const gateways = await explainGateways(db, visiblePart(principal), now, services);
  const waiting = gateways.filter(({ reasons }) => reasons.length > 0);
  const { version, rootFingerprint } = platform;
  return {
    ...(version === undefined ? {} : { version }),
    programVersion: services.programVersion,
    isSandbox: platform.isSandbox,
    ...(rootFingerprint === undefined ? {} : { rootFingerprint }),
    reachable:
      version === undefined
        ? []
        : reachableVersions({ from: platformVersion(version), releases: documents.map(toEdges) }).map(
            (step) => step.version,
          ),
    gateways: { total: gateways.length, current: gateways.length - waiting.length },
    waitingFor: waiting
      .slice(0, waitingMax)
      .map(({ name, reasons }) => ({ gateway: name, reasons: reasons.map(toReasonView) })),
  };
}
