/**
 * What the attacker wants to run. It works, it is pullable by its own true digest from where gateways pull, and it
 * leaves a line in a file as soon as it runs in whatever role; only nobody signed it.
 */

import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256Digest } from '@gatehouse/release/canonical-json';

export interface Marker {
  readonly bundle: Uint8Array;
  readonly digest: string;
  /** One line for each time it ran: the role it was started in. */
  readonly traces: () => Promise<readonly string[]>;
}

/** The name of every Kubernetes object that the attacker wants to see on a gateway. */
export const markerObjectName = 'attackers-marker';

export async function makeMarker(folder: string): Promise<Marker> {
  const file = path.join(folder, 'the-marker-ran');
  const bundle = Buffer.from(
    [
      `import { appendFileSync } from 'node:fs';`,
      `appendFileSync(${JSON.stringify(file)}, (process.argv[2] ?? 'run') + '\\n');`,
      `setTimeout(() => {}, 60_000);`,
      ``,
    ].join('\n'),
  );
  return {
    bundle,
    digest: sha256Digest(bundle),
    traces: async () => (existsSync(file) ? (await readFile(file, 'utf8')).trimEnd().split('\n') : []),
  };
}

/** Where the sandbox's nodes find images they have: as a registry, it gives whatever has the digest that is asked for. */
export async function pushToNodes(marker: Marker, sandboxDirectory: string): Promise<void> {
  const folder = path.join(sandboxDirectory, 'bundles', marker.digest.slice('sha256:'.length));
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'agent.mjs'), marker.bundle);
}
