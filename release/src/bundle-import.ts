/**
 * What somebody carried here, verified before anything of it is used: metadata by the control plane's root, documents by
 * the metadata, images by the documents, down to each byte of each layer. What the signed documents do not name is
 * refused, so that nothing else travels under their cover. Then its images, moved on to a registry.
 */

import { createHash } from 'node:crypto';
import Type from 'typebox';
import { Value } from 'typebox/value';
import {
  BundleDescription,
  blobFile,
  descriptionFile,
  imagesOfReleases,
  indexFile,
  layoutFile,
  layoutText,
  type NamedImage,
} from './bundle-format.ts';
import type { CarriedFiles } from './carried-files.ts';
import {
  type Descriptor,
  DescriptorShape,
  documentBytesMax,
  type ImageRefusalCode,
  type ImageTree,
  readImageTree,
} from './image-tree.ts';
import type { RegistryRepository } from './oci-registry.ts';
import { type Outcome, ok, type Refusal, refused } from './outcome.ts';
import { type RepositoryFiles, rootNamePattern, type VerifiedImport, verifyImport } from './release-import.ts';
import { rootFingerprint, type TrustRefusalCode } from './trusted-releases.ts';
import { parseSnapshot, parseTimestamp } from './tuf-metadata.ts';

export type BundleImportRefusalCode =
  | TrustRefusalCode
  | ImageRefusalCode
  | 'repository-missing'
  | 'bundle-invalid'
  | 'root-unknown';

type BundleOutcome<Result> = Outcome<Result, BundleImportRefusalCode>;

/** What the control plane trusts already; nothing before its first import. */
export interface ControlPlaneTrust {
  /** From the oldest to the newest. */
  readonly roots: readonly Uint8Array[];
  /** Its newest metadata, by role: an older repository is refused. */
  readonly stored: Readonly<Record<string, Uint8Array>>;
  /** Bytes of a target that it has. */
  readonly held: (file: string, bytesMax: number) => Promise<Uint8Array | undefined>;
}

export interface VerifiedBundle {
  readonly verified: VerifiedImport;
  /** What to send: the metadata as it was carried, and the targets that were carried. */
  readonly files: RepositoryFiles;
  /** Absent for a repository folder, which brings all that its metadata names. */
  readonly description: BundleDescription | undefined;
  /** Of the releases it brings; empty when it was made without images. */
  readonly images: readonly CarriedImage[];
  /** Where trust begins: what a person compares. */
  readonly rootFingerprint: string;
}

export interface CarriedImage extends NamedImage {
  readonly tree: ImageTree;
}

export interface VerifyBundleInput {
  readonly files: CarriedFiles;
  /** For messages: the file's or folder's name. */
  readonly name: string;
  readonly trust?: ControlPlaneTrust | undefined;
  /** The fingerprint of a root that was learnt out of band: trust begins there and nowhere else. */
  readonly rootFingerprint?: string | undefined;
  readonly onBytes?: (count: number) => void;
}

/** A targets metadata file of agents may have 5 MB; nothing else is as large. */
const metadataBytesMax = 5_000_000;
const descriptionBytesMax = 1_000_000;
const rootsMax = 1_000;

export async function verifyBundle(input: VerifyBundleInput): Promise<BundleOutcome<VerifiedBundle>> {
  const { files } = input;
  const description = await readDescription(input);
  if (description.kind === 'refused') return description;
  const metadata = await readMetadata(input);
  if (metadata.kind === 'refused') return metadata;
  const begin = await chooseRoot(input, metadata.value);
  if (begin.kind === 'refused') return begin;
  const used = new Set([descriptionFile, ...Object.keys(metadata.value).map((name) => `metadata/${name}`)]);

  const documents = await verifyDocuments(input, begin.value.metadata, description.value?.releases);
  if (documents.kind === 'refused') return documents;
  const { verified, targets } = documents.value;
  for (const name of Object.keys(targets)) used.add(`targets/${name}`);

  const brought = verified.releases.filter(
    ({ platformVersion }) => description.value?.releases.includes(platformVersion) ?? true,
  );
  const images = description.value?.hasImages === true ? imagesOfReleases(brought, verified.profiles).images : [];
  const carried = description.value?.hasImages === true ? await verifyImages(input, images, used) : ok([]);
  if (carried.kind === 'refused') return carried;
  const foreign = files.paths?.find((file) => !used.has(file));
  if (foreign !== undefined) {
    return invalid(input.name, `it holds ${foreign}, which the signed documents of its releases do not name`);
  }
  return ok({
    verified,
    files: { metadata: begin.value.metadata, targets },
    description: description.value,
    images: carried.value,
    rootFingerprint: begin.value.rootFingerprint,
  });
}

function invalid(name: string, fault: string) {
  return refused<BundleImportRefusalCode>({
    code: 'bundle-invalid',
    message: `${name} is not a bundle as it was made: ${fault}.`,
    nextStep: 'Carry it over again; its sha256 must be the one that `gatehouse release bundle` printed.',
  });
}

