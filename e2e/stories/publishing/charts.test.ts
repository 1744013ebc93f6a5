/** Charts rendered by the real helm on the way into a signed release, by the command a publisher types. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { sha256Digest } from '@gatehouse/release/canonical-json';
import { type FakeRegistry, startFakeRegistry } from '@gatehouse/release/fake-registry';
import { generateKeys } from '@gatehouse/release/keys';
import { providedPublishingTools } from '@gatehouse/testkit/provided-publishing-tools';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { items, member } from '../../src/json.ts';
import { repositoryRoot, run } from '../../src/program.ts';

let scratch = '';
let registry: FakeRegistry;
let keys = '';
const manifest = Buffer.from('{"schemaVersion":2}');
const digest = sha256Digest(manifest);
beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'gatehouse-charts-'));
  keys = path.join(scratch, 'keys');
  await generateKeys(keys);
  registry = await startFakeRegistry();
  for (const name of ['mesh/agent:v1.2.3', 'mesh/operator:v1']) {
    registry.manifests.set(name, { type: 'application/vnd.oci.image.manifest.v1+json', bytes: manifest });
  }
});
afterAll(async () => {
  await registry?.close();
  await rm(scratch, { recursive: true, force: true });
});

const chart = 'profiles/maas/mesh/chart';
const source = (): Readonly<Record<string, string>> => ({
  'release.yaml': `
platformVersion: 4.2.7
channels: [stable]
serverMinimum: 0.1.0
agent: { repository: registry.example/gatehouse/agent, digest: "${digest}", kubernetes: { min: 1.25.0, max: 1.29.99 } }
`,
  'profiles/maas/profile.yaml': `
version: 4.2.7
layers:
  - kind: os
    packs: [{ name: ubuntu, version: 22.04.4 }]
  - kind: kubernetes
    packs: [{ name: kubernetes, version: 1.27.11 }]
  - kind: network
    packs: [{ name: mesh, version: 1.2.3, chart: { namespace: mesh-system } }]
`,
  'profiles/maas/ubuntu/values.yaml': 'image: ubuntu-2204\n',
  'profiles/maas/mesh/values.yaml': `agent: ${registry.host}/mesh/agent:v1.2.3\nmetrics: yes\n`,
  [`${chart}/Chart.yaml`]: 'apiVersion: v2\nname: mesh\nversion: 1.2.3\nkubeVersion: ">=1.27.0-0"\n',
  [`${chart}/values.yaml`]: 'metrics: false\nreplicas: 2\n',
  [`${chart}/crds/mesh.yaml`]: `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: meshes.mesh.example }
spec:
  group: mesh.example
  scope: Cluster
  names: { kind: Mesh, plural: meshes }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]
`,
  [`${chart}/templates/agent.yaml`]: `
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ .Release.Name }}-agent
  annotations: { kubernetes: "{{ .Capabilities.KubeVersion.Version }}", metrics: "{{ if eq .Values.metrics true }}on{{ end }}" }
spec:
  template:
    spec:
      containers: [{ name: agent, image: {{ .Values.agent }} }]
      volumes: [{ name: settings, configMap: { name: settings, defaultMode: 0644 } }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: mesh, namespace: ignored }
---
apiVersion: mesh.example/v1
kind: Mesh
metadata: { name: main }
spec: { image: "${registry.host}/mesh/operator:v1" }
`,
  [`${chart}/templates/tests/reach.yaml`]: `
apiVersion: v1
kind: Pod
metadata: { name: reach, annotations: { helm.sh/hook: test } }
`,
});

let counter = 0;
async function sourceWith(changes: Readonly<Record<string, string | undefined>> = {}): Promise<string> {
  counter += 1;
  const directory = path.join(scratch, `source-${counter}`);
  for (const [name, text] of Object.entries({ ...source(), ...changes })) {
    if (text === undefined) continue;
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text);
  }
  return directory;
}

const profileYaml = (chartSettings: string): Readonly<Record<string, string>> => ({
  'profiles/maas/profile.yaml': (source()['profiles/maas/profile.yaml'] ?? '').replace(
    '{ namespace: mesh-system }',
    chartSettings,
  ),
});

async function publish(directory: string, repository: string, more: readonly string[] = []) {
  const cli = path.join(repositoryRoot, 'cli/src/main.ts');
  const { helm } = providedPublishingTools();
  const folders = ['--keys', keys, '--repository', path.join(scratch, repository)];
  const args = [cli, 'release', 'publish', directory, ...folders, '--helm', helm, '--plain-http', ...more];
  const { exitCode, stdout, stderr } = await run(process.execPath, args, { cwd: scratch });
  return { exitCode, output: `${stdout}\n${stderr}` };
}

/** The mesh pack's objects as they were signed. */
async function published(
  repository: string,
): Promise<{ readonly bytes: string; readonly objects: readonly unknown[] }> {
  const folder = path.join(scratch, repository, 'targets', 'profiles');
  const [name = ''] = await readdir(folder);
  const bytes = await readFile(path.join(folder, name), 'utf8');
  return {
    bytes,
    objects: items(items(JSON.parse(bytes), 'layers')[2], 'packs').flatMap((pack) => items(pack, 'objects')),
  };
}

