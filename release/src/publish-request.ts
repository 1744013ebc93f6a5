/**
 * Puts a signed request into the publisher's folder. Order is what makes it safe to kill: targets' files, the metadata of
 * targets and snapshot, the new root, and last, by rename, the timestamp that makes all of it current. What was begun is
 * finished by publishing the same request again.
 */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Metadata, MetaFile, type Root, Snapshot, type Targets, Timestamp } from '@tufjs/models';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import type { SigningKey } from './key-file.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { specVersion } from './repository-change.ts';
import { type LockRefusalCode, whileLocked } from './repository-lock.ts';
import { type Expiry, expiresAt, readExpiry, writeExpiry } from './repository-settings.ts';
import {
  invalidRepository,
  isVerifiedBy,
  type OnlineRole,
  type RepositoryState,
  readState,
} from './repository-state.ts';
import { addSignature, isMet, type SignatureNeed, type SigningRequest, signatureNeeds } from './signing-request.ts';
import { targetFileOnDisk } from './target-paths.ts';
import { defaultLimits } from './tuf-client.ts';

export type PublishRequestRefusalCode =
  | LockRefusalCode
  | 'repository-exists'
  | 'repository-missing'
  | 'repository-invalid'
  | 'request-stale'
  | 'request-expired'
  | 'metadata-too-large'
  | 'signatures-missing';

export interface PublishedMetadata {
  readonly rootVersion: number;
  readonly targetsVersion: number;
  readonly snapshotVersion: number;
  readonly timestampVersion: number;
}

/**
 * Some clients count in 32 bits, and a stolen key may have jumped far ahead. Beyond this a role starts again where it was,
 * which clients accept only after its keys were replaced (TUF 5.3.11).
 */
const versionMax = 2_000_000_000;

/** `keys` are those of snapshot and timestamp; others are left alone. */
export async function publishRequest(input: {
  readonly directory: string;
  readonly request: SigningRequest;
  readonly keys: readonly SigningKey[];
  readonly now: Date;
}): Promise<Outcome<PublishedMetadata, PublishRequestRefusalCode>> {
  const { directory, request, now } = input;
  if (existsSync(directory)) return whileLocked(directory, now, () => publishInto(directory, input));
  if (request.trustedRoot) {
    return refused({
      code: 'repository-missing',
      message: `${directory} holds no repository, and the request changes one that exists.`,
      nextStep: 'Name the folder that holds it.',
    });
  }
  return publishNew(input);
}

type Input = Parameters<typeof publishRequest>[0];

/** Made beside its place and put there with one step. */
async function publishNew(input: Input): Promise<Outcome<PublishedMetadata, PublishRequestRefusalCode>> {
  const { directory, request, now } = input;
  const { root, targets, expiry } = request;
  if (!root || !targets) throw new TypeError('a new repository has a root and targets');
  const refusal = unready(input, root);
  if (refusal) return refusal;
  await mkdir(path.dirname(directory), { recursive: true });
  // Not mkdtemp, whose folders nobody else can read: a repository is there to be served.
  const unfinished = `${directory}.unfinished-${randomUUID()}`;
  try {
    await mkdir(path.join(unfinished, 'metadata'), { recursive: true });
    await mkdir(path.join(unfinished, 'targets'));
    const settings = { ...(await readExpiry(directory)), ...expiry };
    await writeRequest(unfinished, request, settings);
    const versions = { snapshot: 1, timestamp: 1 };
    await signOnline({ directory: unfinished, root, targets, versions, keys: input.keys, settings, now });
    await rename(unfinished, directory);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    throw new Error(`could not make a repository in ${directory}`, { cause });
  }
  return ok({ rootVersion: 1, targetsVersion: 1, snapshotVersion: 1, timestampVersion: 1 });
}

