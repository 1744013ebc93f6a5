import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import { canonicalJson, sha256Digest } from '@gatehouse/release/canonical-json';
import {
  dateOf,
  lengthAndHash,
  newKey,
  simulateRepository,
  type TestKey,
  type TufSimulator,
} from '@gatehouse/release/testing/tuf-simulator';
import { rootFingerprint } from '@gatehouse/release/trusted-releases';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMapsInMemory, type MapsInMemory } from '../cluster/maps-in-memory.ts';
import { openReleaseShelf, type ReleaseShelf, type Shelved } from './release-shelf.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

function releaseDocument(version: string): ReleaseDocument {
  return {
    schema: 1,
    platformVersion: version,
    publishedAt: '2026-11-23T10:42:00Z',
    channels: ['stable'],
    serverMinimum: '0.1.0',
    agent: {
      version,
      repository: 'registry.example/gatehouse/agent',
      digest: sha256Digest(version),
      kubernetes: { min: '1.26.0', max: '1.30.0' },
    },
    profileNeedsAgent: version,
    profiles: {},
    notes: '',
  };
}

/** The signed repository, and the targets it serves by their name with the digest. */
interface Published {
  readonly tuf: TufSimulator;
  readonly targets: Map<string, Uint8Array>;
}

function put({ tuf, targets }: Published, path: string, document: unknown): void {
  const bytes = Buffer.from(canonicalJson(document));
  const info = lengthAndHash(bytes);
  tuf.parts['targets'].targets[path] = info;
  const slash = path.lastIndexOf('/') + 1;
  targets.set(`${path.slice(0, slash)}${info.hashes.sha256}.${path.slice(slash)}`, bytes);
}

function publish(published: Published, ...versions: readonly string[]): void {
  for (const version of versions) put(published, `releases/${version}.json`, releaseDocument(version));
  published.tuf.publish('targets', 'snapshot', 'timestamp');
}

function newRepository(): Published {
  const published = { tuf: simulateRepository(start), targets: new Map<string, Uint8Array>() };
  publish(published, '4.2.7');
  return published;
}

function rootOf({ tuf }: Published, version = 1): Uint8Array {
  const bytes = tuf.files.get(`${version}.root.json`);
  if (bytes === undefined) throw new Error(`there is no root ${version}`);
  return bytes;
}

/** The next root has another key, and is signed with the one before it too. */
function rotateRoot({ tuf }: Published): void {
  const before: readonly TestKey[] = tuf.signers['root'] ?? [];
  const next = newKey();
  tuf.giveKeys('root', [next]);
  tuf.signers['root'] = [next, ...before];
  tuf.publish('root');
  tuf.signers['root'] = [next];
}

const codes = (outcome: Shelved<unknown>): readonly string[] =>
  outcome.kind === 'ok' ? [] : outcome.reasons.map(({ code }) => code);

