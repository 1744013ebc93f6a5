/** Charts and images on the way into a profile, with a recorded helm; the real one is in e2e/stories/publishing. */

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256Digest } from './canonical-json.ts';
import { startFakeRegistry } from './fake-registry.ts';
import { parseTaggedImage, pinImages, resolveInRegistry, resolveWithLock } from './image-pins.ts';
import { parseYaml } from './kubernetes-yaml.ts';
import { openRepository } from './oci-registry.ts';
import type { SourceTools } from './pack-source.ts';
import { readReleaseSource } from './release-source.ts';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-packs-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

let counter = 0;

/** A helm that says what one said, keeps how it was called, and counts in `@COUNT@`. */
async function recordedHelm(output: string, about = 'name: mesh\nversion: 1.2.3\n'): Promise<string> {
  counter += 1;
  const folder = path.join(scratch, `helm-${counter}`);
  await mkdir(folder);
  await writeFile(path.join(folder, 'about'), about);
  await writeFile(path.join(folder, 'output'), output);
  const file = path.join(folder, 'helm');
  await writeFile(
    file,
    `#!/bin/sh
echo "$@" >>"${folder}/calls"
env | sort >"${folder}/environment"
if [ "$1" = show ]; then exec cat "${folder}/about"; fi
for word in "$@"; do case "$word" in --values=*) cat "\${word#--values=}" >"${folder}/values" ;; esac; done
sed "s/@COUNT@/$(wc -l <"${folder}/calls")/" "${folder}/output"
`,
  );
  await chmod(file, 0o700);
  return file;
}

const daemonSet = (image: string) => `---
# Source: mesh/templates/agent.yaml
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec: { template: { spec: { containers: [{ name: agent, image: "${image}" }] } } }
`;

async function read(
  tools: SourceTools,
  more: Readonly<Record<string, string>> = {},
  settings = '{ namespace: kube-system }',
) {
  counter += 1;
  const directory = path.join(scratch, `source-${counter}`);
  const files = {
    'release.yaml':
      'platformVersion: 4.2.7\nchannels: [stable]\nserverMinimum: 0.1.0\nagent: { repository: registry.example/agent, kubernetes: { min: 1.25.0, max: 1.29.99 } }\n',
    'profiles/maas/profile.yaml': `version: 4.2.7\nlayers:\n  - kind: kubernetes\n    packs: [{ name: kubernetes, version: 1.27.11 }]\n  - kind: network\n    packs: [{ name: mesh, version: 1.2.3, chart: ${settings} }]\n`,
    'profiles/maas/mesh/chart/Chart.yaml': 'name: mesh\n',
    'profiles/maas/mesh/values.yaml': 'metrics: on\n',
    ...more,
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text);
  }
  const outcome = await readReleaseSource(directory, tools);
  return outcome.kind === 'refused'
    ? { refused: outcome.reasons.map(({ message, nextStep }) => `${message} ${nextStep}`) }
    : { objects: outcome.value.profiles['maas']?.layers[1]?.packs[0]?.objects ?? [] };
}

describe('helm', () => {
  test('is called for the Kubernetes of the release, with the values as they are shown, and nothing of its caller', async () => {
    process.env['HELM_NAMESPACE'] = 'mine';
    const helm = await recordedHelm(daemonSet('a'));
    const { objects } = await read(
      { helm },
      {},
      '{ namespace: mesh-system, releaseName: net, apiVersions: [mesh.example/v1] }',
    );
    delete process.env['HELM_NAMESPACE'];
    expect(objects?.map(({ kind }) => kind)).toEqual(['Namespace', 'DaemonSet']);
    const folder = path.dirname(helm);
    const [about, once, again] = (await readFile(path.join(folder, 'calls'), 'utf8')).trim().split('\n');
    expect(about).toMatch(/^show chart .*mesh\/chart$/);
    expect(once).toMatch(
      /^template net .*mesh\/chart --namespace=mesh-system --kube-version=1\.27\.11 --include-crds --values=\S+ --api-versions=mesh\.example\/v1$/,
    );
    expect(again).toBe(once);
    expect(JSON.parse(await readFile(path.join(folder, 'values'), 'utf8'))).toEqual({ metrics: true });
    expect(await readFile(path.join(folder, 'environment'), 'utf8')).not.toContain('HELM_NAMESPACE');
  });

  test.each<[string, string, string]>([
    [
      'that gives something else each time',
      daemonSet('image:@COUNT@'),
      'mesh/templates/agent.yaml gives something else each time it is rendered',
    ],
    ['that renders no YAML', '# Source: x\na: [', 'it is no YAML'],
    [
      'that renders a text',
      '---\n# Source: mesh/templates/x.yaml\njust words\n',
      'mesh/templates/x.yaml: it renders something that is no object',
    ],
  ])('a chart %s is refused', async (_, output, fault) => {
    const { refused = [] } = await read({ helm: await recordedHelm(output) });
    expect(refused.join('\n')).toContain(fault);
  });

  test('that is not there is asked for', async () => {
    const { refused } = await read({ helm: path.join(scratch, 'no-helm') });
    expect(refused).toEqual([expect.stringMatching(/no-helm.*cannot be started.*Install Helm.*--helm/)]);
  });

  test('is not asked where only the edges of a release count', async () => {
    expect(await read({})).toEqual({ objects: [] });
  });

  test.each<[string, Readonly<Record<string, string>>, string, string]>([
    ['two charts', { 'profiles/maas/mesh/chart.tgz': '' }, '{ namespace: a }', 'there is a chart.tgz too'],
    ['settings that mean nothing', {}, '{ namespace: a, hook: x }', 'there is no such field'],
    ['a namespace that is none', {}, '{ namespace: "--kube-version" }', 'namespace'],
    ['an API that is a flag', {}, '{ namespace: a, apiVersions: ["x --post-renderer=y"] }', 'apiVersions'],
  ])('%s are refused', async (_, files, settings, fault) => {
    const { refused = [] } = await read({ helm: await recordedHelm(daemonSet('a')) }, files, settings);
    expect(refused.join('\n')).toContain(fault);
  });
});