async function publishInto(
  directory: string,
  input: Input,
): Promise<Outcome<PublishedMetadata, PublishRequestRefusalCode>> {
  const { request, now } = input;
  const read = await readState(directory);
  if (read.kind === 'refused') return read;
  const state = read.value;
  const stale = staleness(directory, request, state);
  if (stale) return stale;
  const root = request.root ?? state.root;
  const targets = request.targets ?? state.targets;
  const isOnlineDue =
    request.targets !== undefined ||
    !isVerifiedBy(root, 'snapshot', state.snapshot) ||
    !isVerifiedBy(root, 'timestamp', state.timestamp) ||
    input.keys.some(({ role }) => role === 'snapshot' || role === 'timestamp');
  const refusal = unready(input, root, isOnlineDue);
  if (refusal) return refusal;
  if (!isVerifiedBy(root, 'targets', targets)) {
    return invalidRepository(directory, 'its newest root asks for signatures on targets that are not there yet');
  }
  const versions = await nextVersions(directory, root, state);
  if (versions.kind === 'refused') return versions;
  const settings = { ...(await readExpiry(directory)), ...request.expiry };
  await writeRequest(directory, request, settings, state);
  if (isOnlineDue) {
    const { keys } = input;
    await signOnline({ directory, root, targets, versions: versions.value, keys, settings, now });
  }
  return confirmed(directory);
}

/** Signs snapshot and timestamp anew, which alone needs no key of targets or root. */
export async function refreshRequest(input: {
  readonly directory: string;
  readonly keys: readonly SigningKey[];
  readonly settings: Expiry;
  readonly now: Date;
}): Promise<Outcome<PublishedMetadata, PublishRequestRefusalCode>> {
  const { directory, keys, settings, now } = input;
  return whileLocked(directory, now, async (): Promise<Outcome<PublishedMetadata, PublishRequestRefusalCode>> => {
    const read = await readState(directory);
    if (read.kind === 'refused') return read;
    const { root, targets, unsettled } = read.value;
    if (unsettled.includes('targets')) {
      return invalidRepository(directory, 'a change of its root was begun and needs new signatures on targets');
    }
    const missing = missingOnline(keys, root, directory);
    if (missing) return missing;
    const versions = await nextVersions(directory, root, read.value);
    if (versions.kind === 'refused') return versions;
    await writeExpiry(directory, settings);
    await signOnline({ directory, root, targets, versions: versions.value, keys, settings, now });
    return confirmed(directory);
  });
}

/** What was written is what a client will find, or this is a bug. */
async function confirmed(directory: string): Promise<Outcome<PublishedMetadata, PublishRequestRefusalCode>> {
  const written = await readState(directory);
  if (written.kind === 'refused' || written.value.unsettled.length > 0) {
    throw new Error(`what was published into ${directory} does not verify`);
  }
  const { root, targets, snapshot, timestamp } = written.value;
  return ok({
    rootVersion: root.signed.version,
    targetsVersion: targets.signed.version,
    snapshotVersion: snapshot.signed.version,
    timestampVersion: timestamp.signed.version,
  });
}

/** A request fits on what it was prepared for, and on what an interrupted publication of it left. */
function staleness(directory: string, request: SigningRequest, state: RepositoryState) {
  const stands = <Part extends Root | Targets>(now: Metadata<Part>, ...expected: (Metadata<Part> | undefined)[]) =>
    expected.some((one) => one && canonicalJson(one.signed.toJSON()) === canonicalJson(now.signed.toJSON()));
  const isRootFitting = stands(state.root, request.trustedRoot, request.root);
  const isTargetsFitting = stands(state.targets, request.publishedTargets, request.targets);
  if (isRootFitting && isTargetsFitting) return undefined;
  if (!request.trustedRoot) {
    return existingRepository(directory);
  }
  return refused<PublishRequestRefusalCode>({
    code: 'request-stale',
    message: `The ${isRootFitting ? 'targets' : 'root'} of ${directory} changed since the request was prepared.`,
    nextStep: 'Prepare it again with --prepare, and have that signed.',
  });
}

