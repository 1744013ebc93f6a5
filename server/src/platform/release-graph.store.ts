/** The imported releases as the upgrade path sees them. */

import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import type { Recall } from '@gatehouse/domain/recall-types';
import type { GraphProfile, GraphRelease } from '@gatehouse/domain/upgrade-graph';
import type { KubernetesVersion, PlatformVersion } from '@gatehouse/domain/version';
import { parseKubernetesVersion } from '@gatehouse/domain/version';
import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { selectRecalls, selectReleaseDocuments } from '../releases/release.store.ts';

export interface PathRelease extends GraphRelease {
  readonly serverMinimum: PlatformVersion;
}

export async function loadPathReleases(db: Queryable): Promise<readonly PathRelease[]> {
  const documents = await selectReleaseDocuments(db);
  const kubernetes = await selectKubernetesVersions(db);
  const recalls = await selectRecalls(db);
  return documents.map((document) => ({
    ...toPathRelease(document, kubernetes),
    ...recalledOf(document, recalls),
  }));
}

/** Of two recalls of a version the publisher's counts, which nobody can take back. */
function recalledOf(
  { platformVersion: version }: ReleaseDocument,
  recalls: readonly Recall[],
): Pick<PathRelease, 'recalled'> {
  const own = recalls.filter((recall) => recall.platformVersion === version);
  const recall = own.find(({ isSigned }) => isSigned) ?? own[0];
  return recall === undefined ? {} : { recalled: { reason: recall.reason } };
}

/** By the profile's digest. Profiles are large, and of each only this is read. */
async function selectKubernetesVersions(db: Queryable): Promise<ReadonlyMap<string, KubernetesVersion>> {
  const rows = await db
    .selectFrom('profiles as p')
    .select([
      'p.digest',
      sql<
        string | null
      >`jsonb_path_query_first(p.document, '$.layers[*] ? (@.kind == "kubernetes").packs[0].version') #>> '{}'`.as(
        'kubernetes',
      ),
    ])
    .execute();
  return new Map(
    rows.flatMap(({ digest, kubernetes }) => {
      const version = kubernetes === null ? undefined : parseKubernetesVersion(kubernetes);
      return version === undefined ? [] : [[digest, version] as const];
    }),
  );
}

function toPathRelease(document: ReleaseDocument, kubernetesOf: ReadonlyMap<string, KubernetesVersion>): PathRelease {
  const { upgradeFrom, floor, fixes = [], risks = [] } = document;
  return {
    version: platformVersion(document.platformVersion),
    channels: document.channels,
    ...(upgradeFrom === undefined ? {} : { upgradeFrom: upgradeFrom.map(({ from }) => from) }),
    risks,
    ...(floor === undefined ? {} : { floor }),
    agent: platformVersion(document.agent.version),
    profiles: Object.fromEntries(
      Object.entries(document.profiles).map(([provider, { version, digest }]): [string, GraphProfile] => {
        const kubernetes = kubernetesOf.get(digest);
        return [
          provider,
          { version: platformVersion(version), digest, ...(kubernetes === undefined ? {} : { kubernetes }) },
        ];
      }),
    ),
    fixes,
    serverMinimum: platformVersion(document.serverMinimum),
  };
}
