import { describe, expect, test } from 'vitest';
import {
  dateOf,
  type Loose,
  lengthAndHash,
  newKey,
  roles,
  signedBytes,
  simulateRepository,
  type TufSimulator,
} from './testing/tuf-simulator.ts';
import {
  defaultLimits,
  type FetchMetadata,
  matchesHashes,
  openTufClient,
  percentEncoded,
  type TufClient,
  type TufLimits,
  type TufStore,
  targetFileName,
} from './tuf-client.ts';
import { refusalOf } from './tuf-fault.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const minute = 60_000;
const day = 86_400_000;

interface Memory extends TufStore {
  readonly files: Map<string, Uint8Array>;
}

function memory(): Memory {
  const files = new Map<string, Uint8Array>();
  return {
    files,
    read: async (role) => files.get(role),
    write: async (role, bytes) => {
      files.set(role, bytes);
    },
  };
}

interface World {
  readonly repository: TufSimulator;
  readonly store: Memory;
  now: number;
  /** A client of a new process each time; only the store is kept. */
  open: (more?: { fetchMetadata?: FetchMetadata; limits?: Partial<TufLimits> }) => Promise<TufClient>;
  /** `ok`, or the code of the refusal. */
  refresh: (more?: { fetchMetadata?: FetchMetadata; limits?: Partial<TufLimits> }) => Promise<string>;
  /** Versions that are kept, by role. */
  versions: () => Record<string, number>;
}

function newWorld(repository = simulateRepository(start)): World {
  const store = memory();
  const root = repository.files.get('1.root.json');
  const world: World = {
    repository,
    store,
    now: start,
    open: ({ fetchMetadata = repository.fetch, limits } = {}) =>
      openTufClient({
        ...(root === undefined ? {} : { root }),
        store,
        fetchMetadata,
        now: async () => world.now,
        limits: { ...defaultLimits, ...limits },
      }),
    refresh: (more) => outcome(async () => (await world.open(more)).refresh()),
    versions: () =>
      Object.fromEntries(
        [...store.files].map(([role, bytes]) => [role, JSON.parse(Buffer.from(bytes).toString()).signed.version]),
      ),
  };
  return world;
}

async function outcome(task: () => Promise<unknown>): Promise<string> {
  try {
    await task();
    return 'ok';
  } catch (error) {
    return refusalOf(error).code;
  }
}

/** As after a first refresh that went well. */
async function seasonedWorld(change: (repository: TufSimulator) => void = () => {}): Promise<World> {
  const repository = simulateRepository(start);
  change(repository);
  const world = newWorld(repository);
  expect(await world.refresh()).toBe('ok');
  return world;
}

describe('a repository that is in order', () => {
  test('is asked for the next root, the timestamp, and the files they name', async () => {
    const world = newWorld();
    expect(await world.refresh()).toBe('ok');
    expect(world.repository.requests).toEqual(['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json']);
    world.repository.requests.length = 0;
    expect(await world.refresh()).toBe('ok');
    expect(world.repository.requests).toEqual(['2.root.json', 'timestamp.json']);
  });

  test('is kept byte for byte', async () => {
    const world = newWorld();
    const spelled = Buffer.concat([world.repository.files.get('timestamp.json') ?? Buffer.of(), Buffer.from(' \n')]);
    world.repository.files.set('timestamp.json', spelled);
    expect(await world.refresh()).toBe('ok');
    expect(world.store.files.get('timestamp')).toEqual(spelled);
  });

  test('may do without consistent snapshots', async () => {
    const repository = simulateRepository(start);
    repository.parts['root'].consistent_snapshot = false;
    repository.publish('root', 'targets', 'snapshot', 'timestamp');
    const world = newWorld(repository);
    expect(await world.refresh()).toBe('ok');
    expect(repository.requests.slice(-3)).toEqual(['timestamp.json', 'snapshot.json', 'targets.json']);
  });

  test('may give lengths and hashes', async () => {
    const world = await seasonedWorld((repository) => {
      repository.usesHashes = true;
      repository.publish('targets', 'snapshot', 'timestamp');
    });
    expect(world.versions()).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 2 });
  });

  test('may have fields that nobody knows: they are within what is signed', async () => {
    const world = await seasonedWorld((repository) => {
      repository.parts['targets']['x-custom'] = { b: [1, null, true], a: 'ümläut "\\ 😀', '😀': 1, '\uff5e': 2 };
      repository.publish('targets', 'snapshot', 'timestamp');
    });
    expect(world.versions()['targets']).toBe(2);
  });

  test.each(['ed25519', 'ecdsa', 'ecdsa384', 'rsa'] as const)('may be signed with %s', async (kind) => {
    const world = await seasonedWorld((repository) => {
      repository.giveKeys('targets', [newKey(kind)]);
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    });
    expect(world.versions()).toEqual({ root: 2, timestamp: 2, snapshot: 2, targets: 2 });
  });

  test('may name keys of kinds that nobody knows, as long as the others are enough', async () => {
    const world = await seasonedWorld((repository) => {
      const known = newKey();
      repository.giveKeys('targets', [known, { ...newKey(), entry: { keytype: 'x', scheme: 'x', keyval: {} } }], 1);
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    });
    expect(world.versions()['targets']).toBe(2);
  });

  test('may carry a signature that is wrong beside enough that are right', async () => {
    const world = await seasonedWorld((repository) => {
      const [right, wrong, empty] = [newKey(), newKey(), newKey()];
      repository.giveKeys(
        'targets',
        [right, { ...wrong, sign: () => 'ab'.repeat(64) }, { ...empty, sign: () => '' }],
        1,
      );
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    });
    expect(world.versions()['targets']).toBe(2);
  });
});

