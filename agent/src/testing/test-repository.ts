/**
 * A signed repository in a folder of its own: the two sample releases, 4.2.8 with the profiles of 4.2.7, and 4.2.9, whose
 * profiles move nothing but the OS.
 */

import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import { generateKeys } from '@gatehouse/release/keys';
import { publishRecall } from '@gatehouse/release/publish-recall';
import { type PublishedRelease, publishRelease } from '@gatehouse/release/publish-release';
import type { ReleaseSource } from '@gatehouse/release/release-builder';
import { sampleSource } from '@gatehouse/release/sample-releases';

export interface TestRepository {
  /** The first root. */
  readonly root: Uint8Array;
  readonly directory: string;
  read(kind: 'metadata' | 'targets', file: string): Promise<Uint8Array | undefined>;
  /** Throws when there is no such release. */
  release(version: string): ReleaseDocument;
  profile(version: string, provider: string): ProfileDocument;
  /** The release whose agent has that digest. */
  versionOfAgent(digest: string): string | undefined;
  /** Signs again, so that it lasts from that time on. */
  renew(now: Date): Promise<void>;
  /** Marks a release bad, as its publisher does. */
  recall(version: string, reason: string, now: Date): Promise<void>;
  dispose(): Promise<void>;
}

/** Published at `now`; by its publisher's defaults it has to be signed again within a week. */
export async function openRepository(now = new Date()): Promise<TestRepository> {
  return openRepositoryOf(
    [
      sampleSource('4.1.12'),
      sampleSource('4.2.7'),
      { ...sampleSource('4.2.7'), platformVersion: '4.2.8', upgradeFrom: ['4.2.7'] },
      { ...withAnotherOs(sampleSource('4.2.7')), platformVersion: '4.2.9', upgradeFrom: ['4.2.7'] },
    ],
    now,
  );
}

/** With releases of one's own. */
export async function openRepositoryOf(sources: readonly ReleaseSource[], now = new Date()): Promise<TestRepository> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-repository-'));
  const directory = path.join(folder, 'repository');
  const keysDirectory = path.join(folder, 'keys');
  mustBeOk(await generateKeys(keysDirectory));
  const releases = new Map<string, PublishedRelease>();
  const publish = async (source: ReleaseSource, at: Date): Promise<void> => {
    // Any file will do as an agent; its digest is what counts.
    const agentBundle = Buffer.from(`// agent ${source.platformVersion}`);
    const order = { repositoryDirectory: directory, keysDirectory, source, agentBundle, now: at };
    releases.set(source.platformVersion, mustBeOk(await publishRelease(order)));
  };
  for (const source of sources) await publish(source, now);
  const find = (version: string): PublishedRelease => {
    const found = releases.get(version);
    if (found === undefined) throw new Error(`there is no release ${version}`);
    return found;
  };
  return {
    root: await readFile(path.join(directory, 'metadata', '1.root.json')),
    directory,
    async read(kind, file) {
      const full = path.join(directory, kind, file);
      // Not waited for: virtual time must not pass over it.
      return existsSync(full) ? readFileSync(full) : undefined;
    },
    release: (version) => find(version).release,
    profile(version, provider) {
      const document = find(version).profiles[provider];
      if (document === undefined) throw new Error(`there is no ${provider} profile in ${version}`);
      return document;
    },
    versionOfAgent: (digest) => [...releases].find(([, { release }]) => release.agent.digest === digest)?.[0],
    renew: (at) => publish(sampleSource('4.2.7'), at),
    async recall(version, reason, at) {
      mustBeOk(await publishRecall({ repositoryDirectory: directory, keysDirectory, version, reason, now: at }));
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The OS image of the profiles in 4.2.9. */
export const anotherOs = 'ubuntu-2404-kube-v1.27.11';

function withAnotherOs(source: ReleaseSource): ReleaseSource {
  const profiles = Object.entries(source.profiles).map(([provider, profile]) => {
    const layers = profile.layers.map((layer) =>
      layer.kind === 'os'
        ? { ...layer, packs: layer.packs.map((pack) => ({ ...pack, values: { ...pack.values, image: anotherOs } })) }
        : layer,
    );
    return [provider, { ...profile, version: '4.2.9', layers }] as const;
  });
  return { ...source, profiles: Object.fromEntries(profiles) };
}

type Outcome<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'refused'; readonly reasons: readonly { readonly message: string }[] };

function mustBeOk<T>(outcome: Outcome<T>): T {
  if (outcome.kind === 'refused') throw new Error(outcome.reasons.map(({ message }) => message).join(' '));
  return outcome.value;
}
