/**
 * The verifying side of a release repository, for agent and server alike. Nothing leaves here unverified: metadata by the
 * chain that begins at the given root (`tuf-client.ts`), targets by the signed metadata, documents by their schema and by
 * what names them. The caller keeps `stored()` (an agent in its ConfigMap), which is also what protects it from a
 * repository that goes back.
 */

import { ProfileDocument, RecallDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type Type from 'typebox';
import { Value } from 'typebox/value';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import {
  defaultLimits,
  type Fetched,
  fetchBounded,
  matchesHashes,
  openTufClient,
  type TufClient,
  type TufLimits,
  targetFileName,
} from './tuf-client.ts';
import { fail, refusalOf, type TrustRefusalCode } from './tuf-fault.ts';
import { member, parseJsonObject } from './tuf-json.ts';
import { parseRoot, type TargetFile, type Targets, topRoles } from './tuf-roles.ts';

export type { TrustRefusalCode } from './tuf-fault.ts';

export type TrustOutcome<Value> = Outcome<Value, TrustRefusalCode>;

/**
 * `path` is relative to the repository's `metadata/` or `targets/`. `undefined` when there is no such file; throws when
 * that cannot be known. May stop reading after `bytesMax`, and should when `signal` is aborted.
 */
export type FetchFile = (
  kind: 'metadata' | 'targets',
  path: string,
  bytesMax: number,
  signal: AbortSignal,
) => Promise<Fetched>;

/**
 * `current`: by metadata that is whole and has not expired, which is asked for whatever is to begin. `signed`: by the newest
 * targets that were verified, however old; enough to go on with what was begun while they were current.
 */
export type Freshness = 'current' | 'signed';

export interface TrustedReleases {
  /** Fetches and verifies what is newest. The other calls answer from what was verified so far. */
  readonly refresh: () => Promise<TrustOutcome<{ readonly targetsVersion: number }>>;
  /** The verified metadata to keep for the next `openTrustedReleases`, by file name. */
  readonly stored: () => Promise<Readonly<Record<string, Uint8Array>>>;
  /** Fingerprints of the roots that were trusted since this was opened, the first and the newest among them, by version. */
  readonly roots: () => ReadonlyMap<number, string>;
  /** Everything that is signed. */
  readonly targetPaths: () => Promise<TrustOutcome<readonly string[]>>;
  /** Platform versions of all releases, as the metadata names them. */
  readonly versions: () => Promise<TrustOutcome<readonly string[]>>;
  /** Each of these is `current` unless it says otherwise. */
  readonly release: (version: string, freshness?: Freshness) => Promise<TrustOutcome<ReleaseDocument>>;
  readonly profile: (
    release: ReleaseDocument,
    provider: string,
    freshness?: Freshness,
  ) => Promise<TrustOutcome<ProfileDocument>>;
  /** Releases that the publisher has marked bad; none while the repository holds no `recalls.json`. */
  readonly recalls: () => Promise<TrustOutcome<RecallDocument['recalls']>>;
  /** Of a sandbox release: the agent as one file. */
  readonly agentBundle: (release: ReleaseDocument) => Promise<TrustOutcome<Uint8Array>>;
  /** Any target's bytes, verified. */
  readonly target: (path: string, freshness?: Freshness) => Promise<TrustOutcome<Uint8Array>>;
}

/** A file that is larger than this is not fetched. An agent's bundle is the largest target. */
const targetBytesMax = 200_000_000;

/**
 * `root` is the trusted root's bytes, of any version; a root in `stored` is the one it led to and wins. Only the top-level
 * targets count: releases are not delegated.
 */
export async function openTrustedReleases(input: {
  readonly root: Uint8Array;
  readonly stored?: Readonly<Record<string, Uint8Array>>;
  readonly fetchFile: FetchFile;
  /** By which expiry is judged; the machine's clock unless it is given. Milliseconds of the epoch. */
  readonly now?: () => Promise<number>;
  readonly limits?: TufLimits;
}): Promise<TrustOutcome<TrustedReleases>> {
  const { fetchFile, now = async () => Date.now(), limits = defaultLimits } = input;
  const kept = new Map<string, Uint8Array>();
  for (const [name, bytes] of Object.entries(input.stored ?? {})) {
    const role = topRoles.find((one) => name === `${one}.json`);
    if (role === undefined) {
      return refused({ code: 'metadata-malformed', message: `${name} is not a name under which metadata is kept.` });
    }
    kept.set(role, bytes);
  }
  const roots = new Map<number, string>();
  let client: TufClient;
  try {
    client = await openTufClient({
      root: input.root,
      store: {
        read: async (role) => kept.get(role),
        write: async (role, bytes) => {
          kept.set(role, bytes);
        },
      },
      fetchMetadata: (name, bytesMax, signal) => fetchFile('metadata', name, bytesMax, signal),
      now,
      limits,
      onRoot: (root, bytes) => roots.set(root.version, rootFingerprint(bytes)),
    });
  } catch (error) {
    return refused(refusalOf(error));
  }

  let refreshing: Promise<TrustOutcome<{ readonly targetsVersion: number }>> | undefined;

  // Two at once would fetch the same files twice, and each would see the other's as its past.
  function refresh(): Promise<TrustOutcome<{ readonly targetsVersion: number }>> {
    refreshing ??= attempt(async () => {
      await client.refresh();
      return { targetsVersion: (await client.current()).version };
    }).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function readTargets(freshness: Freshness): Promise<Targets> {
    if (freshness === 'signed') return client.signed();
    // Not refreshed yet and nothing kept: the first question fetches.
    if (!kept.has('targets')) await client.refresh();
    return client.current();
  }

  async function stored(): Promise<Readonly<Record<string, Uint8Array>>> {
    return Object.fromEntries(
      topRoles.toSorted().flatMap((role) => {
        const bytes = kept.get(role);
        return bytes === undefined ? [] : [[`${role}.json`, bytes]];
      }),
    );
  }

  function targetPaths(): Promise<TrustOutcome<readonly string[]>> {
    return attempt(async () => [...(await readTargets('current')).targets.keys()]);
  }

  async function versions(): Promise<TrustOutcome<readonly string[]>> {
    const paths = await targetPaths();
    return paths.kind === 'refused'
      ? paths
      : ok(paths.value.flatMap((targetPath) => releaseVersionOf(targetPath) ?? []));
  }

  function target(targetPath: string, freshness: Freshness = 'current'): Promise<TrustOutcome<Uint8Array>> {
    return attempt(async () => {
      const file = (await readTargets(freshness)).targets.get(targetPath);
      if (file === undefined) fail('unknown-target', `The signed metadata names no ${targetPath}.`);
      return fetchTarget(file);
    });
  }

  async function fetchTarget(file: TargetFile): Promise<Uint8Array> {
    if (file.length > targetBytesMax) {
      fail('file-too-large', `${file.path} has ${file.length} bytes; more than ${targetBytesMax} are not taken.`);
    }
    const name = targetFileName(file, client.root().consistentSnapshot);
    const time = AbortSignal.timeout(limits.targetMilliseconds);
    const bytes = await fetchBounded(file.path, file.length, time, (signal) =>
      fetchFile('targets', name, file.length, signal),
    );
    if (bytes === undefined) fail('file-missing', `The signed metadata names ${file.path}, but ${name} is missing.`);
    if (bytes.length !== file.length || !matchesHashes(bytes, file.hashes)) {
      const hashes = [...file.hashes].map(([name, hash]) => `${name} ${hash}`).join(', ');
      fail('digest-mismatch', `${file.path} is not the file that was signed: ${file.length} bytes with ${hashes}.`);
    }
    return bytes;
  }

  async function release(version: string, freshness?: Freshness): Promise<TrustOutcome<ReleaseDocument>> {
    const bytes = await target(releasePath(version), freshness);
    if (bytes.kind === 'refused') {
      if (!bytes.reasons.some(({ code }) => code === 'unknown-target')) return bytes;
      return refused({
        code: 'unknown-release',
        message: `There is no signed release ${version}.`,
        nextStep: 'Import the release, or wait until the control plane has it.',
      });
    }
    const document = parseDocument(ReleaseDocument, bytes.value, `The release ${version}`);
    if (document.kind === 'ok' && document.value.platformVersion !== version) {
      return invalidDocument(`The release ${version}`, `it says that it is ${document.value.platformVersion}`);
    }
    return document;
  }

  async function profile(
    of: ReleaseDocument,
    provider: string,
    freshness?: Freshness,
  ): Promise<TrustOutcome<ProfileDocument>> {
    const what = `The ${provider} profile of release ${of.platformVersion}`;
    const pointer = Object.hasOwn(of.profiles, provider) ? of.profiles[provider] : undefined;
    if (!pointer) {
      return refused({
        code: 'unknown-target',
        message: `Release ${of.platformVersion} has no profile for the provider ${provider}.`,
      });
    }
    const bytes = await target(profilePath(pointer.digest), freshness);
    if (bytes.kind === 'refused') return bytes;
    if (sha256Digest(bytes.value) !== pointer.digest) {
      return refused({ code: 'digest-mismatch', message: `${what} is not the one with the digest ${pointer.digest}.` });
    }
    const document = parseDocument(ProfileDocument, bytes.value, what);
    if (document.kind === 'refused') return document;
    if (document.value.provider !== provider || document.value.version !== pointer.version) {
      const { provider: other, version } = document.value;
      return invalidDocument(what, `it says that it is ${other} ${version} instead of ${provider} ${pointer.version}`);
    }
    return document;
  }

  async function recalls(): Promise<TrustOutcome<RecallDocument['recalls']>> {
    const bytes = await target(recallsPath);
    if (bytes.kind === 'refused') return bytes.reasons.some(({ code }) => code === 'unknown-target') ? ok([]) : bytes;
    const document = parseDocument(RecallDocument, bytes.value, 'The list of recalls');
    return document.kind === 'refused' ? document : ok(document.value.recalls);
  }

  async function agentBundle(of: ReleaseDocument): Promise<TrustOutcome<Uint8Array>> {
    const what = `The agent bundle of release ${of.platformVersion}`;
    if (of.agent.bundle === undefined) {
      return refused({ code: 'unknown-target', message: `${what} does not exist: its agent comes as an image.` });
    }
    const bytes = await target(of.agent.bundle);
    if (bytes.kind === 'ok' && sha256Digest(bytes.value) !== of.agent.digest) {
      return refused({
        code: 'digest-mismatch',
        message: `${what} is not the one with the digest ${of.agent.digest}.`,
      });
    }
    return bytes;
  }

  return ok({
    refresh,
    stored,
    roots: () => roots,
    targetPaths,
    versions,
    release,
    profile,
    recalls,
    agentBundle,
    target,
  });
}

/** A fault becomes a refusal; a bug is thrown on. */
async function attempt<T>(task: () => Promise<T>): Promise<TrustOutcome<T>> {
  try {
    return ok(await task());
  } catch (error) {
    return refused(refusalOf(error));
  }
}

/** The one target whose contents change: entries are added to it. */
export const recallsPath = 'recalls.json';

export function releasePath(version: string): string {
  return `releases/${version}.json`;
}

/** The platform version, if it is the path of a release. */
export function releaseVersionOf(targetPath: string): string | undefined {
  return /^releases\/(.+)\.json$/.exec(targetPath)?.[1];
}

export function profilePath(digest: string): string {
  return `profiles/${digest.replace(/^sha256:/, '')}.json`;
}

/**
 * What a person compares to know a root of trust: sha256 over the canonical JSON of root.json's signed part (the same
 * as `jq -cjS .signed root.json | sha256sum`), in sixteen groups of four. Throws when it is no root metadata.
 */
export function rootFingerprint(root: Uint8Array): string {
  parseRoot(root, 'The root');
  const hex = sha256Digest(canonicalJson(member(parseJsonObject(root, 'The root'), 'signed'))).slice('sha256:'.length);
  return (hex.match(/.{4}/g) ?? []).join('-');
}

function parseDocument<Schema extends Type.TSchema>(
  schema: Schema,
  bytes: Uint8Array,
  what: string,
): TrustOutcome<Type.Static<Schema>> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    return invalidDocument(what, `it is no JSON (${String(error)})`);
  }
  if (Value.Check(schema, value)) return ok(value);
  const faults = Value.Errors(schema, value).map(({ instancePath, message }) => `${instancePath || 'it'} ${message}`);
  return invalidDocument(what, faults.slice(0, 5).join('; '));
}

function invalidDocument(what: string, fault: string) {
  return refused<TrustRefusalCode>({
    code: 'document-invalid',
    message: `${what} is signed, but not a document this program can use: ${fault}.`,
    nextStep: 'Use a newer program, or tell who published it.',
  });
}