export function existingRepository(directory: string) {
  return refused<'repository-exists'>({
    code: 'repository-exists',
    message: `${directory} exists; a new repository needs a new folder.`,
    nextStep: 'Publish into it, or name a folder that does not exist yet.',
  });
}

/** Everything that is missing, or too much, before anything is written. */
function unready({ directory, request, keys, now }: Input, root: Metadata<Root>, isOnlineDue = true) {
  for (const part of ['root', 'targets'] as const) {
    if (request[part]?.signed.isExpired(now)) {
      return refused<PublishRequestRefusalCode>({
        code: 'request-expired',
        message: `The ${part} that was signed expired at ${request[part].signed.expires}.`,
        nextStep: 'Prepare it again with --prepare, and have that signed.',
      });
    }
  }
  for (const part of ['root', 'targets'] as const) {
    const bytes = request[part] === undefined ? 0 : toBytes(request[part]).length;
    const bytesMax = defaultLimits[`${part}BytesMax`];
    if (bytes > bytesMax) {
      return refused<PublishRequestRefusalCode>({
        code: 'metadata-too-large',
        message: `The new ${part} would have ${bytes} bytes, and agents take no more than ${bytesMax}.`,
        nextStep: 'Begin another repository, with this one kept for those who are on it.',
      });
    }
  }
  const [first, ...more] = signatureNeeds(request).filter((need) => !isMet(need));
  if (first) return refused(missingSignatures(first), ...more.map(missingSignatures));
  return isOnlineDue ? missingOnline(keys, root, directory) : undefined;
}

export function missingSignatures({ part, by, threshold, keyIds, signedBy }: SignatureNeed) {
  const whose = by === 'trusted' && part === 'root' ? 'keys of the root in force' : `${part} keys`;
  const missing = keyIds.filter((keyId) => !signedBy.includes(keyId)).map((keyId) => keyId.slice(0, 12));
  return {
    code: 'signatures-missing' as const,
    message: `The new ${part === 'root' ? 'root' : 'list of targets'} has ${signedBy.length} of the ${threshold} signatures that it needs of the ${whose}.`,
    nextStep: `Have it signed by ${threshold - signedBy.length} of ${missing.join(', ')}: --prepare <file>, then \`gatehouse release sign <file>\`.`,
  };
}

function missingOnline(keys: readonly SigningKey[], root: Metadata<Root>, directory: string) {
  for (const role of ['snapshot', 'timestamp'] as const) {
    const { keyIDs = [], threshold = 1 } = root.signed.roles[role] ?? {};
    const given = keys.filter((key) => key.role === role);
    const counting = new Set(given.filter(({ keyId }) => keyIDs.includes(keyId)).map(({ keyId }) => keyId)).size;
    if (given.length > 0 && counting === 0) return foreignKey(role, directory);
    if (counting < threshold) {
      return refused<PublishRequestRefusalCode>({
        code: 'signatures-missing',
        message: `${role} needs ${threshold} ${threshold === 1 ? 'signature' : 'signatures'}, and the keys at hand make ${counting}.`,
        nextStep: `Name the folder with the ${role} keys: ${keyIDs.map((keyId) => keyId.slice(0, 12)).join(', ')}.`,
      });
    }
  }
  return undefined;
}

export function foreignKey(role: string, directory: string) {
  return refused<'repository-invalid'>({
    code: 'repository-invalid',
    message: `The ${role} key is not one that the root of ${directory} names for ${role}.`,
    nextStep: 'Use the keys that belong to this repository.',
  });
}

interface OnlineVersions {
  readonly snapshot: number;
  readonly timestamp: number;
}

async function nextVersions(
  directory: string,
  root: Metadata<Root>,
  state: RepositoryState,
): Promise<Outcome<OnlineVersions, 'repository-invalid'>> {
  const next = { snapshot: state.snapshot.signed.version + 1, timestamp: state.timestamp.signed.version + 1 };
  for (const role of ['snapshot', 'timestamp'] as const) {
    if (next[role] <= versionMax) continue;
    if (isVerifiedBy(root, role, state[role])) {
      return invalidRepository(
        directory,
        `its ${role} is at version ${next[role] - 1}, as if a stolen key had jumped ahead; replace the ${role} key with \`gatehouse release rotate-root\``,
      );
    }
    next[role] = 1 + (await newestBelow(directory, role));
  }
  return ok(next);
}

