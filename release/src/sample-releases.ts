/**
 * The sandbox's releases: platform 4.1.12 and 4.2.7, signed at the first start by a root of their own that only sandbox
 * agents trust. Its keys lie beside it in clear; nothing real may ever be installed with this root.
 */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { bundleAgent } from './agent-bundle.ts';
import { generateKeys } from './keys.ts';
import { type Outcome, reasonsText } from './outcome.ts';
import { type PublishedRelease, type PublishRefusalCode, publishRelease } from './publish-release.ts';
import type { ReleaseSource } from './release-builder.ts';
import type { Expiry } from './repository-settings.ts';
import { type SampleVersion, sampleProfiles, sampleVersions } from './sample-profiles.ts';
import { rootFingerprint } from './trusted-releases.ts';

export interface SampleReleases {
  /** The sandbox's root of trust, version 1. */
  readonly root: Uint8Array;
  readonly rootFingerprint: string;
  readonly repositoryDirectory: string;
  readonly keysDirectory: string;
}

/** Nobody signs a sandbox again, so it must not run out. */
const expiry: Expiry = { root: 3650, targets: 3650, snapshot: 3650, timestamp: 3650 };

const notes: Readonly<Record<SampleVersion, string>> = {
  '4.1.12': 'Sample release. Kubernetes 1.26.8.',
  '4.2.7':
    'Sample release. Kubernetes moves from 1.26.8 to 1.27.11, so every node is replaced. The network pack changes its values; the storage credentials are renewed; the node problem detector is new.',
};

export function sampleSource(version: SampleVersion): ReleaseSource {
  return {
    platformVersion: version,
    channels: ['stable', 'candidate'],
    serverMinimum: '0.1.0',
    agent: { repository: 'registry.example/gatehouse/agent', kubernetes: { min: '1.24.0', max: '1.29.99' } },
    profileNeedsAgent: version,
    profiles: sampleProfiles(version),
    // The first is where a sandbox begins: nothing is upgraded to it.
    upgradeFrom: version === '4.1.12' ? [] : ['4.1.12'],
    notes: notes[version],
  };
}

/**
 * Makes `directory` (keys and repository) unless it is there. Made beside it and put in its place with one step, so a
 * start that is killed leaves nothing half-made. `agentEntry` is the agent's `main.ts`, bundled once for each release.
 */
export async function ensureSampleReleases(input: {
  readonly directory: string;
  readonly agentEntry: string;
  readonly now: Date;
}): Promise<SampleReleases> {
  const { directory } = input;
  if (!existsSync(directory)) await makeSampleReleases(input);
  const repositoryDirectory = path.join(directory, 'repository');
  let root: Uint8Array;
  try {
    root = await readFile(path.join(repositoryDirectory, 'metadata', '1.root.json'));
  } catch (cause) {
    throw new Error(
      `${directory} exists, but holds no sample releases. Remove it, or choose another data directory, and start again.`,
      { cause },
    );
  }
  return {
    root,
    rootFingerprint: rootFingerprint(root),
    repositoryDirectory,
    keysDirectory: path.join(directory, 'keys'),
  };
}

async function makeSampleReleases(input: {
  readonly directory: string;
  readonly agentEntry: string;
  readonly now: Date;
}): Promise<void> {
  const { directory, agentEntry, now } = input;
  const parent = path.dirname(directory);
  const prefix = `${path.basename(directory)}.unfinished-`;
  await mkdir(parent, { recursive: true });
  for (const leftOver of (await readdir(parent)).filter((name) => name.startsWith(prefix))) {
    await rm(path.join(parent, leftOver), { recursive: true, force: true });
  }
  const unfinished = await mkdtemp(path.join(parent, prefix));
  const keysDirectory = path.join(unfinished, 'keys');
  const repositoryDirectory = path.join(unfinished, 'repository');
  mustBeOk(await generateKeys(keysDirectory));
  for (const version of sampleVersions) {
    const agentBundle = await bundleAgent({ entry: agentEntry, version });
    mustBeOk(
      await publishRelease({
        repositoryDirectory,
        keysDirectory,
        source: sampleSource(version),
        agentBundle,
        now,
        expiry,
      }),
    );
  }
  await rename(unfinished, directory);
}

/**
 * One more sandbox release on top of 4.2.7, with the same profiles (by digest) and another agent: what a sandbox uses to
 * make trouble. `version` must be newer than 4.2.7.
 */
export async function publishSandboxRelease(input: {
  readonly directory: string;
  readonly version: string;
  readonly agentBundle: Uint8Array;
  readonly notes: string;
  readonly now: Date;
}): Promise<Outcome<PublishedRelease, PublishRefusalCode>> {
  const { directory, version, agentBundle, now } = input;
  return publishRelease({
    repositoryDirectory: path.join(directory, 'repository'),
    keysDirectory: path.join(directory, 'keys'),
    source: { ...sampleSource('4.2.7'), platformVersion: version, upgradeFrom: ['4.2.7'], notes: input.notes },
    agentBundle,
    now,
    expiry,
  });
}

/** The samples are ours: a refusal here is a bug. */
function mustBeOk(outcome: Outcome<unknown>): void {
  if (outcome.kind === 'refused') throw new Error(`sample release: ${reasonsText(outcome.reasons)}`);
}
