/**
 * Repositories of ours before TUF clients that others wrote, served by a plain file server: what our own client and our own
 * publisher might both get wrong in the same way shows here.
 */

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { canonicalJson, sha256Digest } from '@gatehouse/release/canonical-json';
import type { PublicKey, SigningKey } from '@gatehouse/release/key-file';
import { generateKey, generateKeys, openKey, readKeyFolder } from '@gatehouse/release/keys';
import type { Outcome } from '@gatehouse/release/outcome';
import { prepareRelease, publishRelease } from '@gatehouse/release/publish-release';
import { publishRequest } from '@gatehouse/release/publish-request';
import { prepareRotation, type RootRotation } from '@gatehouse/release/rotate-root';
import { sampleSource } from '@gatehouse/release/sample-releases';
import { signRequest } from '@gatehouse/release/signing-request';
import { publishTargets, readRepository, refreshRepository } from '@gatehouse/release/tuf-repository';
import { providedPublishingTools } from '@gatehouse/testkit/provided-publishing-tools';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientResult, pythonTuf, type TufClient, tufJs } from '../../src/outside-tuf-clients.ts';
import { type StaticServer, startStaticServer } from '../../src/static-server.ts';

const now = new Date();
const later = (days: number) => new Date(now.getTime() + days * 86_400_000);

let scratch = '';
let served = '';
let server: StaticServer;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'gatehouse-tuf-clients-'));
  server = await startStaticServer(() => served);
});
afterAll(async () => {
  await server?.stop();
  await rm(scratch, { recursive: true, force: true });
});

let counter = 0;
function fresh(name: string): string {
  counter += 1;
  return path.join(scratch, `${counter}-${name}`);
}

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}

interface Publisher {
  readonly directory: string;
  readonly keysDirectory: string;
  /** Of the people who sign; the folder holds only their public halves. */
  readonly signers: readonly SigningKey[];
}

async function signer(role: 'root' | 'targets'): Promise<SigningKey> {
  const file = path.join(fresh('signer'), `${role}.key.json`);
  value(await generateKey({ file, role }));
  return value(await openKey(file));
}

async function online({ keysDirectory }: Publisher): Promise<readonly SigningKey[]> {
  return value(await (await readKeyFolder(keysDirectory)).open(['snapshot', 'timestamp']));
}

/** Two of three root keys and two of three targets keys, each on a machine of its own; 4.1.12 is published. */
async function newPublisher(): Promise<Publisher> {
  const signers: SigningKey[] = [];
  for (const role of ['root', 'targets'] as const) for (const _ of [1, 2, 3]) signers.push(await signer(role));
  const keysDirectory = fresh('keys');
  value(await generateKeys(keysDirectory, { publicKeys: signers }));
  const publisher = { directory: fresh('repository'), keysDirectory, signers };
  await publish(publisher, '4.1.12');
  return publisher;
}

async function publish(publisher: Publisher, version: '4.1.12' | '4.2.7'): Promise<void> {
  const { directory, keysDirectory, signers } = publisher;
  const order = {
    repositoryDirectory: directory,
    keysDirectory,
    now,
    agentBundle: Buffer.from(`the agent ${version}`),
  };
  const { request } = value(await prepareRelease({ ...order, source: sampleSource(version) }));
  const some = [...signers.filter(isRole('root')).slice(0, 2), ...signers.filter(isRole('targets')).slice(0, 2)];
  const asked = request.root ? some : some.filter(isRole('targets'));
  const signed = value(signRequest(request, asked));
  value(await publishRequest({ directory, request: signed, keys: await online(publisher), now }));
}

const isRole = (role: string) => (key: PublicKey) => key.role === role;

/** With signatures of everybody who is asked, and `more` for keys that are new. */
async function rotate(
  publisher: Publisher,
  rotation: RootRotation,
  more: readonly SigningKey[] = [],
): Promise<Publisher> {
  const request = value(await prepareRotation({ repositoryDirectory: publisher.directory, rotation, now }));
  const everybody = [...publisher.signers, ...more];
  const asked = everybody.filter(({ role }) =>
    role === 'root' ? request.root : role === 'targets' && request.targets,
  );
  for (const key of asked) signRequest(request, [key]);
  const keys = [...(await online(publisher)), ...more];
  value(await publishRequest({ directory: publisher.directory, request, keys, now }));
  const gone = rotation.remove ?? [];
  return { ...publisher, signers: everybody.filter(({ keyId }) => !gone.includes(keyId)) };
}

function first(publisher: Publisher, role: string): SigningKey {
  const key = publisher.signers.find(isRole(role));
  if (!key) throw new Error(`no ${role} key`);
  return key;
}

const clients: readonly (readonly [string, () => TufClient])[] = [
  ['python-tuf', () => pythonTuf(providedPublishingTools().python)],
  ['tuf-js', () => tufJs],
];

