/**
 * Verified releases for the agent, also with the server gone: trusted metadata is kept in the map `trust`, and the
 * documents that the target needs, compressed, in the map `target`. What lies on the shelf is not trusted for lying
 * there: every document is checked against the signed metadata each time it is taken.
 *
 * Whatever is to begin is judged by metadata that is current, after a look at what is newest; what has begun, or runs
 * already, only has to be signed. So a repository that was withheld, set back or has expired stops what is new, and
 * nothing else.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type { Reason } from '@gatehouse/domain/reason';
import { sha256Digest } from '@gatehouse/release/canonical-json';
import { gatewayNamespaces } from '@gatehouse/release/object-names';
import {
  type FetchFile,
  type Freshness,
  openTrustedReleases,
  type TrustedReleases,
} from '@gatehouse/release/trusted-releases';
import type { Clock } from '../clock.ts';
import type { AgentCluster } from '../cluster/cluster.ts';
import type { AgentSettings } from '../settings/agent-settings.ts';
import { clockReasons } from './clock-check.ts';
import type { ControlPlane } from './control-plane.ts';
import { relationToChain, rootDiffers, toInstalledRoot } from './installed-root.ts';
import { type RootChain, readTrust, writeTrust } from './trust-store.ts';

export type Shelved<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly reasons: readonly Reason[] };

export interface ReleaseShelf {
  /** Fetches what is newest and keeps it. A refusal leaves what was trusted before. */
  refresh(): Promise<Shelved<undefined>>;
  /** Whether what is newest was looked for too long ago, or in vain. */
  isRefreshDue(): boolean;
  /** What the last refresh met that keeps every new thing away, whichever it is. */
  trouble(): readonly Reason[];
  release(version: string, freshness: Freshness): Promise<Shelved<ReleaseDocument>>;
  profile(release: ReleaseDocument, provider: string, freshness: Freshness): Promise<Shelved<ProfileDocument>>;
  /** Refused when the release was recalled, and when the list of recalls that is signed cannot be had. */
  checkRecall(version: string): Promise<Shelved<undefined>>;
  /** Drops documents that were not asked for since the last call, so that the map stays small. */
  prune(): Promise<void>;
}

const keyPrefix = 'document.';
/** Together with the target itself this stays below the 1 MiB of a ConfigMap. */
const shelvedBytesMax = 600_000;
const documentBytesMax = 20_000_000;
/** What is new is taken without another look at what is newest for as long after the last. */
const lookAgainMilliseconds = 600_000;
/** After a look in vain. */
const lookAgainAfterTroubleMilliseconds = 10_000;
/** Also while nothing is new, so that trouble is known before it is in the way. */
const refreshEveryMilliseconds = 6 * 3_600_000;
/** When two pods of the agent write at the same time, as during a hand-over. */
const refreshTriesMax = 3;

/** As a gateway's settings say. Asks nobody but the cluster. */
export function openShelfFor(
  settings: Pick<AgentSettings, 'root' | 'gatewayName'>,
  input: Omit<Parameters<typeof openReleaseShelf>[0], 'root' | 'namespace'>,
): Promise<ReleaseShelf> {
  const namespace = gatewayNamespaces(settings.gatewayName).agent;
  return openReleaseShelf({ ...input, root: settings.root, namespace });
}

