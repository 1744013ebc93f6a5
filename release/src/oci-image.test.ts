import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256Digest } from './canonical-json.ts';
import { buildImage, buildLayer, type ImageFile, type ImageLayer, writeImageArchive } from './oci-image.ts';

const run = promisify(execFile);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-image-'));
});
afterEach(() => rm(folder, { recursive: true }));

const files: readonly ImageFile[] = [
  { path: '/app/agent.mjs', mode: 0o644, content: 'console.log("ready")\n' },
  { path: '/usr/local/bin/node', mode: 0o755, content: new Uint8Array(513) },
];

function imageOf(...layers: ImageLayer[]) {
  return buildImage({
    architecture: 'amd64',
    layers,
    entrypoint: ['/usr/local/bin/node', '/app/agent.mjs'],
    user: '10001:10001',
  });
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString());
}

test('a layer holds the files with their modes, folders above them, and nothing of who built it when', async () => {
  const layer = await buildLayer(files);
  await writeFile(path.join(folder, 'layer.tar'), gunzipSync(layer.bytes));
  const { stdout } = await run('tar', ['-tf', 'layer.tar'], { cwd: folder });
  expect(stdout.trim().split('\n')).toEqual([
    'app/',
    'app/agent.mjs',
    'usr/',
    'usr/local/',
    'usr/local/bin/',
    'usr/local/bin/node',
  ]);
  await run('tar', ['-xpf', 'layer.tar'], { cwd: folder });
  const modeAndTime = async (name: string) => {
    const { mode, mtimeMs } = await stat(path.join(folder, name));
    return [mode & 0o777, mtimeMs];
  };
  expect(await modeAndTime('app')).toEqual([0o755, 0]);
  expect(await modeAndTime('app/agent.mjs')).toEqual([0o644, 0]);
  expect(await modeAndTime('usr/local/bin/node')).toEqual([0o755, 0]);
  expect(await readFile(path.join(folder, 'app/agent.mjs'), 'utf8')).toBe('console.log("ready")\n');
  expect(layer.diffId).toBe(sha256Digest(gunzipSync(layer.bytes)));
});

test('the same files give the same digest, in any order, whenever they were written', async () => {
  const sourceFile = path.join(folder, 'agent.mjs');
  const build = async (time: Date) => {
    await writeFile(sourceFile, 'console.log("ready")\n', { mode: 0o600 });
    await utimes(sourceFile, time, time);
    return imageOf(await buildLayer([{ path: '/app/agent.mjs', mode: 0o644, sourceFile }]));
  };
  const first = await build(new Date('2001-02-03T04:05:06Z'));
  expect(await build(new Date('2026-11-23T00:00:00Z'))).toEqual(first);
  expect((await buildLayer(files.toReversed())).digest).toBe((await buildLayer(files)).digest);
});

test.each<[string, ImageFile]>([
  ['a content', { path: '/app/agent.mjs', mode: 0o644, content: 'console.log("readz")\n' }],
  ['a mode', { path: '/app/agent.mjs', mode: 0o755, content: 'console.log("ready")\n' }],
  ['a path', { path: '/app/agent.js', mode: 0o644, content: 'console.log("ready")\n' }],
])('%s more or less gives another digest', async (_, changed) => {
  const [agent, ...rest] = files;
  expect(agent).not.toEqual(changed);
  expect(imageOf(await buildLayer([changed, ...rest])).digest).not.toBe(imageOf(await buildLayer(files)).digest);
});

test('what runs, as whom and from which layers is in the config, and the manifest pins it', async () => {
  const lower = await buildLayer(files);
  const upper = await buildLayer([{ path: '/etc/release', mode: 0o644, content: '4.2.7' }]);
  const image = buildImage({
    architecture: 'arm64',
    layers: [lower, upper],
    entrypoint: ['/usr/local/bin/node', '/app/agent.mjs'],
    environment: { B: '2', A: '1' },
    user: '10001:10001',
    workingDirectory: '/app',
    labels: { 'org.opencontainers.image.version': '4.2.7' },
  });
  expect(parse(image.config.bytes)).toMatchObject({
    architecture: 'arm64',
    os: 'linux',
    config: {
      Entrypoint: ['/usr/local/bin/node', '/app/agent.mjs'],
      Env: ['A=1', 'B=2'],
      User: '10001:10001',
      WorkingDir: '/app',
      Labels: { 'org.opencontainers.image.version': '4.2.7' },
    },
    rootfs: { type: 'layers', diff_ids: [lower.diffId, upper.diffId] },
  });
  expect(parse(image.manifest.bytes)).toMatchObject({
    schemaVersion: 2,
    config: { digest: sha256Digest(image.config.bytes), size: image.config.bytes.length },
    layers: [lower, upper].map(({ digest, bytes }) => ({ digest, size: bytes.length })),
  });
  expect(image.digest).toBe(sha256Digest(image.manifest.bytes));
});

test('an archive holds each blob under its digest, and an index that names the image', async () => {
  const image = imageOf(await buildLayer(files));
  await writeFile(path.join(folder, 'image.tar'), writeImageArchive(image, 'registry.example.org/agent:4.2.7'));
  await run('tar', ['-xf', 'image.tar'], { cwd: folder });
  for (const blob of [image.manifest, image.config, ...image.layers]) {
    const stored = await readFile(path.join(folder, 'blobs', blob.digest.replace(':', '/')));
    expect(sha256Digest(stored)).toBe(blob.digest);
  }
  expect(parse(await readFile(path.join(folder, 'index.json')))).toMatchObject({
    manifests: [
      {
        digest: image.digest,
        platform: { architecture: 'amd64', os: 'linux' },
        annotations: { 'org.opencontainers.image.ref.name': '4.2.7' },
      },
    ],
  });
});

test.each([
  ['relative', ['app/agent.mjs']],
  ['upwards', ['/app/../agent.mjs']],
  ['ending in a slash', ['/app/']],
  ['twice', ['/app', '/app']],
  ['a file and a folder', ['/app', '/app/agent.mjs']],
  ['a folder and a file', ['/app/agent.mjs', '/app']],
  ['beyond ASCII', ['/äpp']],
  ['too long', [`/${'a'.repeat(101)}`]],
])('a path that cannot be is refused: %s', async (_, paths) => {
  await expect(buildLayer(paths.map((name) => ({ path: name, mode: 0o644, content: '' })))).rejects.toThrow(/path/i);
});