test('objects that are written out are read as kubectl reads them', () => {
  const parsed = parseYaml('mode: 0644\non: yes\nport: 80:443\nday: 2026-11-23\n', 'kubernetes');
  expect(parsed).toMatchObject({
    documents: [{ value: { mode: 420, true: true, port: '80:443', day: '2026-11-23' } }],
  });
  expect(parseYaml('mode: 0644\nup: yes\n', 'yaml-1.2')).toMatchObject({
    documents: [{ value: { mode: 644, up: 'yes' } }],
  });
  expect(parseYaml('a: 1\na: 2\n', 'kubernetes')).toMatchObject({ kind: 'fault' });
  expect(parseYaml('a: 1\na: 2\n', 'rendered')).toMatchObject({ documents: [{ value: { a: 2 } }] });
});

describe('images', () => {
  const digest = `sha256:${'d'.repeat(64)}`;
  const pin = (image: string) => Promise.resolve(`pinned(${image})`);

  test.each([
    ['nginx', 'docker.io/library/nginx', 'latest'],
    ['bitnami/redis:7', 'docker.io/bitnami/redis', '7'],
    ['registry.example:5000/a/b:v1', 'registry.example:5000/a/b', 'v1'],
    ['localhost/a:1', 'localhost/a', '1'],
  ])('%s is %s with the tag %s', (image, repository, tag) => {
    expect(parseTaggedImage(image)).toEqual({ repository, tag });
  });

  test.each(['', 'UPPER/case:1', 'registry.example/a:b:c', 'registry.example/a@sha256:1', 'a b'])(
    '%j is no image',
    (image) => {
      expect(parseTaggedImage(image)).toBeUndefined();
    },
  );

  test('of containers are pinned at any depth, those by digest left alone, and what only looks like one too', async () => {
    const object = {
      kind: 'CronJob',
      spec: {
        jobTemplate: {
          spec: { template: { spec: { initContainers: [{ image: 'a' }], containers: [{ image: `b@${digest}` }] } } },
        },
      },
      image: 'ubuntu-2204',
      proxy: { image: 'registry.example/proxy:1' },
    };
    expect(await pinImages(object, pin)).toEqual({
      kind: 'CronJob',
      spec: {
        jobTemplate: {
          spec: {
            template: { spec: { initContainers: [{ image: 'pinned(a)' }], containers: [{ image: `b@${digest}` }] } },
          },
        },
      },
      image: 'ubuntu-2204',
      proxy: { image: 'pinned(registry.example/proxy:1)' },
    });
    const definition = { kind: 'CustomResourceDefinition', spec: { image: 'registry.example/x:1' } };
    expect(await pinImages(definition, pin)).toBe(definition);
  });

  test('are looked up once, by their bytes and not by what the registry says of them', async () => {
    const registry = await startFakeRegistry();
    const bytes = Buffer.from('{"schemaVersion":2}');
    registry.manifests.set('mesh/agent:v1', { type: 'application/vnd.oci.image.manifest.v1+json', bytes });
    const found = new Map<string, string>();
    const lookUp = resolveInRegistry(async (repository) =>
      openRepository({ registry: { url: registry.url }, repository }, 'pull'),
    );
    const resolve = resolveWithLock({ version: 1, images: { 'known:1': digest } }, found, lookUp);
    try {
      expect(await resolve({ repository: 'mesh/agent', tag: 'v1' })).toBe(sha256Digest(bytes));
      expect(await resolve({ repository: 'mesh/agent', tag: 'v1' })).toBe(sha256Digest(bytes));
      expect(await resolve({ repository: 'known', tag: '1' })).toBe(digest);
      expect(registry.requests).toHaveLength(1);
      expect([...found]).toEqual([['mesh/agent:v1', sha256Digest(bytes)]]);
      await expect(resolve({ repository: 'mesh/agent', tag: 'v2' })).rejects.toThrow('no such image');
    } finally {
      await registry.close();
    }
    await expect(
      resolveWithLock({ version: 1, images: {} }, found, undefined)({ repository: 'x', tag: 'constructor' }),
    ).rejects.toThrow('does not have it');
  });

  test('that cannot be found refuse the release, with file, image and next step', async () => {
    const resolveImage = () => Promise.reject(new Error('no answer'));
    const { refused } = await read({ helm: await recordedHelm(daemonSet('registry.example/mesh:v1')), resolveImage });
    expect(refused).toEqual([
      expect.stringMatching(
        /^profiles\/maas\/mesh\/chart, DaemonSet image: registry\.example\/mesh:v1 has no digest.*no answer.*--images-lock/,
      ),
    ]);
  });
});