describe('root rotation', () => {
  test('is followed three at once', async () => {
    const world = await seasonedWorld();
    const { repository } = world;
    for (let rotation = 0; rotation < 3; rotation += 1) {
      const [old] = repository.signers['root'] ?? [];
      const next = newKey();
      repository.parts['root'].keys[next.id] = next.entry;
      repository.parts['root'].roles.root = { keyids: [next.id], threshold: 1 };
      repository.signers['root'] = [next, ...(old === undefined ? [] : [old])];
      repository.publish('root');
      repository.signers['root'] = [next];
    }
    expect(await world.refresh()).toBe('ok');
    expect(world.versions()['root']).toBe(4);
  });

  test('goes on in the next refresh where there are more than are followed in one', async () => {
    const world = await seasonedWorld();
    for (let version = 2; version <= 6; version += 1) world.repository.publish('root');
    expect(await world.refresh({ limits: { rootRotationsMax: 3 } })).toBe('ok');
    expect(world.versions()['root']).toBe(4);
    expect(await world.refresh({ limits: { rootRotationsMax: 3 } })).toBe('ok');
    expect(world.versions()['root']).toBe(6);
  });

  test.each([
    [
      'not signed by the keys before it',
      'signature-wrong',
      (repository: TufSimulator) => repository.giveKeys('root', [newKey()]),
    ],
    [
      'not signed by its own keys',
      'signature-wrong',
      (repository: TufSimulator) => {
        const before = repository.signers['root'] ?? [];
        repository.giveKeys('root', [newKey()]);
        repository.signers['root'] = before;
      },
    ],
    [
      'that leaves out a version',
      'metadata-inconsistent',
      (repository: TufSimulator) => (repository.parts['root'].version = 2),
    ],
    [
      'that has the version of the one before',
      'rollback',
      (repository: TufSimulator) => (repository.parts['root'].version = 0),
    ],
  ])('a root %s is refused', async (_, code, change) => {
    const world = await seasonedWorld();
    const { repository } = world;
    change(repository);
    repository.publish('root');
    const { version } = repository.parts['root'];
    repository.files.set('2.root.json', repository.files.get(`${version}.root.json`) ?? Buffer.of());
    expect(await world.refresh()).toBe(code);
    expect(world.versions()['root']).toBe(1);
  });

  test('an expired one between two others is passed', async () => {
    const world = await seasonedWorld();
    const { repository } = world;
    repository.parts['root'].expires = dateOf(start - 10 * day);
    repository.publish('root');
    repository.parts['root'].expires = dateOf(start + 10 * day);
    repository.publish('root');
    expect(await world.refresh()).toBe('ok');
  });

  test('a revoked timestamp key: what it had signed in advance no longer counts', async () => {
    const world = await seasonedWorld((repository) => {
      repository.parts['timestamp'].version = 2 ** 52;
      repository.publish('timestamp');
    });
    const { repository } = world;
    repository.giveKeys('timestamp', [newKey()]);
    repository.parts['timestamp'].version = 1;
    repository.publish('root', 'timestamp');
    expect(await world.refresh()).toBe('ok');
    expect(world.versions()['timestamp']).toBe(2);
  });

  test('revoked snapshot and timestamp keys: snapshot and targets may go back', async () => {
    const world = await seasonedWorld((repository) => {
      repository.parts['snapshot'].version = 99;
      repository.parts['targets'].version = 99;
      repository.publish('targets', 'snapshot', 'timestamp');
    });
    const { repository } = world;
    repository.giveKeys('timestamp', [newKey()]);
    repository.giveKeys('snapshot', [newKey()]);
    repository.parts['snapshot'].version = 1;
    repository.parts['targets'].version = 1;
    repository.publish('root', 'targets', 'snapshot', 'timestamp');
    expect(await world.refresh()).toBe('ok');
    expect(world.versions()).toMatchObject({ snapshot: 2, targets: 2 });
  });
});

