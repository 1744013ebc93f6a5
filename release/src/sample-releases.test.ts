import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import { loadPublisherKeys } from './keys.ts';
import type { Outcome } from './outcome.ts';
import { listRepository } from './publish-release.ts';
import { buildRelease } from './release-builder.ts';
import { decodeRepositoryFiles, type RepositoryFiles, readRepositoryFiles, verifyImport } from './release-import.ts';
import { sampleVersions } from './sample-profiles.ts';
import { ensureSampleReleases, publishSandboxRelease, type SampleReleases, sampleSource } from './sample-releases.ts';
import { openTrustedReleases } from './trusted-releases.ts';
import { publishTargets } from './tuf-repository.ts';

const now = new Date();
let scratch = '';
let agentEntry = '';
let samples: SampleReleases;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-samples-'));
  await writeFile(path.join(scratch, 'package.json'), '{"type":"module"}');
  agentEntry = path.join(scratch, 'main.ts');
  await writeFile(agentEntry, 'declare const GATEHOUSE_AGENT_VERSION: string; console.log(GATEHOUSE_AGENT_VERSION);');
  samples = await ensureSampleReleases({ directory: path.join(scratch, 'sandbox'), agentEntry, now });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}

function codes(outcome: Outcome<unknown>): readonly string[] {
  return outcome.kind === 'refused' ? outcome.reasons.map(({ code }) => code) : [];
}

async function repositoryFiles(): Promise<RepositoryFiles> {
  return value(decodeRepositoryFiles(value(await readRepositoryFiles(samples.repositoryDirectory))));
}

test('the samples verify, and Kubernetes moves one minor', async () => {
  const imported = value(await verifyImport({ files: await repositoryFiles() }));
  expect(imported.releases.map(({ platformVersion }) => platformVersion).toSorted()).toEqual(['4.1.12', '4.2.7']);
  const minors = sampleVersions.map((version) => {
    const release = imported.releases.find(({ platformVersion }) => platformVersion === version);
    expect(Object.keys(release?.profiles ?? {}).toSorted()).toEqual(['maas', 'openstack', 'vsphere']);
    const profile = imported.profiles[release?.profiles['vsphere']?.digest ?? ''];
    return profile?.layers.find(({ kind }) => kind === 'kubernetes')?.packs[0]?.version.split('.')[1];
  });
  expect(minors).toEqual(['26', '27']);
  expect(imported.releases.find(({ platformVersion }) => platformVersion === '4.2.7')?.upgradeFrom).toEqual([
    { from: '4.1.12' },
  ]);
  expect(imported.rootFingerprint).toBe(samples.rootFingerprint);
});

test('every sample profile changes each layer, deletes an object, and marks what goes before the nodes', () => {
  const [before, after] = sampleVersions.map((version) =>
    value(buildRelease(sampleSource(version), { publishedAt: now, agentBundle: Buffer.from('agent') })),
  );
  for (const provider of ['vsphere', 'maas', 'openstack']) {
    const layers = (built: typeof before) => built?.profiles[provider]?.layers ?? [];
    for (const [index, layer] of layers(before).entries()) {
      expect(canonicalJson(layer)).not.toBe(canonicalJson(layers(after)[index]));
    }
    const names = (built: typeof before) =>
      layers(built).flatMap(({ packs }) =>
        packs.flatMap(({ objects }) => objects.map(({ kind, metadata }) => canonicalJson([kind, metadata]))),
      );
    expect(names(before).filter((name) => !names(after).includes(name)).length).toBeGreaterThan(0);
    expect(layers(after).some(({ packs }) => packs.some(({ secretPaths }) => secretPaths.length > 0))).toBe(true);
  }
});

test('profiles have the same digest wherever and whenever they are built', async () => {
  const again = await ensureSampleReleases({
    directory: path.join(scratch, 'again'),
    agentEntry,
    now: new Date(now.getTime() + 5_000_000),
  });
  const digests = async ({ repositoryDirectory }: SampleReleases) =>
    value(await listRepository(repositoryDirectory)).releases.map(({ platformVersion, profiles, agent }) => ({
      platformVersion,
      profiles,
      agent,
    }));
  expect(await digests(again)).toEqual(await digests(samples));
  expect(again.rootFingerprint).not.toBe(samples.rootFingerprint);
});

test('a second start changes nothing', async () => {
  const timestamp = path.join(samples.repositoryDirectory, 'metadata', 'timestamp.json');
  const before = await readFile(timestamp, 'utf8');
  expect(await ensureSampleReleases({ directory: path.join(scratch, 'sandbox'), agentEntry, now })).toEqual(samples);
  expect(await readFile(timestamp, 'utf8')).toBe(before);
  const keyMode = (await stat(path.join(samples.keysDirectory, 'root.key.json'))).mode & 0o777;
  expect(keyMode).toBe(0o600);
});

