import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import { generateKeys, type Keys, loadKeys, loadPublisherKeys } from './keys.ts';
import type { Outcome } from './outcome.ts';
import type { Expiry } from './repository-settings.ts';
import type { TufTarget } from './signing-request.ts';
import {
  openTrustedReleases,
  profilePath,
  releasePath,
  rootFingerprint,
  type TrustedReleases,
} from './trusted-releases.ts';
import { createRepository, publishTargets } from './tuf-repository.ts';

const now = new Date();
const day = 86_400_000;

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-trusted-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

let counter = 0;
function freshPath(name: string): string {
  counter += 1;
  return path.join(scratch, `${counter}-${name}`);
}

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}

function codes(outcome: Outcome<unknown>): readonly string[] {
  return outcome.kind === 'refused' ? outcome.reasons.map(({ code }) => code) : [];
}

type Repository = { readonly directory: string; readonly keys: Keys; readonly root: Uint8Array };

async function newRepository(more: { expiry?: Expiry; at?: Date; keys?: Keys } = {}): Promise<Repository> {
  const keysDirectory = freshPath('keys');
  value(await generateKeys(keysDirectory));
  const keys = more.keys ?? value(await loadKeys(keysDirectory));
  const directory = freshPath('repository');
  const { root } = value(await createRepository({ directory, keys, now: more.at ?? now, ...withExpiry(more.expiry) }));
  return { directory, keys, root };
}

async function publish({ directory, keys }: Repository, targets: readonly TufTarget[], expiry?: Expiry) {
  return publishTargets({ directory, keys, targets, now, ...withExpiry(expiry) });
}

function withExpiry(expiry: Expiry | undefined) {
  return expiry === undefined ? {} : { expiry };
}

async function open(
  repository: Repository,
  more: { root?: Uint8Array; stored?: Readonly<Record<string, Uint8Array>>; edit?: Edit } = {},
): Promise<TrustedReleases> {
  return value(
    await openTrustedReleases({
      root: more.root ?? repository.root,
      ...(more.stored === undefined ? {} : { stored: more.stored }),
      fetchFile: async (kind, file) => {
        let bytes: Buffer | undefined;
        try {
          bytes = await readFile(path.join(repository.directory, kind, file));
        } catch {
          bytes = undefined;
        }
        return more.edit === undefined ? bytes : more.edit(`${kind}/${file}`, bytes);
      },
    }),
  );
}
type Edit = (file: string, bytes: Buffer | undefined) => Buffer | undefined;

const profile = {
  schema: 1,
  provider: 'maas',
  version: '4.2.7',
  layers: [{ kind: 'os', packs: [] }],
};
const profileBytes = Buffer.from(canonicalJson(profile));

function releaseDocument(version = '4.2.7', digest = sha256Digest(profileBytes)) {
  return {
    schema: 1,
    platformVersion: version,
    publishedAt: '2026-11-23T10:42:00Z',
    channels: ['stable'],
    serverMinimum: '0.1.0',
    agent: {
      version,
      repository: 'registry.example/gatehouse/agent',
      digest: sha256Digest('agent'),
      kubernetes: { min: '1.26.0', max: '1.30.0' },
    },
    profileNeedsAgent: version,
    profiles: { maas: { version: '4.2.7', digest } },
    notes: '',
  };
}

function asTarget(targetPath: string, document: unknown): TufTarget {
  return { path: targetPath, bytes: Buffer.from(canonicalJson(document)) };
}

const profileTarget: TufTarget = { path: profilePath(sha256Digest(profileBytes)), bytes: profileBytes };
const releaseTarget = asTarget(releasePath('4.2.7'), releaseDocument());