describe('freeze', () => {
  test.each(roles)('an expired %s is refused, and kept from becoming what is trusted', async (role) => {
    const world = await seasonedWorld();
    const { repository } = world;
    repository.parts[role].expires = dateOf(start - 2 * 60 * minute);
    repository.publish('root', 'targets', 'snapshot', 'timestamp');
    expect(await world.refresh()).toBe('metadata-expired');
    // A root is followed also when it has expired: the one after it may not have.
    expect(world.versions()[role]).toBe(role === 'root' ? 2 : 1);
  });

  test('the same timestamp for ever is refused once it has expired, and what it named is no longer current', async () => {
    const world = await seasonedWorld();
    world.now = start + 30 * day + 61 * minute;
    const client = await world.open();
    expect(await outcome(client.refresh)).toBe('metadata-expired');
    expect(await outcome(client.current)).toBe('metadata-expired');
    expect((await client.signed()).version).toBe(1);
  });

  test.each(roles)('a %s that is kept and has expired is no longer enough', async (role) => {
    const world = await seasonedWorld((repository) => {
      repository.parts[role].expires = dateOf(start + day);
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    });
    world.now = start + 2 * day;
    const client = await world.open();
    expect(await outcome(client.refresh)).toBe('metadata-expired');
    expect(await outcome(client.current)).toBe('metadata-expired');
  });

  test('a clock that is wrong by up to an hour does not matter', async () => {
    const world = await seasonedWorld();
    world.now = start + 30 * day + 59 * minute;
    expect(await world.refresh()).toBe('ok');
  });
});

describe('rollback', () => {
  test.each([
    [
      'the timestamp',
      ({ parts, publish }: TufSimulator) => {
        parts['timestamp'].version = 1;
        publish('timestamp');
      },
    ],
    [
      'the snapshot that the timestamp names',
      ({ parts, publish }: TufSimulator) => {
        parts['snapshot'].version = 1;
        publish('snapshot', 'timestamp');
      },
    ],
    [
      'the targets that the snapshot names',
      ({ parts, publish }: TufSimulator) => {
        parts['targets'].version = 1;
        publish('targets', 'snapshot', 'timestamp');
      },
    ],
    [
      'a role that the snapshot no longer names',
      ({ parts, publish }: TufSimulator) => {
        delete parts['snapshot'].meta['old.json'];
        publish('snapshot', 'timestamp');
      },
    ],
  ])('of %s', async (_, attack) => {
    for (const usesHashes of [false, true]) {
      const world = await seasonedWorld((repository) => {
        repository.usesHashes = usesHashes;
        repository.parts['snapshot'].meta['old.json'] = { version: 3 };
        for (let times = 0; times < 3; times += 1) repository.publish('targets', 'snapshot', 'timestamp');
      });
      const before = world.versions();
      attack(world.repository);
      expect(await world.refresh()).toBe('rollback');
      expect({ ...world.versions(), timestamp: 0 }).toEqual({ ...before, timestamp: 0 });
    }
  });

  test('a timestamp of the version that is there, with other contents, is left alone', async () => {
    const world = await seasonedWorld();
    world.repository.parts['timestamp'].meta['snapshot.json'].version = 77;
    world.repository.parts['timestamp'].version = 0;
    world.repository.publish('timestamp');
    expect(await world.refresh()).toBe('ok');
    expect(world.repository.requests.at(-1)).toBe('timestamp.json');
  });

  test('targets that the newest snapshot does not name are no longer current', async () => {
    const world = await seasonedWorld();
    world.repository.publish('targets', 'snapshot', 'timestamp');
    world.repository.files.delete('2.targets.json');
    const client = await world.open();
    expect(await outcome(client.refresh)).toBe('file-missing');
    expect(world.versions()).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 1 });
    expect(await outcome(client.current)).toBe('file-missing');
    expect((await client.signed()).version).toBe(1);
  });

  test('what was seen holds although the refresh did not come to its end', async () => {
    const world = await seasonedWorld();
    const { repository } = world;
    const old = repository.files.get('timestamp.json') ?? Buffer.of();
    repository.publish('snapshot', 'timestamp');
    repository.files.delete('2.snapshot.json');
    const client = await world.open();
    expect(await outcome(client.refresh)).toBe('file-missing');
    expect(world.versions()).toEqual({ root: 1, timestamp: 2, snapshot: 1, targets: 1 });
    // Not to begin anything by, but what has begun can be finished.
    expect(await outcome(client.current)).toBe('file-missing');
    expect((await client.signed()).version).toBe(1);
    repository.files.set('timestamp.json', old);
    expect(await world.refresh()).toBe('rollback');
  });
});

