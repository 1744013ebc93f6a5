/**
 * A publisher for tests: a repository of releases with real signatures, and their images in a registry. An
 * agent is one image; the pack's image is an index of two platforms, shared by all releases.
 */

import path from 'node:path';
import { sha256Digest } from './canonical-json.ts';
import type { ImageDocument } from './image-tree.ts';
import { generateKeys } from './keys.ts';
import { buildImage, buildLayer, type ImageArchitecture, type OciImage } from './oci-image.ts';
import { openRepository, pushImage } from './oci-registry.ts';
import { type Outcome, reasonsText } from './outcome.ts';
import { publishRelease } from './publish-release.ts';
import { publishSigned, signWithFolder } from './publish-with-keys.ts';
import { prepareRotation } from './rotate-root.ts';

export interface FakePublisher {
  readonly repositoryDirectory: string;
  readonly keysDirectory: string;
  /** Digest of the pack's image, an index. */
  readonly packDigest: string;
  /** Digest of the agent's image. */
  readonly publish: (version: string, more?: { readonly upgradeFrom?: readonly string[] }) => Promise<string>;
  /** The next root, with the same keys. */
  readonly rotateRoot: () => Promise<void>;
}

export const agentRepository = 'registry.example/gatehouse/agent';
export const packRepository = 'packs.example:8443/network/calico';
const indexMediaType = 'application/vnd.oci.image.index.v1+json';

/** `layerBytes`: of each layer that is made, uncompressed and of noise. */
export async function startFakePublisher(
  directory: string,
  options: { readonly registryUrl: string; readonly layerBytes?: number },
): Promise<FakePublisher> {
  const { registryUrl, layerBytes = 3000 } = options;
  const keysDirectory = path.join(directory, 'keys');
  const repositoryDirectory = path.join(directory, 'repository');
  mustBeOk(await generateKeys(keysDirectory));
  const packDigest = await pushIndex(registryUrl, layerBytes);

  async function publish(version: string, more: { readonly upgradeFrom?: readonly string[] } = {}): Promise<string> {
    const agent = await image('amd64', `agent ${version}`, layerBytes);
    await pushImage({ registry: { url: registryUrl }, repository: pathOf(agentRepository), image: agent });
    const containers = [{ name: 'node', image: `${packRepository}@${packDigest}` }];
    const source = {
      platformVersion: version,
      channels: ['stable'],
      serverMinimum: '0.1.0',
      agent: { repository: agentRepository, digest: agent.digest, kubernetes: { min: '1.25.0', max: '1.40.0' } },
      profileNeedsAgent: version,
      profiles: {
        vsphere: {
          version,
          layers: [
            { kind: 'os' as const, packs: [pack('ubuntu', '22.4.0', { image: `ubuntu-${version}` })] },
            { kind: 'kubernetes' as const, packs: [pack('kubernetes', '1.30.1')] },
            { kind: 'network' as const, packs: [pack('calico', '3.27.3', {}, [daemonSet(containers)])] },
          ],
        },
      },
      upgradeFrom: more.upgradeFrom ?? [],
      notes: 'For a test.',
    };
    mustBeOk(await publishRelease({ repositoryDirectory, keysDirectory, source, now: new Date() }));
    return agent.digest;
  }

  async function rotateRoot(): Promise<void> {
    const order = { repositoryDirectory, keysDirectory, now: new Date() };
    const prepared = mustBeOk(await prepareRotation({ ...order, rotation: {} }));
    mustBeOk(await publishSigned(order, mustBeOk(await signWithFolder(order, prepared))));
  }

  return { repositoryDirectory, keysDirectory, packDigest, publish, rotateRoot };
}

function pack(
  name: string,
  version: string,
  values: Readonly<Record<string, unknown>> = {},
  objects: readonly Record<string, unknown>[] = [],
) {
  return { name, version, values: { ...values }, secretPaths: [], objects: [...objects], beforeNodes: false };
}

function daemonSet(containers: readonly unknown[]) {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'calico-node', namespace: 'kube-system' },
    spec: { template: { spec: { containers } } },
  };
}

async function image(architecture: ImageArchitecture, name: string, layerBytes: number): Promise<OciImage> {
  const layer = await buildLayer([{ path: '/content', mode: 0o644, content: noise(name, layerBytes) }]);
  return buildImage({ architecture, layers: [layer], entrypoint: ['/content'], user: '10001:10001' });
}

/** Does not compress, and is the same each time. */
function noise(name: string, size: number): Uint8Array {
  const parts: Buffer[] = [];
  for (let index = 0; index * 32 < size; index += 1) {
    parts.push(Buffer.from(sha256Digest(`${name} ${index}`).slice('sha256:'.length), 'hex'));
  }
  return Buffer.concat(parts).subarray(0, size);
}

async function pushIndex(registryUrl: string, layerBytes: number): Promise<string> {
  const repository = pathOf(packRepository);
  const location = { registry: { url: registryUrl }, repository };
  const manifests = [];
  for (const architecture of ['amd64', 'arm64'] as const) {
    const one = await image(architecture, `pack for ${architecture}`, layerBytes);
    await pushImage({ ...location, image: one });
    const { mediaType, digest, bytes } = one.manifest;
    manifests.push({ mediaType, digest, size: bytes.length, platform: { architecture, os: 'linux' } });
  }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexMediaType, manifests }));
  const index: ImageDocument = { mediaType: indexMediaType, digest: sha256Digest(bytes), size: bytes.length, bytes };
  await openRepository(location, 'pull,push').putManifest(index);
  return index.digest;
}

/** The repository as a registry knows it. */
function pathOf(repository: string): string {
  return repository.slice(repository.indexOf('/') + 1);
}

function mustBeOk<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(reasonsText(outcome.reasons));
  return outcome.value;
}
