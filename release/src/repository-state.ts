/**
 * Reads a publisher's folder: every root, and what is current of the other roles, with signatures checked against the
 * folder's own newest root. A change of root that was interrupted leaves metadata which only the root before verifies;
 * that is told, not refused, since the next publication mends it.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Metadata, MetadataKind, type Root, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';
import { type Outcome, ok, refused } from './outcome.ts';
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from './tuf-metadata.ts';

export interface CurrentRepository {
  readonly root: Metadata<Root>;
  readonly timestamp: Metadata<Timestamp>;
  readonly snapshot: Metadata<Snapshot>;
  readonly targets: Metadata<Targets>;
}

export type OnlineRole = 'targets' | 'snapshot' | 'timestamp';

export interface RepositoryState extends CurrentRepository {
  /** What the newest root does not verify any more. */
  readonly unsettled: readonly OnlineRole[];
}

const kinds = {
  targets: MetadataKind.Targets,
  snapshot: MetadataKind.Snapshot,
  timestamp: MetadataKind.Timestamp,
} as const;

export async function readState(
  directory: string,
): Promise<Outcome<RepositoryState, 'repository-missing' | 'repository-invalid'>> {
  const metadata = path.join(directory, 'metadata');
  if (!existsSync(path.join(metadata, 'timestamp.json'))) {
    return refused({
      code: 'repository-missing',
      message: `${directory} holds no repository of releases.`,
      nextStep: 'Name the folder that holds it; the first publication makes it.',
    });
  }
  try {
    const read = (name: string) => readFile(path.join(metadata, name));
    const { root, before } = await readRoots(read, (name) => existsSync(path.join(metadata, name)));
    const unsettled: OnlineRole[] = [];
    const settle = <Part extends Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>>(
      role: OnlineRole,
      part: Part,
    ): Part => {
      if (!isVerifiedBy(root, role, part)) {
        before.verifyDelegate(kinds[role], part);
        unsettled.push(role);
      }
      return part;
    };
    const timestamp = settle('timestamp', parseTimestamp(await read('timestamp.json')));
    const snapshotVersion = timestamp.signed.snapshotMeta.version;
    const snapshot = settle('snapshot', parseSnapshot(await read(`${snapshotVersion}.snapshot.json`)));
    const targetsVersion = snapshot.signed.meta['targets.json']?.version;
    if (targetsVersion === undefined) return invalidRepository(directory, 'its snapshot names no targets');
    const targets = settle('targets', parseTargets(await read(`${targetsVersion}.targets.json`)));
    return ok({ root, timestamp, snapshot, targets, unsettled });
  } catch (error) {
    return invalidRepository(directory, error instanceof Error ? error.message : String(error));
  }
}

/** The newest root and the one before it (itself where it is the first), after following all of them from the first. */
async function readRoots(
  read: (name: string) => Promise<Buffer>,
  exists: (name: string) => boolean,
): Promise<{ readonly root: Metadata<Root>; readonly before: Metadata<Root> }> {
  let root = parseRoot(await read('1.root.json'));
  root.verifyDelegate(MetadataKind.Root, root);
  let before = root;
  for (let version = 2; exists(`${version}.root.json`); version += 1) {
    before = root;
    root = parseRoot(await read(`${version}.root.json`));
    if (root.signed.version !== version) throw new Error(`${version}.root.json says that it is another version`);
    before.verifyDelegate(MetadataKind.Root, root);
    root.verifyDelegate(MetadataKind.Root, root);
  }
  return { root, before };
}

export function isVerifiedBy(
  root: Metadata<Root>,
  role: OnlineRole,
  part: Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>,
): boolean {
  try {
    root.verifyDelegate(kinds[role], part);
    return true;
  } catch {
    return false;
  }
}

export function invalidRepository(directory: string, fault: string) {
  return refused<'repository-invalid'>({
    code: 'repository-invalid',
    message: `The repository in ${directory} cannot be published into: ${fault}.`,
    nextStep: 'Restore the folder from your copy.',
  });
}