describe('files that do not belong together', () => {
  test.each([
    ['snapshot', '2.snapshot.json', 'metadata-inconsistent'],
    ['targets', '2.targets.json', 'metadata-inconsistent'],
  ])('a later %s under the name of the one that is named', async (role, name, code) => {
    const world = await seasonedWorld();
    const { repository } = world;
    repository.publish('targets', 'snapshot', 'timestamp');
    repository.serve(name, role, { ...repository.parts[role], version: 3 });
    expect(await world.refresh()).toBe(code);
  });

  test.each([['snapshot'], ['targets']])('an earlier %s under the name of the one that is named', async (role) => {
    const world = await seasonedWorld();
    const { repository } = world;
    repository.publish('targets', 'snapshot', 'timestamp');
    repository.files.set(`2.${role}.json`, repository.files.get(`1.${role}.json`) ?? Buffer.of());
    expect(await world.refresh()).toBe('rollback');
  });

  test.each([['snapshot'], ['targets']])('another %s of the same version, held by its hash', async (role) => {
    const world = await seasonedWorld((repository) => (repository.usesHashes = true));
    const { repository } = world;
    repository.publish('targets', 'snapshot', 'timestamp');
    repository.serve(`2.${role}.json`, role, { ...repository.parts[role], expires: dateOf(start + 31 * day) });
    expect(await world.refresh()).toBe('digest-mismatch');
  });

  test('a snapshot that does not name the targets', async () => {
    const repository = simulateRepository(start);
    repository.parts['snapshot'].meta = {};
    repository.publish('snapshot', 'timestamp');
    expect(await newWorld(repository).refresh()).toBe('metadata-inconsistent');
  });

  test.each(['timestamp.json', '2.snapshot.json', '2.targets.json'])('%s is not there', async (name) => {
    const world = await seasonedWorld();
    world.repository.publish('targets', 'snapshot', 'timestamp');
    world.repository.files.delete(name);
    expect(await world.refresh()).toBe('file-missing');
  });

  test('a snapshot in the place of a timestamp, signed by the timestamp key too', async () => {
    const repository = simulateRepository(start);
    const snapshot = { ...repository.parts['snapshot'], meta: { 'snapshot.json': { version: 1 } }, version: 2 };
    repository.serve('timestamp.json', 'timestamp', snapshot);
    expect(await newWorld(repository).refresh()).toBe('metadata-malformed');
  });
});

