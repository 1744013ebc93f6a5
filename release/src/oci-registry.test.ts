import { afterEach, expect, test } from 'vitest';
import { sha256Digest } from './canonical-json.ts';
import { type FakeRegistry, type FakeRegistryOptions, startFakeRegistry } from './fake-registry.ts';
import { buildImage, buildLayer, mediaTypes, type OciImage } from './oci-image.ts';
import { pullImage, pushImage } from './oci-registry.ts';

// A real registry is pushed to in testkit/src/kubernetes-lab.kube.test.ts.
const repository = 'gatehouse/agent';
const credentials = { username: 'publisher', password: 'open sesame' };

type Access = NonNullable<FakeRegistryOptions['access']>;

const registries: FakeRegistry[] = [];
afterEach(async () => {
  for (const registry of registries.splice(0)) await registry.close();
});

async function startRegistry(access: Access): Promise<FakeRegistry> {
  const registry = await startFakeRegistry({ access, credentials });
  registries.push(registry);
  return registry;
}

async function exampleImage(): Promise<OciImage> {
  const layers = await Promise.all(
    ['lower', 'upper'].map((content) => buildLayer([{ path: `/${content}`, mode: 0o644, content }])),
  );
  return buildImage({ architecture: 'amd64', layers, entrypoint: ['/lower'], user: '10001:10001' });
}

test.each<Access>(['anybody', 'basic', 'token'])(
  'what is pushed can be pulled by its digest; access: %s',
  async (access) => {
    const image = await exampleImage();
    const { url, manifests, scopes } = await startRegistry(access);
    const location = { registry: { url, credentials }, repository };
    expect(await pushImage({ ...location, image, tag: '4.2.7' })).toBe(image.digest);
    expect(manifests.get(`${repository}@${image.digest}`)).toEqual({
      type: mediaTypes.manifest,
      bytes: image.manifest.bytes,
    });
    expect(manifests.get(`${repository}:4.2.7`)).toEqual(manifests.get(`${repository}@${image.digest}`));
    const pulled = await pullImage({ ...location, digest: image.digest });
    expect(pulled.digest).toBe(image.digest);
    expect(pulled.layers.map(({ bytes }) => sha256Digest(bytes))).toEqual(image.layers.map(({ digest }) => digest));
    expect(scopes).toEqual(
      access === 'token' ? [`repository:${repository}:pull,push`, `repository:${repository}:pull`] : [],
    );
  },
);

test('what the registry has is not sent again', async () => {
  const image = await exampleImage();
  const { url, uploads } = await startRegistry('anybody');
  const location = { registry: { url }, repository, image };
  await pushImage(location);
  expect(uploads).toEqual([...image.layers, image.config].map(({ digest }) => digest));
  await pushImage(location);
  expect(uploads).toHaveLength(3);
});

test('content that is not what its digest says is refused', async () => {
  const image = await exampleImage();
  const { url, blobs, manifests } = await startRegistry('anybody');
  const location = { registry: { url }, repository };
  await pushImage({ ...location, image });
  blobs.set(`${repository}@${image.config.digest}`, Buffer.from('{"architecture":"other"}'));
  await expect(pullImage({ ...location, digest: image.digest })).rejects.toThrow('other content');
  manifests.set(`${repository}@${image.digest}`, { type: mediaTypes.manifest, bytes: Buffer.from('{}') });
  await expect(pullImage({ ...location, digest: image.digest })).rejects.toThrow('other content');
});

test('a failure says what was asked of whom and what the answer was', async () => {
  const { url } = await startRegistry('anybody');
  const digest = `sha256:${'0'.repeat(64)}`;
  await expect(pullImage({ registry: { url }, repository, digest })).rejects.toThrow(
    `GET ${url}/v2/${repository}/manifests/${digest} was answered 404 manifest unknown`,
  );
});

test('a registry that wants to know who pushes says so when nobody is named', async () => {
  const image = await exampleImage();
  const basicOnly = await startRegistry('basic');
  await expect(pushImage({ registry: { url: basicOnly.url }, repository, image })).rejects.toThrow(
    'asks for a username and password, and none were given',
  );
  const tokenOnly = await startRegistry('token');
  await expect(pushImage({ registry: { url: tokenOnly.url }, repository, image })).rejects.toThrow(
    'gave no token for 127.0.0.1:',
  );
});
