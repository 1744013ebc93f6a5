/**
 * Verified releases for the agent, also with the server gone: trusted metadata is kept in the map `trust`, and the
 * documents that the target needs, compressed, in the map `target`. What lies on the shelf is not trusted for lying
 * there: every document is checked against the signed metadata each time it is taken.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type { Reason } from '@gatehouse/domain/reason';
import { openTrustedReleases, type TrustedReleases } from '@gatehouse/release/trusted-releases';
import type { AgentCluster } from '../cluster/cluster.ts';
import type { ControlPlane } from './control-plane.ts';

export type Shelved<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly reasons: readonly Reason[] };

export interface ReleaseShelf {
  /** Fetches what is newest and keeps it. A refusal leaves what was trusted before. */
  refresh(): Promise<Shelved<undefined>>;
  release(version: string): Promise<Shelved<ReleaseDocument>>;
  profile(release: ReleaseDocument, provider: string): Promise<Shelved<ProfileDocument>>;
  /** Drops documents that were not asked for since the last call, so that the map stays small. */
  prune(): Promise<void>;
}

const keyPrefix = 'document.';
/** Together with the target itself this stays below the 1 MiB of a ConfigMap. */
const shelvedBytesMax = 600_000;
const documentBytesMax = 20_000_000;

export async function openReleaseShelf(input: {
  readonly cluster: AgentCluster;
  readonly controlPlane: Pick<ControlPlane, 'readRepositoryFile'>;
  readonly root: Uint8Array;
  readonly workDirectory: string;
}): Promise<Shelved<ReleaseShelf>> {
  const { cluster, controlPlane } = input;
  const used = new Set<string>();

  const fetchFile = async (kind: 'metadata' | 'targets', path: string, bytesMax: number) => {
    if (kind === 'metadata') return controlPlane.readRepositoryFile(kind, path, bytesMax);
    const key = `${keyPrefix}${path.replaceAll('/', '_')}`;
    used.add(key);
    const kept = (await cluster.readMap('target'))?.data[key];
    const bytes = kept === undefined ? undefined : unpack(kept, bytesMax);
    if (bytes !== undefined) return bytes;
    const fetched = await controlPlane.readRepositoryFile(kind, path, Math.min(bytesMax, documentBytesMax));
    if (fetched !== undefined) await shelve(cluster, key, fetched);
    return fetched;
  };

  const stored = (await cluster.readMap('trust'))?.data ?? {};
  const opened = await openTrustedReleases({
    root: input.root,
    stored: Object.fromEntries(
      Object.entries(stored)
        .filter(([name]) => name.endsWith('.json'))
        .map(([name, text]) => [name, Buffer.from(text, 'utf8')]),
    ),
    fetchFile,
    workDirectory: input.workDirectory,
  });
  if (opened.kind === 'refused') return opened;
  const trusted = opened.value;
  let isKept = false;
  const keep = async (): Promise<void> => {
    await keepMetadata(cluster, trusted);
    isKept = true;
  };

  return {
    kind: 'ok',
    value: {
      async refresh() {
        const refreshed = await trusted.refresh();
        await keep();
        return refreshed.kind === 'ok' ? { kind: 'ok', value: undefined } : refreshed;
      },
      async release(version) {
        const release = await trusted.release(version);
        // What the first question fetched is what a restart with the server gone stands on.
        if (release.kind === 'ok' && !isKept) await keep();
        return release;
      },
      profile: (release, provider) => trusted.profile(release, provider),
      async prune() {
        const map = await cluster.readMap('target');
        const unused = Object.keys(map?.data ?? {}).filter((key) => key.startsWith(keyPrefix) && !used.has(key));
        used.clear();
        if (unused.length === 0) return;
        // A conflict only means that it stays until the next call.
        await cluster.writeMap('target', Object.fromEntries(unused.map((key) => [key, null])), map?.resourceVersion);
      },
    },
  };
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

async function keepMetadata(cluster: AgentCluster, trusted: TrustedReleases): Promise<void> {
  const files = Object.entries(await trusted.stored()).map(
    ([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')] as const,
  );
  const map = await cluster.readMap('trust');
  const changed = files.filter(([name, text]) => map?.data[name] !== text);
  if (changed.length === 0) return;
  const written = await cluster.writeMap('trust', Object.fromEntries(changed), map?.resourceVersion);
  if (written === 'conflict') throw new Error('The ConfigMap gatehouse-agent-trust is written by somebody else.');
}