test('a chart becomes objects: for the Kubernetes of the release, in its namespace, each image by digest', async () => {
  const finished = await publish(await sourceWith(), 'charted');
  expect(finished, finished.output).toMatchObject({ exitCode: 0 });
  const { objects } = await published('charted');
  expect(objects).toMatchObject([
    { kind: 'Namespace', metadata: { name: 'mesh-system' } },
    { kind: 'CustomResourceDefinition', metadata: { name: 'meshes.mesh.example' } },
    { kind: 'ClusterRole', metadata: { name: 'mesh' } },
    {
      kind: 'DaemonSet',
      metadata: {
        name: 'mesh-agent',
        namespace: 'mesh-system',
        annotations: { kubernetes: 'v1.27.11', metrics: 'on' },
      },
      spec: {
        template: {
          spec: {
            containers: [{ image: `${registry.host}/mesh/agent@${digest}` }],
            volumes: [{ configMap: { defaultMode: 0o644 } }],
          },
        },
      },
    },
    { kind: 'Mesh', metadata: { name: 'main' }, spec: { image: `${registry.host}/mesh/operator@${digest}` } },
  ]);
  expect(objects).toHaveLength(5);
  expect(member(objects[2], 'metadata', 'namespace')).toBeUndefined();
  expect(member(objects[4], 'metadata', 'namespace')).toBeUndefined();
});

test('the same again is byte for byte the same; with a list of images also where no registry is', async () => {
  const lock = path.join(scratch, 'images.json');
  const directory = await sourceWith();
  expect(await publish(directory, 'locked', ['--images-lock', lock])).toMatchObject({ exitCode: 0 });
  const first = await published('locked');
  const asked = registry.requests.length;
  expect(await publish(directory, 'locked', ['--images-lock', lock])).toMatchObject({ exitCode: 0 });
  expect(registry.requests).toHaveLength(asked);
  expect(await published('locked')).toEqual(first);
  expect(await publish(directory, 'elsewhere', ['--images-lock', lock])).toMatchObject({ exitCode: 0 });
  expect((await published('elsewhere')).bytes).toBe(first.bytes);
});

test('a chart that helm has packed gives the same as its folder', async () => {
  const directory = await sourceWith();
  const { helm } = providedPublishingTools();
  await promisify(execFile)(helm, ['package', path.join(directory, chart), '--destination', scratch]);
  const packed = await sourceWith(
    Object.fromEntries(
      Object.keys(source()).flatMap((name) => (name.startsWith(`${chart}/`) ? [[name, undefined]] : [])),
    ),
  );
  await writeFile(path.join(packed, `${chart}.tgz`), await readFile(path.join(scratch, 'mesh-1.2.3.tgz')));
  expect(await publish(packed, 'packed')).toMatchObject({ exitCode: 0 });
  expect(await publish(directory, 'unpacked')).toMatchObject({ exitCode: 0 });
  expect((await published('packed')).bytes).toBe((await published('unpacked')).bytes);
});