describe.each(clients)('%s', (_name, makeClient) => {
  const release = (version: string) => `releases/${version}.json`;
  /** An installation: the first time with the root, then with what it keeps. */
  function install(directory: string) {
    const metadata = fresh('metadata');
    const targets = fresh('targets');
    let root: string | undefined = path.join(directory, 'metadata', '1.root.json');
    return async (from: string, names: readonly string[] = []): Promise<ClientResult> => {
      served = from;
      const order = { metadata, targets, url: server.url, names, ...(root === undefined ? {} : { root }) };
      root = undefined;
      return makeClient()(order);
    };
  }
  const expectVersions = (result: ClientResult, versions: readonly string[]) => {
    if (result.kind === 'refused') throw new Error(result.reason);
    for (const version of versions)
      expect(JSON.parse(result.files[release(version)] ?? '')).toMatchObject({ platformVersion: version });
  };

  test('takes what two of three signed, follows publications and refreshes', async () => {
    const publisher = await newPublisher();
    const installed = install(publisher.directory);
    expectVersions(await installed(publisher.directory, [release('4.1.12')]), ['4.1.12']);
    await publish(publisher, '4.2.7');
    expectVersions(await installed(publisher.directory, [release('4.1.12'), release('4.2.7')]), ['4.1.12', '4.2.7']);
    value(await refreshRepository({ directory: publisher.directory, keys: await online(publisher), now: later(1) }));
    expectVersions(await installed(publisher.directory), []);
    expectVersions(await install(publisher.directory)(publisher.directory, [release('4.2.7')]), ['4.2.7']);
  });

  test('follows three rotations of the root at once, thresholds and targets keys among them', async () => {
    let publisher = await newPublisher();
    const installed = install(publisher.directory);
    expectVersions(await installed(publisher.directory), []);
    const newRoot = await signer('root');
    publisher = await rotate(publisher, { add: [newRoot], remove: [first(publisher, 'root').keyId] }, [newRoot]);
    const newTargets = await signer('targets');
    const stolen = publisher.signers
      .filter(isRole('targets'))
      .slice(0, 2)
      .map(({ keyId }) => keyId);
    publisher = await rotate(publisher, { add: [newTargets], remove: stolen }, [newTargets]);
    publisher = await rotate(publisher, { thresholds: { root: 3, targets: 1 } });
    await publish(publisher, '4.2.7');
    expect(value(await readRepository(publisher.directory)).root.signed.version).toBe(4);
    expectVersions(await installed(publisher.directory, [release('4.2.7')]), ['4.2.7']);
    expectVersions(await install(publisher.directory)(publisher.directory, [release('4.1.12')]), ['4.1.12']);
  });

  test('recovers from stolen snapshot and timestamp keys that jumped ahead, once they are replaced', async () => {
    const publisher = await newPublisher();
    const installed = install(publisher.directory);
    const stolen = await online(publisher);
    const forged = fresh('forged');
    await cp(publisher.directory, forged, { recursive: true });
    for (let jump = 0; jump < 20; jump += 1) value(await refreshRepository({ directory: forged, keys: stolen, now }));
    expectVersions(await installed(forged), []);
    const behind = await installed(publisher.directory);
    expect(behind).toMatchObject({ kind: 'refused' });

    const fresher = fresh('keys');
    value(await generateKeys(fresher));
    const replacing = value(await (await readKeyFolder(fresher)).open(['snapshot', 'timestamp']));
    await rotate(publisher, { add: replacing, remove: stolen.map(({ keyId }) => keyId) }, replacing);
    const { snapshot } = value(await readRepository(publisher.directory));
    expect(snapshot.signed.version).toBeLessThan(20);
    expectVersions(await installed(publisher.directory, [release('4.1.12')]), ['4.1.12']);
    // What the thief still signs counts for nobody who has seen the new root.
    expect(await installed(forged)).toMatchObject({ kind: 'refused' });
  });

  test.each([1, 2])('takes no targets that one of three signed, its signature %i times in them', async (times) => {
    const publisher = await newPublisher();
    const { directory } = publisher;
    const forged = fresh('forged');
    await cp(directory, forged, { recursive: true });
    const { targets, snapshot, timestamp } = value(await readRepository(directory));
    const keys = await online(publisher);
    const write = (name: string, signed: unknown, by: readonly SigningKey[]) => {
      const data = Buffer.from(canonicalJson(signed));
      const bytes = canonicalJson({ signed, signatures: by.map((key) => ({ keyid: key.keyId, sig: key.sign(data) })) });
      return writeFile(path.join(forged, 'metadata', name), bytes).then(() => ({
        length: bytes.length,
        hashes: { sha256: sha256Digest(bytes).slice('sha256:'.length) },
      }));
    };
    // Snapshot and timestamp are in order: whoever has stolen the online keys can sign them.
    const one = first(publisher, 'targets');
    const asTargets = await write(
      '2.targets.json',
      { ...targets.signed.toJSON(), version: 2 },
      Array.from({ length: times }, () => one),
    );
    const meta = { 'targets.json': { ...asTargets, version: 2 } };
    const asSnapshot = await write(
      '2.snapshot.json',
      { ...snapshot.signed.toJSON(), version: 2, meta },
      keys.filter(isRole('snapshot')),
    );
    const snapshotMeta = { 'snapshot.json': { ...asSnapshot, version: 2 } };
    await write(
      'timestamp.json',
      { ...timestamp.signed.toJSON(), version: 2, meta: snapshotMeta },
      keys.filter(isRole('timestamp')),
    );
    const result = await install(directory)(forged);
    expect(result.kind === 'refused' && result.reason).toMatch(
      times === 1 ? /signed by 1\/2/ : /deserialize|multiple signatures/,
    );
  });

  test('reads a repository of one key for each role, as small publishers have it', async () => {
    const keysDirectory = fresh('keys');
    const directory = fresh('repository');
    value(await generateKeys(keysDirectory));
    const order = { repositoryDirectory: directory, keysDirectory, source: sampleSource('4.1.12'), now };
    value(await publishRelease({ ...order, agentBundle: Buffer.from('the agent') }));
    expectVersions(await install(directory)(directory, [release('4.1.12')]), ['4.1.12']);
    const keys = value(await (await readKeyFolder(keysDirectory)).open(['targets', 'snapshot', 'timestamp']));
    const nothing: never[] = [];
    value(await publishTargets({ directory, keys, targets: nothing, now }));
    expectVersions(await install(directory)(directory, [release('4.1.12')]), ['4.1.12']);
  });
});