describe('signatures', () => {
  const publishAll = (repository: TufSimulator) => repository.publish('root', 'targets', 'snapshot', 'timestamp');

  test.each(['timestamp', 'snapshot', 'targets'] as const)('%s by a key of another role', async (role) => {
    const repository = simulateRepository(start);
    repository.signers[role] = [...(repository.signers[role === 'targets' ? 'snapshot' : 'targets'] ?? [])];
    repository.publish('targets', 'snapshot', 'timestamp');
    expect(await newWorld(repository).refresh()).toBe('signature-wrong');
  });

  test('fewer than the threshold', async () => {
    const repository = simulateRepository(start);
    const keys = [newKey(), newKey(), newKey()];
    repository.giveKeys('targets', keys, 2);
    repository.signers['targets'] = keys.slice(0, 1);
    publishAll(repository);
    expect(await newWorld(repository).refresh()).toBe('signature-wrong');
  });

  test('a threshold that the keys cannot reach', async () => {
    const repository = simulateRepository(start);
    repository.giveKeys('targets', [newKey()], 2);
    publishAll(repository);
    expect(await newWorld(repository).refresh()).toBe('signature-wrong');
  });

  test('one key twice, under two key ids', async () => {
    const repository = simulateRepository(start);
    const key = newKey();
    repository.giveKeys('targets', [key, { ...key, id: 'another-id' }], 2);
    publishAll(repository);
    expect(await newWorld(repository).refresh()).toBe('signature-wrong');
  });

  test.each([
    ['the same signature twice', (part: Loose, keys: Loose[]) => signedBytes(part, [keys[0], keys[0]])],
    [
      'a role that names a key twice',
      (part: Loose, keys: Loose[]) => {
        const { targets } = part.roles;
        return signedBytes(
          {
            ...part,
            roles: { ...part.roles, targets: { ...targets, keyids: [...targets.keyids, ...targets.keyids] } },
          },
          keys,
        );
      },
    ],
    [
      'a threshold of 0',
      (part: Loose, keys: Loose[]) =>
        signedBytes({ ...part, roles: { ...part.roles, targets: { keyids: [], threshold: 0 } } }, keys),
    ],
  ])('%s', async (_, forge) => {
    const world = await seasonedWorld();
    const { repository } = world;
    const next = { ...repository.parts['root'], version: 2 };
    repository.files.set('2.root.json', forge(next, repository.signers['root'] ?? []));
    expect(await world.refresh()).toBe('metadata-malformed');
  });

  test.each([
    ['an RSA key that is too short', () => newKey('rsa-short')],
    [
      'a key on another curve than its scheme says',
      () => {
        const key = newKey('ecdsa384');
        return { ...key, entry: { ...key.entry, scheme: 'ecdsa-sha2-nistp256' } };
      },
    ],
    [
      'a key whose scheme belongs to another type',
      () => {
        const key = newKey('ecdsa');
        return { ...key, entry: { ...key.entry, keytype: 'ed25519' } };
      },
    ],
    [
      'a scheme called constructor',
      () => {
        const key = newKey();
        return { ...key, entry: { ...key.entry, scheme: 'constructor' } };
      },
    ],
  ])('%s counts for nothing', async (_, make) => {
    const repository = simulateRepository(start);
    repository.giveKeys('targets', [make()]);
    publishAll(repository);
    expect(await newWorld(repository).refresh()).toBe('signature-wrong');
  });

  test('a trusted root that is not signed by its own keys, or none at all, is not begun with', async () => {
    const repository = simulateRepository(start);
    repository.signers['root'] = [newKey()];
    repository.serve('1.root.json', 'root', repository.parts['root']);
    expect(await newWorld(repository).refresh()).toBe('signature-wrong');
    expect(repository.requests).toEqual([]);
    const none = openTufClient({ store: memory(), fetchMetadata: repository.fetch, now: async () => start });
    expect(await outcome(() => none)).toBe('file-missing');
  });
});

