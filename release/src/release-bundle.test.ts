import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pushCarriedImages, type VerifiedBundle, type VerifyBundleInput, verifyBundle } from './bundle-import.ts';
import { sha256Digest } from './canonical-json.ts';
import { type CarriedFiles, openCarriedArchive } from './carried-files.ts';
import { agentRepository, type FakePublisher, packRepository, startFakePublisher } from './fake-publisher.ts';
import { type FakeRegistry, startFakeRegistry } from './fake-registry.ts';
import { withRegistryPrefix } from './image-reference.ts';
import { openRepository, type RegistryRepository } from './oci-registry.ts';
import type { Outcome } from './outcome.ts';
import { openRegistryTransport } from './registry-transport.ts';
import { type BundleInput, writeReleaseBundle } from './release-bundle.ts';

let scratch = '';
let registry: FakeRegistry;
let publisher: FakePublisher;
const agents: Record<string, string> = {};
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-bundle-test-'));
  registry = await startFakeRegistry();
  publisher = await startFakePublisher(scratch, { registryUrl: registry.url });
  for (const version of ['4.1.12', '4.2.7']) agents[version] = await publisher.publish(version);
});
afterAll(async () => {
  await registry.close();
  await rm(scratch, { recursive: true, force: true });
});

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}

function messages(outcome: Outcome<unknown>): string {
  return outcome.kind === 'refused'
    ? outcome.reasons.map(({ code, message }) => `${code}: ${message}`).join('\n')
    : 'ok';
}

const transport = openRegistryTransport();
const at =
  (host: string, access: 'pull' | 'pull,push') =>
  (repository: string): Promise<RegistryRepository> => {
    const reference = withRegistryPrefix(repository, host);
    const location = {
      registry: { url: `http://${host}`, fetch: transport },
      repository: reference.slice(host.length + 1),
    };
    return Promise.resolve(openRepository(location, access));
  };

let counter = 0;
function fresh(name: string): string {
  counter += 1;
  return path.join(scratch, `${counter}-${name}`);
}

async function bundle(more: Partial<BundleInput> = {}) {
  const to = more.to ?? fresh('bundle.tar');
  const written = await writeReleaseBundle({
    repositoryDirectory: publisher.repositoryDirectory,
    openRepository: at(registry.host, 'pull'),
    ...more,
    to,
  });
  return { to, written };
}

async function opened<Result>(file: string, use: (files: CarriedFiles) => Promise<Result>): Promise<Result> {
  const files = value(await openCarriedArchive(file));
  try {
    return await use(files);
  } finally {
    await files.close();
  }
}

const verify = (file: string, more: Partial<VerifyBundleInput> = {}): Promise<Outcome<VerifiedBundle>> =>
  opened(file, (files) => verifyBundle({ name: 'the bundle', ...more, files }));

