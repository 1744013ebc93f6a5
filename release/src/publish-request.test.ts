import { cp, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import type { SigningKey } from './key-file.ts';
import { generateKeys, readKeyFolder } from './keys.ts';
import { publishRelease } from './publish-release.ts';
import { publishRequest } from './publish-request.ts';
import { prepareRotation, type RootRotation } from './rotate-root.ts';
import { sampleSource } from './sample-releases.ts';
import {
  encodeSigningRequest,
  parseSigningRequest,
  type SigningRequest,
  signatureNeeds,
  signRequest,
} from './signing-request.ts';
import {
  asAgent,
  codes,
  fresh,
  later,
  newKey,
  newRepository,
  newTeam,
  now,
  onlineKeys,
  prepare,
  publish,
  removeTeams,
  sign,
  type Team,
  value,
  versions,
} from './testing/signing-team.ts';
import { createRepository, publishTargets, readRepository, refreshRepository } from './tuf-repository.ts';

afterAll(removeTeams);

const reread = (request: SigningRequest) => value(parseSigningRequest('x', Buffer.from(encodeSigningRequest(request))));
const counts = (request: SigningRequest) =>
  signatureNeeds(request).map(({ part, signedBy }) => `${part} ${signedBy.length}`);

describe('a rotation', () => {
  const rotation = async (team: Team, wish: RootRotation) =>
    prepareRotation({ repositoryDirectory: team.directory, rotation: wish, now });

  test('is signed by the root keys before and those after; a stolen key is out from then on', async () => {
    const team = await newRepository();
    const { root, targets } = team;
    const dan = await newKey('root');
    const request = value(await rotation(team, { add: [dan], remove: [root.eve.keyId] }));
    expect(counts(sign(request, root.ann, dan))).toEqual(['root 1', 'root 2']);
    expect(codes(await publish(team, request))).toEqual(['signatures-missing']);
    value(await publish(team, sign(reread(request), root.bob)));
    expect(await versions(team)).toEqual([2, 1, 2, 2]);
    value(await asAgent(team));
    const next = value(await rotation(team, {}));
    expect(codes(signRequest(next, [root.eve]))).toEqual(['key-not-asked']);
    value(await publish(team, sign(next, root.ann, dan)));
    value(await publish(team, sign(await prepare(team, '4.2.7'), targets.ann, targets.bob)));
    expect(await versions(team)).toEqual([3, 2, 4, 4]);
    value(await asAgent(team));
  });

  test('has the targets signed anew where too few of their keys are left, in the same request', async () => {
    const team = await newRepository();
    const { root, targets } = team;
    const dan = await newKey('targets');
    const request = value(await rotation(team, { add: [dan], remove: [targets.ann.keyId] }));
    expect(signatureNeeds(request).map(({ part, by }) => `${part} ${by}`)).toEqual([
      'root trusted',
      'root new',
      'targets new',
    ]);
    expect(codes(await publish(team, sign(request, root.ann, root.bob)))).toEqual(['signatures-missing']);
    value(await publish(team, sign(request, targets.bob, dan)));
    expect(await versions(team)).toEqual([2, 2, 2, 2]);
    value(await asAgent(team));
  });

  test.each<[string, (team: Team) => RootRotation]>([
    ['no such key', () => ({ remove: ['0123456789abcdef'] })],
    ['too short a beginning', ({ root }) => ({ remove: [root.ann.keyId.slice(0, 7)] })],
    ['a threshold above its keys', () => ({ thresholds: { snapshot: 2 } })],
    ['a key in and out', ({ root }) => ({ add: [root.ann], remove: [root.ann.keyId] })],
    ['too few keys left', ({ root }) => ({ remove: [root.ann.keyId, root.bob.keyId] })],
  ])('is refused with %s', async (_, wish) => {
    const team = await newRepository();
    expect(codes(await rotation(team, wish(team)))).toEqual(['rotation-invalid']);
  });

  test('that was prepared for another root is stale, and so is one that expired while it lay there', async () => {
    const team = await newRepository();
    const { root } = team;
    const [first, second] = [value(await rotation(team, {})), value(await rotation(team, { thresholds: { root: 3 } }))];
    expect(codes(await publish(team, sign(first, root.ann, root.bob), later(366)))).toEqual(['request-expired']);
    value(await publish(team, first));
    expect(codes(await publish(team, sign(second, root.ann, root.bob, root.eve)))).toEqual(['request-stale']);
  });

  test('of snapshot and timestamp starts their versions again where a thief had driven them up', async () => {
    const team = await newRepository();
    const { directory, root } = team;
    const stolen = await onlineKeys(team);
    await driveUp(directory, stolen, 3_000_000_000);
    expect(codes(await refreshRepository({ directory, keys: stolen, now }))).toEqual(['repository-invalid']);
    const fresher = fresh('keys');
    value(await generateKeys(fresher));
    const keys = value(await (await readKeyFolder(fresher)).open(['snapshot', 'timestamp']));
    const request = value(await rotation(team, { add: keys, remove: stolen.map(({ keyId }) => keyId) }));
    value(await publishRequest({ directory, request: sign(request, root.ann, root.bob), keys, now }));
    // 1.snapshot.json was ours before; a name is not used twice.
    expect(await versions(team)).toEqual([2, 1, 2, 1]);
    value(await asAgent(team));
  });
});

/** Snapshot and timestamp at that version, signed by whoever has their keys. */
async function driveUp(directory: string, keys: readonly SigningKey[], version: number): Promise<void> {
  const { snapshot, timestamp } = value(await readRepository(directory));
  const write = async (role: string, name: string, signed: unknown) => {
    const data = Buffer.from(canonicalJson(signed));
    const signatures = keys
      .filter((key) => key.role === role)
      .map((key) => ({ keyid: key.keyId, sig: key.sign(data) }));
    const bytes = canonicalJson({ signed, signatures });
    await writeFile(path.join(directory, 'metadata', name), bytes);
    return { version, length: bytes.length, hashes: { sha256: sha256Digest(bytes).slice('sha256:'.length) } };
  };
  const named = await write('snapshot', `${version}.snapshot.json`, { ...snapshot.signed.toJSON(), version });
  const meta = { 'snapshot.json': named };
  await write('timestamp', 'timestamp.json', { ...timestamp.signed.toJSON(), version, meta });
}

describe('a refresh', () => {
  test('renews timestamp and snapshot with their keys alone, and keeps what was said about their time', async () => {
    const team = await newRepository();
    const { directory } = team;
    const keys = await onlineKeys(team);
    const day = (instant: string) => instant.slice(0, 10);
    const expected = (days: number) => later(days).toISOString().slice(0, 10);
    const first = value(await refreshRepository({ directory, keys, now, expiry: { timestamp: 30 } }));
    expect(day(first.expires.timestamp)).toBe(expected(30));
    expect(day(first.expires.snapshot)).toBe(expected(30));
    const second = value(await refreshRepository({ directory, keys, now: later(1) }));
    expect(day(second.expires.timestamp)).toBe(expected(31));
    expect(day(second.expires.targets)).toBe(day(first.expires.targets));
    expect(await versions(team)).toEqual([1, 1, 3, 3]);
    value(await publish(team, sign(await prepare(team, '4.2.7'), team.targets.ann, team.targets.bob), later(2)));
    expect(day(value(await readRepository(directory)).timestamp.signed.expires)).toBe(expected(32));
  });

  test('leaves a repository from before there were settings at a year', async () => {
    const team = await newRepository();
    await rm(path.join(team.directory, 'publisher.json'));
    const { expires } = value(
      await refreshRepository({ directory: team.directory, keys: await onlineKeys(team), now }),
    );
    expect(expires.timestamp.slice(0, 10)).toBe(later(365).toISOString().slice(0, 10));
  });

  test('without its keys, or with those of another repository, is refused', async () => {
    const team = await newRepository();
    const { directory } = team;
    expect(codes(await refreshRepository({ directory, keys: [], now }))).toEqual(['signatures-missing']);
    expect(codes(await refreshRepository({ directory, keys: await onlineKeys(await newTeam()), now }))).toEqual([
      'repository-invalid',
    ]);
  });
});

describe('a publication that is interrupted', () => {
  /** Every state that a kill can leave: the files of the change in the order in which they are written. */
  test('can be repeated from wherever it stopped', async () => {
    const team = await newRepository();
    const { directory, root, targets } = team;
    const before = fresh('before');
    await cp(directory, before, { recursive: true });
    const dan = await newKey('targets');
    const fresher = fresh('keys');
    value(await generateKeys(fresher));
    const keys = value(await (await readKeyFolder(fresher)).open(['snapshot', 'timestamp']));
    const wish = {
      add: [dan, ...keys],
      remove: [targets.ann.keyId, ...(await onlineKeys(team)).map(({ keyId }) => keyId)],
    };
    const request = value(await prepareRotation({ repositoryDirectory: directory, rotation: wish, now }));
    sign(request, root.ann, root.bob, targets.bob, dan);
    const publishWith = () => publishRequest({ directory, request: reread(request), keys, now });
    value(await publishWith());
    const after = fresh('after');
    await cp(directory, after, { recursive: true });

    const written = ['2.targets.json', '2.root.json', '2.snapshot.json'];
    for (let done = 0; done <= written.length; done += 1) {
      await rm(directory, { recursive: true });
      await cp(before, directory, { recursive: true });
      for (const name of written.slice(0, done))
        await cp(path.join(after, 'metadata', name), path.join(directory, 'metadata', name));
      await writeFile(path.join(directory, 'metadata', 'timestamp.json.unfinished'), '{"half');
      // With the new root and the old timestamp nobody can read it; agents keep what they have.
      expect(codes(await readRepository(directory))).toEqual(done >= 2 ? ['repository-invalid'] : []);
      value(await publishWith());
      expect(await versions(team)).toEqual([2, 2, 2, 2]);
      value(await asAgent(team));
    }
    // And once more, whole: nothing but the online signatures is renewed.
    value(await publishWith());
    expect(await versions(team)).toEqual([2, 2, 3, 3]);
  });

  test('in the middle of the first leaves nothing in the way', async () => {
    const team = await newTeam();
    const { root, targets } = team;
    const request = sign(await prepare(team), root.ann, root.bob, targets.ann, targets.bob);
    await mkdir(`${team.directory}.unfinished-of-a-killed-one`, { recursive: true });
    value(await publish(team, request));
    expect(await versions(team)).toEqual([1, 1, 1, 1]);
    expect((await readdir(team.directory)).toSorted()).toEqual(['metadata', 'publisher.json', 'targets']);
  });
});

describe('two publishers at once', () => {
  test('one publishes, the other is told who does', async () => {
    const keysDirectory = fresh('keys');
    const directory = fresh('repository');
    value(await generateKeys(keysDirectory));
    const order = { repositoryDirectory: directory, keysDirectory, now };
    value(await publishRelease({ ...order, source: sampleSource('4.1.12'), agentBundle: Buffer.from('agent') }));
    const keys = value(await (await readKeyFolder(keysDirectory)).open(['targets', 'snapshot', 'timestamp']));
    const many = Array.from({ length: 8 }, (_, index) =>
      publishTargets({
        directory,
        keys,
        targets: [{ path: `notes/${index}.txt`, bytes: Buffer.from(`${index}`) }],
        now,
      }),
    );
    const outcomes = await Promise.all(many);
    const published = outcomes.flatMap((outcome, index) => (outcome.kind === 'ok' ? [index] : []));
    expect(published.length).toBeGreaterThan(0);
    const others = new Set(outcomes.flatMap(codes));
    expect([...others].filter((code) => code !== 'repository-busy' && code !== 'request-stale')).toEqual([]);
    const { targets } = value(await readRepository(directory));
    const notes = Object.keys(targets.signed.targets).filter((name) => name.startsWith('notes/'));
    expect(notes.toSorted()).toEqual(published.map((index) => `notes/${index}.txt`));
    expect(await readdir(directory)).not.toContain('publisher.lock');
  });

  const lockOf = (directory: string) => path.join(directory, 'publisher.lock');
  const holder = (more: object) =>
    JSON.stringify({ host: os.hostname(), pid: process.pid, since: 'now', id: 'x', ...more });

  test.each<[string, () => string]>([
    ['one that lives', () => holder({})],
    ['one on another machine', () => holder({ host: 'elsewhere', pid: 1 })],
    ['nobody knows who', () => 'half'],
  ])('a lock of %s is respected', async (_, text) => {
    const team = await newRepository();
    await writeFile(lockOf(team.directory), text());
    const outcome = await refreshRepository({ directory: team.directory, keys: await onlineKeys(team), now });
    expect(codes(outcome)).toEqual(['repository-busy']);
    expect(await readFile(lockOf(team.directory), 'utf8')).toBe(text());
  });

  test('a lock that was left behind is not', async () => {
    const team = await newRepository();
    const { directory } = team;
    const keys = await onlineKeys(team);
    // No process has this number: it is above what Linux and macOS give.
    await writeFile(lockOf(directory), holder({ pid: 2 ** 30 }));
    value(await refreshRepository({ directory, keys, now }));
    await writeFile(lockOf(directory), holder({ host: 'elsewhere' }));
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(lockOf(directory), longAgo, longAgo);
    value(await refreshRepository({ directory, keys, now }));
    expect(await readdir(directory)).not.toContain('publisher.lock');
  });
});

test('more than agents take is not published', async () => {
  const team = await newRepository();
  const request = await prepare(team, '4.2.7');
  if (request.targets) request.targets.signed.unrecognizedFields['note'] = 'x'.repeat(4_000_000);
  expect(codes(await publish(team, sign(request, team.targets.ann, team.targets.bob)))).toEqual(['metadata-too-large']);
  expect(await versions(team)).toEqual([1, 1, 1, 1]);
});

test('a repository that was moved aside while it was published into is not made anew', async () => {
  const team = await newRepository();
  const request = sign(await prepare(team, '4.2.7'), team.targets.ann, team.targets.bob);
  await rename(team.directory, `${team.directory}-aside`);
  expect(codes(await publish(team, request))).toEqual(['repository-missing']);
});

test('the chain of roots is followed from the first: one that its forerunner did not sign is refused', async () => {
  const team = await newRepository();
  const keysDirectory = fresh('keys');
  value(await generateKeys(keysDirectory));
  const thief = fresh('thief');
  const folder = await readKeyFolder(keysDirectory);
  const [root, targets, snapshot, timestamp] = value(await folder.open(['root', 'targets', 'snapshot', 'timestamp']));
  if (!root || !targets || !snapshot || !timestamp) throw new Error('a key is missing');
  value(await createRepository({ directory: thief, keys: { root, targets, snapshot, timestamp }, now }));
  const other = value(await prepareRotation({ repositoryDirectory: thief, rotation: {}, now }));
  value(await publishRequest({ directory: thief, request: sign(other, root), keys: [snapshot, timestamp], now }));
  await cp(path.join(thief, 'metadata', '2.root.json'), path.join(team.directory, 'metadata', '2.root.json'));
  const outcome = await readRepository(team.directory);
  expect(codes(outcome)).toEqual(['repository-invalid']);
  expect(outcome.kind === 'refused' && outcome.reasons[0].message).toContain('root was signed by 0/2 keys');
});
