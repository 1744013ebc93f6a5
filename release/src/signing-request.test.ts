import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256Digest } from './canonical-json.ts';
import { describeRequest } from './describe-request.ts';
import { prepareRecall, publishRecall } from './publish-recall.ts';
import { prepareRotation } from './rotate-root.ts';
import {
  encodeSigningRequest,
  isMet,
  mergeRequests,
  parseSigningRequest,
  type SigningRequest,
  signatureNeeds,
  signRequest,
} from './signing-request.ts';
import {
  asAgent,
  codes,
  newKey,
  newRepository,
  newTeam,
  now,
  orderOf,
  prepare,
  publish,
  removeTeams,
  sign,
  type Team,
  value,
  versions,
} from './testing/signing-team.ts';

let shared: Team;
beforeAll(async () => {
  shared = await newTeam();
});
afterAll(removeTeams);

const reread = (request: SigningRequest) => value(parseSigningRequest('x', Buffer.from(encodeSigningRequest(request))));
const counts = (request: SigningRequest) =>
  signatureNeeds(request).map(({ part, signedBy }) => `${part} ${signedBy.length}`);

describe('a request', () => {
  test('is published when enough have signed it, and not before', async () => {
    const team = await newTeam();
    const { root, targets } = team;
    const request = await prepare(team);
    expect(codes(await publish(team, request))).toEqual(['signatures-missing', 'signatures-missing']);
    expect(counts(sign(request, root.ann, targets.ann, root.ann))).toEqual(['root 1', 'targets 1']);
    expect(codes(await publish(team, request))).toEqual(['signatures-missing', 'signatures-missing']);
    expect(codes(await publish(team, sign(request, root.bob)))).toEqual(['signatures-missing']);
    value(await publish(team, sign(reread(request), targets.eve)));
    expect(await versions(team)).toEqual([1, 1, 1, 1]);
    value(await asAgent(team));
  });

  test('is put together again from copies that each signer has signed', async () => {
    const team = await newTeam();
    const request = await prepare(team);
    const atAnn = sign(reread(request), team.root.ann, team.targets.ann);
    const atBob = sign(reread(request), team.root.bob, team.targets.bob);
    const merged = value(mergeRequests([atAnn, atBob]));
    expect(signatureNeeds(merged).every(isMet)).toBe(true);
    const other = await prepare(await newTeam());
    expect(codes(mergeRequests([atAnn, other]))).toEqual(['signing-requests-differ']);
  });

  test('keeps a right signature when a copy has a wrong one', async () => {
    const request = sign(await prepare(shared), shared.targets.ann);
    const text = encodeSigningRequest(request);
    const [signature = ''] = /"sig": "[0-9a-f]{128}"/.exec(text) ?? [];
    const broken = value(parseSigningRequest('x', Buffer.from(text.replace(signature, `"sig": "${'0'.repeat(128)}"`))));
    expect(counts(broken)).toEqual(['root 0', 'targets 0']);
    expect(counts(value(mergeRequests([reread(request), broken])))).toEqual(['root 0', 'targets 1']);
    expect(counts(value(mergeRequests([broken, reread(request)])))).toEqual(['root 0', 'targets 1']);
  });

  test('refuses the key of another role, and one that nobody knows', async () => {
    const request = await prepare(shared);
    const inTheWrongRole = { ...shared.targets.ann, role: 'root' as const };
    for (const key of [inTheWrongRole, await newKey('targets')]) {
      expect(codes(signRequest(request, [key]))).toEqual(['key-not-asked']);
    }
    expect(counts(request)).toEqual(['root 0', 'targets 0']);
  });

  test('is told in words, with its contents and no more than it has', async () => {
    const team = await newRepository();
    const request = sign(await prepare(team, '4.2.7'), team.targets.eve);
    const words = describeRequest(request);
    const text = words.lines.join('\n');
    expect(text).toContain('Root of trust in force: version 1');
    expect(text).toContain(words.rootFingerprint);
    expect(text).toContain('Targets version 1 -> 2');
    expect(text).toContain('adds the release 4.2.7');
    expect(text).toContain('upgrade from 4.1.12');
    expect(text).toContain('keeps the releases 4.1.12');
    expect(words.signatures).toEqual([`targets: 1 of 2 signatures (${team.targets.eve.keyId.slice(0, 12)})`]);
    expect(words.isComplete).toBe(false);
  });

  test('of a recall names what is recalled, and why', async () => {
    const team = await newRepository();
    const order = { ...orderOf(team), version: '4.1.12', reason: 'It forgets its Lease.' };
    expect(codes(await publishRecall(order))).toEqual(['signatures-missing']);
    const { request } = value(await prepareRecall(order));
    if (!request) throw new Error('nothing to sign');
    expect(describeRequest(reread(request)).lines.join('\n')).toContain('recalls 4.1.12: It forgets its Lease.');
    value(await publish(team, sign(request, team.targets.ann, team.targets.bob)));
    value(await asAgent(team));
  });
});