export async function openReleaseShelf(input: {
  readonly cluster: AgentCluster;
  readonly controlPlane: Pick<ControlPlane, 'readRepositoryFile' | 'time'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** From the install manifest. */
  readonly root: Uint8Array;
  /** Of the agent; for what a person is told to do. */
  readonly namespace: string;
}): Promise<ReleaseShelf> {
  const { cluster, controlPlane, clock } = input;
  const installed = toInstalledRoot(input.root);
  const used = new Set<string>();

  const fetchFile: FetchFile = async (kind, path, bytesMax, signal) => {
    if (kind === 'metadata') return controlPlane.readRepositoryFile(kind, path, bytesMax, signal);
    const key = `${keyPrefix}${path.replaceAll('/', '_')}`;
    used.add(key);
    const kept = (await cluster.readMap('target'))?.data[key];
    const bytes = kept === undefined ? undefined : unpack(kept, bytesMax);
    if (bytes !== undefined && isNamedByDigest(path, bytes)) return bytes;
    const fetched = await controlPlane.readRepositoryFile(kind, path, Math.min(bytesMax, documentBytesMax), signal);
    if (fetched instanceof Uint8Array && isNamedByDigest(path, fetched)) await shelve(cluster, key, fetched);
    return fetched;
  };
  const chain = new Map<number, string>();
  const learnRoots = (roots: RootChain): void => {
    for (const [version, fingerprint] of roots) chain.set(version, fingerprint);
  };
  /** From what is in the cluster; without it, from the installed root. */
  const openTrust = async (kept: Awaited<ReturnType<typeof readTrust>>): Promise<Shelved<TrustedReleases>> => {
    const stored = kept === undefined ? {} : { stored: kept.files };
    const opened = await openTrustedReleases({ root: input.root, ...stored, fetchFile, now: () => cluster.now() });
    chain.clear();
    learnRoots(kept?.roots ?? new Map());
    if (opened.kind === 'ok') learnRoots(opened.value.roots());
    keptVersion = kept?.version;
    return opened;
  };

  let keptVersion: string | undefined;
  let trusted = await openTrust(await readTrust(cluster));
  let last: { readonly at: number; readonly reasons: readonly Reason[] } | undefined;
  let refreshing: Promise<Shelved<undefined>> | undefined;

  const refresh = async (): Promise<Shelved<undefined>> => {
    const reasons = [...(await refreshOnce()), ...clockReasons(await cluster.now(), controlPlane.time())];
    last = { at: clock.monotonic(), reasons };
    return reasons.length === 0 ? { kind: 'ok', value: undefined } : { kind: 'refused', reasons };
  };
  const refreshOnce = async (): Promise<readonly Reason[]> => {
    for (let tries = 0; tries < refreshTriesMax; tries += 1) {
      // Begins with what is in the cluster, which another pod of this agent may have moved forward. If a person deleted it,
      // that is how the installed root comes to be trusted anew.
      const kept = await readTrust(cluster);
      if (kept?.version !== keptVersion || trusted.kind === 'refused') trusted = await openTrust(kept);
      if (trusted.kind === 'refused') return trusted.reasons;
      const refreshed = await trusted.value.refresh();
      learnRoots(trusted.value.roots());
      const rootReasons = await checkRoot();
      // Also after a refusal: each step that was verified is what the next has to be newer than.
      const files = await trusted.value.stored();
      const written = await writeTrust(cluster, { files, roots: chain }, kept?.version);
      if (written.kind === 'conflict') continue;
      if (written.kind === 'written') keptVersion = written.version;
      return [
        ...(refreshed.kind === 'ok' ? [] : refreshed.reasons),
        ...rootReasons,
        ...(written.kind === 'refused' ? written.reasons : []),
      ];
    }
    throw new Error(
      `The ConfigMap gatehouse-agent-trust changed under each of ${refreshTriesMax} attempts to write it.`,
    );
  };
  /** An older root than the chain tells about is followed by itself until it meets the chain. */
  const checkRoot = async (): Promise<readonly Reason[]> => {
    if (relationToChain(installed, chain) === 'unknown' && installed !== undefined) {
      const older = await openTrustedReleases({ root: input.root, fetchFile, now: () => cluster.now() });
      if (older.kind === 'ok') {
        const followed = await older.value.refresh();
        const roots = [...older.value.roots()];
        if (roots.some(([version, fingerprint]) => chain.get(version) === fingerprint)) learnRoots(older.value.roots());
        else if (followed.kind === 'refused' && followed.reasons.every(isUnreachable)) return followed.reasons;
      }
    }
    return relationToChain(installed, chain) === 'same' ? [] : [rootDiffers(installed, chain, input.namespace)];
  };

  /** Two at once would write each other's map. */
  const refreshAlone = (): Promise<Shelved<undefined>> => {
    refreshing ??= refresh().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };
  /** Looks for what is newest if that was too long ago. */
  const lookAgain = async (): Promise<readonly Reason[]> => {
    const age = last === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - last.at;
    const isInVain = last !== undefined && last.reasons.length > 0;
    if (age > (isInVain ? lookAgainAfterTroubleMilliseconds : lookAgainMilliseconds)) await refreshAlone();
    return last?.reasons ?? [];
  };
  const ask = async <T>(
    freshness: Freshness,
    question: (releases: TrustedReleases) => Promise<Shelved<T>>,
  ): Promise<Shelved<T>> => {
    const reasons = freshness === 'signed' ? [] : await lookAgain();
    if (trusted.kind === 'refused') return trusted;
    const inTheWay = blocking(reasons, relationToChain(installed, chain));
    if (inTheWay.length > 0) return { kind: 'refused', reasons: inTheWay };
    const answer = await question(trusted.value);
    // Why what is kept could not be renewed says more than that it is not enough.
    return answer.kind === 'ok' ? answer : { kind: 'refused', reasons: [...reasons, ...answer.reasons] };
  };

  return {
    refresh: refreshAlone,
    isRefreshDue: () =>
      last === undefined || last.reasons.length > 0 || clock.monotonic() - last.at > refreshEveryMilliseconds,
    trouble: () => blocking(last?.reasons ?? [], relationToChain(installed, chain)),
    release: (version, freshness) => ask(freshness, (releases) => releases.release(version, freshness)),
    profile: (release, provider, freshness) =>
      ask(freshness, (releases) => releases.profile(release, provider, freshness)),
    checkRecall: (version) =>
      ask<undefined>('current', async (releases) => {
        const recalls = await releases.recalls();
        if (recalls.kind === 'refused') return recalls;
        const recall = recalls.value.find(({ platformVersion }) => platformVersion === version);
        return recall === undefined ? { kind: 'ok', value: undefined } : recalled(recall);
      }),
    async prune() {
      const map = await cluster.readMap('target');
      const unused = Object.keys(map?.data ?? {}).filter((key) => key.startsWith(keyPrefix) && !used.has(key));
      used.clear();
      if (unused.length === 0) return;
      // A conflict only means that it stays until the next call.
      await cluster.writeMap('target', Object.fromEntries(unused.map((key) => [key, null])), map?.resourceVersion);
    },
  };
}

