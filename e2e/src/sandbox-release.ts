import path from 'node:path';
import { bundleAgent } from '@gatehouse/release/agent-bundle';
import { reasonsText } from '@gatehouse/release/outcome';
import { publishSandboxRelease } from '@gatehouse/release/sample-releases';
import type { ControlPlane } from './control-plane.ts';
import { repositoryRoot } from './program.ts';

/** Publishes one more release for the sandbox, with the agent of this checkout under that version, and imports it. */
export async function importSandboxRelease(plane: ControlPlane, version: string): Promise<void> {
  const directory = path.join(plane.directory, 'sandbox', 'releases');
  const published = await publishSandboxRelease({
    directory,
    version,
    agentBundle: await bundleAgent({ entry: path.join(repositoryRoot, 'agent/src/main.ts'), version }),
    notes: 'A release further on.',
    now: new Date(),
  });
  if (published.kind === 'refused') throw new Error(reasonsText(published.reasons));
  const imported = await plane.gatehouse(['release', 'import', path.join(directory, 'repository')]);
  if (imported.exitCode !== 0) throw new Error(imported.stderr);
}
