/** Imported releases for operators. */

import type { Release } from '@gatehouse/contract/operator-types';
import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import { compareVersions } from '@gatehouse/domain/version';
import { decodeRepositoryFiles } from '@gatehouse/release/release-import';
import { platformVersion } from '../gateways/observation-facts.ts';
import { done, refuse } from '../http/answer.ts';
import type { Commands, Queries } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import { importReleases } from './import-releases.ts';
import { selectPlatform, selectReleaseDocuments } from './release.store.ts';

export const releaseQueries: Pick<Queries, 'listReleases'> = {
  async listReleases(_call, { db, access }) {
    const allowed = access.platform();
    if (allowed.kind === 'refused') return allowed;
    const { version } = await selectPlatform(db);
    return done({ items: toViews(await selectReleaseDocuments(db), version) });
  },
};

export function releaseCommands({ programVersion }: Services): Pick<Commands, 'importReleases'> {
  return {
    async importReleases({ body }, { work, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      const files = decodeRepositoryFiles(body);
      if (files.kind === 'refused') {
        const detail = `Nothing was imported: ${files.reasons.map(({ message }) => message).join(' ')}`;
        return refuse('release-invalid', detail, { reasons: files.reasons });
      }
      const imported = await importReleases(work, {
        files: files.value,
        carried: body.releases,
        isTrial: body.isTrial === true,
        programVersion,
        actor: access.principal.name,
      });
      if (imported.kind === 'refused') return imported;
      const { releases, added, notCarried, platform, rootFingerprint } = imported.reply;
      return done({
        items: toViews(releases, platform.version),
        added: [...added],
        notCarried: [...notCarried],
        ...(platform.version === undefined ? {} : { platformVersion: platform.version }),
        rootFingerprint,
      });
    },
  };
}

/** Oldest first. */
function toViews(documents: readonly ReleaseDocument[], current: string | undefined): Release[] {
  return documents
    .toSorted((a, b) => compareVersions(platformVersion(a.platformVersion), platformVersion(b.platformVersion)))
    .map((document) => ({
      version: document.platformVersion,
      publishedAt: document.publishedAt,
      channels: document.channels,
      agentVersion: document.agent.version,
      agentDigest: document.agent.digest,
      profiles: document.profiles,
      ...(document.upgradeFrom === undefined ? {} : { upgradeFrom: document.upgradeFrom.map(({ from }) => from) }),
      notes: document.notes,
      isPlatformVersion: document.platformVersion === current,
    }));
}
