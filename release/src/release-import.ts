/**
 * A repository carried from the publisher to a control plane: read from a folder into what the route takes, and verified
 * as a whole before anything of it is stored.
 */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ProfileDocument, RecallDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import { type Outcome, ok, type Refusal, refused } from './outcome.ts';
import type { CurrentRepository } from './repository-state.ts';
import { hashedTargetPath } from './target-paths.ts';
import {
  openTrustedReleases,
  releaseVersionOf,
  rootFingerprint,
  type TrustedReleases,
  type TrustOutcome,
  type TrustRefusalCode,
} from './trusted-releases.ts';
import { metadataVersion } from './tuf-metadata.ts';
import { type RepositoryRefusalCode, readRepository } from './tuf-repository.ts';

/** Of a repository: `metadata` by file name, `targets` by path beneath `targets/` (with the digest in the name). */
export interface RepositoryFiles<Content = Uint8Array> {
  readonly metadata: Readonly<Record<string, Content>>;
  readonly targets: Readonly<Record<string, Content>>;
}

/** As the operator API takes them. */
export type EncodedRepositoryFiles = RepositoryFiles<string>;

export interface VerifiedImport {
  /** The root that is trusted from now on, and its fingerprint. */
  readonly root: Uint8Array;
  readonly rootFingerprint: string;
  readonly releases: readonly ReleaseDocument[];
  /** Releases that the metadata names and whose documents are neither in the import nor held. */
  readonly notCarried: readonly string[];
  /** By digest. */
  readonly profiles: Readonly<Record<string, ProfileDocument>>;
  /** Releases that the publisher marks bad. Whoever stores them adds them to what was recalled before. */
  readonly recalls: RecallDocument['recalls'];
  /** What to give as `stored` at the next import: it holds off an older repository. */
  readonly stored: Readonly<Record<string, Uint8Array>>;
  /** What to keep and serve to agents, added to what is served already. Nothing unverified is among it. */
  readonly files: RepositoryFiles;
}

/** All roots, and the current files of the other roles, with every target they name. */
export async function readRepositoryFiles(
  directory: string,
): Promise<Outcome<EncodedRepositoryFiles, RepositoryRefusalCode>> {
  const current = await readRepository(directory);
  if (current.kind === 'refused') return current;
  const targetNames = Object.values(current.value.targets.signed.targets).map((target) =>
    hashedTargetPath(target.path, target.hashes['sha256'] ?? ''),
  );
  const metadata = await readFiles(
    path.join(directory, 'metadata'),
    await currentMetadataNames(directory, current.value),
  );
  const targets = await readFiles(path.join(directory, 'targets'), targetNames);
  return ok(encodeRepositoryFiles({ metadata, targets }));
}

/** The same without targets: what a publisher's folder has that is current. */
export async function readCurrentMetadata(
  directory: string,
): Promise<Outcome<RepositoryFiles['metadata'], RepositoryRefusalCode>> {
  const current = await readRepository(directory);
  if (current.kind === 'refused') return current;
  return ok(await readFiles(path.join(directory, 'metadata'), await currentMetadataNames(directory, current.value)));
}

async function currentMetadataNames(
  directory: string,
  { snapshot, targets }: CurrentRepository,
): Promise<readonly string[]> {
  const inMetadata = await readdir(path.join(directory, 'metadata'));
  return [
    ...inMetadata.filter((name) => rootNamePattern.test(name)),
    'timestamp.json',
    `${snapshot.signed.version}.snapshot.json`,
    `${targets.signed.version}.targets.json`,
  ];
}

export const rootNamePattern = /^[1-9]\d{0,8}\.root\.json$/;

async function readFiles(folder: string, names: readonly string[]): Promise<Readonly<Record<string, Uint8Array>>> {
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(path.join(folder, name))] as const)),
  );
}