describe('a bundle', () => {
  test('brings documents and every image that they name, indexes whole', async () => {
    const { to, written } = await bundle();
    expect(value(written)).toMatchObject({
      releases: ['4.1.12', '4.2.7'],
      images: [
        { repository: packRepository, digest: publisher.packDigest },
        { repository: agentRepository },
        { repository: agentRepository },
      ],
      withoutDigest: [],
      digest: sha256Digest(await readFile(to)),
    });
    const verified = value(await verify(to));
    expect(verified.verified.releases.map(({ platformVersion }) => platformVersion)).toEqual(['4.1.12', '4.2.7']);
    expect(verified.images.map(({ tree }) => tree.documents.length)).toEqual([3, 1, 1]);
    expect(new Set(verified.images.map(({ digest }) => digest))).toEqual(
      new Set([publisher.packDigest, ...Object.values(agents)]),
    );
  });

  test('made twice has the same bytes', async () => {
    const [one, two] = [await bundle(), await bundle()];
    expect(sha256Digest(await readFile(one.to))).toBe(sha256Digest(await readFile(two.to)));
  });

  test('of one release leaves the others out, and says so when it is read', async () => {
    const { to, written } = await bundle({ versions: ['4.2.7'] });
    expect(value(written).images).toHaveLength(2);
    const { verified, files, images } = value(await verify(to));
    expect(verified).toMatchObject({ notCarried: ['4.1.12'], releases: [{ platformVersion: '4.2.7' }] });
    expect(Object.keys(files.targets).map((name) => name.split('/')[0])).toEqual(['releases', 'profiles']);
    expect(images.map(({ digest }) => digest)).toEqual([publisher.packDigest, agents['4.2.7']]);
  });

  test('of a release that is not there is refused', async () => {
    expect(messages((await bundle({ versions: ['4.2.8'] })).written)).toMatch(/^unknown-release: .*4\.2\.8/);
  });

  test('without images has no image layout', async () => {
    const { to } = await bundle({ openRepository: undefined });
    const paths = await opened(to, (files) => Promise.resolve(files.paths ?? []));
    expect(paths.filter((file) => !/^(metadata|targets)\//.test(file))).toEqual(['gatehouse-bundle.json']);
    expect(value(await verify(to)).images).toEqual([]);
  });

  test('is not made when an image is missing, and leaves nothing under its name', async () => {
    const empty = await startFakeRegistry();
    const { to, written } = await bundle({ openRepository: at(empty.host, 'pull') });
    await empty.close();
    expect(messages(written)).toMatch(/^image-invalid: 127\.0\.0\.1:\d+\/network\/calico has no image sha256:/);
    expect(await readdir(scratch)).not.toContain(path.basename(to));
  });

  test('is not made of a blob with other bytes', async () => {
    const key = [...registry.blobs.keys()].find((name) => name.startsWith('gatehouse/agent@')) ?? '';
    const right = registry.blobs.get(key) ?? new Uint8Array();
    registry.blobs.set(key, Buffer.from(right).fill(1, right.length - 1));
    const to = fresh('bundle.tar');
    try {
      await expect(bundle({ to })).rejects.toThrow('has other content');
    } finally {
      registry.blobs.set(key, right);
    }
    expect(await readdir(scratch)).not.toContain(path.basename(to));
  });

  test('keeps what a killed try left, as far as it is right, and gives the same bytes', async () => {
    const whole = await bundle();
    const bytes = await readFile(whole.to);
    const damaged = Buffer.from(bytes.subarray(0, -9000));
    damaged[damaged.length - 6000] = (damaged.at(-6000) ?? 0) ^ 1;
    const lefts = [
      bytes.subarray(0, -9000),
      Buffer.concat([bytes.subarray(0, -9000), Buffer.alloc(20_000, 7)]),
      damaged,
      Buffer.concat([bytes, Buffer.alloc(5000, 7)]),
    ];
    for (const left of lefts) {
      const to = fresh('bundle.tar');
      await writeFile(`${to}.partial`, left);
      const kept: boolean[] = [];
      const before = registry.requests.length;
      value((await bundle({ to, onEntry: (_entry, { wasThere }) => kept.push(wasThere) })).written);
      expect(sha256Digest(await readFile(to))).toBe(sha256Digest(bytes));
      expect(kept.slice(0, 5)).toEqual([true, true, true, true, true]);
      expect(kept.at(-1)).toBe(left.subarray(0, bytes.length).equals(bytes));
      const pulled = registry.requests.slice(before).filter(({ line }) => line.includes('/blobs/'));
      expect(pulled.length).toBeLessThan(registry.blobs.size);
    }
  });

  test('asks again for a blob that broke off', async () => {
    let broken = 0;
    const breaking = async (repository: string): Promise<RegistryRepository> => {
      const real = await at(registry.host, 'pull')(repository);
      return {
        ...real,
        streamBlob: async (digest) => {
          const stream = await real.streamBlob(digest);
          if (broken > 1) return stream;
          broken += 1;
          return breakOff(stream);
        },
      };
    };
    const { to } = await bundle({ openRepository: breaking });
    expect(broken).toBe(2);
    expect(sha256Digest(await readFile(to))).toBe(sha256Digest(await readFile((await bundle()).to)));
  });
});

async function* breakOff(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const part of stream) {
    yield part.subarray(0, 100);
    throw new Error('the connection was reset');
  }
}

describe('its images', () => {
  test('are pushed once, to where gateways with the prefix look for them', async () => {
    const { to } = await bundle();
    const site = await startFakeRegistry();
    const prefix = `${site.host}/site`;
    const push = () =>
      opened(to, async (files) => {
        const { images } = value(await verifyBundle({ name: 'the bundle', files }));
        return pushCarriedImages({
          files,
          images,
          openRepository: (repository) => {
            const path = withRegistryPrefix(repository, prefix).slice(site.host.length + 1);
            return Promise.resolve(
              openRepository({ registry: { url: site.url, fetch: transport }, repository: path }, 'pull,push'),
            );
          },
        });
      });
    expect((await push()).blobsSent).toBe(8);
    expect([...site.manifests.keys()].toSorted()).toEqual(
      expect.arrayContaining([
        `site/gatehouse/agent@${agents['4.2.7']}`,
        `site/network/calico@${publisher.packDigest}`,
      ]),
    );
    expect(site.manifests.size).toBe(5);
    expect(await push()).toEqual({ blobsSent: 0, bytesSent: 0 });
    await site.close();
  });
});
