/**
 * Images of the real agent, as a publisher would build them: any version, and such as go wrong in one known way. They
 * are pushed to the registry of the Kubernetes that the stories run on, so that every digest is real.
 */

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { bundleAgent } from '@gatehouse/release/agent-bundle';
import { buildAgentImage } from '@gatehouse/release/agent-image';
import { nodeRuntimeFiles } from '@gatehouse/release/node-runtime';
import { buildLayer, type ImageLayer } from '@gatehouse/release/oci-image';
import { pushImage } from '@gatehouse/release/oci-registry';
import { repositoryRoot } from './program.ts';

/**
 * - works: the agent as it is;
 * - exits-at-start: it says its last words and exits, whatever it is started as;
 * - exits-in-place: it behaves in the rehearsal, and exits only where it takes the agent's place;
 * - cannot-be-pulled: no registry has it;
 * - stays: it does nothing, in whatever role, and does not go away.
 */
export type AgentBehaviour = 'works' | 'exits-at-start' | 'exits-in-place' | 'cannot-be-pulled' | 'stays';

export interface AgentImage {
  readonly repository: string;
  readonly digest: string;
}

/** What an agent that exits prints last, and its exit code: the true reason that an operator must be shown. */
export const lastWords = 'cannot start: the licence of the widget has run out';
export const lastExitCode = 37;

const repository = 'gatehouse/agent';
const entry = path.join(repositoryRoot, 'agent/src/main.ts');

const exits = `process.stdout.write(${JSON.stringify(`${lastWords}\n`)}); process.exit(${lastExitCode});`;
const preambles: Readonly<Record<AgentBehaviour, string>> = {
  works: '',
  'exits-at-start': exits,
  'exits-in-place': `if (process.argv[2] === 'agent') { ${exits} }`,
  'cannot-be-pulled': '',
  stays: 'await new Promise(() => setInterval(() => {}, 60_000));',
};

let runtimeLayer: Promise<ImageLayer> | undefined;

/** Takes seconds the first time, and less than one from then on: the layer with Node is the same for all. */
export async function pushAgentImage(input: {
  readonly registry: { readonly pushUrl: string; readonly pullPrefix: string };
  readonly version: string;
  /** One of the known ways, or what stands before the agent's own module. */
  readonly behaviour: AgentBehaviour | { readonly preamble: string };
}): Promise<AgentImage> {
  const { registry, version, behaviour } = input;
  const pulledAs = `${registry.pullPrefix}/${repository}`;
  if (behaviour === 'cannot-be-pulled') {
    return { repository: pulledAs, digest: `sha256:${randomBytes(32).toString('hex')}` };
  }
  const preamble = typeof behaviour === 'object' ? behaviour.preamble : preambles[behaviour];
  // Packed fast instead of small: it never leaves this machine.
  runtimeLayer ??= nodeRuntimeFiles().then((files) => buildLayer(files, { compressionLevel: 1 }));
  const bundle = await bundleAgent({ entry, version });
  const image = await buildAgentImage({
    bundle: Buffer.concat([Buffer.from(`${preamble}\n`), bundle]),
    version,
    runtimeLayer: await runtimeLayer,
  });
  const digest = await pushImage({ registry: { url: registry.pushUrl }, repository, image });
  return { repository: pulledAs, digest };
}
