import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ControlPlaneTrust, type VerifiedBundle, type VerifyBundleInput, verifyBundle } from './bundle-import.ts';
import { sha256Digest } from './canonical-json.ts';
import { openCarriedArchive, openCarriedFolder } from './carried-files.ts';
import { agentRepository, type FakePublisher, startFakePublisher } from './fake-publisher.ts';
import { type FakeRegistry, startFakeRegistry } from './fake-registry.ts';
import { withRegistryPrefix } from './image-reference.ts';
import { openRepository } from './oci-registry.ts';
import type { Outcome } from './outcome.ts';
import { writeReleaseBundle } from './release-bundle.ts';
import { indexTar } from './tar-index.ts';
import { tarEnd, tarFileHead, tarPadding } from './tar-writer.ts';
import { rootFingerprint } from './trusted-releases.ts';

let scratch = '';
let registry: FakeRegistry;
let publisher: FakePublisher;
let agent = '';
let older: Buffer;
let newer: Buffer;
let part: Buffer;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-bundle-import-'));
  registry = await startFakeRegistry();
  publisher = await startFakePublisher(scratch, { registryUrl: registry.url });
  await publisher.publish('4.1.12');
  older = await bundle(publisher);
  agent = await publisher.publish('4.2.7');
  newer = await bundle(publisher);
  part = await bundle(publisher, ['4.2.7']);
});
afterAll(async () => {
  await registry.close();
  await rm(scratch, { recursive: true, force: true });
});

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}

let counter = 0;
function fresh(name: string): string {
  counter += 1;
  return path.join(scratch, `${counter}-${name}`);
}

async function bundle(of: FakePublisher, versions?: readonly string[]): Promise<Buffer> {
  const to = fresh('bundle.tar');
  const { url, host } = registry;
  const written = await writeReleaseBundle({
    repositoryDirectory: of.repositoryDirectory,
    to,
    versions,
    openRepository: (repository) =>
      Promise.resolve(
        openRepository(
          { registry: { url }, repository: withRegistryPrefix(repository, host).slice(host.length + 1) },
          'pull',
        ),
      ),
  });
  value(written);
  return readFile(to);
}

type Entries = Map<string, Buffer>;

async function entriesOf(archive: Buffer): Promise<Entries> {
  const read = (offset: number, length: number) => Promise.resolve(archive.subarray(offset, offset + length));
  const index = value(await indexTar({ size: archive.length, read }));
  return new Map([...index].map(([name, { offset, size }]) => [name, archive.subarray(offset, offset + size)]));
}

function toArchive(entries: Entries): Buffer {
  const parts = [...entries].flatMap(([name, content]) => [
    tarFileHead(name, content.length),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...parts, tarEnd]);
}

async function verify(archive: Buffer, more: Partial<VerifyBundleInput> = {}): Promise<Outcome<VerifiedBundle>> {
  const file = fresh('carried.tar');
  await writeFile(file, archive);
  const files = await openCarriedArchive(file);
  if (files.kind === 'refused') return files;
  try {
    return await verifyBundle({ name: 'the bundle', ...more, files: files.value });
  } finally {
    await files.value.close();
  }
}

const said = (outcome: Outcome<unknown>): string =>
  outcome.kind === 'refused' ? outcome.reasons.map(({ code, message }) => `${code}: ${message}`).join('\n') : 'ok';

/** As a control plane that has imported that archive. */
async function trustAfter(archive: Buffer): Promise<ControlPlaneTrust> {
  const { verified } = value(await verify(archive));
  const { files, stored } = verified;
  const roots = Object.entries(files.metadata).flatMap(([name, bytes]) => (name.endsWith('.root.json') ? [bytes] : []));
  return { roots, stored, held: (file) => Promise.resolve(files.targets[file]) };
}

const json = (entries: Entries, name: string): Record<string, unknown> =>
  JSON.parse(entries.get(name)?.toString() ?? '') as Record<string, unknown>;
const put = (entries: Entries, name: string, document: unknown): void => {
  entries.set(name, Buffer.from(JSON.stringify(document)));
};
function nameIn(entries: Entries, pattern: RegExp): string {
  const name = [...entries.keys()].find((one) => pattern.test(one));
  if (name === undefined) throw new Error(`no ${String(pattern)} in the bundle`);
  return name;
}

