/**
 * The verifying client of a TUF repository: the client workflow of the specification (section 5), which only ever moves
 * what is stored forward. Each step of a refresh is stored as soon as it is verified, so that what was once seen holds off
 * anything older even if the next step fails. What may be used is judged from what is stored, by the time of the question:
 * `current` asks that the whole set fits together and has not expired; `signed` only that the targets are signed, which is
 * enough to go on with what was begun while they were current.
 */

import { createHash } from 'node:crypto';
import { delegationsFor } from './tuf-delegations.ts';
import { fail, refusalOf } from './tuf-fault.ts';
import { mustBeSigned, type Role, type SignedBytes, type TufKey } from './tuf-keys.ts';
import {
  type FileInfo,
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  type Root,
  type Snapshot,
  type TargetFile,
  type Targets,
  type Timestamp,
  type TopRole,
} from './tuf-roles.ts';

/** Where verified metadata is kept, by role. Roles other than the four have names that the publisher chose. */
export interface TufStore {
  readonly read: (role: string) => Promise<Uint8Array | undefined>;
  readonly write: (role: string, bytes: Uint8Array) => Promise<void>;
}

/**
 * What came of fetching a file: its bytes, that it has more than it may, or that there is none. A fetcher throws when that
 * cannot be known, and should stop reading beyond its limit of bytes and when its signal is aborted.
 */
export type Fetched = Uint8Array | 'too-large' | undefined;

/** `name` is the file's name in the repository's metadata folder, percent-encoded. */
export type FetchMetadata = (name: string, bytesMax: number, signal: AbortSignal) => Promise<Fetched>;

export interface TufLimits {
  readonly rootBytesMax: number;
  readonly timestampBytesMax: number;
  readonly snapshotBytesMax: number;
  readonly targetsBytesMax: number;
  /** Followed in one refresh; the next goes on from there. */
  readonly rootRotationsMax: number;
  /** Roles asked for one target. */
  readonly delegationsMax: number;
  /** For one metadata file. */
  readonly fileMilliseconds: number;
  readonly refreshMilliseconds: number;
  readonly targetMilliseconds: number;
  /** By how much a clock may be wrong without its gateway being cut off from updates: added to every expiry. */
  readonly clockMarginMilliseconds: number;
}

export const defaultLimits: TufLimits = {
  rootBytesMax: 512_000,
  timestampBytesMax: 16_384,
  snapshotBytesMax: 2_000_000,
  targetsBytesMax: 4_000_000,
  rootRotationsMax: 256,
  delegationsMax: 32,
  fileMilliseconds: 25_000,
  refreshMilliseconds: 120_000,
  targetMilliseconds: 120_000,
  clockMarginMilliseconds: 3_600_000,
};

export interface TufClient {
  /** Throws a fault where the repository cannot be trusted or had; what was verified up to there is stored. */
  readonly refresh: () => Promise<void>;
  readonly root: () => Root;
  /** The targets of a whole set that has not expired. Throws a fault when there is none. */
  readonly current: () => Promise<Targets>;
  /** The newest targets that were verified, however old. Throws a fault when the trusted root does not vouch for them. */
  readonly signed: () => Promise<Targets>;
  /** Searches the current targets and, in their order, the roles they delegate to. */
  readonly find: (targetPath: string) => Promise<TargetFile | undefined>;
}

/** What is kept of a role, and verified. */
interface Kept<T> {
  readonly value: T;
  /** Whether it is the very file that other metadata names. */
  readonly is: (info: FileInfo) => boolean;
}

interface Delegator {
  readonly name: string;
  readonly role: Role;
  readonly keys: ReadonlyMap<string, TufKey>;
}

