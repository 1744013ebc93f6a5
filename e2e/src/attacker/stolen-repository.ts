/** The publisher's repository as everybody can read it, and as an attacker changes it. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import { canonicalJson } from '@gatehouse/release/canonical-json';
import { type ForgingKey, hex, type Json, metaOf, newKey, open, seal, targetOf } from './forge.ts';
import type { RepositoryFileKind } from './stolen-server.ts';

/** Files by name; what is not among them is as the honest server has it. */
export type Forged = { readonly [Kind in RepositoryFileKind]: ReadonlyMap<string, Uint8Array> };

export interface StolenKeys {
  /** What the publisher's refresh would sign with, were it kept online. */
  readonly snapshot: ForgingKey;
  readonly timestamp: ForgingKey;
  /** One of those of which several are needed. */
  readonly oneOfTargets: ForgingKey;
}

export interface StolenRepository {
  /** Of an honest file. */
  readonly read: (kind: RepositoryFileKind, name: string) => Uint8Array;
  /** Current metadata of a role, to be changed. Of the newest publication, whatever the publisher signed again since. */
  readonly current: (role: 'root' | 'timestamp' | 'snapshot' | 'targets') => ReturnType<typeof open>;
  readonly release: (version: string) => ReleaseDocument;
  readonly profileBytes: (version: string, provider: string) => Uint8Array;
  /** `timestamp.json` as it was before the newest publication, still signed and not expired. */
  readonly olderTimestamp: Uint8Array;
  readonly keys: StolenKeys;
  /** The attacker's own. */
  readonly key: ForgingKey;
  /** What the publisher has signed again since, by file name. */
  readonly renewed: ReadonlyMap<string, Uint8Array>;
  /**
   * The publisher signs everything again, above whatever was forged: with stolen keys somebody can make a gateway wait
   * for that, and this is how it ends.
   */
  readonly renew: () => void;
  /**
   * A whole later set of metadata with those targets added: targets are signed with the attacker's key, the rest with
   * `keys`.
   */
  readonly forge: (input: {
    readonly targets: Readonly<Record<string, Uint8Array>>;
    readonly signTargets?: readonly ForgingKey[];
    readonly signSnapshot?: readonly ForgingKey[];
    readonly signTimestamp?: readonly ForgingKey[];
    readonly changeTargets?: (signed: Json) => void;
    readonly changeSnapshot?: (signed: Json) => void;
    readonly changeTimestamp?: (signed: Json) => void;
  }) => Forged;
}

export function openStolenRepository(
  directory: string,
  kept: Pick<StolenRepository, 'keys' | 'olderTimestamp'> & { readonly targetsKeys: readonly ForgingKey[] },
): StolenRepository {
  const key = newKey();
  let lead = 0;
  const read: StolenRepository['read'] = (kind, name) => readFileSync(path.join(directory, kind, name));
  const newest = (role: string): string => {
    const numbers = readdirSync(path.join(directory, 'metadata'))
      .map((name) => new RegExp(`^(\\d+)\\.${role}\\.json$`).exec(name)?.[1])
      .filter((text) => text !== undefined)
      .map(Number);
    return `${Math.max(...numbers)}.${role}.json`;
  };
  const current: StolenRepository['current'] = (role) =>
    open(read('metadata', role === 'timestamp' ? 'timestamp.json' : newest(role)));
  const targetBytes = (targetPath: string): Uint8Array => {
    const sha256 = sha256Of(current('targets').signed, targetPath);
    const { dir, base } = path.posix.parse(targetPath);
    return read('targets', path.posix.join(dir, `${sha256}.${base}`));
  };
  const release = (version: string): ReleaseDocument =>
    JSON.parse(Buffer.from(targetBytes(`releases/${version}.json`)).toString('utf8')) as ReleaseDocument;
  const renewed = new Map<string, Uint8Array>();
  const build: StolenRepository['forge'] = (input) => {
    const { targets: added, changeTargets, changeSnapshot, changeTimestamp } = input;
    const { signTargets = [key], signSnapshot = [key], signTimestamp = [key] } = input;
    // Each set is newer than all before it: what an agent has kept of those does not save it from this one.
    lead += 1;
    const next = (signed: Json): number => Number(signed['version']) + lead;
    const targets = current('targets').signed;
    const named = { ...asObject(targets['targets']) };
    const files = new Map<string, Uint8Array>();
    for (const [targetPath, bytes] of Object.entries(added)) {
      named[targetPath] = targetOf(bytes);
      const { dir, base } = path.posix.parse(targetPath);
      files.set(path.posix.join(dir, `${hex(bytes)}.${base}`), bytes);
    }
    targets['targets'] = named;
    targets['version'] = next(targets);
    changeTargets?.(targets);
    const targetsBytes = seal(targets, signTargets);
    const snapshot = current('snapshot').signed;
    snapshot['version'] = next(snapshot);
    snapshot['meta'] = { 'targets.json': metaOf(Number(targets['version']), targetsBytes) };
    changeSnapshot?.(snapshot);
    const snapshotBytes = seal(snapshot, signSnapshot);
    const timestamp = current('timestamp').signed;
    timestamp['version'] = next(timestamp);
    timestamp['meta'] = { 'snapshot.json': metaOf(Number(snapshot['version']), snapshotBytes) };
    changeTimestamp?.(timestamp);
    return {
      metadata: new Map([
        [`${Number(targets['version'])}.targets.json`, targetsBytes],
        [`${Number(snapshot['version'])}.snapshot.json`, snapshotBytes],
        ['timestamp.json', seal(timestamp, signTimestamp)],
      ]),
      targets: files,
    };
  };
  return {
    read,
    current,
    release,
    profileBytes: (version, provider) =>
      targetBytes(`profiles/${(release(version).profiles[provider]?.digest ?? '').replace('sha256:', '')}.json`),
    keys: kept.keys,
    olderTimestamp: kept.olderTimestamp,
    key,
    renewed,
    renew() {
      const set = build({
        targets: {},
        signTargets: kept.targetsKeys,
        signSnapshot: [kept.keys.snapshot],
        signTimestamp: [kept.keys.timestamp],
      });
      for (const [name, bytes] of set.metadata) renewed.set(name, bytes);
    },
    forge: build,
  };
}

export function asObject(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not an object');
  return Object.fromEntries(Object.entries(value));
}

function sha256Of(targets: Json, targetPath: string): string {
  const hashes = asObject(asObject(asObject(targets['targets'])[targetPath])['hashes']);
  return String(hashes['sha256']);
}

/** As a lie of the stolen server: forged files first, the honest ones where there is none. */
export function serve(
  ...sets: readonly Forged[]
): (kind: RepositoryFileKind, name: string, honest: Uint8Array | undefined) => Uint8Array | undefined {
  return (kind, name, honest) => sets.map((set) => set[kind].get(name)).find((bytes) => bytes !== undefined) ?? honest;
}

/** A document as it would be published. */
export const documentBytes = (document: unknown): Uint8Array => Buffer.from(canonicalJson(document));