/** The blob of the agent's layer. */
function layerOf(entries: Entries): string {
  const manifest = JSON.parse(entries.get(blob(agent))?.toString() ?? '') as { layers: { digest: string }[] };
  return blob(manifest.layers[0]?.digest ?? '');
}
const blob = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

describe('what is in order', () => {
  test('is verified, and every part that is sent on came from the bundle', async () => {
    const { files, description, images, rootFingerprint: fingerprint } = value(await verify(newer));
    const entries = await entriesOf(newer);
    expect(
      Object.keys(files.metadata)
        .map((name) => `metadata/${name}`)
        .toSorted(),
    ).toEqual([...entries.keys()].filter((name) => name.startsWith('metadata/')).toSorted());
    expect(description).toEqual({ schema: 1, releases: ['4.1.12', '4.2.7'], hasImages: true });
    expect(images.map(({ repository }) => repository)).toContain(agentRepository);
    expect(fingerprint).toBe(rootFingerprint(entries.get('metadata/1.root.json') ?? Buffer.alloc(0)));
  });

  test('a repository folder is taken as it lies, and an unpacked part of one too', async () => {
    const files = openCarriedFolder(publisher.repositoryDirectory);
    const whole = value(await verifyBundle({ files, name: 'the folder' }));
    expect(whole).toMatchObject({ description: undefined, images: [], verified: { notCarried: [] } });

    const unpacked = fresh('unpacked');
    for (const [name, content] of await entriesOf(part)) {
      await mkdir(path.dirname(path.join(unpacked, name)), { recursive: true });
      await writeFile(path.join(unpacked, name), content);
    }
    const some = value(await verifyBundle({ files: openCarriedFolder(unpacked), name: 'the folder' }));
    expect(some).toMatchObject({ description: { releases: ['4.2.7'] }, verified: { notCarried: ['4.1.12'] } });
    expect(some.images).toHaveLength(2);
    await rm(path.join(unpacked, blob(agent)));
    expect(said(await verifyBundle({ files: openCarriedFolder(unpacked), name: 'the folder' }))).toMatch(/is missing/);
  });

  test('a part is taken on top of what the control plane holds', async () => {
    const { verified, files } = value(await verify(part, { trust: await trustAfter(older) }));
    expect(verified.releases.map(({ platformVersion }) => platformVersion)).toEqual(['4.1.12', '4.2.7']);
    expect(verified.notCarried).toEqual([]);
    expect(Object.keys(files.targets).filter((name) => name.startsWith('releases/'))).toHaveLength(1);
  });

  test('the same twice is taken, as is a newer one after an older one', async () => {
    expect(said(await verify(newer, { trust: await trustAfter(newer) }))).toBe('ok');
    expect(said(await verify(newer, { trust: await trustAfter(older) }))).toBe('ok');
  });
});

describe('whose releases they are', () => {
  test('an older bundle after a newer one is a rollback', async () => {
    expect(said(await verify(older, { trust: await trustAfter(newer) }))).toMatch(/^rollback: /);
  });

  test('a bundle of another publisher is refused', async () => {
    const other = await startFakePublisher(fresh('other'), { registryUrl: registry.url });
    await other.publish('4.2.7');
    const theirs = await bundle(other);
    expect(said(await verify(theirs, { trust: await trustAfter(newer) }))).toMatch(/^signature-wrong: /);
  });

  test('a fingerprint given out of band decides, however it is written', async () => {
    const fingerprint = rootFingerprint((await entriesOf(newer)).get('metadata/1.root.json') ?? Buffer.alloc(0));
    for (const given of [fingerprint, fingerprint.toUpperCase().replaceAll('-', ''), ` ${fingerprint} `]) {
      expect(said(await verify(newer, { rootFingerprint: given }))).toBe('ok');
    }
    const wrong = fingerprint.replace(/^./, (first) => (first === '0' ? '1' : '0'));
    expect(said(await verify(newer, { rootFingerprint: wrong }))).toMatch(/^root-unknown: No root in the bundle/);
    const trust = await trustAfter(newer);
    expect(said(await verify(newer, { rootFingerprint: wrong, trust }))).toMatch(/^root-unknown: None of this control/);
  });
});

