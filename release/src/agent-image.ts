/**
 * The container image of the agent: Node with what it needs, and the agent as one file above it. Guard, agent and
 * rehearsal are the same image, started with another argument.
 */

import { imageArchitecture, nodePath, nodeRuntimeFiles, unprivilegedUser } from './node-runtime.ts';
import { buildImage, buildLayer, type ImageLayer, type OciImage } from './oci-image.ts';

const programPath = '/app/agent.mjs';

/** Node's layer, the same for every agent: whoever builds several images builds it once. Takes some seconds. */
export async function buildRuntimeLayer(): Promise<ImageLayer> {
  return buildLayer(await nodeRuntimeFiles());
}

/** `bundle` is from `bundleAgent`; it has the version in it. The same bundle gives the same digest on one machine. */
export async function buildAgentImage(input: {
  readonly bundle: Uint8Array;
  readonly version: string;
  readonly runtimeLayer: ImageLayer;
}): Promise<OciImage> {
  const program = await buildLayer([{ path: programPath, mode: 0o644, content: input.bundle }]);
  return buildImage({
    architecture: imageArchitecture(),
    layers: [input.runtimeLayer, program],
    entrypoint: [nodePath, programPath],
    environment: { NODE_ENV: 'production' },
    user: unprivilegedUser,
    labels: { 'org.opencontainers.image.title': 'gatehouse-agent', 'org.opencontainers.image.version': input.version },
  });
}