describe('bytes that are no metadata', () => {
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const timestamps: readonly (readonly [string, (text: string) => string | Buffer])[] = [
    ['no JSON', () => '<html>'],
    ['nothing', () => ''],
    ['a list', () => '[]'],
    ['JSON after a mark of the byte order', (text) => `\ufeff${text}`],
    ['not UTF-8', (text) => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"x":"\xff"}', 'latin1')])],
    ['deeper than a stack', (text) => text.replace('"signed":{', `"signed":{"x":${deep(7_000)},`)],
    ['deep outside of what is signed', (text) => `{"x":${deep(7_000)},${text.slice(1)}`],
    ['a version of 2^53', (text) => text.replace('"version":1,"expires"', `"version":${2 ** 53},"expires"`)],
    ['a version of 1.5', (text) => text.replace('"version":1,"expires"', '"version":1.5,"expires"')],
    ['a version of 0', (text) => text.replace('"version":1,"expires"', '"version":0,"expires"')],
    ['a version that is text', (text) => text.replace('"version":1,"expires"', '"version":"1","expires"')],
    [
      'a version only of its prototype',
      (text) => text.replace('"version":1,"expires"', '"__proto__":{"version":1},"expires"'),
    ],
    ['a date that is none', (text) => text.replace(/"expires":"[^"]*"/, '"expires":"2099-13-01T00:00:00Z"')],
    ['a date of another form', (text) => text.replace(/"expires":"[^"]*"/, '"expires":"2099-01-01"')],
    ['of another major version', (text) => text.replace('"1.0.31"', '"2.0.0"')],
    ['a fraction where nobody looks', (text) => text.replace('"signed":{', '"signed":{"x":0.5,')],
    ['half of a surrogate pair', (text) => text.replace('"signed":{', '"signed":{"x":"\\ud800",')],
    ['signatures that are no list', (text) => text.replace(/"signatures":\[.*\]/, '"signatures":{}')],
    ['a signature without a key', (text) => text.replace('"keyid"', '"keyed"')],
    ['a snapshot without a version', (text) => text.replace('{"version":1}', '{}')],
    ['a snapshot of a negative length', (text) => text.replace('{"version":1}', '{"version":1,"length":-1}')],
    ['a snapshot with no hash among its hashes', (text) => text.replace('{"version":1}', '{"version":1,"hashes":{}}')],
  ];
  test.each(timestamps)('%s', async (_, spoil) => {
    const repository = simulateRepository(start);
    const text = Buffer.from(repository.files.get('timestamp.json') ?? []).toString();
    const spoiled = spoil(text);
    expect(Buffer.from(spoiled).toString()).not.toBe(text);
    repository.files.set('timestamp.json', Buffer.from(spoiled));
    expect(await newWorld(repository).refresh()).toBe('metadata-malformed');
  });

  test('names such as __proto__ are names like any other', async () => {
    const repository = simulateRepository(start);
    const targets = `{"__proto__":${JSON.stringify(lengthAndHash(Buffer.from('x')))}}`;
    repository.parts['targets'].targets = JSON.parse(targets);
    repository.publish('targets', 'snapshot', 'timestamp');
    const world = newWorld(repository);
    const client = await world.open();
    await client.refresh();
    expect((await client.find('__proto__'))?.length).toBe(1);
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) expect(await client.find(name)).toBeUndefined();
    expect(Object.hasOwn(Object.prototype, 'length')).toBe(false);
  });

  test('kept metadata that was spoiled counts as not there, and the root as none', async () => {
    const world = await seasonedWorld();
    world.store.files.set('snapshot', Buffer.from('spoiled'));
    expect(await world.refresh()).toBe('ok');
    world.store.files.set('root', Buffer.from('spoiled'));
    expect(await world.refresh()).toBe('metadata-malformed');
  });
});

describe('data without end, and data that does not come', () => {
  test.each([
    ['timestamp.json', 'timestampBytesMax'],
    ['1.snapshot.json', 'snapshotBytesMax'],
    ['1.targets.json', 'targetsBytesMax'],
    ['2.root.json', 'rootBytesMax'],
  ] as const)('%s larger than it may be', async (name, limit) => {
    const world = newWorld();
    const seen: number[] = [];
    const fetchMetadata: FetchMetadata = async (asked, bytesMax) => {
      if (asked !== name) return world.repository.fetch(asked, bytesMax);
      seen.push(bytesMax);
      return Buffer.alloc(bytesMax + 1, ' ');
    };
    expect(await world.refresh({ fetchMetadata })).toBe('file-too-large');
    expect(
      await world.refresh({
        fetchMetadata: async (asked, max) => (asked === name ? 'too-large' : world.repository.fetch(asked, max)),
      }),
    ).toBe('file-too-large');
    expect(seen).toEqual([defaultLimits[limit]]);
  });

  test('a length that is signed is the limit, and one beyond ours is not even asked for', async () => {
    const repository = simulateRepository(start);
    repository.usesHashes = true;
    repository.publish('targets', 'snapshot', 'timestamp');
    const world = newWorld(repository);
    const limits: (readonly [string, number])[] = [];
    const fetchMetadata: FetchMetadata = (name, bytesMax) => {
      limits.push([name, bytesMax]);
      return repository.fetch(name, bytesMax);
    };
    expect(await world.refresh({ fetchMetadata })).toBe('ok');
    expect(limits).toContainEqual(['2.targets.json', repository.files.get('2.targets.json')?.length]);
    expect(await newWorld(repository).refresh({ limits: { targetsBytesMax: 10 } })).toBe('file-too-large');
  });

  test.each(['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json'])(
    '%s that never comes, from a fetcher that never gives up',
    async (name) => {
      const world = newWorld();
      const fetchMetadata: FetchMetadata = (asked, bytesMax) =>
        asked === name ? new Promise(() => {}) : world.repository.fetch(asked, bytesMax);
      expect(await world.refresh({ fetchMetadata, limits: { fileMilliseconds: 20 } })).toBe('repository-too-slow');
    },
  );

  test('files that each come just in time, without end', async () => {
    const world = newWorld();
    for (let version = 2; version <= 200; version += 1) world.repository.publish('root');
    const slowly: FetchMetadata = async (name, bytesMax, signal) => {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
        signal.addEventListener('abort', resolve);
      });
      return world.repository.fetch(name, bytesMax);
    };
    const limits = { fileMilliseconds: 10_000, refreshMilliseconds: 60 };
    expect(await world.refresh({ fetchMetadata: slowly, limits })).toBe('repository-too-slow');
    // How far it came is not lost.
    expect(world.versions()['root']).toBeGreaterThan(1);
    expect(world.versions()['root']).toBeLessThan(200);
  });

  test('what cannot be had says nothing about what is there', async () => {
    const world = await seasonedWorld();
    const fetchMetadata: FetchMetadata = async () => {
      throw new Error('connect ECONNREFUSED');
    };
    const client = await world.open({ fetchMetadata });
    expect(await outcome(client.refresh)).toBe('repository-unreachable');
    expect((await client.current()).version).toBe(1);
  });
});

