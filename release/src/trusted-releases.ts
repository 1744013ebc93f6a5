/**
 * The verifying side of a release repository, for agent and server alike: tuf-js over whatever fetches files. Nothing
 * leaves here unverified: metadata by the chain that begins at the given root, targets by the signed metadata, documents
 * by their schema and by what names them. The caller keeps `stored()` (an agent in its ConfigMap), which is also what
 * protects it from a repository that goes back.
 */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ProfileDocument, RecallDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type { TargetFile } from '@tufjs/models';
import { type Fetcher, Updater } from 'tuf-js';
import { DownloadHTTPError, DownloadLengthMismatchError } from 'tuf-js/dist/error.js';
import type Type from 'typebox';
import { Value } from 'typebox/value';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import { type Outcome, ok, type Refusal, refused } from './outcome.ts';
import { hashedTargetPath } from './target-paths.ts';
import { parseRoot, parseTargets } from './tuf-metadata.ts';


export type TrustRefusalCode =
  /** The files could not be fetched; says nothing about them. */
  | 'repository-unreachable'
  /** A file that the signed metadata names is not in the repository. */
  | 'file-missing'
  | 'metadata-expired'
  | 'signature-wrong'
  /** Older than what this side has seen before. */
  | 'rollback'
  | 'digest-mismatch'
  | 'file-too-large'
  | 'metadata-malformed'
  | 'document-invalid'
  | 'unknown-release'
  | 'unknown-target';

export type TrustOutcome<Value> = Outcome<Value, TrustRefusalCode>;

/**
 * `path` is relative to the repository's `metadata/` or `targets/`. `undefined` when there is no such file; throws when
 * that cannot be known. May stop reading after `bytesMax`.
 */
export type FetchFile = (
  kind: 'metadata' | 'targets',
  path: string,
  bytesMax: number,
) => Promise<Uint8Array | undefined>;

export interface TrustedReleases {
  /** Fetches and verifies what is newest. The other calls answer from the last refresh that succeeded. */
  readonly refresh: () => Promise<TrustOutcome<{ readonly targetsVersion: number }>>;
  /** The verified metadata to keep for the next `openTrustedReleases`, by file name. */
  readonly stored: () => Promise<Readonly<Record<string, Uint8Array>>>;
  /** Everything that is signed. */
  readonly targetPaths: () => Promise<TrustOutcome<readonly string[]>>;
  /** Platform versions of all releases, as the metadata names them. */
  readonly versions: () => Promise<TrustOutcome<readonly string[]>>;
  readonly release: (version: string) => Promise<TrustOutcome<ReleaseDocument>>;
  readonly profile: (release: ReleaseDocument, provider: string) => Promise<TrustOutcome<ProfileDocument>>;
  /** Releases that the publisher has marked bad; none while the repository holds no `recalls.json`. */
  readonly recalls: () => Promise<TrustOutcome<RecallDocument['recalls']>>;
  /** Of a sandbox release: the agent as one file. */
  readonly agentBundle: (release: ReleaseDocument) => Promise<TrustOutcome<Uint8Array>>;
  /** Any target's bytes, verified. */
  readonly target: (path: string) => Promise<TrustOutcome<Uint8Array>>;
}

/** A file that is larger than this is not fetched. An agent's bundle is the largest target. */
const targetBytesMax = 200_000_000;
/** tuf-js builds addresses; this one is never looked up, since the fetcher takes the path out of it again. */
const base = 'http://repository.invalid/';
const storedNamePattern = /^[A-Za-z0-9._-]{1,200}\.json$/;

/**
 * `root` is the trusted root's bytes, of any version; a root in `stored` is the one it led to and wins. `workDirectory`
 * is emptied and used until the process ends; two must not share it.
 */