/** Throws a fault when the stored root, or the given one if none is stored, is no root that is signed by its own keys. */
export async function openTufClient(input: {
  /** Needed when the store has none. */
  readonly root?: Uint8Array;
  readonly store: TufStore;
  readonly fetchMetadata: FetchMetadata;
  /** The time by which expiry is judged, in milliseconds of the epoch. */
  readonly now: () => Promise<number>;
  readonly limits?: TufLimits;
  /** Called with every root that becomes the trusted one, the first included. */
  readonly onRoot?: (root: Root, bytes: Uint8Array) => void;
}): Promise<TufClient> {
  const { store, fetchMetadata, now, onRoot, limits = defaultLimits } = input;
  const storedRoot = await store.read('root');
  const firstRoot = storedRoot ?? input.root ?? fail('file-missing', 'There is no root of trust.');
  let root = parseRoot(firstRoot, 'The trusted root');
  mustBeSignedBy(root, root, 'root', 'The trusted root');
  if (storedRoot === undefined) await store.write('root', firstRoot);
  onRoot?.(root, firstRoot);

  const readTimestamp = keptReader(store, parseTimestamp);
  const readSnapshot = keptReader(store, parseSnapshot);
  const readTargets = keptReader(store, parseTargets);

  async function refresh(): Promise<void> {
    // One time for all checks, so that a slow repository cannot let a file expire between two of them.
    const at = await now();
    const fetch = boundedFetch(fetchMetadata, limits);
    await updateRoot(fetch);
    mustNotBeExpired(root, 'The root', at);
    const timestamp = await updateTimestamp(fetch, at);
    const snapshot = await updateSnapshot(fetch, timestamp, at);
    await updateTargets(fetch, snapshot, byRoot('targets'), 'targets', at);
  }

  /** 5.3: every link of the chain is signed by the keys before it and by its own. */
  async function updateRoot(fetch: BoundedFetch): Promise<void> {
    for (let rotations = 0; rotations < limits.rootRotationsMax; rotations += 1) {
      const version = root.version + 1;
      const name = `${version}.root.json`;
      const bytes = await fetch(name, limits.rootBytesMax);
      if (bytes === undefined) return;
      const next = parseRoot(bytes, name);
      mustBeSignedBy(next, root, 'root', name);
      mustBeSignedBy(next, next, 'root', name);
      mustHaveVersion(next.version, version, name);
      await store.write('root', bytes);
      root = next;
      onRoot?.(root, bytes);
    }
  }

  /** 5.4 */
  async function updateTimestamp(fetch: BoundedFetch, at: number): Promise<Timestamp> {
    const name = 'timestamp.json';
    const before = await readTimestamp('timestamp', byRoot('timestamp'));
    const bytes = await fetch(name, limits.timestampBytesMax);
    if (bytes === undefined) fail('file-missing', `${name} is not in the repository.`);
    const next = parseTimestamp(bytes, name);
    mustBeSignedBy(next, root, 'timestamp', name);
    if (before !== undefined) {
      const { value } = before;
      mustNotGoBack(next.version, value.version, name);
      if (next.version === value.version) {
        mustNotBeExpired(value, name, at);
        return value;
      }
      mustNotGoBack(next.snapshot.version, value.snapshot.version, `The snapshot that ${name} names`);
    }
    mustNotBeExpired(next, name, at);
    await store.write('timestamp', bytes);
    return next;
  }

  /** 5.5 */
  async function updateSnapshot(fetch: BoundedFetch, timestamp: Timestamp, at: number): Promise<Snapshot> {
    const info = timestamp.snapshot;
    const before = await readSnapshot('snapshot', byRoot('snapshot'));
    if (before !== undefined && before.is(info)) {
      mustNotBeExpired(before.value, 'snapshot.json', at);
      return before.value;
    }
    const name = versionedName('snapshot', info.version);
    const bytes = await fetchNamed(fetch, name, info, limits.snapshotBytesMax);
    const next = parseSnapshot(bytes, name);
    mustBeSignedBy(next, root, 'snapshot', name);
    mustHaveVersion(next.version, info.version, name);
    for (const [file, known] of before?.value.files ?? []) {
      const named = next.files.get(file);
      if (named === undefined) fail('rollback', `${name} no longer names ${file}, which was seen before.`);
      mustNotGoBack(named.version, known.version, `The ${file} that ${name} names`);
    }
    mustNotBeExpired(next, name, at);
    await store.write('snapshot', bytes);
    return next;
  }

  /** 5.6, for the top-level targets as for any role that is delegated to. */
  async function updateTargets(
    fetch: BoundedFetch,
    snapshot: Snapshot,
    delegator: Delegator,
    role: string,
    at: number,
  ): Promise<Targets> {
    const info = snapshot.files.get(`${role}.json`);
    if (info === undefined) fail('metadata-inconsistent', `The snapshot does not name ${role}.json.`);
    const name = versionedName(role, info.version);
    const kept = await readTargets(role, delegator);
    if (kept !== undefined && kept.is(info)) {
      mustNotBeExpired(kept.value, name, at);
      return kept.value;
    }
    const bytes = await fetchNamed(fetch, name, info, limits.targetsBytesMax);
    const next = parseTargets(bytes, name);
    mustBeSigned(next, delegator.role, delegator.keys, { what: name, by: delegator.name });
    mustHaveVersion(next.version, info.version, name);
    mustNotBeExpired(next, name, at);
    await store.write(role, bytes);
    return next;
  }

  async function find(targetPath: string): Promise<TargetFile | undefined> {
    const at = await now();
    const fetch = boundedFetch(fetchMetadata, limits);
    const snapshot = await currentSnapshot(at);
    const visited = new Set<string>();
    const toVisit = [{ role: 'targets', delegator: byRoot('targets') }];
    for (let next = toVisit.pop(); next !== undefined; next = toVisit.pop()) {
      const { role, delegator } = next;
      if (visited.has(role)) continue;
      if (visited.size > limits.delegationsMax) return undefined;
      visited.add(role);
      const targets = await updateTargets(fetch, snapshot, delegator, role, at);
      const found = targets.targets.get(targetPath);
      if (found !== undefined) return found;
      const { delegations } = targets;
      if (delegations === undefined) continue;
      const matching = delegationsFor(targetPath, delegations);
      const last = matching.findIndex(({ isTerminating }) => isTerminating);
      if (last !== -1) toVisit.length = 0;
      const asked = last === -1 ? matching : matching.slice(0, last + 1);
      for (const delegation of asked.toReversed()) {
        toVisit.push({
          role: delegation.name,
          delegator: { name: role, role: delegation.role, keys: delegations.keys },
        });
      }
    }
    return undefined;
  }

  async function current(): Promise<Targets> {
    const at = await now();
    const snapshot = await currentSnapshot(at);
    const info = snapshot.files.get('targets.json');
    const targets = await readTargets('targets', byRoot('targets'));
    if (info === undefined || targets === undefined || !targets.is(info)) incomplete('targets');
    mustNotBeExpired(targets.value, 'targets.json', at);
    return targets.value;
  }

  async function currentSnapshot(at: number): Promise<Snapshot> {
    mustNotBeExpired(root, 'The root', at);
    const timestamp = await readTimestamp('timestamp', byRoot('timestamp'));
    if (timestamp === undefined) incomplete('timestamp');
    mustNotBeExpired(timestamp.value, 'timestamp.json', at);
    const snapshot = await readSnapshot('snapshot', byRoot('snapshot'));
    if (snapshot === undefined || !snapshot.is(timestamp.value.snapshot)) incomplete('snapshot');
    mustNotBeExpired(snapshot.value, 'snapshot.json', at);
    return snapshot.value;
  }

  async function signed(): Promise<Targets> {
    const targets = await readTargets('targets', byRoot('targets'));
    if (targets === undefined) incomplete('targets');
    return targets.value;
  }

  function byRoot(role: TopRole): Delegator {
    return { name: `version ${root.version} of the root`, role: root.roles[role], keys: root.keys };
  }

  function versionedName(role: string, version: number): string {
    const encoded = percentEncoded(role);
    return root.consistentSnapshot ? `${version}.${encoded}.json` : `${encoded}.json`;
  }

  function mustNotBeExpired(file: { readonly expires: number }, what: string, at: number): void {
    if (at <= file.expires + limits.clockMarginMilliseconds) return;
    // The same sentence each time, so that it is one event.
    fail('metadata-expired', `${what} has expired at ${new Date(file.expires).toISOString().slice(0, 19)}Z.`);
  }

  return { refresh, root: () => root, current, signed, find };
}