describe('delegations', () => {
  interface Delegation {
    readonly from: string;
    readonly to: string;
    readonly terminating?: boolean;
    readonly paths?: readonly string[];
    readonly prefixes?: readonly string[];
  }

  function delegate(repository: TufSimulator, list: readonly Delegation[]): void {
    for (const { from, to, terminating = false, paths = ['*'], prefixes } of list) {
      const key = newKey();
      repository.signers[to] = [...(repository.signers[to] ?? []), key];
      if (repository.parts[to] === undefined) {
        repository.parts[to] = { ...repository.parts['targets'], version: 0, targets: {} };
        delete repository.parts[to].delegations;
      }
      const part = repository.parts[from];
      part.delegations ??= { keys: {}, roles: [] };
      part.delegations.keys[key.id] = key.entry;
      const where = prefixes === undefined ? { paths } : { path_hash_prefixes: prefixes };
      const role = { name: to, keyids: [key.id], threshold: 1, terminating, ...where };
      part.delegations.roles = [...part.delegations.roles, role];
    }
    const delegated = [...new Set(list.map(({ to }) => to))];
    repository.publish(...delegated, 'targets', 'snapshot', 'timestamp');
  }

  async function visited(repository: TufSimulator, targetPath: string): Promise<readonly string[]> {
    const client = await newWorld(repository).open();
    await client.refresh();
    repository.requests.length = 0;
    await client.find(targetPath);
    return repository.requests.map((name) => name.replace(/^\d+\./, '').replace(/\.json$/, ''));
  }

  test.each<readonly [string, readonly Delegation[], readonly string[]]>([
    [
      'in their order',
      [
        { from: 'targets', to: 'A' },
        { from: 'targets', to: 'B' },
      ],
      ['A', 'B'],
    ],
    [
      'what is beneath the first before the second',
      [
        { from: 'targets', to: 'A' },
        { from: 'targets', to: 'B' },
        { from: 'A', to: 'C' },
      ],
      ['A', 'C', 'B'],
    ],
    [
      'none after one that ends the search',
      [
        { from: 'targets', to: 'A' },
        { from: 'targets', to: 'B' },
        { from: 'A', to: 'C', terminating: true },
        { from: 'A', to: 'D' },
      ],
      ['A', 'C'],
    ],
    [
      'each once where they go in a circle',
      [
        { from: 'targets', to: 'A' },
        { from: 'A', to: 'B' },
        { from: 'B', to: 'A' },
      ],
      ['A', 'B'],
    ],
    [
      'only those that the path is delegated to',
      [
        { from: 'targets', to: 'A', paths: ['*.py'] },
        { from: 'targets', to: 'B', paths: ['releases/*'] },
        { from: 'targets', to: 'C' },
      ],
      ['C'],
    ],
    [
      'those whose prefix the hash of the path has',
      // sha256 of `file` begins with 3b9c.
      [
        { from: 'targets', to: 'A', prefixes: ['3b9d'] },
        { from: 'targets', to: 'B', prefixes: ['00', '3b9c'] },
      ],
      ['B'],
    ],
  ])('asks %s', async (_, list, order) => {
    const repository = simulateRepository(start);
    delegate(repository, list);
    expect(await visited(repository, 'file')).toEqual(order);
  });

  test('asks the bin of the path', async () => {
    const repository = simulateRepository(start);
    const key = newKey();
    repository.parts['targets'].delegations = {
      keys: { [key.id]: key.entry },
      succinct_roles: { keyids: [key.id], threshold: 1, bit_length: 6, name_prefix: 'bin' },
    };
    // 3b is 00111011: the first six bits are 14, of bins from 00 to 3f.
    repository.signers['bin-0e'] = [key];
    repository.parts['bin-0e'] = {
      ...repository.parts['targets'],
      version: 0,
      targets: { file: lengthAndHash(Buffer.of(1)) },
    };
    delete repository.parts['bin-0e'].delegations;
    repository.publish('bin-0e', 'targets', 'snapshot', 'timestamp');
    const client = await newWorld(repository).open();
    await client.refresh();
    expect((await client.find('file'))?.length).toBe(1);
  });

  test('stops after as many as it may ask', async () => {
    const repository = simulateRepository(start);
    const names = Array.from({ length: 12 }, (_, index) => `role-${index}`);
    delegate(
      repository,
      names.map((to) => ({ from: 'targets', to })),
    );
    const client = await newWorld(repository).open({ limits: { delegationsMax: 4 } });
    await client.refresh();
    repository.requests.length = 0;
    expect(await client.find('file')).toBeUndefined();
    expect(repository.requests).toHaveLength(4);
  });

  test('a role is verified for each that delegates to it', async () => {
    const repository = simulateRepository(start);
    delegate(repository, [
      { from: 'targets', to: 'A', paths: ['a/*'] },
      { from: 'targets', to: 'B', paths: ['b/*'] },
      { from: 'A', to: 'C', paths: ['a/*'] },
    ]);
    const [trustedByA] = repository.signers['C'] ?? [];
    repository.parts['C'].targets = { 'a/file': lengthAndHash(Buffer.of(1)), 'b/file': lengthAndHash(Buffer.of(1)) };
    delegate(repository, [{ from: 'B', to: 'C', paths: ['b/*'] }]);
    // Signed only with the key that A names for it.
    repository.signers['C'] = trustedByA === undefined ? [] : [trustedByA];
    repository.publish('C', 'A', 'B', 'targets', 'snapshot', 'timestamp');
    const client = await newWorld(repository).open();
    await client.refresh();
    for (let times = 0; times < 3; times += 1) {
      expect((await client.find('a/file'))?.length).toBe(1);
      expect(await outcome(() => client.find('b/file'))).toBe('signature-wrong');
    }
  });

  test.each(['root', 'timestamp', 'snapshot', 'targets'])('to a role called %s is no metadata', async (name) => {
    const repository = simulateRepository(start);
    repository.parts['targets'].delegations = {
      keys: {},
      roles: [{ name, keyids: [], threshold: 1, terminating: false, paths: ['*'] }],
    };
    repository.publish('targets', 'snapshot', 'timestamp');
    expect(await newWorld(repository).refresh()).toBe('metadata-malformed');
  });

  test('to a role that the snapshot does not name asks for nothing', async () => {
    const repository = simulateRepository(start);
    delegate(repository, [{ from: 'targets', to: 'A' }]);
    delete repository.parts['snapshot'].meta['A.json'];
    repository.publish('snapshot', 'timestamp');
    const client = await newWorld(repository).open();
    await client.refresh();
    repository.requests.length = 0;
    expect(await outcome(() => client.find('file'))).toBe('metadata-inconsistent');
    expect(repository.requests).toEqual([]);
  });
});