async function readDescription({
  files,
  name,
}: VerifyBundleInput): Promise<BundleOutcome<BundleDescription | undefined>> {
  const bytes = await files.read(descriptionFile, descriptionBytesMax);
  if (bytes === undefined) {
    return files.paths === undefined ? ok(undefined) : invalid(name, `${descriptionFile} is missing`);
  }
  const value = parseJson(bytes);
  if (Value.Check(BundleDescription, value)) return ok(value);
  const isNewer = Value.Check(Type.Object({ schema: Type.Integer({ minimum: 2 }) }), value);
  if (!isNewer) return invalid(name, `${descriptionFile} cannot be read`);
  return refused({
    code: 'bundle-invalid',
    message: `${name} was made by a newer gatehouse, in a form that this one does not know.`,
    nextStep: 'Use the newer program, or make the bundle with this version.',
  });
}

/** All roots, and what is current of the other roles. */
async function readMetadata({ files, name }: VerifyBundleInput): Promise<BundleOutcome<RepositoryFiles['metadata']>> {
  const metadata: Record<string, Uint8Array> = {};
  const read = async (file: string): Promise<Uint8Array> => {
    const bytes = await files.read(`metadata/${file}`, metadataBytesMax);
    if (bytes === undefined) throw new MissingMetadata(`metadata/${file} is missing`);
    if (bytes.length > metadataBytesMax) throw new MissingMetadata(`metadata/${file} is larger than metadata may be`);
    metadata[file] = bytes;
    return bytes;
  };
  try {
    const roots = (await files.metadataNames()).filter((file) => rootNamePattern.test(file));
    if (roots.length > rootsMax) return invalid(name, `it has ${roots.length} roots`);
    for (const file of roots) await read(file);
    const timestamp = parseTimestamp(await read('timestamp.json'));
    const snapshot = parseSnapshot(await read(`${timestamp.signed.snapshotMeta.version}.snapshot.json`));
    for (const [file, { version }] of Object.entries(snapshot.signed.meta)) await read(`${version}.${file}`);
    return ok(metadata);
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    if (!(error instanceof MissingMetadata)) return invalid(name, `its metadata cannot be read (${fault})`);
    return refused({
      code: 'repository-missing',
      message: `${name} holds no complete repository of releases: ${fault}.`,
      nextStep: 'Name the folder of `release publish`, or the file of `release bundle`.',
    });
  }
}

class MissingMetadata extends Error {
  override readonly name = 'MissingMetadata';
}

interface Begin {
  /** Without roots from before the one where trust begins. */
  readonly metadata: RepositoryFiles['metadata'];
  readonly rootFingerprint: string;
}

/**
 * With a fingerprint given, trust begins at the root that has it, whether it is the oldest or not: what follows it by its
 * own signatures is trusted, and nothing that claims to lead to it.
 */
