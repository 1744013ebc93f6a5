/**
 * Takes a repository of signed releases: verified as a whole against the control plane's root before anything is stored.
 * The first import brings the root and sets the platform's version.
 */

import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import { compareVersions } from '@gatehouse/domain/version';
import { type RepositoryFiles, type VerifiedImport, verifyImport } from '@gatehouse/release/release-import';
import { platformVersion } from '../gateways/observation-facts.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import { tellRecalled } from '../recalls/recall.command.ts';
import { insertSignedRecalls } from '../recalls/recall.store.ts';
import type { Work } from '../work/work.ts';
import {
  insertProfile,
  insertReleases,
  lockPlatform,
  type PlatformRow,
  selectFirstRoot,
  selectReleaseDocuments,
  selectReleaseFile,
  selectTrustedFiles,
  updatePlatform,
  upsertReleaseFiles,
} from './release.store.ts';

export interface ImportInput {
  readonly files: RepositoryFiles;
  /** The releases that a part of a repository brings; absent: all of it. */
  readonly carried?: readonly string[] | undefined;
  /** Registry prefix under which the images of what is imported were pushed. */
  readonly imagesAt?: string | undefined;
  /** Answers what would be taken, and takes nothing. */
  readonly isTrial?: boolean;
  readonly programVersion: string;
  readonly actor: string;
  /** The version the platform begins with, when it has none; the newest one of the import by default. */
  readonly firstVersion?: string;
}

export interface Imported {
  readonly releases: readonly ReleaseDocument[];
  /** Of them, those that were not here before. */
  readonly added: readonly string[];
  readonly notCarried: readonly string[];
  readonly platform: PlatformRow;
  readonly rootFingerprint: string;
}

export async function importReleases(work: Work, input: ImportInput): Promise<Answer<Imported>> {
  const { tx, now } = work;
  const platform = await lockPlatform(tx);
  const verified = await verify(work, input);
  if (verified.kind === 'refused') {
    const detail = `Nothing was imported: ${verified.reasons.map(({ message }) => message).join(' ')}`;
    return refuse('release-invalid', detail, { reasons: verified.reasons });
  }
  const imported = verified.value;
  const tooNew = imported.releases.filter(
    ({ serverMinimum }) => compareVersions(platformVersion(serverMinimum), platformVersion(input.programVersion)) > 0,
  );
  if (tooNew.length > 0) {
    const reasons = tooNew.map((release) => ({
      code: 'server-too-old',
      message: `Release ${release.platformVersion} needs server program ${release.serverMinimum}; this is ${input.programVersion}.`,
      nextStep: 'Upgrade the server program first, then import again.',
    }));
    return refuse('release-invalid', `Nothing was imported: ${reasons.map(({ message }) => message).join(' ')}`, {
      reasons,
    });
  }
  const version = platform.version ?? input.firstVersion ?? newestGood(imported);
  const { rootFingerprint, notCarried } = imported;
  const result = {
    releases: imported.releases,
    notCarried,
    platform: { ...platform, rootFingerprint, ...(version === undefined ? {} : { version }) },
    rootFingerprint,
  };
  if (input.isTrial === true) {
    const held = new Set((await selectReleaseDocuments(tx)).map(({ platformVersion: one }) => one));
    const releases = imported.releases.map(({ platformVersion: one }) => one);
    return done({ ...result, added: releases.filter((one) => !held.has(one)) });
  }
  await upsertReleaseFiles(tx, 'metadata', imported.files.metadata, now);
  await upsertReleaseFiles(tx, 'target', imported.files.targets, now);
  await upsertReleaseFiles(tx, 'trusted', imported.stored, now);
  for (const [digest, document] of Object.entries(imported.profiles)) await insertProfile(tx, digest, document, now);
  const added = await insertReleases(tx, imported.releases, now);
  await updatePlatform(tx, {
    rootFingerprint,
    imagesAt: input.imagesAt,
    ...(platform.version === undefined && version !== undefined ? { version } : {}),
    now,
  });
  const recalled = await insertSignedRecalls(tx, imported.recalls, now);
  await tellRecalled(work, recalled);
  work.changed({ kind: 'everything' });
  const what = added.length === 0 ? 'no new release' : `release ${added.join(', ')}`;
  const bad = recalled.length === 0 ? '' : `, and the publisher's recall of ${recalled.join(', ')}`;
  work.audit({
    actor: input.actor,
    action: 'release.import',
    subjectKind: 'release',
    subjectName: added.join(', ') || 'none',
    message: `${input.actor} imported ${what}${bad}; root of trust ${rootFingerprint}.`,
  });
  return done({ ...result, added });
}

async function verify({ tx }: Work, { files, carried }: ImportInput): ReturnType<typeof verifyImport> {
  const root = await selectFirstRoot(tx);
  const stored = await selectTrustedFiles(tx);
  return verifyImport({
    files,
    carried,
    ...(root === undefined ? {} : { root }),
    ...(Object.keys(stored).length === 0 ? {} : { stored }),
    held: (file) => selectReleaseFile(tx, 'target', file),
  });
}

/** The platform begins with none that is recalled, be it the only one. */
function newestGood({ releases, recalls }: VerifiedImport): string | undefined {
  const bad = new Set(recalls.map((recall) => recall.platformVersion));
  return releases
    .filter((release) => !bad.has(release.platformVersion))
    .map((release) => platformVersion(release.platformVersion))
    .toSorted(compareVersions)
    .at(-1);
}
