import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateKeys } from '@gatehouse/release/keys';
import { publishRelease } from '@gatehouse/release/publish-release';
import type { ReleaseSource } from '@gatehouse/release/release-builder';
import { sampleSource } from '@gatehouse/release/sample-releases';
import type { ControlPlane } from './control-plane.ts';

export interface OwnReleases {
  /** Signed by keys of its own and imported; the first one sets the platform's version. Its agent is never run. */
  publish(version: '4.1.12' | '4.2.7', change?: Partial<ReleaseSource>): Promise<void>;
  remove(): Promise<void>;
}

/** For a control plane without a sandbox whose gateways are agents of the test. */
export async function startOwnReleases(plane: ControlPlane): Promise<OwnReleases> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-releases-'));
  const keysDirectory = path.join(directory, 'keys');
  const repositoryDirectory = path.join(directory, 'repository');
  await generateKeys(keysDirectory);
  return {
    async publish(version, change = {}) {
      const published = await publishRelease({
        repositoryDirectory,
        keysDirectory,
        source: { ...sampleSource(version), ...change },
        agentBundle: Buffer.from(`the agent ${version} of a test`),
        now: new Date(),
      });
      if (published.kind === 'refused') throw new Error(JSON.stringify(published.reasons));
      const imported = await plane.gatehouse(['release', 'import', repositoryDirectory]);
      if (imported.exitCode !== 0) throw new Error(imported.stderr);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