async function chooseRoot(
  { name, trust, rootFingerprint: wanted }: VerifyBundleInput,
  metadata: RepositoryFiles['metadata'],
): Promise<BundleOutcome<Begin>> {
  const fingerprintOf = (root: Uint8Array): string | undefined => {
    try {
      return rootFingerprint(root);
    } catch {
      return undefined;
    }
  };
  const isWanted = (fingerprint: string | undefined): fingerprint is string =>
    fingerprint !== undefined && (wanted === undefined || normalised(fingerprint) === normalised(wanted));
  if (trust !== undefined) {
    const fingerprint = trust.roots.map(fingerprintOf).find(isWanted);
    if (fingerprint !== undefined) return ok({ metadata, rootFingerprint: fingerprint });
    return refused(rootUnknown(`None of this control plane's roots has the fingerprint ${wanted}.`));
  }
  const roots = Object.entries(metadata)
    .filter(([file]) => rootNamePattern.test(file))
    .toSorted(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  for (const [index, [, root]] of roots.entries()) {
    const fingerprint = fingerprintOf(root);
    if (!isWanted(fingerprint)) continue;
    const older = new Set(roots.slice(0, index).map(([file]) => file));
    const kept = Object.entries(metadata).filter(([file]) => !older.has(file));
    return ok({ metadata: Object.fromEntries(kept), rootFingerprint: fingerprint });
  }
  return refused(
    rootUnknown(
      wanted === undefined ? `${name} carries no root of trust.` : `No root in ${name} has the fingerprint ${wanted}.`,
    ),
  );
}

function normalised(fingerprint: string): string {
  return fingerprint.toLowerCase().replaceAll(/[^0-9a-z]/g, '');
}

function rootUnknown(message: string): Refusal<BundleImportRefusalCode> {
  return {
    code: 'root-unknown',
    message,
    nextStep: 'Compare the fingerprint with whoever signs the releases: these may be from somebody else.',
  };
}

async function verifyDocuments(
  { files, trust }: VerifyBundleInput,
  metadata: RepositoryFiles['metadata'],
  carried: readonly string[] | undefined,
): Promise<BundleOutcome<{ readonly verified: VerifiedImport; readonly targets: RepositoryFiles['targets'] }>> {
  const targets: Record<string, Uint8Array> = {};
  const [root] = trust?.roots ?? [];
  const verified = await verifyImport({
    files: { metadata, targets: {} },
    carried,
    ...(root === undefined ? {} : { root }),
    ...(trust === undefined ? {} : { stored: trust.stored }),
    held: async (file, bytesMax) => {
      const bytes = await files.read(`targets/${file}`, bytesMax);
      if (bytes === undefined) return trust?.held(file, bytesMax);
      targets[file] = bytes;
      return bytes;
    },
  });
  return verified.kind === 'refused' ? verified : ok({ verified: verified.value, targets });
}

const LayoutIndex = Type.Object({ manifests: Type.Array(DescriptorShape, { maxItems: 20_000 }) });

/** Adds to `used` what the images are made of. Reads every blob to its end. */
async function verifyImages(
  input: VerifyBundleInput,
  images: readonly NamedImage[],
  used: Set<string>,
): Promise<BundleOutcome<readonly CarriedImage[]>> {
  const { files, name } = input;
  const layout = await files.read(layoutFile, 1000);
  if (layout === undefined || Buffer.from(layout).toString('utf8') !== layoutText) {
    return invalid(name, `${layoutFile} is missing or of another version`);
  }
  const index = parseJson((await files.read(indexFile, documentBytesMax)) ?? new Uint8Array());
  if (!Value.Check(LayoutIndex, index)) return invalid(name, `${indexFile} cannot be read`);
  used.add(layoutFile).add(indexFile);
  const roots = new Map(index.manifests.map((descriptor) => [descriptor.digest, descriptor]));
  const carried: CarriedImage[] = [];
  for (const image of images) {
    const imageName = `${image.repository}@${image.digest}`;
    const root = roots.get(image.digest);
    if (root === undefined) return invalid(name, `the image ${imageName} is missing`);
    const tree = await readImageTree(imageName, root, ({ digest, size }) => files.read(blobFile(digest), size));
    if (tree.kind === 'refused') return tree;
    for (const { digest } of tree.value.documents) used.add(blobFile(digest));
    const fault = await findBlobFault(input, tree.value.blobs, used);
    if (fault !== undefined) return invalid(name, `of the image ${imageName}, ${fault}`);
    carried.push({ ...image, tree: tree.value });
  }
  return ok(carried);
}

/** What is wrong with one of them. A blob that several images share is read once. */
async function findBlobFault(
  { files, onBytes }: VerifyBundleInput,
  blobs: readonly Descriptor[],
  used: Set<string>,
): Promise<string | undefined> {
  for (const { digest, size } of blobs) {
    const file = blobFile(digest);
    const actualSize = await files.size(file);
    if (actualSize === undefined) return `the blob ${digest} is missing`;
    if (actualSize !== size) return `the blob ${digest} has ${actualSize} bytes instead of ${size}`;
    if (used.has(file)) continue;
    const hash = createHash('sha256');
    for await (const part of files.stream(file)) {
      hash.update(part);
      onBytes?.(part.length);
    }
    if (`sha256:${hash.digest('hex')}` !== digest) return `the blob ${digest} has other content`;
    used.add(file);
  }
  return undefined;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

export interface PushedImages {
  readonly blobsSent: number;
  readonly bytesSent: number;
}

/**
 * Repeatable: what the registry has is not sent again, so a push that was killed goes on where it was. A manifest comes
 * after all that it names. `openRepository` takes a repository as releases have it.
 */
export async function pushCarriedImages(input: {
  readonly files: CarriedFiles;
  readonly images: readonly CarriedImage[];
  readonly openRepository: (repository: string) => Promise<RegistryRepository>;
  readonly onImage?: (image: CarriedImage, to: string) => void;
  readonly onBytes?: (count: number) => void;
}): Promise<PushedImages> {
  const { files, onBytes } = input;
  let blobsSent = 0;
  let bytesSent = 0;
  async function* read(file: string): AsyncIterable<Uint8Array> {
    for await (const part of files.stream(file)) {
      onBytes?.(part.length);
      yield part;
    }
  }
  for (const image of input.images) {
    const to = await input.openRepository(image.repository);
    input.onImage?.(image, to.name);
    for (const blob of image.tree.blobs) {
      if (await to.hasBlob(blob.digest)) continue;
      await to.putBlob(blob, () => read(blobFile(blob.digest)));
      blobsSent += 1;
      bytesSent += blob.size;
    }
    for (const document of image.tree.documents) await to.putManifest(document);
  }
  return { blobsSent, bytesSent };
}
