/**
 * Agent images that do nothing but behave in a known way, so that a suite can see what Kubernetes makes of it. They take
 * the arguments of the agent's image (`agent`, `rehearse`) and answer the readiness probe; no control plane is needed.
 */

import { healthPort } from '@gatehouse/release/agent-deployment';
import { imageArchitecture, nodePath, nodeRuntimeFiles, unprivilegedUser } from '@gatehouse/release/node-runtime';
import { buildImage, buildLayer, type ImageLayer } from '@gatehouse/release/oci-image';
import { pushImage } from '@gatehouse/release/oci-registry';

export type Behaviour = 'well' | 'also-well' | 'exits-at-start' | 'hangs' | 'crashes-when-ready';

export interface BehavingImage {
  readonly repository: string;
  readonly digest: string;
}

/** The last line of one that exits at its start. */
export const lastWords = 'cannot start: no such setting';

const repository = 'gatehouse-test/agent';

/** Pushes one image of each behaviour; repeatable, and quick when they are there. */
export async function pushBehavingImages(registry: {
  readonly pushUrl: string;
  readonly pullPrefix: string;
}): Promise<Readonly<Record<Behaviour, BehavingImage>>> {
  const runtime = await buildLayer(await nodeRuntimeFiles(), { compressionLevel: 1 });
  const push = async (behaviour: Behaviour): Promise<BehavingImage> => {
    const image = await behavingImage(behaviour, runtime);
    const digest = await pushImage({ registry: { url: registry.pushUrl }, repository, image });
    return { repository: `${registry.pullPrefix}/${repository}`, digest };
  };
  return {
    well: await push('well'),
    'also-well': await push('also-well'),
    'exits-at-start': await push('exits-at-start'),
    hangs: await push('hangs'),
    'crashes-when-ready': await push('crashes-when-ready'),
  };
}

async function behavingImage(behaviour: Behaviour, runtime: ImageLayer) {
  const script = { path: '/behave.cjs', mode: 0o644, content: program(behaviour) };
  return buildImage({
    architecture: imageArchitecture(),
    layers: [runtime, await buildLayer([script])],
    entrypoint: [nodePath, script.path],
    user: unprivilegedUser,
  });
}

function program(behaviour: Behaviour): string {
  return `// ${behaviour}
const { createServer } = require('node:http');
const behaviour = ${JSON.stringify(behaviour)};
const isRehearsal = process.argv[2] === 'rehearse';
process.on('SIGTERM', () => process.exit(0));
if (behaviour === 'exits-at-start') {
  console.error('starting');
  console.error(${JSON.stringify(lastWords)});
  process.exit(3);
} else if (isRehearsal && behaviour !== 'hangs') {
  process.exit(0);
}
setInterval(() => {}, 1000);
if (behaviour !== 'hangs') {
  createServer((request, response) => {
    response.end('ready');
    if (behaviour === 'crashes-when-ready') setTimeout(() => process.exit(4), 3000).unref();
  }).listen(${healthPort});
}
`;
}