/** Whether the bytes are what was signed for: every hash that this program knows, and one of them at least. */
export function matchesHashes(bytes: Uint8Array, hashes: ReadonlyMap<string, string>): boolean {
  const known = hashNames.filter((name) => hashes.has(name));
  return known.length > 0 && known.every((name) => createHash(name).update(bytes).digest('hex') === hashes.get(name));
}

const hashNames = ['sha256', 'sha384', 'sha512'] as const;

/** Where a target stands beneath the repository's targets, not encoded: with consistent snapshots its hash is before its name. */
export function targetFileName(target: TargetFile, consistentSnapshot: boolean): string {
  const hash = hashNames.map((name) => target.hashes.get(name)).find((one) => one !== undefined);
  if (!consistentSnapshot || hash === undefined) return target.path;
  const slash = target.path.lastIndexOf('/') + 1;
  return `${target.path.slice(0, slash)}${hash}.${target.path.slice(slash)}`;
}

/** As in RFC 3986: all but letters, digits and `-._~`. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

type KeptReader<T> = (role: string, delegator: Delegator) => Promise<Kept<T> | undefined>;

/**
 * Reads what is kept of a role. Undefined also when the delegator of today does not vouch for it: its keys were changed so
 * that it no longer counts. The same bytes are parsed and verified once; a question asks for megabytes of them.
 */
