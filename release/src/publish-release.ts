/** A release from its source into a signed repository: read, check, build, sign; all or nothing. */

import { existsSync } from 'node:fs';
import { ReleaseDocument } from '@gatehouse/contract/release-document';
import { Value } from 'typebox/value';
import { type RoleName, roleNames } from './key-file.ts';
import { type AskPassphrase, type KeyRefusalCode, openKeys, readKeyFolder, rootPlan } from './keys.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { buildRelease, type BuiltRelease, type ReleaseSource } from './release-builder.ts';
import type { RepositoryChange } from './repository-change.ts';
import { readReleaseSource } from './release-source.ts';
import type { Expiry } from './repository-settings.ts';
import type { SourceRefusalCode } from './source-fault.ts';
import { releasePath, releaseVersionOf, rootFingerprint } from './trusted-releases.ts';
import type { SigningRequest } from './signing-request.ts';
import {
  changeRepository,
  prepareRequest,
  readPublishedTarget,
  readRepository,
  type RepositoryRefusalCode,
  type RoleExpiry,
  roleExpiry,
  signWithThose,
} from './tuf-repository.ts';

export type PublishRefusalCode =
  | KeyRefusalCode
  | RepositoryRefusalCode
  | SourceRefusalCode
  | 'release-changed'
  | 'signing-request-invalid';

export interface PublishedRelease extends BuiltRelease {
  /** False when this very release was there already; its metadata was signed anew all the same. */
  readonly isNew: boolean;
}

export interface ReleaseOrder {
  readonly repositoryDirectory: string;
  /** One folder of keys, or several that together hold them. */
  readonly keysDirectory: string | readonly string[];
  readonly askPassphrase?: AskPassphrase;
  /** A folder (docs/releases.md), or what would be read from it. */
  readonly source: string | ReleaseSource;
  readonly agentBundle?: Uint8Array;
  readonly now: Date;
  /** Days that differ from the repository's settings, and become them. */
  readonly expiry?: Partial<Expiry>;
}

/**
 * The repository is made if its folder does not exist, by the keys and thresholds of the keys folder; that alone needs
 * root keys. Publishing the same again changes no document; publishing something else under a version that is there is
 * refused.
 */
export async function publishRelease(order: ReleaseOrder): Promise<Outcome<PublishedRelease, PublishRefusalCode>> {
  const planned = await planRelease(order);
  if (planned.kind === 'refused') return planned;
  const { built, isNew, change, folder } = planned.value;
  const roles: readonly RoleName[] = change.root ? roleNames : ['targets', 'snapshot', 'timestamp'];
  const keys = await openKeys(folder, order.keysDirectory, roles);
  if (keys.kind === 'refused') return keys;
  const { repositoryDirectory: directory, now } = order;
  const signed = await changeRepository({ directory, keys: keys.value, change, now, ...expiryOf(order) });
  return signed.kind === 'refused' ? changedRelease(signed, built) : ok({ ...built, isNew });
}

/** The same as a signing request, signed by as many keys as the folder holds, for others to sign. Publishes nothing. */
export async function prepareRelease(
  order: ReleaseOrder,
): Promise<Outcome<PublishedRelease & { readonly request: SigningRequest }, PublishRefusalCode>> {
  const planned = await planRelease(order);
  if (planned.kind === 'refused') return planned;
  const { built, isNew, change, folder } = planned.value;
  const { repositoryDirectory: directory, now } = order;
  const prepared = await prepareRequest({ directory, change, now, ...expiryOf(order) });
  if (prepared.kind === 'refused') return changedRelease(prepared, built);
  const keys = await folder.open(['root', 'targets']);
  if (keys.kind === 'refused') return keys;
  const request = signWithThose(prepared.value, keys.value, directory);
  return request.kind === 'refused' ? request : ok({ ...built, isNew, request: request.value });
}

async function planRelease(order: ReleaseOrder) {
  const { repositoryDirectory: directory, agentBundle, now } = order;
  const source = typeof order.source === 'string' ? await readReleaseSource(order.source) : ok(order.source);
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
  const folder = await readKeyFolder(order.keysDirectory, order.askPassphrase);
  const root = existsSync(directory) ? ok(undefined) : rootPlan(folder, order.keysDirectory);
  if (root.kind === 'refused') return root;
  const { targets } = built.value;
  const change: RepositoryChange = root.value === undefined ? { targets } : { targets, root: root.value };
  return ok({ built: built.value, isNew: published.value === undefined, change, folder });
}

function expiryOf({ expiry }: ReleaseOrder) {
  return expiry === undefined ? {} : { expiry };
}

function changedRelease<Code extends string>(
  refusal: Extract<Outcome<never, Code>, { kind: 'refused' }>,
  { release }: BuiltRelease,
): Outcome<never, Code | 'release-changed'> {
  if (!refusal.reasons.some(({ code }) => code === 'target-changed')) return refusal;
  return refused({
    code: 'release-changed',
    message: `Release ${release.platformVersion} was published with other contents, and a release never changes.`,
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
  readonly expires: RoleExpiry;
  /** In the order of their versions' publication. */
  readonly releases: readonly ReleaseDocument[];
}

/** What a publisher's folder holds, for `release list --repository`. */
export async function listRepository(directory: string): Promise<Outcome<RepositoryListing, PublishRefusalCode>> {
  const current = await readRepository(directory);
  if (current.kind === 'refused') return current;
  const { root, targets } = current.value;
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
    expires: roleExpiry(current.value),
    releases: releases.toSorted((a, b) => (a.publishedAt < b.publishedAt ? -1 : 1)),
  });
}
