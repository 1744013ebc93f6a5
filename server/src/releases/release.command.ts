/** Imported releases for operators. */

import { decodeRepositoryFiles } from '@gatehouse/release/release-import';
import { done, refuse } from '../http/answer.ts';
import type { Commands, Queries } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import { importReleases } from './import-releases.ts';
import { selectReleaseDocuments } from './release.store.ts';
import { viewReleases } from './release-view.ts';

export const releaseQueries: Pick<Queries, 'listReleases'> = {
  async listReleases(_call, { db, access }) {
    const allowed = access.platform();
    if (allowed.kind === 'refused') return allowed;
    return done({ items: await viewReleases(db, access.principal, await selectReleaseDocuments(db)) });
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
        imagesAt: body.imagesAt,
        isTrial: body.isTrial === true,
        programVersion,
        actor: access.principal.name,
      });
      if (imported.kind === 'refused') return imported;
      const { releases, added, notCarried, platform, rootFingerprint } = imported.reply;
      return done({
        items: await viewReleases(work.tx, access.principal, releases),
        added: [...added],
        notCarried: [...notCarried],
        ...(platform.version === undefined ? {} : { platformVersion: platform.version }),
        rootFingerprint,
      });
    },
  };
}
