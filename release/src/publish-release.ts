/** A release from its source into a signed repository: read, check, build, sign; all or nothing. */

import { existsSync } from 'node:fs';
import { ReleaseDocument } from '@gatehouse/contract/release-document';
import { Value } from 'typebox/value';
import { type KeyRefusalCode, loadKeys, loadPublisherKeys } from './keys.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { buildRelease, type BuiltRelease, type ReleaseSource } from './release-builder.ts';
import { readReleaseSource } from './release-source.ts';
import type { SourceRefusalCode } from './source-fault.ts';
import { releasePath, releaseVersionOf, rootFingerprint } from './trusted-releases.ts';
import {
  createRepository,
  type Expiry,
  publishTargets,
  readPublishedTarget,
  readRepository,
  type RepositoryRefusalCode,
} from './tuf-repository.ts';

export type PublishRefusalCode = KeyRefusalCode | RepositoryRefusalCode | SourceRefusalCode | 'release-changed';

export interface PublishedRelease extends BuiltRelease {
  /** False when this very release was there already; its metadata was signed anew all the same. */
  readonly isNew: boolean;
}

/**
 * `source` is a folder (docs/releases.md) or what would be read from it. The repository is made if its folder does not
 * exist, which alone needs the root key. Publishing the same again changes no document; publishing something else under
 * a version that is there is refused.
 */
export async function publishRelease(input: {
  readonly repositoryDirectory: string;
  readonly keysDirectory: string;
  readonly source: string | ReleaseSource;
  readonly agentBundle?: Uint8Array;
  readonly now: Date;
  readonly expiry?: Expiry;
}): Promise<Outcome<PublishedRelease, PublishRefusalCode>> {
  const { repositoryDirectory: directory, keysDirectory, agentBundle, now } = input;
  const expiry = input.expiry === undefined ? {} : { expiry: input.expiry };

  const source = typeof input.source === 'string' ? await readReleaseSource(input.source) : ok(input.source);
  if (source.kind === 'refused') return source;
  // Read before anything is made: a new repository without a release would be in the way of the next try.
  const published = existsSync(directory)
    ? await readPublished(directory, source.value.platformVersion)
    : ok(undefined);
  if (published.kind === 'refused') return published;
  const built = buildRelease(source.value, {
    publishedAt: published.value === undefined ? now : new Date(published.value.publishedAt),
    ...(agentBundle === undefined ? {} : { agentBundle }),
  });
  if (built.kind === 'refused') return built;

  if (!existsSync(directory)) {
    const keys = await loadKeys(keysDirectory);
    if (keys.kind === 'refused') return keys;
    const created = await createRepository({ directory, keys: keys.value, now, ...expiry });
    if (created.kind === 'refused') return created;
  }
  const keys = await loadPublisherKeys(keysDirectory);
  if (keys.kind === 'refused') return keys;
  const signed = await publishTargets({ directory, keys: keys.value, targets: built.value.targets, now, ...expiry });
  if (signed.kind === 'ok') return ok({ ...built.value, isNew: published.value === undefined });
  if (!signed.reasons.some(({ code }) => code === 'target-changed')) return signed;
  return refused({
    code: 'release-changed',
    message: `Release ${source.value.platformVersion} was published with other contents, and a release never changes.`,
    nextStep: 'Publish the change under a new platform version.',
  });
}

/** The release document of that version in a publisher's folder. */
async function readPublished(
  directory: string,
  version: string,
): Promise<Outcome<ReleaseDocument | undefined, PublishRefusalCode>> {
  const bytes = await readPublishedTarget(directory, releasePath(version));
  if (bytes.kind === 'refused' || bytes.value === undefined) return bytes.kind === 'refused' ? bytes : ok(undefined);
  const document: unknown = JSON.parse(Buffer.from(bytes.value).toString('utf8'));
  if (Value.Check(ReleaseDocument, document)) return ok(document);
  return refused({
    code: 'repository-invalid',
    message: `${directory} holds a release ${version} that this program cannot read.`,
    nextStep: 'Publish with the program that wrote it, or a newer one.',
  });
}

export interface RepositoryListing {
  readonly rootFingerprint: string;
  readonly expires: { readonly [Role in 'root' | 'targets' | 'snapshot' | 'timestamp']: string };
  /** In the order of their versions' publication. */
  readonly releases: readonly ReleaseDocument[];
}

/** What a publisher's folder holds, for `release list --repository`. */
export async function listRepository(directory: string): Promise<Outcome<RepositoryListing, PublishRefusalCode>> {
  const current = await readRepository(directory);
  if (current.kind === 'refused') return current;
  const { root, targets, snapshot, timestamp } = current.value;
  const releases: ReleaseDocument[] = [];
  for (const targetPath of Object.keys(targets.signed.targets)) {
    const version = releaseVersionOf(targetPath);
    if (version === undefined) continue;
    const release = await readPublished(directory, version);
    if (release.kind === 'refused') return release;
    if (release.value) releases.push(release.value);
  }
  return ok({
    rootFingerprint: rootFingerprint(Buffer.from(JSON.stringify(root.toJSON()))),
    expires: {
      root: root.signed.expires,
      targets: targets.signed.expires,
      snapshot: snapshot.signed.expires,
      timestamp: timestamp.signed.expires,
    },
    releases: releases.toSorted((a, b) => (a.publishedAt < b.publishedAt ? -1 : 1)),
  });
}