describe('a repository that is in order', () => {
  test('gives release and profile, and the metadata kept from one time serves the next', async () => {
    const repository = await newRepository();
    value(await publish(repository, [releaseTarget, profileTarget]));
    const first = await open(repository);
    expect(value(await first.refresh())).toEqual({ targetsVersion: 2 });
    const release = value(await first.release('4.2.7'));
    expect(release.profiles['maas']?.version).toBe('4.2.7');
    expect(value(await first.profile(release, 'maas'))).toEqual(profile);
    expect(value(await first.versions())).toEqual(['4.2.7']);
    const stored = await first.stored();
    expect(Object.keys(stored)).toEqual(['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);

    const second = await open(repository, { stored });
    expect(value(await second.refresh())).toEqual({ targetsVersion: 2 });

    value(await publish(repository, [asTarget(releasePath('4.2.8'), releaseDocument('4.2.8'))]));
    expect(value(await second.refresh())).toEqual({ targetsVersion: 3 });
    expect(value(await second.release('4.2.8')).platformVersion).toBe('4.2.8');
  });

  test('answers from what was kept while its metadata cannot be fetched', async () => {
    const repository = await newRepository();
    value(await publish(repository, [releaseTarget]));
    const first = await open(repository);
    value(await first.refresh());
    const second = await open(repository, {
      stored: await first.stored(),
      edit: (file, bytes) => {
        if (file.startsWith('metadata/')) throw new Error('connect ECONNREFUSED');
        return bytes;
      },
    });
    expect(codes(await second.refresh())).toEqual(['repository-unreachable']);
    expect(value(await second.release('4.2.7')).platformVersion).toBe('4.2.7');
  });

  test('says that a release or profile is unknown', async () => {
    const repository = await newRepository();
    value(await publish(repository, [releaseTarget, profileTarget]));
    const trusted = await open(repository);
    expect(codes(await trusted.release('4.9.9'))).toEqual(['unknown-release']);
    const release = value(await trusted.release('4.2.7'));
    expect(codes(await trusted.profile(release, 'vsphere'))).toEqual(['unknown-target']);
    expect(codes(await trusted.profile(release, 'constructor'))).toEqual(['unknown-target']);
    expect(codes(await trusted.agentBundle(release))).toEqual(['unknown-target']);
  });
});

describe('refused', () => {
  test('a target whose bytes were changed, and one that is missing', async () => {
    const repository = await newRepository();
    value(await publish(repository, [releaseTarget]));
    const changed = await open(repository, {
      edit: (file, bytes) =>
        file.startsWith('targets/') ? Buffer.from(bytes?.toString().replace('stable', 'hacked') ?? '') : bytes,
    });
    expect(codes(await changed.release('4.2.7'))).toEqual(['digest-mismatch']);
    const missing = await open(repository, {
      edit: (file, bytes) => (file.startsWith('targets/') ? undefined : bytes),
    });
    expect(codes(await missing.release('4.2.7'))).toEqual(['file-missing']);
  });

  test.each(['timestamp.json', '2.snapshot.json', '2.targets.json'])('%s with another signature', async (name) => {
    const repository = await newRepository();
    value(await publish(repository, [releaseTarget]));
    const file = path.join(repository.directory, 'metadata', name);
    const text = await readFile(file, 'utf8');
    const changed = text.replace(
      /("sig":")(.)/,
      (_, before: string, digit: string) => before + (digit === '0' ? '1' : '0'),
    );
    expect(changed).not.toBe(text);
    await writeFile(file, changed);
    // Snapshot and targets are held by their digest before a signature is looked at.
    const expected = name === 'timestamp.json' ? 'signature-wrong' : 'digest-mismatch';
    expect(codes(await (await open(repository)).refresh())).toEqual([expected]);
  });

  test('targets signed by a key that the root does not name for them', async () => {
    const repository = await newRepository();
    const keys = { ...repository.keys, targets: { ...repository.keys.snapshot, role: 'targets' as const } };
    expect(codes(await publishTargets({ ...repository, keys, targets: [], now }))).toEqual(['repository-invalid']);
    const forged = await newRepository({ keys });
    const trusted = await open(forged, { root: repository.root });
    expect(codes(await trusted.refresh())).toEqual(['signature-wrong']);
  });

  test('the root of somebody else', async () => {
    const mine = await newRepository();
    const theirs = await newRepository();
    value(await publish(theirs, [releaseTarget]));
    const trusted = await open(theirs, { root: mine.root });
    expect(codes(await trusted.refresh())).toEqual(['signature-wrong']);
    expect(codes(await trusted.release('4.2.7'))).toEqual(['signature-wrong']);
    expect(Object.keys(await trusted.stored())).toEqual(['root.json']);
  });

  test('a root that is none', async () => {
    const outcome = await openTrustedReleases({
      root: Buffer.from('{"signed":{}}'),
      fetchFile: async () => undefined,
    });
    expect(codes(outcome)).toEqual(['metadata-malformed']);
  });

  test('a repository that goes back', async () => {
    const repository = await newRepository();
    const before = new Map<string, Buffer>();
    const metadata = path.join(repository.directory, 'metadata');
    for (const name of await readdir(metadata))
      before.set(`metadata/${name}`, await readFile(path.join(metadata, name)));
    value(await publish(repository, [releaseTarget]));
    const first = await open(repository);
    value(await first.refresh());
    const second = await open(repository, { stored: await first.stored(), edit: (file) => before.get(file) });
    expect(codes(await second.refresh())).toEqual(['rollback']);
    // What was verified before still holds.
    expect(codes(await (await open(repository, { stored: await first.stored() })).release('4.2.7'))).toEqual([]);
  });

  test.each([
    ['root', { root: 1, targets: 365, snapshot: 365, timestamp: 365 }],
    ['targets', { root: 365, targets: 1, snapshot: 365, timestamp: 365 }],
    ['snapshot', { root: 365, targets: 365, snapshot: 1, timestamp: 365 }],
    ['timestamp', { root: 365, targets: 365, snapshot: 365, timestamp: 1 }],
  ])('an expired %s', async (_, expiry) => {
    const repository = await newRepository({ expiry, at: new Date(now.getTime() - 2 * day) });
    expect(codes(await (await open(repository)).refresh())).toEqual(['metadata-expired']);
  });

  test('metadata that is missing, too large, or no JSON', async () => {
    const repository = await newRepository();
    const cases: readonly (readonly [Buffer | undefined, string])[] = [
      [undefined, 'file-missing'],
      [Buffer.alloc(100_000, ' '), 'file-too-large'],
      [Buffer.from('<html>'), 'metadata-malformed'],
    ];
    for (const [instead, code] of cases) {
      const trusted = await open(repository, {
        edit: (file, bytes) => (file === 'metadata/timestamp.json' ? instead : bytes),
      });
      expect(codes(await trusted.refresh())).toEqual([code]);
    }
  });

  test('documents that are signed but not usable', async () => {
    const repository = await newRepository();
    const otherDigest = sha256Digest(Buffer.from(canonicalJson({ ...profile, provider: 'vsphere' })));
    value(
      await publish(repository, [
        asTarget(releasePath('4.2.1'), { ...releaseDocument('4.2.1'), schema: 2 }),
        asTarget(releasePath('4.2.2'), releaseDocument('4.2.3')),
        asTarget(releasePath('4.2.4'), releaseDocument('4.2.4', otherDigest)),
        asTarget(profilePath(otherDigest), { ...profile, provider: 'vsphere' }),
        { path: releasePath('4.2.5'), bytes: Buffer.from('not JSON') },
      ]),
    );
    const trusted = await open(repository);
    for (const version of ['4.2.1', '4.2.2', '4.2.5']) {
      expect(codes(await trusted.release(version))).toEqual(['document-invalid']);
    }
    expect(codes(await trusted.profile(value(await trusted.release('4.2.4')), 'maas'))).toEqual(['document-invalid']);
  });

  test('a name under which metadata cannot be kept', async () => {
    const { root } = await newRepository();
    const outcome = await openTrustedReleases({
      root,
      stored: { '../root.json': root },
      fetchFile: async () => undefined,
    });
    expect(codes(outcome)).toEqual(['metadata-malformed']);
  });
});

describe('publishing', () => {
  test('never changes what was published', async () => {
    const repository = await newRepository();
    value(await publish(repository, [releaseTarget]));
    expect(value(await publish(repository, [releaseTarget]))).toEqual({
      rootVersion: 1,
      targetsVersion: 3,
      snapshotVersion: 3,
      timestampVersion: 3,
    });
    expect(codes(await publish(repository, [{ ...releaseTarget, bytes: Buffer.from('other') }]))).toEqual([
      'target-changed',
    ]);
  });

  test.each(['../a.json', '/a.json', 'a//b.json', 'A.json', '.hidden'])(
    'refuses the target path %s',
    async (targetPath) => {
      const repository = await newRepository();
      expect(codes(await publish(repository, [{ path: targetPath, bytes: Buffer.from('') }]))).toEqual([
        'target-path-invalid',
      ]);
    },
  );

  test('goes on where a killed publication stopped', async () => {
    const repository = await newRepository();
    // Everything but the last step was done.
    await writeFile(path.join(repository.directory, 'metadata', '2.targets.json'), 'half');
    await writeFile(path.join(repository.directory, 'metadata', 'timestamp.json.unfinished'), 'half');
    value(await publish(repository, [releaseTarget]));
    expect(value(await (await open(repository)).release('4.2.7')).platformVersion).toBe('4.2.7');
  });

  test('refuses a folder that is in use, missing, or was changed', async () => {
    const { directory, keys } = await newRepository();
    expect(codes(await createRepository({ directory, keys, now }))).toEqual(['repository-exists']);
    const targets: TufTarget[] = [];
    expect(codes(await publishTargets({ directory: freshPath('none'), keys, targets, now }))).toEqual([
      'repository-missing',
    ]);
    const other = await newRepository();
    await writeFile(
      path.join(directory, 'metadata', 'timestamp.json'),
      await readFile(path.join(other.directory, 'metadata', 'timestamp.json')),
    );
    expect(codes(await publishTargets({ directory, keys, targets, now }))).toEqual(['repository-invalid']);
  });
});

describe('keys', () => {
  test('are never overwritten, and only their owner reads them', async () => {
    const directory = freshPath('keys');
    value(await generateKeys(directory));
    expect(codes(await generateKeys(directory))).toEqual(['keys-exist']);
    const names = await readdir(directory);
    for (const name of names) expect((await stat(path.join(directory, name))).mode & 0o777).toBe(0o600);
    expect(names.toSorted()).toEqual(['root.key.json', 'snapshot.key.json', 'targets.key.json', 'timestamp.key.json']);
  });

  test('every one that is missing is named', async () => {
    const directory = freshPath('keys');
    await mkdir(directory);
    await writeFile(path.join(directory, 'snapshot.key.json'), '{}');
    const outcome = await loadPublisherKeys(directory);
    expect(codes(outcome)).toEqual(['key-missing', 'key-unreadable', 'key-missing']);
  });
});

test('the fingerprint names the root by its signed part', async () => {
  const { root } = await newRepository();
  expect(rootFingerprint(root)).toMatch(/^([0-9a-f]{4}-){15}[0-9a-f]{4}$/);
  const spelledOtherwise = Buffer.from(root)
    .toString()
    .replace(/"signatures":\[[^\]]*\]/, '"signatures": []');
  expect(rootFingerprint(Buffer.from(spelledOtherwise))).toBe(rootFingerprint(root));
  expect(rootFingerprint((await newRepository()).root)).not.toBe(rootFingerprint(root));
});