const hook = {
  [`${chart}/templates/hook.yaml`]:
    'apiVersion: batch/v1\nkind: Job\nmetadata: { name: prepare, annotations: { helm.sh/hook: "pre-install,pre-upgrade" } }\n',
};

test.each<[string, Readonly<Record<string, string | undefined>>, readonly string[]]>([
  [
    'a hook',
    hook,
    ['mesh/chart, mesh/templates/hook.yaml', 'Job prepare is a hook (pre-install, pre-upgrade)', 'hooks: leave-out'],
  ],
  [
    'a password made up at random',
    {
      [`${chart}/templates/secret.yaml`]:
        'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { p: "{{ randAlphaNum 20 }}" }\n',
    },
    ['mesh/templates/secret.yaml gives something else each time', 'values.yaml'],
  ],
  [
    'a template that fails',
    { [`${chart}/templates/wrong.yaml`]: '{{ required "name the cluster" .Values.cluster }}\n' },
    ['helm refuses it', 'name the cluster'],
  ],
  [
    'a Kubernetes that the chart does not support',
    { [`${chart}/Chart.yaml`]: 'apiVersion: v2\nname: mesh\nversion: 1.2.3\nkubeVersion: ">=1.30.0-0"\n' },
    ['helm refuses it', 'kubeVersion: >=1.30.0-0'],
  ],
  [
    'another version than the pack says',
    { [`${chart}/Chart.yaml`]: 'apiVersion: v2\nname: mesh\nversion: 1.2.4\n' },
    ['the chart is version 1.2.4, and the pack says 1.2.3'],
  ],
  [
    'a kind whose place nobody knows',
    { [`${chart}/crds/mesh.yaml`]: undefined },
    ['Mesh main names no namespace', 'kinds: { Mesh: cluster }'],
  ],
  [
    'an image that its registry does not have',
    { 'profiles/maas/mesh/values.yaml': 'agent: HOST/mesh/agent:v9\nmetrics: yes\n' },
    ['DaemonSet image', 'mesh/agent:v9 has no digest', 'its registry has no such image', '--images-lock'],
  ],
  ['a chart that is none', { [`${chart}/Chart.yaml`]: undefined }, ['helm refuses it', 'Chart.yaml']],
])('%s is refused with its place and the next step', async (_, changes, expected) => {
  const replaced: Record<string, string | undefined> = {};
  for (const [name, text] of Object.entries(changes)) replaced[name] = text?.replace('HOST', registry.host);
  const finished = await publish(await sourceWith(replaced), `refused-${counter}`);
  expect(finished, finished.output).toMatchObject({ exitCode: 4 });
  for (const text of expected) expect(finished.output).toContain(text);
});

test('what is refused can be said otherwise: hooks left out, the place of a kind named', async () => {
  const hooksOut = { ...hook, ...profileYaml('{ namespace: mesh-system, hooks: leave-out }') };
  expect(await publish(await sourceWith(hooksOut), 'without-hooks')).toMatchObject({ exitCode: 0 });
  expect((await published('without-hooks')).objects.map((object) => member(object, 'kind'))).not.toContain('Job');
  const named = {
    [`${chart}/crds/mesh.yaml`]: undefined,
    ...profileYaml('{ namespace: kube-system, kinds: { Mesh: namespace } }'),
  };
  expect(await publish(await sourceWith(named), 'named-kinds')).toMatchObject({ exitCode: 0 });
  const { objects } = await published('named-kinds');
  expect(objects).toContainEqual(
    expect.objectContaining({ kind: 'Mesh', metadata: { name: 'main', namespace: 'kube-system' } }),
  );
  expect(objects.map((object) => member(object, 'kind'))).not.toContain('Namespace');
});
