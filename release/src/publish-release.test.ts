import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateKeys } from './keys.ts';
import type { Outcome } from './outcome.ts';
import { listRepository, publishRelease } from './publish-release.ts';
import { readReleaseSource } from './release-source.ts';

const now = new Date('2026-11-23T10:42:00.500Z');
const imageDigest = `sha256:${'a'.repeat(64)}`;

let scratch = '';
let keysDirectory = '';
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-publish-'));
  keysDirectory = path.join(scratch, 'keys');
  value(await generateKeys(keysDirectory));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}

function codes(outcome: Outcome<unknown>): readonly string[] {
  return outcome.kind === 'refused' ? outcome.reasons.map(({ code }) => code) : [];
}

const profile = 'profiles/maas/profile.yaml';
const good: Readonly<Record<string, string>> = {
  'release.yaml': `
platformVersion: 4.2.7
channels: [stable]
serverMinimum: 0.1.0
agent:
  repository: registry.example/gatehouse/agent
  digest: ${imageDigest}
  kubernetes: { min: 1.25.0, max: 1.29.99 }
upgradeFrom: [4.1.12, 4.0.x, 3.x]
notes: |
  What is new.
`,
  [profile]: `
version: 4.2.7
layers:
  - kind: os
    packs: [{ name: ubuntu, version: 22.04.4 }]
  - kind: kubernetes
    packs: [{ name: kubernetes, version: 1.27.11 }]
  - kind: network
    packs: [{ name: calico, version: 3.27.3, secretPaths: [bgp.password], beforeNodes: true }]
`,
  'profiles/maas/ubuntu/values.yaml': 'image: ubuntu-2204-kube-v1.27.11\n',
  'profiles/maas/calico/values.yaml': 'bgp: { password: x }\n',
  'profiles/maas/calico/objects/2-node.yaml': `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: calico-node, namespace: kube-system }
spec:
  template:
    spec:
      containers: [{ name: node, image: "registry.example/calico/node:v3.27.3@${imageDigest}" }]
`,
  'profiles/maas/calico/objects/1-config.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: { name: calico-config, namespace: kube-system }
---
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: calico-node, namespace: kube-system }
`,
};

let counter = 0;
/** The good source with files replaced, or taken away where `undefined` stands. */
async function sourceWith(changes: Readonly<Record<string, string | undefined>> = {}): Promise<string> {
  counter += 1;
  const directory = path.join(scratch, `source-${counter}`);
  for (const [name, text] of Object.entries({ ...good, ...changes })) {
    if (text === undefined) continue;
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text);
  }
  return directory;
}

function replaced(name: string, from: string, to: string): Readonly<Record<string, string>> {
  const text = good[name] ?? '';
  if (!text.includes(from)) throw new Error(`${name} has no ${from}`);
  return { [name]: text.replace(from, to) };
}

async function publish(source: string, more: { repository?: string; agentBundle?: Uint8Array; at?: Date } = {}) {
  counter += 1;
  return publishRelease({
    repositoryDirectory: path.join(scratch, more.repository ?? `repository-${counter}`),
    keysDirectory,
    source,
    now: more.at ?? now,
    ...(more.agentBundle === undefined ? {} : { agentBundle: more.agentBundle }),
  });
}

test('a source becomes documents, objects in the order of their files', async () => {
  const { release, profiles, isNew } = value(await publish(await sourceWith()));
  expect(isNew).toBe(true);
  expect(release).toMatchObject({
    platformVersion: '4.2.7',
    publishedAt: '2026-11-23T10:42:00Z',
    profileNeedsAgent: '4.2.7',
    agent: { version: '4.2.7', digest: imageDigest },
    upgradeFrom: [{ from: '4.1.12' }, { from: '4.0.x' }, { from: '3.x' }],
    notes: 'What is new.\n',
  });
  expect(release.agent.bundle).toBeUndefined();
  expect(profiles['maas']?.layers[2]?.packs[0]).toMatchObject({
    name: 'calico',
    values: { bgp: { password: 'x' } },
    secretPaths: ['bgp.password'],
    beforeNodes: true,
    objects: [{ kind: 'ConfigMap' }, { kind: 'ServiceAccount' }, { kind: 'DaemonSet' }],
  });
});

test('absent, empty and present upgrade edges stay different', async () => {
  const edges = async (text: string) =>
    value(await publish(await sourceWith(replaced('release.yaml', 'upgradeFrom: [4.1.12, 4.0.x, 3.x]\n', text))))
      .release.upgradeFrom;
  expect(await edges('')).toBeUndefined();
  expect(await edges('upgradeFrom: []\n')).toEqual([]);
});

test('the same again changes no document, another content under the same version is refused', async () => {
  const repository = 'published-twice';
  const first = value(await publish(await sourceWith(), { repository }));
  const second = value(await publish(await sourceWith(), { repository, at: new Date(now.getTime() + 60_000) }));
  expect(second).toEqual({ ...first, isNew: false });
  const other = await sourceWith(replaced('release.yaml', 'What is new.', 'Something else.'));
  expect(codes(await publish(other, { repository }))).toEqual(['release-changed']);
  const listing = value(await listRepository(path.join(scratch, repository)));
  expect(listing.releases).toEqual([first.release]);
  expect(listing.expires.root).toBe('2027-11-23T10:42:00Z');
});

test('without keys nothing is made', async () => {
  const repositoryDirectory = path.join(scratch, 'no-keys');
  const input = { repositoryDirectory, keysDirectory: path.join(scratch, 'none'), source: await sourceWith(), now };
  expect(codes(await publishRelease(input))).toEqual(['key-missing', 'key-missing', 'key-missing', 'key-missing']);
  expect(codes(await listRepository(repositoryDirectory))).toEqual(['repository-missing']);
});

const calico = 'profiles/maas/calico/objects/2-node.yaml';
test.each<[string, Readonly<Record<string, string | undefined>>, readonly (readonly [string, string, string])[]]>([
  ['no release.yaml', { 'release.yaml': undefined }, [['release.yaml', '', 'there is no such file']]],
  ['no YAML', { 'release.yaml': 'a: [' }, [['release.yaml', '', 'it is no YAML']]],
  [
    'an unknown field',
    replaced('release.yaml', 'notes:', 'note:'),
    [['release.yaml', 'note', 'there is no such field']],
  ],
  [
    'two faults in two files',
    {
      ...replaced('release.yaml', 'platformVersion: 4.2.7', 'platformVersion: 4.2'),
      ...replaced(profile, 'kind: network', 'kind: net'),
    },
    [
      ['release.yaml', 'platformVersion', ''],
      [profile, 'layers.2.kind', ''],
    ],
  ],
  [
    'no profile',
    Object.fromEntries(Object.keys(good).map((name) => [name, name === 'release.yaml' ? good[name] : undefined])),
    [['release.yaml', '', 'no profile']],
  ],
  [
    'no image digest',
    replaced('release.yaml', `digest: ${imageDigest}`, ''),
    [['release.yaml', 'agent.digest', 'it is missing']],
  ],
  [
    'an edge that goes nowhere',
    replaced('release.yaml', '[4.1.12, 4.0.x, 3.x]', '[4.3.0, latest]'),
    [
      ['release.yaml', 'upgradeFrom.0', 'not older'],
      ['release.yaml', 'upgradeFrom.1', 'neither a version nor a wildcard'],
    ],
  ],
  [
    'a risk on edges that are none',
    replaced('release.yaml', 'serverMinimum', "risks: [{ name: r, message: m, from: [4.1.x, '4.1'] }]\nserverMinimum"),
    [['release.yaml', 'risks.0.from.1', 'neither a version nor a wildcard']],
  ],
  [
    'a profile that needs a newer agent than it comes with',
    replaced('release.yaml', 'serverMinimum', 'profileNeedsAgent: 4.3.0\nserverMinimum'),
    [['release.yaml', 'profileNeedsAgent', 'newer than']],
  ],
  [
    'Kubernetes outside the range of the agent',
    replaced('release.yaml', 'max: 1.29.99', 'max: 1.26.99'),
    [[profile, 'layers.kubernetes', 'outside the range']],
  ],
  [
    'no Kubernetes version',
    replaced(profile, 'version: 1.27.11', 'version: v1.27'),
    [[profile, 'layers.kubernetes.kubernetes.version', 'no Kubernetes version']],
  ],
  [
    'layers in another order',
    replaced(profile, 'kind: network', 'kind: os'),
    [
      [profile, 'layers', 'in the order'],
      [profile, 'layers.os', 'exactly one pack and has 2'],
    ],
  ],
  [
    'no OS image',
    { 'profiles/maas/ubuntu/values.yaml': undefined },
    [[profile, 'layers.os.ubuntu.values.image', 'missing']],
  ],
  [
    'a secret path that names nothing',
    replaced(profile, 'bgp.password', 'bgp.pasword'),
    [[profile, 'layers.network.calico.secretPaths', 'names nothing']],
  ],
  [
    'an image by tag',
    replaced(calico, `@${imageDigest}`, ''),
    [[profile, 'layers.network.calico.objects.2', 'not named by digest']],
  ],
  [
    'an object without a name',
    replaced(calico, 'name: calico-node, ', ''),
    [[profile, 'layers.network.calico.objects.2', 'metadata.name']],
  ],
  [
    'the same object twice',
    { 'profiles/maas/calico/objects/3-again.yaml': good[calico] },
    [[profile, 'layers.network.calico.objects.3', 'stands in the pack calico too']],
  ],
  ['an object that is none', { [calico]: '- 1' }, [[calico, '', 'no object']]],
  [
    'a folder of no pack',
    { 'profiles/maas/callico/values.yaml': 'a: 1' },
    [['profiles/maas/callico', '', 'no such pack']],
  ],
  [
    'a file where objects are expected',
    { 'profiles/maas/ubuntu/objekts/a.yaml': '' },
    [['profiles/maas/ubuntu/objekts', '', 'values.yaml, objects/ and chart/']],
  ],
  [
    'a value that JSON does not have',
    { 'profiles/maas/calico/values.yaml': 'bgp: { password: x }\nfactor: .inf\n' },
    [[profile, '', 'values.factor']],
  ],
  [
    'aliases that grow without end',
    {
      'profiles/maas/calico/values.yaml': `a: &a [1,1]\n${Array.from('bcdefghij')
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[index]}`).join(',')}]`)
        .join('\n')}\n`,
    },
    [['profiles/maas/calico/values.yaml', '', 'alias']],
  ],
])('%s is refused with its place', async (_, changes, expected) => {
  const outcome = await publish(await sourceWith(changes));
  if (outcome.kind === 'ok') throw new Error('it was published');
  const faults = outcome.reasons.map((reason) => {
    if (!('file' in reason && 'field' in reason)) throw new Error(JSON.stringify(reason));
    return reason;
  });
  expect(faults.map(({ file, field }) => [file, field])).toEqual(expected.map(([file, field]) => [file, field]));
  for (const [index, [file, , text]] of expected.entries()) {
    expect(faults[index]?.message).toContain(file);
    expect(faults[index]?.message).toContain(text);
    expect(faults[index]?.nextStep).toMatch(/\.$/);
  }
});

test('a bundle brings its own digest', async () => {
  const agentBundle = Buffer.from('agent');
  const withoutDigest = await sourceWith(replaced('release.yaml', `digest: ${imageDigest}`, ''));
  const { release } = value(await publish(withoutDigest, { agentBundle }));
  expect(release.agent.bundle).toBe(`agents/${release.agent.digest.slice('sha256:'.length)}.mjs`);
  expect(codes(await publish(await sourceWith(), { agentBundle }))).toEqual(['source-invalid']);
});

test('a source can be read without being published', async () => {
  expect(value(await readReleaseSource(await sourceWith())).platformVersion).toBe('4.2.7');
});