function keptReader<T extends SignedBytes & { readonly version: number }>(
  store: TufStore,
  parse: (bytes: Uint8Array, what: string) => T,
): KeptReader<T> {
  const last = new Map<string, { readonly bytes: Uint8Array; readonly by: Role; readonly kept: Kept<T> | undefined }>();
  return async (role, delegator) => {
    const bytes = await store.read(role);
    if (bytes === undefined) return undefined;
    const before = last.get(role);
    if (before?.bytes === bytes && before.by === delegator.role) return before.kept;
    const what = `The stored ${role}`;
    let kept: Kept<T> | undefined;
    try {
      const value = parse(bytes, what);
      mustBeSigned(value, delegator.role, delegator.keys, { what, by: delegator.name });
      let named: FileInfo | undefined;
      const is = (info: FileInfo): boolean => {
        const isNamed = info === named || (value.version === info.version && hasContent(bytes, info));
        if (isNamed) named = info;
        return isNamed;
      };
      kept = { value, is };
    } catch (error) {
      // Only a fault means that it does not count; anything else is thrown on.
      refusalOf(error);
    }
    last.set(role, { bytes, by: delegator.role, kept });
    return kept;
  };
}

type BoundedFetch = (name: string, bytesMax: number) => Promise<Uint8Array | undefined>;

/** For one refresh or one search: what is endless or slow ends here, whatever the fetcher does. */
function boundedFetch(fetchMetadata: FetchMetadata, limits: TufLimits): BoundedFetch {
  const whole = AbortSignal.timeout(limits.refreshMilliseconds);
  return async (name, bytesMax) => {
    const signal = AbortSignal.any([whole, AbortSignal.timeout(limits.fileMilliseconds)]);
    return fetchBounded(name, bytesMax, signal, (aborted) => fetchMetadata(name, bytesMax, aborted));
  };
}

/** Throws a fault for a file that cannot be had, takes longer than `signal` allows, or is larger than it may be. */
export async function fetchBounded(
  name: string,
  bytesMax: number,
  signal: AbortSignal,
  fetch: (signal: AbortSignal) => Promise<Fetched>,
): Promise<Uint8Array | undefined> {
  const tooSlow = Symbol('too slow');
  let onAbort = (): void => undefined;
  const aborted = new Promise<typeof tooSlow>((resolve) => {
    onAbort = () => resolve(tooSlow);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  let bytes: Fetched | typeof tooSlow;
  try {
    bytes = await Promise.race([fetch(signal), aborted]);
  } catch (cause) {
    if (!signal.aborted) {
      const text = cause instanceof Error ? cause.message : String(cause);
      fail('repository-unreachable', `${name} could not be fetched: ${text}.`, cause);
    }
    bytes = tooSlow;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  if (bytes === tooSlow) fail('repository-too-slow', `${name} did not arrive within its time.`);
  if (bytes === 'too-large' || (bytes !== undefined && bytes.length > bytesMax)) {
    fail('file-too-large', `${name} is larger than the ${bytesMax} bytes it may have.`);
  }
  return bytes;
}

/** A file whose version, and perhaps length and hashes, other metadata has signed. */
async function fetchNamed(fetch: BoundedFetch, name: string, info: FileInfo, bytesMax: number): Promise<Uint8Array> {
  if ((info.length ?? 0) > bytesMax) {
    fail('file-too-large', `${name} has ${info.length} bytes; more than ${bytesMax} are not taken.`);
  }
  const bytes = await fetch(name, info.length ?? bytesMax);
  if (bytes === undefined) fail('file-missing', `${name} is not in the repository, but signed metadata names it.`);
  if (!hasContent(bytes, info)) fail('digest-mismatch', `${name} is not the file that was signed for.`);
  return bytes;
}

function hasContent(bytes: Uint8Array, { length, hashes }: FileInfo): boolean {
  return (length === undefined || bytes.length === length) && (hashes === undefined || matchesHashes(bytes, hashes));
}

function mustBeSignedBy(file: SignedBytes, root: Root, role: keyof Root['roles'], what: string): void {
  mustBeSigned(file, root.roles[role], root.keys, { what, by: `version ${root.version} of the root` });
}

function mustNotGoBack(version: number, seen: number, what: string): void {
  if (version < seen) fail('rollback', `${what} has version ${version}, but version ${seen} was seen before.`);
}

function mustHaveVersion(version: number, expected: number, what: string): void {
  if (version === expected) return;
  fail(
    version < expected ? 'rollback' : 'metadata-inconsistent',
    `${what} says that it is version ${version}, and version ${expected} is expected.`,
  );
}

function incomplete(role: string): never {
  return fail('file-missing', `There is no ${role} yet that was verified together with the rest of the metadata.`);
}
