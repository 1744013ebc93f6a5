/**
 * A TUF repository as a folder: `metadata/` with consistent snapshots and `targets/` with hash-prefixed names, to be
 * served or carried as it is. What is written becomes current only with the last step, the new `timestamp.json`, so a
 * publication that is killed can simply be repeated. Every change is a signing request; here it is prepared, signed and
 * published in one go, for whoever has all the keys at hand.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256Digest } from './canonical-json.ts';
import { type RoleName, roleNames, type SigningKey } from './key-file.ts';
import type { Keys, PublisherKeys } from './keys.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import {
  existingRepository,
  foreignKey,
  type PublishedMetadata,
  type PublishRequestRefusalCode,
  publishRequest,
  refreshRequest,
} from './publish-request.ts';
import { type ChangeRefusalCode, prepareChange, type RepositoryChange } from './repository-change.ts';
import { type Expiry, type ExpiryChange, readExpiry } from './repository-settings.ts';
import { type CurrentRepository, invalidRepository, readState } from './repository-state.ts';
import { type SigningRequest, signatureNeeds, signRequest, type TufTarget } from './signing-request.ts';
import { targetFileOnDisk } from './target-paths.ts';

export type RepositoryRefusalCode = PublishRequestRefusalCode | ChangeRefusalCode;

/** Makes a repository without targets, version 1 of each role. Refuses if the folder exists. */
export async function createRepository(input: {
  readonly directory: string;
  readonly keys: Keys;
  readonly now: Date;
  readonly expiry?: ExpiryChange;
}): Promise<Outcome<{ readonly root: Uint8Array }, RepositoryRefusalCode>> {
  const { directory, now, expiry } = input;
  if (existsSync(directory)) return existingRepository(directory);
  const keys = Object.values(input.keys);
  const root = { keys, thresholds: { root: 1, targets: 1, snapshot: 1, timestamp: 1 } };
  const created = await changeRepository({ directory, keys, change: { root }, now, ...(expiry ? { expiry } : {}) });
  if (created.kind === 'refused') return created;
  return ok({ root: await readFile(path.join(directory, 'metadata', '1.root.json')) });
}

/**
 * Adds targets and signs the next versions. A target that is there with the same bytes is left alone, one with other
 * bytes is refused: what was published never changes. With nothing new it signs again, which renews the expiry.
 */
export async function publishTargets(input: {
  readonly directory: string;
  readonly keys: PublisherKeys | readonly SigningKey[];
  readonly targets: readonly TufTarget[];
  /** The one path whose contents may differ from what was published: the list of recalls, which is only added to. */
  readonly replaces?: string;
  readonly now: Date;
  readonly expiry?: ExpiryChange;
}): Promise<Outcome<PublishedMetadata, RepositoryRefusalCode>> {
  const { directory, targets, replaces, now, expiry } = input;
  const current = await readState(directory);
  if (current.kind === 'refused') return current;
  const { targets: targetsKey, snapshot, timestamp } = 'targets' in input.keys ? input.keys : {};
  const keys =
    'targets' in input.keys ? [targetsKey, snapshot, timestamp].filter((key) => key !== undefined) : input.keys;
  return changeRepository({
    directory,
    keys,
    change: { targets, ...(replaces === undefined ? {} : { replaces }) },
    now,
    ...(expiry ? { expiry } : {}),
  });
}

interface ChangeInput {
  readonly directory: string;
  readonly change: RepositoryChange;
  readonly now: Date;
  readonly expiry?: ExpiryChange;
}

/** What is to be signed for a change, by the settings of the folder or, of a new one, the usual ones. */
export async function prepareRequest(input: ChangeInput): Promise<Outcome<SigningRequest, RepositoryRefusalCode>> {
  const { directory, change, now } = input;
  const read = await readState(directory);
  const isNew = read.kind === 'refused' && read.reasons[0].code === 'repository-missing' && change.root !== undefined;
  if (read.kind === 'refused' && !isNew) return read;
  const current = read.kind === 'ok' ? read.value : undefined;
  return prepareChange({ current, change, settings: await readExpiry(directory), expiry: input.expiry ?? {}, now });
}

/** Prepares, signs with these keys, and publishes. Refuses with what is missing when they are not enough. */
export async function changeRepository(
  input: ChangeInput & { readonly keys: readonly SigningKey[] },
): Promise<Outcome<PublishedMetadata, RepositoryRefusalCode>> {
  const { directory, keys, now } = input;
  const prepared = await prepareRequest(input);
  if (prepared.kind === 'refused') return prepared;
  const signed = signWithThose(prepared.value, keys, directory);
  if (signed.kind === 'refused') return signed;
  return publishRequest({ directory, request: signed.value, keys, now });
}