/** The newest version that was surely ours: a name that was used is not used again, since mirrors may hold it. */
async function newestBelow(directory: string, role: OnlineRole): Promise<number> {
  const names = await readdir(path.join(directory, 'metadata'));
  const versions = names.flatMap((name) => {
    const version = name.endsWith(`.${role}.json`) ? Number.parseInt(name, 10) : 0;
    return version > 0 && version < versionMax ? [version] : [];
  });
  return Math.max(0, ...versions);
}

async function writeRequest(
  directory: string,
  request: SigningRequest,
  settings: Expiry,
  state?: RepositoryState,
): Promise<void> {
  for (const { path: targetPath, bytes } of request.documents) {
    const file = targetFileOnDisk(directory, targetPath, hexDigest(bytes));
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  const { root, targets } = request;
  // What is current is held by its digest, so it stays as it is even if a copy with more signatures comes.
  if (targets && targets.signed.version !== state?.targets.signed.version) {
    await writeMetadata(directory, `${targets.signed.version}.targets.json`, targets);
  }
  // Before the root: refresh signs by these settings, and can finish what is interrupted here.
  await writeExpiry(directory, settings);
  if (root && root.signed.version !== state?.root.signed.version) {
    await writeMetadata(directory, `${root.signed.version}.root.json`, root);
  }
}

async function signOnline(input: {
  readonly directory: string;
  readonly root: Metadata<Root>;
  readonly targets: Metadata<Targets>;
  readonly versions: OnlineVersions;
  readonly keys: readonly SigningKey[];
  readonly settings: Expiry;
  readonly now: Date;
}): Promise<void> {
  const { directory, root, versions, settings, now } = input;
  const targetsVersion = input.targets.signed.version;
  const targetsBytes = await readFile(path.join(directory, 'metadata', `${targetsVersion}.targets.json`));
  const signAll = (role: 'snapshot' | 'timestamp', metadata: Metadata<Snapshot> | Metadata<Timestamp>) => {
    for (const key of input.keys) {
      if (key.role === role && root.signed.roles[role]?.keyIDs.includes(key.keyId)) addSignature(metadata, key);
    }
  };
  const snapshot = new Metadata(
    new Snapshot({
      version: versions.snapshot,
      specVersion,
      expires: expiresAt(now, settings.snapshot),
      meta: { 'targets.json': toMetaFile(targetsVersion, targetsBytes) },
    }),
  );
  signAll('snapshot', snapshot);
  await writeMetadata(directory, `${versions.snapshot}.snapshot.json`, snapshot);
  const timestamp = new Metadata(
    new Timestamp({
      version: versions.timestamp,
      specVersion,
      expires: expiresAt(now, settings.timestamp),
      snapshotMeta: toMetaFile(versions.snapshot, toBytes(snapshot)),
    }),
  );
  signAll('timestamp', timestamp);
  await writeMetadata(directory, 'timestamp.json', timestamp);
}

type AnyMetadata = Metadata<Root> | Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>;

async function writeMetadata(directory: string, name: string, metadata: AnyMetadata): Promise<void> {
  const file = path.join(directory, 'metadata', name);
  await writeFile(`${file}.unfinished`, toBytes(metadata));
  await rename(`${file}.unfinished`, file);
}

function toBytes(metadata: AnyMetadata): Uint8Array {
  return Buffer.from(canonicalJson(metadata.toJSON()));
}

function toMetaFile(version: number, bytes: Uint8Array): MetaFile {
  return new MetaFile({ version, length: bytes.length, hashes: { sha256: hexDigest(bytes) } });
}

function hexDigest(bytes: Uint8Array): string {
  return sha256Digest(bytes).slice('sha256:'.length);
}
