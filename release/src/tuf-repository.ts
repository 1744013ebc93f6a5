/**
 * A TUF repository as a folder: `metadata/` with consistent snapshots and `targets/` with hash-prefixed names, to be
 * served or carried as it is. What is written becomes current only with the last step, the new `timestamp.json`, so a
 * publication that is killed can simply be repeated. Signing needs the keys of targets, snapshot and timestamp; the root
 * key only makes the repository. One publisher at a time.
 */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  Key,
  MetaFile,
  Metadata,
  MetadataKind,
  Root,
  Signature,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from '@tufjs/models';
import { Role } from '@tufjs/models/dist/role.js';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import type { Keys, PublisherKeys, SigningKey } from './keys.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from './tuf-metadata.ts';

/** Days until a role's metadata expires, counted from its signing. */
export interface Expiry {
  readonly root: number;
  readonly targets: number;
  readonly snapshot: number;
  readonly timestamp: number;
}

const defaultExpiry: Expiry = { root: 365, targets: 365, snapshot: 365, timestamp: 365 };

/** What TUF calls a target: a file that the metadata names by digest. (Elsewhere a target is what a gateway should be.) */
export interface TufTarget {
  /** As clients ask for it, such as `releases/4.2.7.json`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export type RepositoryRefusalCode =
  | 'repository-exists'
  | 'repository-missing'
  | 'repository-invalid'
  | 'target-changed'
  | 'target-path-invalid';

export interface PublishedMetadata {
  readonly targetsVersion: number;
  readonly snapshotVersion: number;
  readonly timestampVersion: number;
}

const specVersion = '1.0.31';
const targetPathPattern = /^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*$/;
const publishers = ['targets', 'snapshot', 'timestamp'] as const;

/** Makes a repository without targets, version 1 of each role. Refuses if the folder exists. */
export async function createRepository(input: {
  readonly directory: string;
  readonly keys: Keys;
  readonly now: Date;
  readonly expiry?: Expiry;
}): Promise<Outcome<{ readonly root: Uint8Array }, RepositoryRefusalCode>> {
  const { directory, keys, now, expiry = defaultExpiry } = input;
  if (existsSync(directory)) {
    return refused({
      code: 'repository-exists',
      message: `${directory} exists; a new repository needs a new folder.`,
      nextStep: 'Publish into it, or name a folder that does not exist yet.',
    });
  }
  await mkdir(path.dirname(directory), { recursive: true });
  // Not mkdtemp, whose folders nobody else can read: a repository is there to be served.
  const unfinished = `${directory}.unfinished-${randomUUID()}`;
  await mkdir(unfinished);
  try {
    await mkdir(path.join(unfinished, 'metadata'));
    await mkdir(path.join(unfinished, 'targets'));
    const root = toBytes(signed(makeRoot(keys, now, expiry.root), keys.root));
    await writeFile(path.join(unfinished, 'metadata', '1.root.json'), root);
    await writeMetadata(unfinished, keys, {
      targets: new Targets({ version: 1, specVersion, expires: expires(now, expiry.targets) }),
      snapshotVersion: 1,
      timestampVersion: 1,
      now,
      expiry,
    });
    await rename(unfinished, directory);
    return ok({ root });
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    throw new Error(`could not make a repository in ${directory}`, { cause });
  }
}

/**
 * Adds targets and signs the next versions. A target that is there with the same bytes is left alone, one with other
 * bytes is refused: what was published never changes. With nothing new it signs again, which renews the expiry.
 */
export async function publishTargets(input: {
  readonly directory: string;
  readonly keys: PublisherKeys;
  readonly targets: readonly TufTarget[];
  /** The one path whose contents may differ from what was published: the list of recalls, which is only added to. */
  readonly replaces?: string;
  readonly now: Date;
  readonly expiry?: Expiry;
}): Promise<Outcome<PublishedMetadata, RepositoryRefusalCode>> {
  const { directory, keys, now, expiry = defaultExpiry } = input;
  const current = await readRepository(directory);
  if (current.kind === 'refused') return current;
  const { targets, snapshot, timestamp, root } = current.value;
  for (const role of publishers) {
    if (!root.signed.roles[role]?.keyIDs.includes(keys[role].keyId)) {
      return refused({
        code: 'repository-invalid',
        message: `The ${role} key is not one that the root of ${directory} names for ${role}.`,
        nextStep: 'Use the keys that belong to this repository.',
      });
    }
  }
  const all = { ...targets.signed.targets };
  for (const target of input.targets) {
    const file = toTargetFile(target);
    const published = all[target.path];
    const isChanged = published !== undefined && published.hashes['sha256'] !== file.hashes['sha256'];
    if (isChanged && target.path !== input.replaces) {
      return refused({
        code: 'target-changed',
        message: `${target.path} was published with other contents, and what was published never changes.`,
        nextStep: 'Publish it under a new version.',
      });
    }
    if (target.path.length > 300 || !targetPathPattern.test(target.path)) {
      return refused({
        code: 'target-path-invalid',
        message: `${target.path} cannot be a target: paths have lower-case letters, digits, dots, hyphens and slashes.`,
      });
    }
    all[target.path] = file;
    await writeTarget(directory, target);
  }
  const versions = {
    targetsVersion: targets.signed.version + 1,
    snapshotVersion: snapshot.signed.version + 1,
    timestampVersion: timestamp.signed.version + 1,
  };
  await writeMetadata(directory, keys, {
    targets: new Targets({
      version: versions.targetsVersion,
      specVersion,
      expires: expires(now, expiry.targets),
      targets: all,
      ...(targets.signed.delegations === undefined ? {} : { delegations: targets.signed.delegations }),
    }),
    snapshotVersion: versions.snapshotVersion,
    timestampVersion: versions.timestampVersion,
    now,
    expiry,
  });
  return ok(versions);
}

/** The bytes of a published target, or `undefined`. What it reads was checked against the signatures in the folder. */
export async function readPublishedTarget(
  directory: string,
  targetPath: string,
): Promise<Outcome<Uint8Array | undefined, RepositoryRefusalCode>> {
  const current = await readRepository(directory);
  if (current.kind === 'refused') return current;
  const file = current.value.targets.signed.targets[targetPath];
  if (!file) return ok(undefined);
  const bytes = await readFile(targetFileOnDisk(directory, targetPath, file.hashes['sha256'] ?? ''));
  if (sha256Digest(bytes) !== `sha256:${file.hashes['sha256']}`) {
    return invalid(directory, `the file of ${targetPath} is not the one that was signed`);
  }
  return ok(bytes);
}

/** Where a target stands beneath `targets/`: its sha256 before its name. */
export function hashedTargetPath(targetPath: string, sha256: string): string {
  const { dir, base } = path.posix.parse(targetPath);
  return path.posix.join(dir, `${sha256}.${base}`);
}

export interface CurrentRepository {
  readonly root: Metadata<Root>;
  readonly timestamp: Metadata<Timestamp>;
  readonly snapshot: Metadata<Snapshot>;
  readonly targets: Metadata<Targets>;
}

/** What is current in the folder, with its signatures checked against the folder's own newest root. */
export async function readRepository(directory: string): Promise<Outcome<CurrentRepository, RepositoryRefusalCode>> {
  const metadata = path.join(directory, 'metadata');
  if (!existsSync(path.join(metadata, 'timestamp.json'))) {
    return refused({
      code: 'repository-missing',
      message: `${directory} holds no repository of releases.`,
      nextStep: 'Name the folder that holds it; the first publication makes it.',
    });
  }
  try {
    let rootVersion = 1;
    while (existsSync(path.join(metadata, `${rootVersion + 1}.root.json`))) rootVersion += 1;
    const read = (name: string) => readFile(path.join(metadata, name));
    const root = parseRoot(await read(`${rootVersion}.root.json`));
    root.verifyDelegate(MetadataKind.Root, root);
    const timestamp = parseTimestamp(await read('timestamp.json'));
    root.verifyDelegate(MetadataKind.Timestamp, timestamp);
    const snapshotVersion = timestamp.signed.snapshotMeta.version;
    const snapshot = parseSnapshot(await read(`${snapshotVersion}.snapshot.json`));
    root.verifyDelegate(MetadataKind.Snapshot, snapshot);
    const targetsVersion = snapshot.signed.meta['targets.json']?.version;
    if (targetsVersion === undefined) return invalid(directory, 'its snapshot names no targets');
    const targets = parseTargets(await read(`${targetsVersion}.targets.json`));
    root.verifyDelegate(MetadataKind.Targets, targets);
    return ok({ root, timestamp, snapshot, targets });
  } catch (error) {
    return invalid(directory, error instanceof Error ? error.message : String(error));
  }
}

function invalid(directory: string, fault: string) {
  return refused<RepositoryRefusalCode>({
    code: 'repository-invalid',
    message: `The repository in ${directory} cannot be published into: ${fault}.`,
    nextStep: 'Restore the folder from your copy.',
  });
}

function makeRoot(keys: Keys, now: Date, days: number): Root {
  const all = Object.values(keys);
  return new Root({
    version: 1,
    specVersion,
    expires: expires(now, days),
    consistentSnapshot: true,
    keys: Object.fromEntries(all.map((key) => [key.keyId, toPublicKey(key)])),
    roles: Object.fromEntries(all.map((key) => [key.role, new Role({ keyIDs: [key.keyId], threshold: 1 })])),
  });
}

function toPublicKey(key: SigningKey): Key {
  return new Key({
    keyID: key.keyId,
    keyType: 'ed25519',
    scheme: 'ed25519',
    keyVal: { public: key.publicKey },
  });
}

/** Targets, then snapshot, then (last, by rename) the timestamp that makes them current. */
async function writeMetadata(
  directory: string,
  keys: PublisherKeys,
  next: {
    readonly targets: Targets;
    readonly snapshotVersion: number;
    readonly timestampVersion: number;
    readonly now: Date;
    readonly expiry: Expiry;
  },
): Promise<void> {
  const { now, expiry } = next;
  const metadata = path.join(directory, 'metadata');
  const targets = toBytes(signed(next.targets, keys.targets));
  await writeFile(path.join(metadata, `${next.targets.version}.targets.json`), targets);
  const snapshot = toBytes(
    signed(
      new Snapshot({
        version: next.snapshotVersion,
        specVersion,
        expires: expires(now, expiry.snapshot),
        meta: { 'targets.json': toMetaFile(next.targets.version, targets) },
      }),
      keys.snapshot,
    ),
  );
  await writeFile(path.join(metadata, `${next.snapshotVersion}.snapshot.json`), snapshot);
  const timestamp = toBytes(
    signed(
      new Timestamp({
        version: next.timestampVersion,
        specVersion,
        expires: expires(now, expiry.timestamp),
        snapshotMeta: toMetaFile(next.snapshotVersion, snapshot),
      }),
      keys.timestamp,
    ),
  );
  const unfinished = path.join(metadata, 'timestamp.json.unfinished');
  await writeFile(unfinished, timestamp);
  await rename(unfinished, path.join(metadata, 'timestamp.json'));
}

function toMetaFile(version: number, bytes: Uint8Array): MetaFile {
  return new MetaFile({ version, length: bytes.length, hashes: { sha256: hexDigest(bytes) } });
}

function toTargetFile({ path: targetPath, bytes }: TufTarget): TargetFile {
  return new TargetFile({ path: targetPath, length: bytes.length, hashes: { sha256: hexDigest(bytes) } });
}

async function writeTarget(directory: string, { path: targetPath, bytes }: TufTarget): Promise<void> {
  const file = targetFileOnDisk(directory, targetPath, hexDigest(bytes));
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
}

function targetFileOnDisk(directory: string, targetPath: string, sha256: string): string {
  return path.join(directory, 'targets', ...hashedTargetPath(targetPath, sha256).split('/'));
}

function signed<Part extends Root | Targets | Snapshot | Timestamp>(part: Part, key: SigningKey): Metadata<Part> {
  const metadata = new Metadata(part);
  metadata.sign((data) => new Signature({ keyID: key.keyId, sig: key.sign(data) }));
  return metadata;
}

function toBytes(metadata: Metadata<Root> | Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>): Uint8Array {
  return Buffer.from(canonicalJson(metadata.toJSON()));
}

function hexDigest(bytes: Uint8Array): string {
  return sha256Digest(bytes).slice('sha256:'.length);
}

/** TUF's form of a date has whole seconds. */
function expires(now: Date, days: number): string {
  return `${new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 19)}Z`;
}