describe('after the root was rotated', () => {
  let rotated: Buffer;
  const rootIn = async (archive: Buffer, version: number) =>
    (await entriesOf(archive)).get(`metadata/${version}.root.json`) ?? Buffer.alloc(0);
  const rootsOf = ({ files }: VerifiedBundle) => Object.keys(files.metadata).filter((name) => name.includes('root'));
  beforeAll(async () => {
    await publisher.rotateRoot();
    rotated = await bundle(publisher);
  });

  test('a control plane that has the first root follows, and a new one begins with it', async () => {
    const followed = value(await verify(rotated, { trust: await trustAfter(newer) }));
    expect(followed.verified.rootFingerprint).toBe(rootFingerprint(await rootIn(rotated, 2)));
    expect(rootsOf(value(await verify(rotated)))).toEqual(['1.root.json', '2.root.json']);
  });

  test('trust begins at the root that has the fingerprint, and an older one counts for nothing', async () => {
    const fingerprint = rootFingerprint(await rootIn(rotated, 2));
    const begun = value(await verify(rotated, { rootFingerprint: fingerprint }));
    expect(begun.rootFingerprint).toBe(fingerprint);
    expect(rootsOf(begun)).toEqual(['2.root.json']);

    // A stranger's root that claims to lead to the true one: whoever began with it would follow the stranger next.
    const stranger = await startFakePublisher(fresh('stranger'), { registryUrl: registry.url });
    await stranger.publish('4.9.9');
    const entries = await entriesOf(rotated);
    entries.set('metadata/1.root.json', await rootIn(await bundle(stranger), 1));
    const led = value(await verify(toArchive(entries), { rootFingerprint: fingerprint }));
    expect(rootsOf(led)).toEqual(['2.root.json']);
    expect(said(await verify(toArchive(entries)))).toMatch(/^signature-wrong: /);
  });
});

type Edit = (entries: Entries) => void;