/** Into the route's body. */
export function encodeRepositoryFiles(files: RepositoryFiles): EncodedRepositoryFiles {
  const encode = (some: RepositoryFiles['metadata']) =>
    Object.fromEntries(Object.entries(some).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]));
  return { metadata: encode(files.metadata), targets: encode(files.targets) };
}

const base64Pattern = /^[A-Za-z0-9+/]*={0,2}$/;

/** From the route's body. Refuses what is no base64, naming the file. */
export function decodeRepositoryFiles(encoded: EncodedRepositoryFiles): TrustOutcome<RepositoryFiles> {
  for (const [name, content] of [...Object.entries(encoded.metadata), ...Object.entries(encoded.targets)]) {
    if (content.length % 4 !== 0 || !base64Pattern.test(content)) {
      return refused({ code: 'metadata-malformed', message: `The content of ${name} is not base64.` });
    }
  }
  const decode = (files: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(files).map(([name, content]) => [name, Buffer.from(content, 'base64')]));
  return ok({ metadata: decode(encoded.metadata), targets: decode(encoded.targets) });
}

/**
 * Verifies the files as one repository: every release, profile and other target that its metadata names. `root` is the
 * control plane's; without one (the first import) the set's own oldest root is taken, and its fingerprint is what a
 * person has to compare. `held` gives targets from elsewhere, such as earlier imports, so that a later one need not carry
 * them again. `carried` names the releases that a part of a repository brings: they must be complete; of the others those
 * are taken that are held. Everything else that the metadata names, the list of recalls for one, is never left out.
 */
export async function verifyImport(input: {
  readonly files: RepositoryFiles;
  readonly carried?: readonly string[] | undefined;
  readonly root?: Uint8Array;
  readonly stored?: Readonly<Record<string, Uint8Array>>;
  readonly held?: (path: string, bytesMax: number) => Promise<Uint8Array | undefined>;
}): Promise<TrustOutcome<VerifiedImport>> {
  const { files, held } = input;
  const root = input.root ?? oldestRoot(files.metadata);
  if (!root) {
    return refused({
      code: 'file-missing',
      message: 'No root of trust came with the import, and the control plane has none yet.',
      nextStep: 'Import the complete repository, with metadata/1.root.json.',
    });
  }
  const targets: Record<string, Uint8Array> = {};
  const opened = await openTrustedReleases({
    root,
    ...(input.stored === undefined ? {} : { stored: input.stored }),
    fetchFile: async (kind, file, bytesMax) => {
      if (kind === 'metadata') return own(files.metadata, file);
      const bytes = own(files.targets, file) ?? (await held?.(file, bytesMax));
      if (bytes) targets[file] = bytes;
      return bytes;
    },
  });
  if (opened.kind === 'refused') return opened;
  const trusted = opened.value;
  const refreshed = await trusted.refresh();
  if (refreshed.kind === 'refused') return refreshed;
  const documents = await verifyTargets(trusted, input.carried);
  if (documents.kind === 'refused') return documents;

  const stored = await trusted.stored();
  const trustedRoot = stored['root.json'];
  if (!trustedRoot) throw new Error('verified metadata without a root');
  return ok({
    ...documents.value,
    root: trustedRoot,
    rootFingerprint: rootFingerprint(trustedRoot),
    stored,
    files: {
      metadata: servedMetadata(files.metadata, input.stored?.['root.json'] ?? root, trustedRoot, stored),
      targets,
    },
  });
}

type VerifiedDocuments = Pick<VerifiedImport, 'releases' | 'notCarried' | 'profiles' | 'recalls'>;

