/** Imported releases as operators see them. */

import type { Release } from '@gatehouse/contract/operator-types';
import type { RecallView } from '@gatehouse/contract/recall-types';
import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import { formatInstant } from '@gatehouse/domain/instant';
import type { RecalledRelease } from '@gatehouse/domain/recall-types';
import { compareVersions } from '@gatehouse/domain/version';
import type { Queryable } from '../database/connection.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { type Principal, visiblePart } from '../identity/principal.ts';
import { loadRecalledReleases, partsOn, selectGatewaysOn, selectPermitted } from '../recalls/recall.store.ts';
import { selectPlatform, selectReleaseDocument } from './release.store.ts';

const gatewaysMax = 100;

export async function viewRelease(db: Queryable, principal: Principal, version: string): Promise<Release | undefined> {
  const document = await selectReleaseDocument(db, version);
  return document === undefined ? undefined : (await viewReleases(db, principal, [document]))[0];
}

/** Oldest first. Of the gateways on a recalled one, those that the caller may see. */
export async function viewReleases(
  db: Queryable,
  principal: Principal,
  documents: readonly ReleaseDocument[],
): Promise<Release[]> {
  const { version: current } = await selectPlatform(db);
  const recalled = new Map((await loadRecalledReleases(db)).map((one) => [String(one.recall.platformVersion), one]));
  const views: Release[] = [];
  const ordered = documents.toSorted((a, b) =>
    compareVersions(platformVersion(a.platformVersion), platformVersion(b.platformVersion)),
  );
  for (const document of ordered) {
    const recall = recalled.get(document.platformVersion);
    views.push({
      version: document.platformVersion,
      publishedAt: document.publishedAt,
      channels: document.channels,
      agentVersion: document.agent.version,
      agentDigest: document.agent.digest,
      profiles: document.profiles,
      ...(document.upgradeFrom === undefined ? {} : { upgradeFrom: document.upgradeFrom.map(({ from }) => from) }),
      notes: document.notes,
      isPlatformVersion: document.platformVersion === current,
      ...(recall === undefined ? {} : { recalled: await viewRecall(db, principal, recall) }),
    });
  }
  return views;
}

async function viewRecall(
  db: Queryable,
  principal: Principal,
  { recall, agentDigests, profileDigests }: RecalledRelease,
): Promise<RecallView> {
  const on = (await selectGatewaysOn(db, [...agentDigests, ...profileDigests], visiblePart(principal)))
    .map((gateway) => ({ gateway, parts: partsOn(gateway, { agentDigests, profileDigests }) }))
    .filter(({ parts }) => parts.length > 0);
  const permitted = await selectPermitted(db, recall.platformVersion);
  return {
    reason: recall.reason,
    at: formatInstant(recall.at),
    by: recall.by,
    isSigned: recall.isSigned,
    gateways: on.slice(0, gatewaysMax).map(({ gateway, parts }) => ({
      name: gateway.name,
      tenant: gateway.tenant,
      parts,
      isEvenIfPaused: permitted.has(gateway.id),
    })),
    gatewaysTotal: on.length,
  };
}
