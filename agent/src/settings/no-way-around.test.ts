/**
 * There is no setting, variable or flag by which an agent would take what does not verify. Shown twice: each thing from
 * outside that is read anywhere in the agent stands in a list here, with what it is for; and none of them, whatever it
 * says, makes an agent take a release of somebody else.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gatewayNamespaces } from '@gatehouse/release/object-names';
import { lengthAndHash, simulateRepository } from '@gatehouse/release/testing/tuf-simulator';
import { expect, test } from 'vitest';
import { createMapsInMemory } from '../cluster/maps-in-memory.ts';
import { openReleaseShelf } from '../poll/release-shelf.ts';
import { parseAgentSettings } from './agent-settings.ts';

const source = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/^(testing|sandbox)\//.test(file))
  .map((file) => ({ file, text: readFileSync(path.join(source, file), 'utf8') }));

function found(pattern: RegExp): readonly string[] {
  const names = files.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, name = '']) => name));
  return [...new Set(names)].toSorted();
}

const variables: Readonly<Record<string, string>> = {
  GATEHOUSE_ACCOUNT_FOLDER: 'where the pod’s own account stands',
  GATEHOUSE_AGENT_DIGEST: 'what runs, for reports',
  GATEHOUSE_AGENT_REPOSITORY: 'where its image came from',
  GATEHOUSE_AGENT_VERSION: 'what runs, for reports',
  GATEHOUSE_ATTEMPT_ID: 'which rehearsal this is',
  GATEHOUSE_CLUSTER: 'a simulated cluster in the place of Kubernetes',
  GATEHOUSE_HEALTH_PORT: 'where the readiness probe asks',
  GATEHOUSE_REGISTRY_PREFIX: 'which registry images are pulled from, by digest',
  GATEHOUSE_SIMULATED_SOCKET: 'the simulated cluster’s door',
  GATEHOUSE_SIMULATED_TOKEN: 'and its token',
  GATEHOUSE_TIMINGS: 'shorter times in a sandbox',
  HTTPS_PROXY: 'the proxy',
  HTTP_PROXY: 'the proxy',
  KUBERNETES_SERVICE_HOST: 'the API server',
  KUBERNETES_SERVICE_PORT: 'the API server',
  NO_PROXY: 'past the proxy',
  POD_NAME: 'its own name',
  POD_NAMESPACE: 'its own namespace',
};

const settings: Readonly<Record<string, string>> = {
  clusterName: 'the gateway’s own Cluster',
  clusterNamespace: 'the gateway’s own Cluster',
  gatewayId: 'who it is',
  gatewayName: 'who it is',
  httpProxy: 'the proxy',
  httpsProxy: 'the proxy',
  installation: 'how it came to be',
  managed: 'whether the nodes that roll stand behind a connection of their own',
  noProxy: 'past the proxy',
  osVariable: 'the variable that takes the name of the OS image',
  provider: 'which of a release’s profiles is its own',
  rootJson: 'the root of trust: the one thing that what is verified begins with',
  server: 'the control plane, as older manifests call it',
  serverCa: 'who vouches for the control plane’s certificate',
  serverUrl: 'the control plane',
  timings: 'shorter times in a sandbox or a test',
};

test('every variable of the environment that is read is known', () => {
  const read = found(/environment\[?['"]?\.?([A-Z][A-Z_]{2,})/g);
  const proxies = found(/pick\('\w+', '([A-Z_]+)'\)/g);
  expect([...new Set([...read, ...proxies])].toSorted()).toEqual(Object.keys(variables));
  // By no other way.
  const others = files.filter(({ text }) => text.includes('process.env')).map(({ file }) => file);
  expect(others).toEqual(['main.ts']);
});

test('every setting that is read is known', () => {
  const readers = files.filter(({ text }) => text.includes("readMap('settings')")).map(({ file }) => file);
  expect(readers.toSorted()).toEqual([
    path.join('cluster', 'kubernetes', 'connect.ts'),
    'run-agent.ts',
    path.join('update', 'rehearse.ts'),
  ]);
  const parsers = new Set([
    path.join('settings', 'agent-settings.ts'),
    path.join('cluster', 'kubernetes', 'connect.ts'),
  ]);
  const read = files
    .filter(({ file }) => parsers.has(file))
    .flatMap(({ text }) =>
      [/data\['(\w+)'\]/g, /text\(data, '(\w+)'\)/g, /pick\('(\w+)'/g].flatMap((one) => [...text.matchAll(one)]),
    )
    .map(([, name = '']) => name);
  expect([...new Set(read)].toSorted()).toEqual(Object.keys(settings));
});

test('the program takes a role and no flags, but for `tuf`, whose flags are addresses, folders and names', () => {
  expect(files.filter(({ text }) => text.includes('process.argv')).map(({ file }) => file)).toEqual(['main.ts']);
  const flags = found(/^ {6}'([a-z-]+)': \{ type: 'string'/gm);
  expect(flags).toEqual(['metadata-dir', 'metadata-url', 'target-base-url', 'target-dir', 'target-name']);
});

test.each(['true', '1', 'off', 'none', 'skip', 'insecure', 'http://127.0.0.1:1', '{"trust":false}'])(
  'nothing that says %s makes an agent take the release of somebody else',
  async (said) => {
    const now = Date.now();
    const [own, other] = [simulateRepository(now), simulateRepository(now)];
    const document = Buffer.from('{}');
    other.parts['targets'].targets['releases/4.2.7.json'] = lengthAndHash(document);
    other.publish('targets', 'snapshot', 'timestamp');
    const known = {
      ...Object.fromEntries(Object.keys(settings).map((name) => [name, said])),
      verify: said,
      insecure: said,
      skipVerification: said,
      serverUrl: 'https://hub.example.com',
      gatewayId: '3b241101-e2bb-4255-8caf-4136c566a962',
      gatewayName: 'site-a',
      installation: 'cli',
      provider: 'vsphere',
      timings: '{}',
      serverCa: '',
      rootJson: Buffer.from(own.files.get('1.root.json') ?? []).toString(),
    };
    const parsed = parseAgentSettings(known, Object.fromEntries(Object.keys(variables).map((name) => [name, said])));
    const shelf = await openReleaseShelf({
      cluster: createMapsInMemory(() => now).cluster,
      root: parsed.root,
      namespace: gatewayNamespaces(parsed.gatewayName).agent,
      clock: { monotonic: () => 0 },
      controlPlane: {
        readRepositoryFile: async (kind, file) => (kind === 'metadata' ? other.files.get(file) : document),
        time: () => undefined,
      },
    });
    for (const freshness of ['current', 'signed'] as const) {
      expect(await shelf.release('4.2.7', freshness)).toMatchObject({ kind: 'refused' });
    }
  },
);