export async function openTrustedReleases(input: {
  readonly root: Uint8Array;
  readonly stored?: Readonly<Record<string, Uint8Array>>;
  readonly fetchFile: FetchFile;
  readonly workDirectory: string;
}): Promise<TrustOutcome<TrustedReleases>> {
  const { workDirectory, fetchFile } = input;
  await rm(workDirectory, { recursive: true, force: true });
  await mkdir(workDirectory, { recursive: true, mode: 0o700 });
  const initial = { 'root.json': input.root, ...input.stored };
  for (const [name, bytes] of Object.entries(initial)) {
    if (!storedNamePattern.test(name)) {
      return refused({ code: 'metadata-malformed', message: `${name} is not a name under which metadata is kept.` });
    }
    await writeFile(path.join(workDirectory, name), bytes);
  }
  const newUpdater = (forceCache: boolean) =>
    new Updater({
      metadataDir: workDirectory,
      metadataBaseUrl: `${base}metadata/`,
      fetcher: toFetcher(fetchFile, workDirectory),
      forceCache,
      // Refuses a repository whose metadata outgrows what agents can keep.
      config: { rootMaxLength: 512_000, targetsMaxLength: 5_000_000 },
    });
  try {
    newUpdater(false);
  } catch (error) {
    return refused(toRefusal(error, 'The root of trust'));
  }

  // One updater holds one consistent set; the set in use is replaced only by one that was verified whole.
  let current: Updater | undefined;
  let refreshing: Promise<TrustOutcome<{ readonly targetsVersion: number }>> | undefined;

  // Two at once would write each other's files.
  function refresh(): Promise<TrustOutcome<{ readonly targetsVersion: number }>> {
    refreshing ??= refreshOnce().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function refreshOnce(): Promise<TrustOutcome<{ readonly targetsVersion: number }>> {
    try {
      const updater = newUpdater(false);
      await updater.refresh();
      current = updater;
      return ok({ targetsVersion: (await readTargets()).signed.version });
    } catch (error) {
      return refused(toRefusal(error, 'The release metadata'));
    }
  }

  async function verified(): Promise<Updater> {
    if (current) return current;
    // Not refreshed yet, for instance while the server is away: what was kept still counts until it expires.
    const updater = newUpdater(true);
    await updater.refresh();
    current = updater;
    return updater;
  }

  // tuf-js writes targets.json only after it was verified, and has no call that lists targets.
  async function readTargets() {
    return parseTargets(await readFile(path.join(workDirectory, 'targets.json')));
  }

  async function stored(): Promise<Readonly<Record<string, Uint8Array>>> {
    const names = (await readdir(workDirectory)).filter((name) => storedNamePattern.test(name)).toSorted();
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(path.join(workDirectory, name))] as const)),
    );
  }

  async function targetPaths(): Promise<TrustOutcome<readonly string[]>> {
    try {
      await verified();
      return ok(Object.keys((await readTargets()).signed.targets));
    } catch (error) {
      return refused(toRefusal(error, 'The release metadata'));
    }
  }

  async function versions(): Promise<TrustOutcome<readonly string[]>> {
    const paths = await targetPaths();
    return paths.kind === 'refused'
      ? paths
      : ok(paths.value.flatMap((targetPath) => releaseVersionOf(targetPath) ?? []));
  }

  async function target(targetPath: string): Promise<TrustOutcome<Uint8Array>> {
    let info: TargetFile | undefined;
    try {
      info = await (await verified()).getTargetInfo(targetPath);
    } catch (error) {
      return refused(toRefusal(error, 'The release metadata'));
    }
    if (!info) {
      return refused({ code: 'unknown-target', message: `The signed metadata names no ${targetPath}.` });
    }
    return fetchTarget(fetchFile, info);
  }

  async function release(version: string): Promise<TrustOutcome<ReleaseDocument>> {
    const bytes = await target(releasePath(version));
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

  async function profile(of: ReleaseDocument, provider: string): Promise<TrustOutcome<ProfileDocument>> {
    const what = `The ${provider} profile of release ${of.platformVersion}`;
    const pointer = Object.hasOwn(of.profiles, provider) ? of.profiles[provider] : undefined;
    if (!pointer) {
      return refused({
        code: 'unknown-target',
        message: `Release ${of.platformVersion} has no profile for the provider ${provider}.`,
      });
    }
    const bytes = await target(profilePath(pointer.digest));
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

  return ok({ refresh, stored, targetPaths, versions, release, profile, recalls, agentBundle, target });
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
  const { signed } = parseRoot(root);
  const hex = sha256Digest(canonicalJson(signed.toJSON())).slice('sha256:'.length);
  return (hex.match(/.{4}/g) ?? []).join('-');
}

async function fetchTarget(fetchFile: FetchFile, info: TargetFile): Promise<TrustOutcome<Uint8Array>> {
  const sha256 = info.hashes['sha256'];
  if (sha256 === undefined || info.length > targetBytesMax) {
    return refused({
      code: sha256 === undefined ? 'metadata-malformed' : 'file-too-large',
      message:
        sha256 === undefined
          ? `The signed metadata gives no sha256 for ${info.path}.`
          : `${info.path} has ${info.length} bytes; more than ${targetBytesMax} are not taken.`,
    });
  }
  const file = hashedTargetPath(info.path, sha256);
  let bytes: Uint8Array | undefined;
  try {
    bytes = await fetchFile('targets', file, info.length);
  } catch (error) {
    return refused(toRefusal(error, info.path));
  }
  if (!bytes) {
    return refused({
      code: 'file-missing',
      message: `The signed metadata names ${info.path}, but ${file} is missing.`,
    });
  }
  if (bytes.length !== info.length || sha256Digest(bytes) !== `sha256:${sha256}`) {
    return refused({
      code: 'digest-mismatch',
      message: `${info.path} is not the file that was signed: ${info.length} bytes with sha256 ${sha256} were expected.`,
    });
  }
  return ok(bytes);
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

/** The caller could not reach the repository; kept apart, since it says nothing about what is there. */
class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

function toFetcher(fetchFile: FetchFile, workDirectory: string): Fetcher {
  let counter = 0;
  async function downloadBytes(url: string, bytesMax: number): Promise<Buffer> {
    const file = decodeURIComponent(new URL(url).pathname.replace('/metadata/', ''));
    let bytes: Uint8Array | undefined;
    try {
      bytes = await fetchFile('metadata', file, bytesMax);
    } catch (cause) {
      throw new Unreachable(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    // tuf-js learns from this number that there is no newer root.
    if (!bytes) throw new DownloadHTTPError(`${file} is missing`, 404);
    if (bytes.length > bytesMax) throw new DownloadLengthMismatchError(`${file} is larger than ${bytesMax} bytes`);
    return Buffer.from(bytes);
  }
  return {
    downloadBytes,
    downloadFile: async (url, bytesMax, handler) => {
      counter += 1;
      const file = path.join(workDirectory, `download-${counter}`);
      await writeFile(file, await downloadBytes(url, bytesMax));
      try {
        return await handler(file);
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}

/**
 * tuf-js throws classes, and wraps some of them in a text; so the text decides. Each line is held by a test, since a
 * newer tuf-js may say it otherwise.
 */
const refusals: readonly (readonly [RegExp, TrustRefusalCode, string])[] = [
  [/Unreachable/, 'repository-unreachable', 'could not be fetched'],
  [/larger than|Max length/, 'file-too-large', 'is larger than it may be'],
  [/is missing|Missing file|Failed to download/, 'file-missing', 'is not complete'],
  [/is expired/, 'metadata-expired', 'has expired'],
  [/was signed by \d+\/\d+ keys|no delegation found/, 'signature-wrong', 'is not signed by the keys that are trusted'],
  [
    /less than current version|does not match snapshot version|doesn't match timestamp|Expected version/,
    'rollback',
    'is older than what was seen before',
  ],
  [/Expected (hash|length)/, 'digest-mismatch', 'does not match its signed digest'],
];

const nextSteps: Partial<Record<TrustRefusalCode, string>> = {
  'repository-unreachable': 'It is tried again with the next poll.',
  'metadata-expired': 'Have the publisher sign the metadata again and import it; check the clock of this machine too.',
  'signature-wrong': 'Compare the root fingerprint with the publisher: these files are from somebody else.',
  rollback: 'Import the newest files of the publisher.',
  'file-missing': 'Import the complete repository again.',
};

function toRefusal(error: unknown, what: string): Refusal<TrustRefusalCode> {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const [, code, sentence] = refusals.find(([pattern]) => pattern.test(text)) ?? [
    undefined,
    'metadata-malformed' as const,
    'cannot be read',
  ];
  const nextStep = nextSteps[code];
  return { code, message: `${what} ${sentence} (${text}).`, ...(nextStep === undefined ? {} : { nextStep }) };
}
