import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  lengthAndHash,
  newKey,
  signedBytes,
  simulateRepository,
  type TufSimulator,
} from '@gatehouse/release/testing/tuf-simulator';
import { fetchBounded } from '@gatehouse/release/tuf-client';
import { refusalOf } from '@gatehouse/release/tuf-fault';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openHttpDoor } from '../poll/http.ts';
import { fetchRepositoryFile } from '../poll/repository-file.ts';
import { runTufCommand } from './tuf-command.ts';

let directory = '';
let repository: TufSimulator;
let requests: string[];
let server: Server;
let base = '';

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-tuf-'));
  repository = simulateRepository(Date.now());
  requests = [];
  await serve((request, response) => {
    requests.push(request.url ?? '');
    const [, kind, name = ''] = /^\/(metadata|targets)\/(.+)$/.exec(request.url ?? '') ?? [];
    const file = repository.files.get(kind === 'targets' ? decodeURIComponent(name) : name);
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
});
afterEach(async () => {
  await stop();
  await rm(directory, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<void> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no TCP port');
  base = `http://127.0.0.1:${address.port}`;
}

async function stop(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

let said = '';
function run(...args: readonly string[]): Promise<number> {
  said = '';
  return runTufCommand(args, (text) => {
    said += text;
  });
}
const metadata = () => path.join(directory, 'metadata');
const targets = () => path.join(directory, 'targets');
async function init(root = repository.files.get('1.root.json') ?? Buffer.of()): Promise<number> {
  const file = path.join(directory, 'given.json');
  await writeFile(file, root);
  return run('--metadata-dir', metadata(), 'init', file);
}
const refresh = () => run('--metadata-dir', metadata(), '--metadata-url', `${base}/metadata`, 'refresh');
const download = (...names: readonly string[]) =>
  run(
    '--metadata-dir',
    metadata(),
    '--metadata-url',
    `${base}/metadata/`,
    ...names.flatMap((name) => ['--target-name', name]),
    '--target-base-url',
    `${base}/targets`,
    '--target-dir',
    targets(),
    'download',
  );
/** Named in the targets, and served under its name with the digest. */
function offer(name: string, content: string): void {
  const bytes = Buffer.from(content);
  const info = lengthAndHash(bytes);
  repository.parts['targets'].targets[name] = info;
  const slash = name.lastIndexOf('/') + 1;
  const hashed = `${name.slice(0, slash)}${info.hashes.sha256}.${name.slice(slash)}`;
  repository.files.set(hashed, bytes);
  repository.publish('targets', 'snapshot', 'timestamp');
}
const downloaded = async () =>
  Promise.all((await readdir(targets())).toSorted().map((name) => readFile(path.join(targets(), name), 'utf8')));

test('init keeps the root and asks for nothing', async () => {
  expect(await init()).toBe(0);
  expect(await readdir(metadata())).toEqual(['root.json']);
  expect(requests).toEqual([]);
  expect(await init()).toBe(0);
  const other = simulateRepository(Date.now()).files.get('1.root.json');
  expect(await init(other)).toBe(1);
  expect(said).toContain('trusts another root already');
});

test('init takes no root that its own keys have not signed', async () => {
  expect(await init(signedBytes(repository.parts['root'], [newKey()]))).toBe(1);
  expect(said).toContain('signature-wrong');
  expect(await refresh()).toBe(1);
  expect(requests).toEqual([]);
});

test('refresh keeps the metadata without versions in their names', async () => {
  await init();
  expect(await refresh()).toBe(0);
  expect(await readdir(metadata())).toEqual(['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);
  expect(requests).toEqual([
    '/metadata/2.root.json',
    '/metadata/timestamp.json',
    '/metadata/1.snapshot.json',
    '/metadata/1.targets.json',
  ]);
});

test('refresh says why it refuses', async () => {
  await init();
  repository.signers['timestamp'] = [newKey()];
  repository.publish('timestamp');
  expect(await refresh()).toBe(1);
  expect(said).toMatch(/^signature-wrong: timestamp\.json is signed by 0 of the keys/);
});

test('download fetches a file once, and again when it was changed or is another', async () => {
  await init();
  offer('path/to/file', 'one');
  expect(await download('path/to/file')).toBe(0);
  expect(await downloaded()).toEqual(['one']);
  requests.length = 0;
  expect(await download('path/to/file')).toBe(0);
  expect(requests.filter((url) => url.startsWith('/targets/'))).toEqual([]);
  const [name = ''] = await readdir(targets());
  await writeFile(path.join(targets(), name), 'changed');
  expect(await download('path/to/file')).toBe(0);
  expect(await downloaded()).toEqual(['one']);
  offer('path/to/file', 'two');
  expect(await download('path/to/file')).toBe(0);
  expect(await downloaded()).toEqual(['two']);
});

test('download keeps no file that is not the one that was signed', async () => {
  await init();
  offer('a', 'content');
  for (const [name] of repository.files) if (name.endsWith('.a')) repository.files.set(name, Buffer.from('another'));
  expect(await download('a')).toBe(1);
  expect(said).toContain('a is not the file that was signed');
  expect((await readdir(directory)).toSorted()).toEqual(['given.json', 'metadata']);
});

test('download stops at the first that cannot be had', async () => {
  await init();
  offer('a', 'a');
  offer('c', 'c');
  expect(await download('a', 'b', 'c')).toBe(1);
  expect(await downloaded()).toEqual(['a']);
  expect(said).toContain('names b');
});

test.each(['a b', 'ä?#%', "'(!)'", 'a:b', '.hidden', 'x'.repeat(400), 'a/...'])(
  'download of the path %s',
  async (name) => {
    await init();
    offer(name, 'content');
    expect(await download(name)).toBe(0);
    expect(await downloaded()).toEqual(['content']);
    expect((await readdir(targets())).filter((file) => file.startsWith('.'))).toEqual([]);
    expect((await readdir(directory)).toSorted()).toEqual(['given.json', 'metadata', 'targets']);
  },
);

test.each(['../metadata/timestamp.json', 'a/../../b', './a'])('no path may lead elsewhere: %s', async (name) => {
  await init();
  offer(name, 'content');
  requests.length = 0;
  expect(await download(name)).toBe(1);
  expect(requests.filter((url) => !url.startsWith('/metadata/'))).toEqual([]);
  expect((await readdir(directory)).toSorted()).toEqual(['given.json', 'metadata']);
});

test.each(['?', '#', '/delegated', '../delegated', '..'])(
  'metadata of a role called %s stays in its folder',
  async (role) => {
    await init();
    const key = newKey();
    repository.parts['targets'].delegations = {
      keys: { [key.id]: key.entry },
      roles: [{ name: role, keyids: [key.id], threshold: 1, terminating: false, paths: ['*'] }],
    };
    repository.signers[role] = [key];
    repository.parts[role] = { ...repository.parts['targets'], version: 0, delegations: undefined };
    delete repository.parts[role].delegations;
    repository.publish(role, 'targets', 'snapshot', 'timestamp');
    expect(await download('file')).toBe(1);
    expect(requests.at(-1)).toBe(`/metadata/1.${encodeURIComponent(role)}.json`);
    expect(await readdir(metadata())).toHaveLength(5);
    expect((await readdir(directory)).toSorted()).toEqual(['given.json', 'metadata']);
  },
);

test.each([
  [[], 'One of init'],
  [['refresh'], '--metadata-dir is missing'],
  [['--metadata-dir', 'd', 'refresh'], '--metadata-url is missing'],
  [['--metadata-dir', 'd', '--metadata-url', 'no address', 'refresh'], 'Invalid URL'],
  [['--metadata-dir', 'd', '--metadata-url', 'http://a', 'download'], '--target-name is missing'],
  [['--metadata-dir', 'd', 'init'], 'One of init'],
  [['--metadata-dir', 'd', 'refresh', 'more'], 'one word too many'],
  [['--metadata-dir', 'd', '--no-verify', 'refresh'], '--no-verify'],
])('%j is refused with how to ask', async (args, text) => {
  expect(await run(...args)).toBe(1);
  expect(said).toContain(args.length === 0 ? '--metadata-dir is missing' : text);
  expect(said).toContain('Usage: gatehouse-agent tuf');
});

describe('over the network', () => {
  async function fetchFrom(listener: RequestListener, bytesMax = 1_000): Promise<string> {
    await stop();
    await serve(listener);
    const door = openHttpDoor({ server: new URL(base), proxy: {}, userAgent: 'test' });
    try {
      const bytes = await fetchBounded('the file', bytesMax, AbortSignal.timeout(300), (signal) =>
        fetchRepositoryFile(door, 'file', bytesMax, signal),
      );
      return bytes === undefined ? 'none' : Buffer.from(bytes).toString();
    } catch (error) {
      return refusalOf(error).code;
    } finally {
      await door.close();
    }
  }

  test('what is endless is cut off, whether it says how long it is or not', async () => {
    let onCutOff = (): void => {};
    const cutOff = new Promise<void>((resolve) => {
      onCutOff = resolve;
    });
    const endless: RequestListener = (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(10_000)));
        if (!response.destroyed) response.once('drain', more);
      };
      response.on('close', onCutOff);
      more();
    };
    expect(await fetchFrom(endless)).toBe('file-too-large');
    await cutOff;
    expect(await fetchFrom((_, response) => response.end('x'.repeat(2_000)))).toBe('file-too-large');
  });

  test('what comes a byte at a time is given up', async () => {
    const drip: RequestListener = (_request, response) => {
      const timer = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(timer));
    };
    expect(await fetchFrom(drip)).toBe('repository-too-slow');
  });

  test('what never answers is given up', async () => {
    expect(await fetchFrom(() => {})).toBe('repository-too-slow');
  });

  test.each([
    [200, 'x', 'x'],
    [404, '', 'none'],
    [403, '', 'none'],
    [500, '', 'repository-unreachable'],
    [302, '', 'repository-unreachable'],
  ])('status %i', async (status, body, expected) => {
    expect(await fetchFrom((_, response) => response.writeHead(status, { location: '/elsewhere' }).end(body))).toBe(
      expected,
    );
  });
});