test('files are found by the best hash, and must match every one that is known', () => {
  const bytes = Buffer.from('x');
  const { hashes } = lengthAndHash(bytes);
  const sha512 = '0'.repeat(128);
  expect(matchesHashes(bytes, new Map(Object.entries(hashes)))).toBe(true);
  expect(matchesHashes(bytes, new Map(Object.entries({ ...hashes, sha512 })))).toBe(false);
  expect(matchesHashes(bytes, new Map(Object.entries({ ...hashes, md6: '00' })))).toBe(true);
  expect(matchesHashes(bytes, new Map([['md6', hashes.sha256]]))).toBe(false);
  const target = {
    path: 'a/b/c.txt',
    length: 1,
    hashes: new Map([
      ['sha512', 'ff'],
      ['sha256', 'ee'],
    ]),
  };
  expect(targetFileName(target, true)).toBe('a/b/ee.c.txt');
  expect(targetFileName(target, false)).toBe('a/b/c.txt');
  expect(targetFileName({ ...target, path: 'c' }, true)).toBe('ee.c');
});

test('names are encoded so that nothing in them means anything', () => {
  expect(percentEncoded("a/../?#[]!*'() %ü")).toBe('a%2F..%2F%3F%23%5B%5D%21%2A%27%28%29%20%25%C3%BC');
});
