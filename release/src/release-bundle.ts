/**
 * The one file that carries releases to where no network leads: made of a publisher's repository and the images its
 * releases name. Everything is verified before it is put in, by the same rules by which an import will take it.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type ArchiveEntry, inMemoryEntry, type WrittenArchive, writeArchive } from './archive-writer.ts';
import {
  type BundleDescription,
  blobFile,
  descriptionFile,
  imagesOfReleases,
  indexFile,
  indexMediaType,
  layoutFile,
  layoutText,
  type NamedImage,
} from './bundle-format.ts';
import { canonicalJson } from './canonical-json.ts';
import { type ImageRefusalCode, type ImageTree, readImageTree } from './image-tree.ts';
import type { RegistryRepository } from './oci-registry.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { readCurrentMetadata, type VerifiedImport, verifyImport } from './release-import.ts';
import { isSystemError } from './system-error.ts';
import { releasePath, type TrustRefusalCode } from './trusted-releases.ts';
import type { RepositoryRefusalCode } from './tuf-repository.ts';

export type BundleRefusalCode = TrustRefusalCode | RepositoryRefusalCode | ImageRefusalCode;

export interface WrittenBundle extends WrittenArchive {
  readonly releases: readonly string[];
  readonly images: readonly NamedImage[];
  /** Images that profiles name without a digest, which no bundle can carry. */
  readonly withoutDigest: readonly string[];
  readonly rootFingerprint: string;
}

export interface BundleInput {
  readonly repositoryDirectory: string;
  readonly to: string;
  /** Platform versions; absent: all that the repository has. */
  readonly versions?: readonly string[] | undefined;
  /** Where the images of a repository are pulled from; absent: no images. */
  readonly openRepository?: ((repository: string) => Promise<RegistryRepository>) | undefined;
  readonly onEntry?: (entry: ArchiveEntry, state: { readonly wasThere: boolean }) => void;
}

export async function writeReleaseBundle(input: BundleInput): Promise<Outcome<WrittenBundle, BundleRefusalCode>> {
  const verified = await verifyFolder(input);
  if (verified.kind === 'refused') return verified;
  const { files, releases, profiles, rootFingerprint } = verified.value;
  const { openRepository } = input;
  const { images, withoutDigest } = imagesOfReleases(releases, profiles);
  const pulled = openRepository === undefined ? ok([]) : await pullTrees(images, openRepository);
  if (pulled.kind === 'refused') return pulled;
  const description: BundleDescription = {
    schema: 1,
    releases: releases.map(({ platformVersion }) => platformVersion),
    hasImages: openRepository !== undefined,
  };
  const entries = [
    inMemoryEntry(descriptionFile, Buffer.from(canonicalJson(description))),
    ...entriesOf('metadata', files.metadata),
    ...entriesOf('targets', files.targets),
    ...(openRepository === undefined ? [] : layoutEntries(pulled.value)),
  ];
  const written = await writeArchive(input.to, entries, input.onEntry);
  const versions = description.releases;
  return ok({
    ...written,
    releases: versions,
    images: openRepository === undefined ? [] : images,
    withoutDigest,
    rootFingerprint,
  });
}

async function verifyFolder({
  repositoryDirectory: directory,
  versions,
}: BundleInput): Promise<Outcome<VerifiedImport, TrustRefusalCode | RepositoryRefusalCode>> {
  const metadata = await readCurrentMetadata(directory);
  if (metadata.kind === 'refused') return metadata;
  return verifyImport({
    files: { metadata: metadata.value, targets: {} },
    carried: versions,
    held: async (file) => {
      // Of the releases that were not asked for nothing is put in.
      if (versions !== undefined && isOtherRelease(file, versions)) return undefined;
      return readFile(path.join(directory, 'targets', ...file.split('/'))).catch(orMissing);
    },
  });
}

/** `file`: with the digest in its name. */
function isOtherRelease(file: string, versions: readonly string[]): boolean {
  const plain = file.replace(/[0-9a-f]{64}\.(?=[^/]*$)/, '');
  return plain.startsWith('releases/') && !versions.some((version) => plain === releasePath(version));
}

function orMissing(error: unknown): undefined {
  if (isSystemError(error, 'ENOENT')) return undefined;
  throw error;
}

interface PulledImage {
  readonly image: NamedImage;
  readonly tree: ImageTree;
  readonly from: RegistryRepository;
}

async function pullTrees(
  images: readonly NamedImage[],
  openRepository: (repository: string) => Promise<RegistryRepository>,
): Promise<Outcome<readonly PulledImage[], ImageRefusalCode>> {
  const pulled: PulledImage[] = [];
  for (const image of images) {
    const one = await pullTree(image, openRepository);
    if (one.kind === 'refused') return one;
    pulled.push(one.value);
  }
  return ok(pulled);
}

async function pullTree(
  image: NamedImage,
  openRepository: (repository: string) => Promise<RegistryRepository>,
): Promise<Outcome<PulledImage, ImageRefusalCode>> {
  const from = await openRepository(image.repository);
  const name = `${from.name}@${image.digest}`;
  const root = await from.readManifest(image.digest);
  if (root === undefined) {
    return refused({
      code: 'image-invalid',
      message: `${from.name} has no image ${image.digest}.`,
      nextStep: 'Push it there, say with --images-from where it is, or leave images out with --without-images.',
    });
  }
  const descriptor = { mediaType: root.mediaType, digest: image.digest, size: root.bytes.length };
  const tree = await readImageTree(name, descriptor, async ({ digest }) =>
    digest === image.digest ? root.bytes : (await from.readManifest(digest))?.bytes,
  );
  return tree.kind === 'refused' ? tree : ok({ image, tree: tree.value, from });
}

function entriesOf(folder: string, files: Readonly<Record<string, Uint8Array>>): readonly ArchiveEntry[] {
  return Object.entries(files)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, bytes]) => inMemoryEntry(`${folder}/${name}`, bytes));
}

/** Each blob once, wherever it is found first. */
function layoutEntries(images: readonly PulledImage[]): readonly ArchiveEntry[] {
  const blobs = new Map<string, ArchiveEntry>();
  for (const { tree, from } of images) {
    for (const { digest, bytes } of tree.documents) blobs.set(digest, inMemoryEntry(blobFile(digest), bytes));
    for (const { digest, size } of tree.blobs) {
      if (!blobs.has(digest)) {
        blobs.set(digest, { path: blobFile(digest), size, digest, open: () => from.streamBlob(digest) });
      }
    }
  }
  const index = {
    schemaVersion: 2,
    mediaType: indexMediaType,
    manifests: images.map(({ image, tree }) => {
      const root = tree.documents.find(({ digest }) => digest === image.digest);
      return {
        mediaType: root?.mediaType,
        digest: image.digest,
        size: root?.size,
        annotations: { 'org.opencontainers.image.ref.name': `${image.repository}@${image.digest}` },
      };
    }),
  };
  return [
    inMemoryEntry(layoutFile, Buffer.from(layoutText)),
    inMemoryEntry(indexFile, Buffer.from(JSON.stringify(index))),
    ...[...blobs.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  ];
}