describe('a file that is handed to a signer', () => {
  type Parts = Record<string, unknown> & { readonly documents: Record<string, string> };
  const edited = (request: SigningRequest, edit: (file: Parts) => void) => {
    const file: Parts = JSON.parse(encodeSigningRequest(request));
    edit(file);
    return Buffer.from(JSON.stringify(file));
  };
  const isObject = (found: unknown): found is Record<string, unknown> => typeof found === 'object' && found !== null;
  const inside = (from: Readonly<Record<string, unknown>>, ...names: readonly string[]): Record<string, unknown> => {
    let found: unknown = from;
    for (const name of names) found = isObject(found) ? found[name] : undefined;
    if (!isObject(found)) throw new Error(`there is no ${names.join('.')}`);
    return found;
  };

  test.each<[string, (request: SigningRequest) => Uint8Array | Promise<Uint8Array>, string]>([
    ['no JSON', () => Buffer.from('sign here'), 'no JSON'],
    ['half written', (request) => Buffer.from(encodeSigningRequest(request).slice(0, 2000)), 'written only in part'],
    ['another JSON', () => Buffer.from('{"signed": {}, "signatures": []}'), 'another format'],
    ['a plain root', () => readFile(path.join(shared.directory, 'metadata', '1.root.json')), 'another format'],
    [
      'nothing to sign',
      (request) =>
        edited(request, (file) => {
          delete file['targets'];
        }),
      'nothing that is to be signed',
    ],
    [
      'a version that is skipped',
      (request) =>
        edited(request, (file) => {
          inside(file, 'targets', 'signed')['version'] = 9;
        }),
      'version 9 and cannot follow version 1',
    ],
    [
      'a release that is taken away',
      (request) =>
        edited(request, (file) => {
          delete inside(file, 'targets', 'signed', 'targets')['releases/4.1.12.json'];
        }),
      'takes releases/4.1.12.json away',
    ],
    [
      'a release that is changed',
      (request) =>
        edited(request, (file) => {
          const bytes = Buffer.from('{}');
          file.documents['releases/4.1.12.json'] = bytes.toString('base64');
          const hashes = { sha256: sha256Digest(bytes).slice('sha256:'.length) };
          inside(file, 'targets', 'signed', 'targets')['releases/4.1.12.json'] = { length: 2, hashes };
        }),
      'changes releases/4.1.12.json',
    ],
    [
      'another document than the metadata names',
      (request) =>
        edited(request, (file) => {
          file.documents['releases/4.2.7.json'] = Buffer.from('{}').toString('base64');
        }),
      'is not the one that is to be signed',
    ],
    [
      'a document less',
      (request) =>
        edited(request, (file) => {
          delete file.documents['releases/4.2.7.json'];
        }),
      'that document is not in it',
    ],
    [
      'a document more',
      (request) =>
        edited(request, (file) => {
          file.documents['releases/9.9.9.json'] = 'e30=';
        }),
      'which nothing in it names',
    ],
    [
      'what is in force, changed to hide an addition',
      (request) =>
        edited(request, (file) => {
          inside(file, 'publishedTargets', 'signed')['version'] = 1;
          inside(file, 'publishedTargets', 'signed', 'targets')['x'] = { length: 1, hashes: { sha256: 'a' } };
        }),
      'signed by',
    ],
    [
      'no root in force',
      (request) =>
        edited(request, (file) => {
          delete file['trustedRoot'];
        }),
      'root',
    ],
  ])('is refused with its fault: %s', async (_, make, fault) => {
    const team = await sharedRepository();
    const outcome = parseSigningRequest('hostile.json', await make(await prepare(team, '4.2.7')));
    expect(codes(outcome)).toEqual(['signing-request-invalid']);
    expect(outcome.kind === 'refused' && outcome.reasons[0].message).toContain(fault);
  });

  let repository: Promise<Team> | undefined;
  const sharedRepository = () => (repository ??= publishShared());
  async function publishShared(): Promise<Team> {
    const { root, targets } = shared;
    value(await publish(shared, sign(await prepare(shared), root.ann, root.bob, targets.ann, targets.bob)));
    return shared;
  }

  test.each<[string, (root: Record<string, unknown>) => void, string]>([
    [
      'one key under two names, to sign twice',
      (root) => {
        const keys = inside(root, 'keys');
        const [first = ''] = Object.keys(keys);
        const twin = `${'0'.repeat(63)}1`;
        Object.assign(keys, { [twin]: keys[first] });
        inside(root, 'roles', 'root')['keyids'] = [first, twin];
      },
      'is not the one of its id',
    ],
    [
      'a threshold that nobody can meet',
      (root) => {
        inside(root, 'roles', 'targets')['threshold'] = 4;
      },
      'asks targets for 4',
    ],
    [
      'a threshold of none',
      (root) => {
        inside(root, 'roles', 'snapshot')['threshold'] = 0;
      },
      'threshold',
    ],
    [
      'snapshots that are not consistent',
      (root) => {
        root['consistent_snapshot'] = false;
      },
      'consistent snapshots',
    ],
  ])('is refused with a new root that has %s', async (_, edit, fault) => {
    const team = await sharedRepository();
    const request = value(await prepareRotation({ repositoryDirectory: team.directory, rotation: {}, now }));
    const bytes = edited(request, (file) => edit(inside(file, 'root', 'signed')));
    const outcome = parseSigningRequest('hostile.json', bytes);
    expect(outcome.kind === 'refused' && outcome.reasons[0].message).toContain(fault);
  });
});