/**
 * Signs with every key that is asked for. Of each role that signs, one at least has to be among them, if any is given: a
 * folder of another repository's keys is a mistake to be told, and not a signature that is missing.
 */
export function signWithThose(
  request: SigningRequest,
  keys: readonly SigningKey[],
  directory: string,
): Outcome<SigningRequest, 'repository-invalid'> {
  const needs = signatureNeeds(request);
  const asked = (key: SigningKey) => needs.some(({ part, keyIds }) => part === key.role && keyIds.includes(key.keyId));
  for (const part of new Set(needs.map((need) => need.part))) {
    const given = keys.filter(({ role }) => role === part);
    if (given.length > 0 && !given.some(asked)) return foreignKey(part, directory);
  }
  const signed = signRequest(request, keys.filter(asked));
  if (signed.kind === 'refused') throw new Error('a key that is asked for was refused');
  return signed;
}

export interface RefreshedRepository extends PublishedMetadata {
  readonly expires: RoleExpiry;
  readonly expiry: Expiry;
}
export type RoleExpiry = Readonly<Record<RoleName, string>>;

/** Renews snapshot and timestamp, and changes nothing else. */
export async function refreshRepository(input: {
  readonly directory: string;
  readonly keys: readonly SigningKey[];
  readonly now: Date;
  readonly expiry?: ExpiryChange;
}): Promise<Outcome<RefreshedRepository, RepositoryRefusalCode>> {
  const { directory, keys, now } = input;
  const settings = { ...(await readExpiry(directory)), ...input.expiry };
  const refreshed = await refreshRequest({ directory, keys, settings, now });
  if (refreshed.kind === 'refused') return refreshed;
  const current = await readRepository(directory);
  if (current.kind === 'refused') return current;
  return ok({ ...refreshed.value, expires: roleExpiry(current.value), expiry: settings });
}

export function roleExpiry({ root, targets, snapshot, timestamp }: CurrentRepository): RoleExpiry {
  return {
    root: root.signed.expires,
    targets: targets.signed.expires,
    snapshot: snapshot.signed.expires,
    timestamp: timestamp.signed.expires,
  };
}

/** Share of its lifetime before the end of which a role is to be renewed. */
const renewalShare = 1 / 3;

/** The roles whose metadata expires soon: less than a third of the time it is given is left. Ends first, first. */
export function expiringRoles(
  { expires, expiry }: { readonly expires: RoleExpiry; readonly expiry: Expiry },
  now: Date,
): readonly { readonly role: RoleName; readonly expires: string; readonly daysLeft: number }[] {
  return roleNames
    .map((role) => ({
      role,
      expires: expires[role],
      daysLeft: (Date.parse(expires[role]) - now.getTime()) / 86_400_000,
    }))
    .filter(({ role, daysLeft }) => daysLeft < expiry[role] * renewalShare)
    .toSorted((a, b) => a.daysLeft - b.daysLeft);
}

/** The bytes of a published target, or `undefined`. What it reads was checked against the signatures in the folder. */
export async function readPublishedTarget(
  directory: string,
  targetPath: string,
): Promise<Outcome<Uint8Array | undefined, RepositoryRefusalCode>> {
  const current = await readState(directory);
  if (current.kind === 'refused') return current;
  const file = current.value.targets.signed.targets[targetPath];
  if (!file) return ok(undefined);
  const bytes = await readFile(targetFileOnDisk(directory, targetPath, file.hashes['sha256'] ?? ''));
  if (sha256Digest(bytes) !== `sha256:${file.hashes['sha256']}`) {
    return invalidRepository(directory, `the file of ${targetPath} is not the one that was signed`);
  }
  return ok(bytes);
}

/** What is current in the folder, with its signatures checked against the folder's own newest root. */
export async function readRepository(directory: string): Promise<Outcome<CurrentRepository, RepositoryRefusalCode>> {
  const state = await readState(directory);
  if (state.kind === 'refused' || state.value.unsettled.length === 0) return state;
  return refused({
    code: 'repository-invalid',
    message: `A change of the root of ${directory} was begun and not finished: ${state.value.unsettled.join(', ')} are signed for the root before.`,
    nextStep: 'Publish the same change again.',
  });
}