/** Every target that is to be there is fetched, so that what an agent will ask for is known to be there. */
async function verifyTargets(
  trusted: TrustedReleases,
  carried: readonly string[] | undefined,
): Promise<TrustOutcome<VerifiedDocuments>> {
  const paths = await trusted.targetPaths();
  if (paths.kind === 'refused') return paths;
  const versions = paths.value.flatMap((targetPath) => releaseVersionOf(targetPath) ?? []);
  const unknown = carried?.filter((version) => !versions.includes(version)) ?? [];
  if (unknown.length > 0) return refused(unknownRelease(unknown));

  // Of a part of a repository, profiles and agents are those of the releases that are taken.
  const others = paths.value.filter(
    (targetPath) =>
      releaseVersionOf(targetPath) === undefined && (carried === undefined || !partOfARelease.test(targetPath)),
  );
  for (const targetPath of others) {
    const bytes = await trusted.target(targetPath);
    if (bytes.kind === 'refused') return bytes;
  }
  const releases: ReleaseDocument[] = [];
  const notCarried: string[] = [];
  const profiles: Record<string, ProfileDocument> = {};
  for (const version of versions) {
    const release = await trusted.release(version);
    if (release.kind === 'refused') {
      const isLeftOut = carried?.includes(version) === false && release.reasons.some(isMissing);
      if (!isLeftOut) return release;
      notCarried.push(version);
      continue;
    }
    releases.push(release.value);
    const documents = await verifyReleaseParts(trusted, release.value);
    if (documents.kind === 'refused') return documents;
    Object.assign(profiles, documents.value);
  }
  const recalls = await trusted.recalls();
  if (recalls.kind === 'refused') return recalls;
  return ok({ releases, notCarried, profiles, recalls: recalls.value });
}

const partOfARelease = /^(profiles|agents)\//;
const isMissing = ({ code }: { readonly code: string }): boolean => code === 'file-missing';

function unknownRelease(versions: readonly string[]): Refusal<TrustRefusalCode> {
  return {
    code: 'unknown-release',
    message: `It is said to bring ${versions.join(', ')}, and its signed metadata names no such release.`,
    nextStep: 'Make the bundle again from the repository.',
  };
}

/** The profiles, by digest. */
async function verifyReleaseParts(
  trusted: TrustedReleases,
  release: ReleaseDocument,
): Promise<TrustOutcome<VerifiedImport['profiles']>> {
  const profiles: Record<string, ProfileDocument> = {};
  for (const [provider, { digest }] of Object.entries(release.profiles)) {
    const profile = await trusted.profile(release, provider);
    if (profile.kind === 'refused') return profile;
    profiles[digest] = profile.value;
  }
  if (release.agent.bundle === undefined) return ok(profiles);
  const bundle = await trusted.agentBundle(release);
  return bundle.kind === 'refused' ? bundle : ok(profiles);
}

/** Verified metadata under the names by which agents ask for it. */
function servedMetadata(
  imported: RepositoryFiles['metadata'],
  initialRoot: Uint8Array,
  trustedRoot: Uint8Array,
  stored: VerifiedImport['stored'],
): RepositoryFiles['metadata'] {
  const served: Record<string, Uint8Array> = {};
  const from = metadataVersion(initialRoot);
  const to = metadataVersion(trustedRoot);
  served[`${from}.root.json`] = initialRoot;
  // The chain was followed from here, so each link up to the trusted root was verified.
  for (let version = from + 1; version <= to; version += 1) {
    const link = own(imported, `${version}.root.json`);
    if (link) served[`${version}.root.json`] = link;
  }
  for (const role of ['snapshot', 'targets']) {
    const bytes = stored[`${role}.json`];
    if (bytes) served[`${metadataVersion(bytes)}.${role}.json`] = bytes;
  }
  const timestamp = stored['timestamp.json'];
  if (timestamp) served['timestamp.json'] = timestamp;
  return served;
}

function oldestRoot(metadata: RepositoryFiles['metadata']): Uint8Array | undefined {
  const [oldest] = Object.keys(metadata)
    .filter((name) => rootNamePattern.test(name))
    .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  return oldest === undefined ? undefined : metadata[oldest];
}

/** The names come from the network; `constructor` is none of them. */
function own(files: Readonly<Record<string, Uint8Array>>, name: string): Uint8Array | undefined {
  return Object.hasOwn(files, name) ? files[name] : undefined;
}