/**
 * A server that cannot be reached does not change what was verified: until that expires it is still what is newest, as
 * far as anybody can tell. But a root that was not compared with the chain yet has to be first.
 */
function blocking(reasons: readonly Reason[], root: ReturnType<typeof relationToChain>): readonly Reason[] {
  return root === 'same' ? reasons.filter((reason) => !isUnreachable(reason)) : reasons;
}

const isUnreachable = ({ code }: Reason): boolean => code === 'repository-unreachable';

function recalled(recall: { readonly platformVersion: string; readonly reason: string }): Shelved<never> {
  return {
    kind: 'refused',
    reasons: [
      {
        code: 'release-recalled',
        message: `Release ${recall.platformVersion} was recalled by its publisher: ${recall.reason}`,
        nextStep: 'Nothing was changed on the gateway. Move the platform to a release that was not recalled.',
      },
    ],
  };
}

/** The name that the metadata gives a document begins with its digest. */
function isNamedByDigest(path: string, bytes: Uint8Array): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.startsWith(`${sha256Digest(bytes).slice('sha256:'.length)}.`);
}

async function shelve(cluster: AgentCluster, key: string, bytes: Uint8Array): Promise<void> {
  const packed = gzipSync(bytes, { level: 9 }).toString('base64');
  const map = await cluster.readMap('target');
  const others = Object.entries(map?.data ?? {}).filter(([name]) => name !== key);
  const size = others.reduce((sum, [, text]) => sum + text.length, packed.length);
  // What does not fit is fetched again when it is needed.
  if (size > shelvedBytesMax) return;
  await cluster.writeMap('target', { [key]: packed }, map?.resourceVersion);
}

function unpack(text: string, bytesMax: number): Uint8Array | undefined {
  try {
    return gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength: Math.max(1, bytesMax) });
  } catch {
    return undefined;
  }
}