describe('the shelf', () => {
  let published: Published;
  let world: MapsInMemory;
  let now: number;
  let monotonic: number;
  let isAway: boolean;
  let serverTime: Instant | undefined;

  beforeEach(() => {
    published = newRepository();
    now = start;
    monotonic = 0;
    isAway = false;
    serverTime = undefined;
    world = createMapsInMemory(() => now);
  });

  /** A new process each time: nothing is kept but what is in the gateway. */
  const open = (more: { root?: Uint8Array; from?: Published } = {}): Promise<ReleaseShelf> =>
    openReleaseShelf({
      cluster: world.cluster,
      root: more.root ?? rootOf(published),
      namespace: 'gatehouse-site-a',
      clock: { monotonic: () => monotonic },
      controlPlane: {
        readRepositoryFile: async (kind, file) => {
          if (isAway) throw new Error('no route to host');
          const { tuf, targets } = more.from ?? published;
          return kind === 'metadata' ? tuf.files.get(file) : targets.get(file);
        },
        time: () => serverTime,
      },
    });
  const pass = (milliseconds: number): void => {
    now += milliseconds;
    monotonic += milliseconds;
  };
  const trust = async () => (await world.cluster.readMap('trust'))?.data ?? {};

  describe('with what has begun and what is new', () => {
    test('gives both as long as metadata is current, also with the server gone', async () => {
      expect(codes(await (await open()).release('4.2.7', 'current'))).toEqual([]);
      isAway = true;
      pass(29 * day);
      const shelf = await open();
      expect(codes(await shelf.release('4.2.7', 'current'))).toEqual([]);
      expect(codes(await shelf.release('4.2.7', 'signed'))).toEqual([]);
      expect(shelf.trouble()).toEqual([]);
    });

    test('gives only what has begun once metadata has expired, and both again when it was renewed', async () => {
      await (await open()).release('4.2.7', 'current');
      isAway = true;
      pass(31 * day);
      const shelf = await open();
      expect(codes(await shelf.release('4.2.7', 'signed'))).toEqual([]);
      expect(codes(await shelf.release('4.2.7', 'current'))).toEqual(['repository-unreachable', 'metadata-expired']);
      isAway = false;
      pass(minute);
      expect(codes(await shelf.release('4.2.7', 'current'))).toEqual(['metadata-expired']);
      expect(shelf.trouble().map(({ code }) => code)).toEqual(['metadata-expired']);
      for (const part of Object.values(published.tuf.parts)) part.expires = dateOf(now + 30 * day);
      published.tuf.publish('root', 'targets', 'snapshot', 'timestamp');
      pass(minute);
      expect(codes(await shelf.release('4.2.7', 'current'))).toEqual([]);
      expect(shelf.trouble()).toEqual([]);
    });

    test('looks for what is newest before something new, but not each time', async () => {
      const shelf = await open();
      await shelf.release('4.2.7', 'current');
      publish(published, '4.2.8');
      expect(codes(await shelf.release('4.2.8', 'current'))).toContain('unknown-release');
      pass(11 * minute);
      expect(codes(await shelf.release('4.2.8', 'current'))).toEqual([]);
    });

    test('is to be refreshed every six hours, and after trouble', async () => {
      const shelf = await open();
      expect(shelf.isRefreshDue()).toBe(true);
      await shelf.refresh();
      expect(shelf.isRefreshDue()).toBe(false);
      pass(6 * hour + 1);
      expect(shelf.isRefreshDue()).toBe(true);
      isAway = true;
      await shelf.refresh();
      expect(shelf.isRefreshDue()).toBe(true);
    });
  });

  describe('when the control plane goes back', () => {
    async function seen(): Promise<Map<string, Uint8Array>> {
      const old = new Map(published.tuf.files);
      publish(published, '4.2.8');
      await (await open()).release('4.2.8', 'current');
      return old;
    }
    const serve = (files: Map<string, Uint8Array>): void => {
      published.tuf.files.clear();
      for (const [name, bytes] of files) published.tuf.files.set(name, bytes);
    };

    test('takes nothing new and says so; what has begun goes on', async () => {
      serve(await seen());
      const shelf = await open();
      expect(codes(await shelf.release('4.2.7', 'current'))).toEqual(['rollback']);
      expect(codes(await shelf.release('4.2.8', 'signed'))).toEqual([]);
      expect(shelf.trouble().map(({ code }) => code)).toEqual(['rollback']);
    });

    test('nor after the agent was installed anew in its cluster', async () => {
      serve(await seen());
      for (const name of ['target', 'state', 'inventory', 'settings', 'identity'] as const) world.deleteMap(name);
      expect(codes(await (await open()).release('4.2.7', 'current'))).toEqual(['rollback']);
    });

    test('what is kept is not set back by another pod of the agent that was told less', async () => {
      const old = new Map(published.tuf.files);
      const first = await open({ from: { ...published, tuf: { ...published.tuf, files: old } } });
      await first.refresh();
      const kept = await trust();
      publish(published, '4.2.8');
      await (await open()).refresh();
      const newer = await trust();
      expect(newer['timestamp.json']).not.toBe(kept['timestamp.json']);
      expect(codes(await first.refresh())).toEqual(['rollback']);
      expect(await trust()).toEqual(newer);
    });
  });

  describe('when files are withheld, other ones or of somebody else', () => {
    test.each([
      ['a snapshot that is withheld', ['file-missing'], () => published.tuf.files.delete('3.snapshot.json')],
      [
        'a timestamp that somebody else signed',
        ['signature-wrong'],
        () => {
          published.tuf.signers['timestamp'] = [newKey()];
          published.tuf.publish('timestamp');
        },
      ],
      [
        'a timestamp that is no metadata',
        ['metadata-malformed'],
        () => published.tuf.files.set('timestamp.json', Buffer.from('<html>')),
      ],
    ])('%s', async (_, expected, attack) => {
      await (await open()).refresh();
      publish(published, '4.2.8');
      attack();
      const shelf = await open();
      expect(codes(await shelf.release('4.2.8', 'current'))).toEqual(expected);
      expect(codes(await shelf.release('4.2.7', 'signed'))).toEqual([]);
    });

    test('a document with other bytes is refused, and not kept', async () => {
      for (const name of published.targets.keys()) published.targets.set(name, Buffer.from('x'.repeat(10)));
      expect(codes(await (await open()).release('4.2.7', 'current'))).toEqual(['digest-mismatch']);
      expect(await world.cluster.readMap('target')).toBeUndefined();
    });

    test('a document in the gateway that was changed there is fetched again', async () => {
      await (await open()).release('4.2.7', 'current');
      const map = await world.cluster.readMap('target');
      const spoiled = Object.fromEntries(Object.keys(map?.data ?? {}).map((key) => [key, 'AAAA']));
      await world.cluster.writeMap('target', spoiled, map?.resourceVersion);
      expect(codes(await (await open()).release('4.2.7', 'current'))).toEqual([]);
    });
  });

  describe('of recalled releases', () => {
    const recall = () => {
      const recalls = [{ platformVersion: '4.2.7', reason: 'It loses volumes.', recalledAt: '2026-11-23T10:42:00Z' }];
      put(published, 'recalls.json', { schema: 1, recalls });
      publish(published, '4.2.8');
    };

    test('says which are, and why', async () => {
      recall();
      const shelf = await open();
      const refused = await shelf.checkRecall('4.2.7');
      expect(codes(refused)).toEqual(['release-recalled']);
      expect(JSON.stringify(refused)).toContain('It loses volumes.');
      expect(codes(await shelf.checkRecall('4.2.8'))).toEqual([]);
    });

    test('takes none while the list that is signed is withheld', async () => {
      recall();
      for (const name of published.targets.keys()) if (name.endsWith('.recalls.json')) published.targets.delete(name);
      expect(codes(await (await open()).checkRecall('4.2.8'))).toEqual(['file-missing']);
    });

    test('has none without a list', async () => {
      expect(codes(await (await open()).checkRecall('4.2.7'))).toEqual([]);
    });
  });

  describe('between the clocks of gateway and control plane', () => {
    test.each([
      ['an hour ahead', -hour, []],
      ['an hour behind', hour, []],
      ['two days behind', 2 * day, ['clock']],
      ['two days ahead', -2 * day, ['clock']],
    ])('a gateway that is %s', async (_, difference, expected) => {
      serverTime = toInstant(now + difference);
      const shelf = await open();
      expect(codes(await shelf.release('4.2.7', 'current'))).toEqual(expected);
      await shelf.refresh();
      expect(codes(await shelf.release('4.2.7', 'signed'))).toEqual([]);
    });
  });

  describe('with the root that came with the installation', () => {
    test('follows three rotations at once, and knows any root of the chain', async () => {
      await (await open()).refresh();
      for (let times = 0; times < 3; times += 1) rotateRoot(published);
      expect(codes(await (await open()).refresh())).toEqual([]);
      expect(JSON.parse((await trust())['root.json'] ?? '').signed.version).toBe(4);
      for (const version of [1, 2, 3, 4]) {
        expect(codes(await (await open({ root: rootOf(published, version) })).release('4.2.7', 'current'))).toEqual([]);
      }
    });

    test('takes one that is newer than what it trusts, once the chain has led to it', async () => {
      await (await open()).refresh();
      rotateRoot(published);
      const shelf = await open({ root: rootOf(published, 2) });
      expect(codes(await shelf.release('4.2.7', 'current'))).toEqual([]);
    });

    test('takes one that is older than what it began with, once it has led there', async () => {
      rotateRoot(published);
      rotateRoot(published);
      await (await open({ root: rootOf(published, 3) })).release('4.2.7', 'current');
      isAway = true;
      expect(codes(await (await open({ root: rootOf(published, 1) })).release('4.2.7', 'current'))).toContain(
        'repository-unreachable',
      );
      isAway = false;
      expect(codes(await (await open({ root: rootOf(published, 1) })).release('4.2.7', 'current'))).toEqual([]);
      isAway = true;
      expect(codes(await (await open({ root: rootOf(published, 1) })).release('4.2.7', 'current'))).toEqual([]);
    });

    test.each([
      ['of the same version', 0],
      ['that is older', 2],
    ])('never follows the root of another publisher, %s, and says what to do', async (_, rotations) => {
      for (let times = 0; times < rotations; times += 1) rotateRoot(published);
      const begun = rootOf(published, 1 + rotations);
      await (await open({ root: begun })).refresh();
      const other = newRepository();
      const shelf = await open({ root: rootOf(other) });
      const refused = await shelf.release('4.2.7', 'current');
      expect(codes(refused)).toEqual(['root-differs']);
      const text = JSON.stringify(refused);
      expect(text).toContain(rootFingerprint(begun));
      expect(text).toContain(rootFingerprint(rootOf(other)));
      expect(text).toContain('kubectl -n gatehouse-site-a delete configmap gatehouse-agent-trust');
      expect(codes(await shelf.release('4.2.7', 'signed'))).toEqual([]);
      expect(shelf.trouble().map(({ code }) => code)).toEqual(['root-differs']);
    });

    test('nor when that publisher’s files are served with it', async () => {
      await (await open()).refresh();
      const other = newRepository();
      for (let times = 0; times < 3; times += 1) other.tuf.publish('timestamp');
      const refused = await (await open({ root: rootOf(other), from: other })).release('4.2.7', 'current');
      expect(codes(refused)).toEqual(expect.arrayContaining(['signature-wrong', 'root-differs']));
    });

    test('trusts it anew after a person deleted what was trusted, without a restart', async () => {
      await (await open()).refresh();
      const other = newRepository();
      const shelf = await open({ root: rootOf(other), from: other });
      expect(codes(await shelf.refresh())).toContain('root-differs');
      world.deleteMap('trust');
      expect(codes(await shelf.refresh())).toEqual([]);
      expect(codes(await shelf.release('4.2.7', 'current'))).toEqual([]);
    });

    test('says that it is none', async () => {
      const root = Buffer.from('{"signed":{}}');
      expect(codes(await (await open({ root })).release('4.2.7', 'current'))).toEqual(['metadata-malformed']);
      await (await open()).refresh();
      expect(codes(await (await open({ root })).release('4.2.7', 'current'))).toEqual(['root-differs']);
    });
  });

  describe('in the ConfigMap', () => {
    const many = (count: number) => {
      for (let index = 0; index < count; index += 1) {
        const path = `profiles/${sha256Digest(`profile ${index}`).slice(7)}.json`;
        published.tuf.parts['targets'].targets[path] = lengthAndHash(Buffer.from(String(index)));
      }
      publish(published, '4.2.7');
    };

    test('keeps large metadata compressed, and reads it again', async () => {
      await (await open()).refresh();
      expect(Object.keys(await trust())).toEqual(expect.arrayContaining(['targets.json', 'roots']));
      many(2_000);
      await (await open()).refresh();
      const kept = await trust();
      expect(Object.keys(kept)).toContain('targets.json.gz');
      expect(Object.keys(kept)).not.toContain('targets.json');
      isAway = true;
      expect(codes(await (await open()).release('4.2.7', 'signed'))).toContain('repository-unreachable');
      isAway = false;
      expect(codes(await (await open()).release('4.2.7', 'signed'))).toEqual([]);
    });

    test('takes nothing new by metadata that has no room there: it would be forgotten', async () => {
      many(12_000);
      expect(codes(await (await open()).release('4.2.7', 'current'))).toEqual(['file-too-large']);
    });

    test('says what is wrong with what somebody changed there', async () => {
      await (await open()).refresh();
      const map = await world.cluster.readMap('trust');
      await world.cluster.writeMap('trust', { 'root.json': '{}' }, map?.resourceVersion);
      expect(codes(await (await open()).release('4.2.7', 'current'))).toEqual(['metadata-malformed']);
    });
  });
});