test('a start that was killed leaves nothing in the way', async () => {
  const directory = path.join(scratch, 'killed', 'sandbox');
  await mkdir(path.join(`${directory}.unfinished-abc`, 'keys'), { recursive: true });
  await ensureSampleReleases({ directory, agentEntry, now });
  expect(await readdir(path.dirname(directory))).toEqual(['sandbox']);
});

test('a folder of something else is not taken for samples', async () => {
  const directory = path.join(scratch, 'other');
  await mkdir(directory);
  await expect(ensureSampleReleases({ directory, agentEntry, now })).rejects.toThrow('holds no sample releases');
});

test('an import that was tampered with is refused as a whole', async () => {
  const files = await repositoryFiles();
  const names = Object.keys(files.targets);
  expect(names.length).toBeGreaterThanOrEqual(2 + 6 + 2);
  for (const name of names) {
    const targets = { ...files.targets, [name]: Buffer.from('tampered') };
    expect(codes(await verifyImport({ files: { ...files, targets } }))).toEqual(['digest-mismatch']);
    const { [name]: _, ...without } = files.targets;
    expect(codes(await verifyImport({ files: { ...files, targets: without } }))).toEqual(['file-missing']);
  }
});

test('an import under another root, without a root, or with what is no base64 is refused', async () => {
  const files = await repositoryFiles();
  const other = await ensureSampleReleases({ directory: path.join(scratch, 'theirs'), agentEntry, now });
  expect(codes(await verifyImport({ files, root: other.root }))).toEqual(['signature-wrong']);
  const { '1.root.json': _, ...metadata } = files.metadata;
  expect(codes(await verifyImport({ files: { ...files, metadata } }))).toEqual(['file-missing']);
  expect(codes(decodeRepositoryFiles({ metadata: { 'timestamp.json': 'no base64!' }, targets: {} }))).toEqual([
    'metadata-malformed',
  ]);
});

test('a target of a kind that this program does not know is verified all the same', async () => {
  const { repositoryDirectory: directory, keysDirectory } = await ensureSampleReleases({
    directory: path.join(scratch, 'more'),
    agentEntry,
    now,
  });
  const keys = value(await loadPublisherKeys(keysDirectory));
  value(
    await publishTargets({ directory, keys, targets: [{ path: 'later/thing.json', bytes: Buffer.from('{}') }], now }),
  );
  const files = value(decodeRepositoryFiles(value(await readRepositoryFiles(directory))));
  expect(codes(await verifyImport({ files }))).toEqual([]);
  const name = Object.keys(files.targets).find((target) => target.startsWith('later/')) ?? '';
  const targets = { ...files.targets, [name]: Buffer.from('[]') };
  expect(codes(await verifyImport({ files: { ...files, targets } }))).toEqual(['digest-mismatch']);
});

test('later imports: only what is new is carried, and an older repository is refused', async () => {
  const before = await repositoryFiles();
  const first = value(await verifyImport({ files: before }));
  value(
    await publishSandboxRelease({
      directory: path.join(scratch, 'sandbox'),
      version: '4.2.8',
      agentBundle: Buffer.from('process.exit(1)'),
      notes: '',
      now,
    }),
  );
  const after = await repositoryFiles();
  const added = Object.fromEntries(Object.entries(after.targets).filter(([name]) => !(name in before.targets)));
  const second = value(
    await verifyImport({
      files: { ...after, targets: added },
      root: first.root,
      stored: first.stored,
      held: async (file) => first.files.targets[file],
    }),
  );
  const [release, sample] = ['4.2.8', '4.2.7'].map((version) =>
    second.releases.find(({ platformVersion }) => platformVersion === version),
  );
  expect(release?.profiles).toEqual(sample?.profiles);
  expect(release?.agent.digest).toBe(sha256Digest('process.exit(1)'));
  const back = await verifyImport({
    files: before,
    root: second.root,
    stored: second.stored,
  });
  expect(codes(back)).toEqual(['rollback']);
});

test('what an import gives is enough for an agent, under the names by which it asks', async () => {
  const { files, releases } = value(await verifyImport({ files: await repositoryFiles() }));
  const trusted = value(
    await openTrustedReleases({
      root: samples.root,
      fetchFile: async (kind, file) => files[kind][file],
    }),
  );
  value(await trusted.refresh());
  for (const { platformVersion } of releases) {
    const release = value(await trusted.release(platformVersion));
    for (const provider of Object.keys(release.profiles)) value(await trusted.profile(release, provider));
    expect(sha256Digest(value(await trusted.agentBundle(release)))).toBe(release.agent.digest);
  }
});