describe('a bundle is refused with', () => {
  test.each<readonly [string, Edit, RegExp]>([
    [
      'other bytes in a layer',
      (entries) => {
        const layer = layerOf(entries);
        const bytes = Buffer.from(entries.get(layer) ?? '');
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        entries.set(layer, bytes);
      },
      /bundle-invalid: .*gatehouse\/agent@.*, the blob sha256:\w+ has other content/,
    ],
    [
      'a layer that is shorter',
      (entries) => entries.set(layerOf(entries), Buffer.from('x')),
      /has 1 bytes instead of \d+/,
    ],
    ['a layer that is missing', (entries) => entries.delete(layerOf(entries)), /the blob sha256:\w+ is missing/],
    [
      'a manifest that is missing',
      (entries) => entries.delete(blob(agent)),
      /image-invalid: .* the manifest sha256:\w+ is missing/,
    ],
    [
      'another manifest under the digest',
      (entries) => {
        const bytes = Buffer.from(entries.get(blob(agent)) ?? '');
        bytes[bytes.length - 2] = 0x20;
        entries.set(blob(agent), bytes);
      },
      /image-invalid: .* has other content/,
    ],
    [
      'an image that the index leaves out',
      (entries) => {
        const index = json(entries, 'index.json') as { manifests: { digest: string }[] };
        put(entries, 'index.json', { ...index, manifests: index.manifests.filter(({ digest }) => digest !== agent) });
      },
      /the image registry\.example\/gatehouse\/agent@sha256:\w+ is missing/,
    ],
    [
      'an image that the index says to be huge',
      (entries) => {
        const index = json(entries, 'index.json') as { manifests: { digest: string; size: number }[] };
        for (const one of index.manifests) one.size = 60_000_000_000;
        put(entries, 'index.json', index);
      },
      /the manifest sha256:\w+ has 60000000000 bytes/,
    ],
    [
      'an image that the index says to be something else',
      (entries) => {
        const index = json(entries, 'index.json') as { manifests: { mediaType: string }[] };
        for (const one of index.manifests) one.mediaType = 'application/vnd.docker.distribution.manifest.v1+json';
        put(entries, 'index.json', index);
      },
      /neither a manifest nor an index/,
    ],
    [
      'a manifest that the index says to be of another kind',
      (entries) => {
        const index = json(entries, 'index.json') as { manifests: { digest: string; mediaType: string }[] };
        for (const one of index.manifests)
          if (one.digest === agent) one.mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
        put(entries, 'index.json', index);
      },
      /says that it is application\/vnd\.oci\.image\.manifest\.v1\+json, and is named as/,
    ],
    [
      'an image that no release names',
      (entries) => {
        const bytes = Buffer.from('not asked for');
        entries.set(blob(sha256Digest(bytes)), bytes);
      },
      /it holds blobs\/sha256\/\w+, which the signed documents of its releases do not name/,
    ],
    [
      'a document that no metadata names',
      (entries) => entries.set('targets/releases/4.9.9.json', Buffer.from('{}')),
      /it holds targets\/releases\/4\.9\.9\.json/,
    ],
    [
      'metadata of no use',
      (entries) => entries.set('metadata/99.targets.json', Buffer.from('{}')),
      /it holds metadata\/99\.targets\.json/,
    ],
    [
      'a file that is no part of a bundle',
      (entries) => entries.set('install.sh', Buffer.from('#!/bin/sh')),
      /archive-foreign: The archive holds "install\.sh"/,
    ],
    [
      'a document with other bytes',
      (entries) => {
        const name = nameIn(entries, /^targets\/releases\/\w+\.4\.2\.7\.json$/);
        entries.set(name, Buffer.from((entries.get(name)?.toString() ?? '').replace('For a test.', 'For a best.')));
      },
      /digest-mismatch: releases\/4\.2\.7\.json is not the file that was signed/,
    ],
    [
      'a document that grew',
      (entries) => entries.set(nameIn(entries, /^targets\/profiles\//), Buffer.alloc(3_000_000, ' ')),
      /file-too-large: profiles\//,
    ],
    [
      'a profile that is missing',
      (entries) => entries.delete(nameIn(entries, /^targets\/profiles\//)),
      /file-missing: .*profiles\//,
    ],
    [
      'a release that it is said to bring and does not',
      (entries) => entries.delete(nameIn(entries, /^targets\/releases\/\w+\.4\.2\.7\.json$/)),
      /file-missing: .*releases\/4\.2\.7\.json/,
    ],
    [
      'a release that it is said to bring and nobody signed',
      (entries) => put(entries, 'gatehouse-bundle.json', { schema: 1, releases: ['4.9.9'], hasImages: true }),
      /unknown-release: .*4\.9\.9/,
    ],
    [
      'fewer releases said than it brings',
      (entries) => put(entries, 'gatehouse-bundle.json', { schema: 1, releases: ['4.1.12'], hasImages: true }),
      /it holds blobs\/sha256\/\w+, which/,
    ],
    [
      'images that it is said not to bring',
      (entries) =>
        put(entries, 'gatehouse-bundle.json', { schema: 1, releases: ['4.1.12', '4.2.7'], hasImages: false }),
      /it holds (oci-layout|index\.json|blobs)/,
    ],
    [
      'no word of what it brings',
      (entries) => entries.delete('gatehouse-bundle.json'),
      /gatehouse-bundle\.json is missing/,
    ],
    ['a form of later times', (entries) => put(entries, 'gatehouse-bundle.json', { schema: 2 }), /a newer gatehouse/],
    ['no layout', (entries) => entries.delete('oci-layout'), /oci-layout is missing/],
    [
      'no timestamp',
      (entries) => entries.delete('metadata/timestamp.json'),
      /repository-missing: .*timestamp\.json is missing/,
    ],
    [
      'a snapshot that is missing',
      (entries) => entries.delete(nameIn(entries, /snapshot\.json$/)),
      /repository-missing: .*snapshot\.json is missing/,
    ],
    ['no root', (entries) => entries.delete('metadata/1.root.json'), /root-unknown: .*no root of trust/],
    [
      'targets that somebody edited',
      (entries) => {
        const name = nameIn(entries, /\.targets\.json$/);
        entries.set(name, Buffer.from((entries.get(name)?.toString() ?? '').replace('4.2.7', '4.2.8')));
      },
      /^(digest-mismatch|signature-wrong|metadata-malformed): /,
    ],
    [
      'metadata without end',
      (entries) => entries.set('metadata/timestamp.json', Buffer.alloc(6_000_000, ' ')),
      /larger than metadata may be/,
    ],
  ])('%s', async (_, edit, expected) => {
    const entries = await entriesOf(newer);
    edit(entries);
    expect(said(await verify(toArchive(entries)))).toMatch(expected);
  });

  test('its tail cut off at any place', async () => {
    for (let length = 0; length < newer.length - 512; length += 7919) {
      expect(said(await verify(newer.subarray(0, length)))).toMatch(/^archive-malformed: .*cut off/);
    }
  });
});
