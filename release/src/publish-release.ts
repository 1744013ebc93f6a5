/** A release from its source into a signed repository: read, check, build, sign; all or nothing. */

import { existsSync } from 'node:fs';
import { ReleaseDocument } from '@gatehouse/contract/release-document';
import { Value } from 'typebox/value';
import { type RoleName, roleNames } from './key-file.ts';
import type { KeyRefusalCode } from './keys.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import type { SourceTools } from './pack-source.ts';
import { type KeyedOrder, publishWithKeys, requestWithKeys } from './publish-with-keys.ts';
import { type BuiltRelease, buildRelease, type ReleaseSource } from './release-builder.ts';
import { readReleaseSource } from './release-source.ts';
import { type Expiry, readExpiry } from './repository-settings.ts';
import type { SigningRequest } from './signing-request.ts';
import type { SourceRefusalCode } from './source-fault.ts';
import { releasePath, releaseVersionOf, rootFingerprint } from './trusted-releases.ts';
import {
  type RepositoryRefusalCode,
  type RoleExpiry,
  readPublishedTarget,
  readRepository,
  roleExpiry,
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

export interface ReleaseOrder extends KeyedOrder {
  /** A folder (docs/releases.md), or what would be read from it. */
  readonly source: string | ReleaseSource;
  readonly agentBundle?: Uint8Array;
  /** To render charts and to find digests. */
  readonly tools?: SourceTools;
}

/**
 * The repository is made if its folder does not exist, by the keys and thresholds of the keys folder; that alone needs
 * root keys. Publishing the same again changes no document; publishing something else under a version that is there is
 * refused.
 */
export async function publishRelease(order: ReleaseOrder): Promise<Outcome<PublishedRelease, PublishRefusalCode>> {
  const planned = await planRelease(order);
  if (planned.kind === 'refused') return planned;
  const published = await publishWithKeys(order, { targets: planned.value.targets });
  return published.kind === 'refused' ? changedRelease(published, planned.value) : planned;
}

/** The same as a signing request, signed by as many keys as the folder holds, for others to sign. Publishes nothing. */
export async function prepareRelease(
  order: ReleaseOrder,
): Promise<Outcome<PublishedRelease & { readonly request: SigningRequest }, PublishRefusalCode>> {
  const planned = await planRelease(order);
  if (planned.kind === 'refused') return planned;
  const request = await requestWithKeys(order, { targets: planned.value.targets });
  return request.kind === 'refused'
    ? changedRelease(request, planned.value)
    : ok({ ...planned.value, request: request.value });
}

async function planRelease(order: ReleaseOrder): Promise<Outcome<PublishedRelease, PublishRefusalCode>> {
  const { repositoryDirectory: directory, agentBundle, now } = order;
  const source =
    typeof order.source === 'string' ? await readReleaseSource(order.source, order.tools) : ok(order.source);
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
  return built.kind === 'refused' ? built : ok({ ...built.value, isNew: published.value === undefined });
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
  /** How long metadata of each role lasts from its signing. */
  readonly expiryDays: Expiry;
  readonly roles: readonly {
    readonly role: RoleName;
    readonly version: number;
    readonly expires: string;
    readonly threshold: number;
    readonly keyIds: readonly string[];
  }[];
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
  const expires = roleExpiry(current.value);
  return ok({
    rootFingerprint: rootFingerprint(Buffer.from(JSON.stringify(root.toJSON()))),
    expires,
    expiryDays: await readExpiry(directory),
    roles: roleNames.map((role) => ({
      role,
      version: current.value[role].signed.version,
      expires: expires[role],
      threshold: root.signed.roles[role]?.threshold ?? 1,
      keyIds: root.signed.roles[role]?.keyIDs ?? [],
    })),
    releases: releases.toSorted((a, b) => (a.publishedAt < b.publishedAt ? -1 : 1)),
  });
}
