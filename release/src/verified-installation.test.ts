/** What a control plane sends for an installation, honest and not, against a publisher's repository and root. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderInstallManifest } from './install-manifest.ts';
import { generateKeys } from './keys.ts';
import type { KubernetesManifest } from './kubernetes-object.ts';
import { type Outcome, reasonsText } from './outcome.ts';
import { publishRelease } from './publish-release.ts';
import { sampleSource } from './sample-releases.ts';
import { type FetchFile, rootFingerprint } from './trusted-releases.ts';
import { type InstallationOrder, verifyInstallation } from './verified-installation.ts';

const gateway = { name: 'site-a', installation: 'cli', provider: 'vsphere' } as const;
const id = '0197c1d2-7f5e-7c64-9d0a-3c2f6f0f8a11';
const marker = `sha256:${'6'.repeat(64)}`;

interface Publisher {
  readonly root: Uint8Array;
  readonly release: ReleaseDocument;
  readonly fetchFile: FetchFile;
}

let folder: string;
let publisher: Publisher;
let stranger: Publisher;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-installation-'));
  publisher = await publish('publisher');
  stranger = await publish('stranger');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function publish(who: string): Promise<Publisher> {
  const repositoryDirectory = path.join(folder, who, 'repository');
  const keysDirectory = path.join(folder, who, 'keys');
  mustBeOk(await generateKeys(keysDirectory));
  const order = { repositoryDirectory, keysDirectory, source: sampleSource('4.2.7'), now: new Date() };
  const published = mustBeOk(await publishRelease({ ...order, agentBundle: Buffer.from('an agent') }));
  return {
    release: published.release,
    root: await readFile(path.join(repositoryDirectory, 'metadata', '1.root.json')),
    fetchFile: async (kind, file) => readFile(path.join(repositoryDirectory, kind, file)).catch(() => undefined),
  };
}

function mustBeOk<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(reasonsText(outcome.reasons));
  return outcome.value;
}

interface Sent {
  readonly root?: Uint8Array;
  readonly digest?: string;
  readonly registryPrefix?: string;
}

/** As the control plane would render it. */
function manifest({ root = publisher.root, digest, registryPrefix }: Sent = {}): readonly KubernetesManifest[] {
  const { agent } = publisher.release;
  return renderInstallManifest({
    gateway: { ...gateway, id },
    server: { url: 'https://gatehouse.example' },
    rootJson: Buffer.from(root).toString('utf8'),
    agent: { version: agent.version, repository: agent.repository, digest: digest ?? agent.digest },
    registryPrefix,
  });
}

const verify = (sent: readonly KubernetesManifest[], more: Partial<InstallationOrder> = {}) =>
  verifyInstallation({
    root: publisher.root,
    fetchFile: publisher.fetchFile,
    gateway,
    sent: { objects: sent, release: '4.2.7' },
    ...more,
  });

const codes = (outcome: Outcome<unknown>): readonly string[] =>
  outcome.kind === 'refused' ? outcome.reasons.map(({ code }) => code) : [];

describe('with a root of one’s own', () => {
  test('an honest manifest is rendered again, the same, with that root and what the signed profile makes nodes with', async () => {
    const verified = mustBeOk(await verify(manifest()));
    expect(verified.objects).toEqual(manifest());
    expect(verified.rootFingerprint).toBe(rootFingerprint(publisher.root));
    expect(verified.release.platformVersion).toBe('4.2.7');
    expect(verified.nodes).toEqual({ kubernetesVersion: '1.27.11', os: 'ubuntu-2204-kube-v1.27.11' });
  });

  test('nothing that was sent gets in but the address, its authority and the id', async () => {
    const extra: KubernetesManifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'more' } };
    const spoiled = manifest().map((object) => ({ ...object, spec: { hostNetwork: true } }));
    // The settings keep their data, and no image is named.
    const verified = mustBeOk(await verify([...spoiled, extra]));
    expect(verified.objects).toEqual(manifest());
  });

  test('a registry prefix is the operator’s own', async () => {
    const registryPrefix = 'mirror.example/proxy';
    const verified = mustBeOk(await verify(manifest({ registryPrefix }), { registryPrefix }));
    expect(verified.objects).toEqual(manifest({ registryPrefix }));
    expect(codes(await verify(manifest({ registryPrefix: 'attacker.example' })))).toEqual(['manifest-differs']);
  });

  test.each([
    ['another root', () => verify(manifest({ root: stranger.root })), 'root-differs'],
    ['something else than a root', () => verify(manifest({ root: Buffer.from('{}') })), 'root-differs'],
    ['another agent', () => verify(manifest({ digest: marker })), 'manifest-differs'],
    ['the repository of somebody else', () => verify(manifest(), { fetchFile: stranger.fetchFile }), 'signature-wrong'],
    [
      'a repository and root of somebody else',
      () => verify(manifest({ root: stranger.root }), { fetchFile: stranger.fetchFile }),
      'signature-wrong',
    ],
    [
      'a release that nobody signed',
      () => verify(manifest(), { sent: { objects: manifest(), release: '9.9.9' } }),
      'unknown-release',
    ],
    ['no release', () => verify(manifest(), { sent: { objects: manifest() } }), 'manifest-unusable'],
    ['no settings', () => verify(manifest().filter(({ kind }) => kind !== 'ConfigMap')), 'manifest-unusable'],
  ] as const)('%s is refused', async (_, attempt, code) => {
    expect(codes(await attempt())).toEqual([code]);
  });
});
