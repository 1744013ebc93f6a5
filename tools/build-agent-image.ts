/**
 * Builds the agent's image and pushes it to a registry, without Docker:
 *   npm run build:agent-image -- --version 4.2.7 --registry https://registry.example --repository gatehouse/agent
 * Prints `agent.repository` and `agent.digest` as release.yaml wants them. REGISTRY_USER and REGISTRY_PASSWORD sign in.
 */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundleAgent } from '@gatehouse/release/agent-bundle';
import { buildAgentImage, buildRuntimeLayer } from '@gatehouse/release/agent-image';
import { pushImage } from '@gatehouse/release/oci-registry';

const { values } = parseArgs({
  options: { version: { type: 'string' }, registry: { type: 'string' }, repository: { type: 'string' } },
});
const { version, registry: url, repository } = values;
if (version === undefined || url === undefined || repository === undefined || !URL.canParse(url)) {
  console.error('Give --version 4.2.7 --registry https://registry.example --repository gatehouse/agent');
  process.exit(2);
}
const username = process.env['REGISTRY_USER'];
const password = process.env['REGISTRY_PASSWORD'];
const registry =
  username === undefined || password === undefined ? { url } : { url, credentials: { username, password } };

const entry = path.join(import.meta.dirname, '../agent/src/main.ts');
const bundle = await bundleAgent({ entry, version });
const image = await buildAgentImage({ bundle, version, runtimeLayer: await buildRuntimeLayer() });
const digest = await pushImage({ registry, repository, image, tag: version });
console.log(`agent:\n  version: ${version}\n  repository: ${new URL(url).host}/${repository}\n  digest: ${digest}`);
