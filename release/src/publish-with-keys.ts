/**
 * A change of a repository by whoever holds keys: published at once where they are enough, or prepared as a request with
 * their signatures on it, for others to sign.
 */

import { existsSync } from 'node:fs';
import { type RoleName, roleNames } from './key-file.ts';
import { type AskPassphrase, type KeyRefusalCode, openKeys, readKeyFolder, rootPlan } from './keys.ts';
import { type Outcome, ok } from './outcome.ts';
import { type PublishedMetadata, publishRequest } from './publish-request.ts';
import type { RepositoryChange } from './repository-change.ts';
import type { ExpiryChange } from './repository-settings.ts';
import type { SigningRequest } from './signing-request.ts';
import { changeRepository, prepareRequest, type RepositoryRefusalCode, signWithThose } from './tuf-repository.ts';

export interface KeyedOrder {
  readonly repositoryDirectory: string;
  /** One folder of keys, or several that together hold them. */
  readonly keysDirectory: string | readonly string[];
  readonly askPassphrase?: AskPassphrase;
  readonly now: Date;
  readonly expiry?: ExpiryChange;
}

type RefusalCode = KeyRefusalCode | RepositoryRefusalCode;

/** A folder that does not exist becomes a repository, by the keys and thresholds of the keys folder. */
export async function publishWithKeys(
  order: KeyedOrder,
  change: RepositoryChange,
): Promise<Outcome<PublishedMetadata, RefusalCode>> {
  const { repositoryDirectory: directory, keysDirectory, now } = order;
  const folder = await readKeyFolder(keysDirectory, order.askPassphrase);
  const whole = withFirstRoot(order, change, folder);
  if (whole.kind === 'refused') return whole;
  const roles: readonly RoleName[] = whole.value.root ? roleNames : ['targets', 'snapshot', 'timestamp'];
  const keys = await openKeys(folder, keysDirectory, roles);
  if (keys.kind === 'refused') return keys;
  return changeRepository({ directory, keys: keys.value, change: whole.value, now, ...expiryOf(order) });
}

/** Publishes nothing. A folder without any key that is asked for is no fault. */
export async function requestWithKeys(
  order: KeyedOrder,
  change: RepositoryChange,
): Promise<Outcome<SigningRequest, RefusalCode>> {
  const { repositoryDirectory: directory, keysDirectory, now } = order;
  const folder = await readKeyFolder(keysDirectory, order.askPassphrase);
  const whole = withFirstRoot(order, change, folder);
  if (whole.kind === 'refused') return whole;
  const prepared = await prepareRequest({ directory, change: whole.value, now, ...expiryOf(order) });
  return prepared.kind === 'refused' ? prepared : signWithFolder(order, prepared.value);
}

/** Adds the signatures of every key of the folder that is asked for. */
export async function signWithFolder(
  { repositoryDirectory, keysDirectory, askPassphrase }: KeyedOrder,
  request: SigningRequest,
): Promise<Outcome<SigningRequest, RefusalCode>> {
  const folder = await readKeyFolder(keysDirectory, askPassphrase);
  const roles = (['root', 'targets'] as const).filter((role) => request[role] !== undefined);
  const keys = await folder.open(roles);
  return keys.kind === 'refused' ? keys : signWithThose(request, keys.value, repositoryDirectory);
}

/** Publishes a request that others have signed; snapshot and timestamp are signed by the folder's keys. */
export async function publishSigned(
  order: KeyedOrder,
  request: SigningRequest,
): Promise<Outcome<PublishedMetadata, RefusalCode>> {
  const { repositoryDirectory: directory, keysDirectory, now } = order;
  const folder = await readKeyFolder(keysDirectory, order.askPassphrase);
  const keys = await folder.open(['snapshot', 'timestamp']);
  const withExpiry = { ...request, expiry: { ...request.expiry, ...order.expiry } };
  return keys.kind === 'refused' ? keys : publishRequest({ directory, request: withExpiry, keys: keys.value, now });
}

function withFirstRoot(
  { repositoryDirectory, keysDirectory }: KeyedOrder,
  change: RepositoryChange,
  folder: Awaited<ReturnType<typeof readKeyFolder>>,
): Outcome<RepositoryChange, KeyRefusalCode> {
  if (existsSync(repositoryDirectory)) return ok(change);
  const root = rootPlan(folder, keysDirectory);
  return root.kind === 'refused' ? root : ok({ ...change, root: root.value });
}

function expiryOf({ expiry }: KeyedOrder) {
  return expiry === undefined ? {} : { expiry };
}
