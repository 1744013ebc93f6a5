import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseKeyFile, publicKeyText } from './key-file.ts';
import { generateKey, generateKeys, openKey, readKeyFolder, readPublicKey, rootPlan } from './keys.ts';
import type { Outcome } from './outcome.ts';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-keys-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

let counter = 0;
function fresh(name: string): string {
  counter += 1;
  return path.join(scratch, `${counter}-${name}`);
}

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}
const codes = (outcome: Outcome<unknown>): readonly string[] =>
  outcome.kind === 'refused' ? outcome.reasons.map(({ code }) => code) : [];
const says = (passphrase: string) => async (_file: string, isWrong: boolean) => (isWrong ? undefined : passphrase);
const passphrase = 'correct horse battery';
const data = Buffer.from('what is signed');

describe('a key that is encrypted', () => {
  let file = '';
  beforeAll(async () => {
    file = path.join(fresh('ann'), 'ann-root.key.json');
    value(await generateKey({ file, role: 'root', passphrase }));
  });

  test('opens with its passphrase, however the keyboard composes its letters', async () => {
    const other = path.join(fresh('bob'), 'bob.key.json');
    const { key } = value(await generateKey({ file: other, role: 'targets', passphrase: 'Zo\u00eb zwei drei' }));
    const opened = value(await openKey(other, says('Zoe\u0308 zwei drei')));
    expect(opened.sign(data)).toBe(key.sign(data));
  });

  test('holds its private half nowhere in clear, and every parameter that opens it', async () => {
    const text = await readFile(file, 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      version: 2,
      role: 'root',
      private: {
        kdf: { name: 'scrypt', cost: 131_072, blockSize: 8, parallelization: 1 },
        cipher: { name: 'aes-256-gcm' },
      },
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    // An Ed25519 key as PKCS #8 begins so.
    expect(text).not.toContain('MC4CAQAwBQYDK2Vw');
  });

  test.each([
    ['another passphrase', says('something else'), 'passphrase-wrong'],
    ['none', undefined, 'key-encrypted'],
  ])('%s is refused in words', async (_, ask, code) => {
    const outcome = await openKey(file, ask);
    expect(codes(outcome)).toEqual([code]);
    expect(JSON.stringify(outcome)).toContain(file);
  });

  test('tells its public half without one', async () => {
    expect(value(await readPublicKey(file))).toMatchObject({ kind: 'encrypted', key: { role: 'root' } });
    const handedIn = path.join(path.dirname(file), 'ann-root.public.json');
    expect(value(await readPublicKey(handedIn))).toMatchObject({ kind: 'public' });
    expect(codes(await openKey(handedIn))).toEqual(['key-missing']);
  });

  test.each<[string, (text: string) => string, string]>([
    ['half written', (text) => text.slice(0, text.length / 2), 'key-unreadable'],
    ['of no length', () => '', 'key-unreadable'],
    ['passed off as that of another role', (text) => text.replace('"root"', '"targets"'), 'passphrase-wrong'],
    [
      'with another public half',
      (text) => text.replace(/"public": "./, (found) => found.slice(0, -1) + (found.endsWith('0') ? '1' : '0')),
      'key-unreadable',
    ],
    ['that asks for more memory than there is', (text) => text.replace('131072', String(2 ** 30)), 'key-unreadable'],
    ['of a version to come', (text) => text.replace('"version": 2', '"version": 3'), 'key-unreadable'],
    ['with a changed secret', (text) => text.replace(/"data": "..../, '"data": "AAAA'), 'passphrase-wrong'],
  ])('a file %s is refused', async (_, change, code) => {
    const changed = path.join(fresh('changed'), 'x.key.json');
    await mkdir(path.dirname(changed));
    const text = await readFile(file, 'utf8');
    expect(change(text)).not.toBe(text);
    await writeFile(changed, change(text));
    expect(codes(await openKey(changed, says(passphrase)))).toEqual([code]);
  });

  test('is never written over, nor made with a passphrase that is too short', async () => {
    expect(codes(await generateKey({ file, role: 'root', passphrase }))).toEqual(['keys-exist']);
    const short = { file: path.join(fresh('short'), 'x.key.json'), role: 'root', passphrase: 'short' } as const;
    expect(codes(await generateKey(short))).toEqual(['passphrase-short']);
    expect(codes(await generateKeys(fresh('short'), { passphrase: 'short' }))).toEqual(['passphrase-short']);
  });
});

describe('a folder of keys', () => {
  test('of before there were passphrases opens as ever', async () => {
    const directory = fresh('keys');
    value(await generateKeys(directory));
    expect(parseKeyFile(await readFile(path.join(directory, 'root.key.json'), 'utf8'))).toMatchObject({
      kind: 'clear',
    });
    const folder = await readKeyFolder(directory);
    expect(value(await folder.open(['root', 'targets'])).map(({ role }) => role)).toEqual(['root', 'targets']);
    expect(folder.thresholds).toEqual({ root: 1, targets: 1, snapshot: 1, timestamp: 1 });
  });

  test('holds several keys of a role, and more than half of them have to sign', async () => {
    const directory = fresh('keys');
    value(await generateKeys(directory, { counts: { root: 3, targets: 4 } }));
    const folder = await readKeyFolder(directory);
    expect(folder.thresholds).toEqual({ root: 2, targets: 3, snapshot: 1, timestamp: 1 });
    expect(new Set(value(await folder.open(['root'])).map(({ keyId }) => keyId)).size).toBe(3);
    expect((await readdir(directory)).toSorted()).toEqual([
      'roles.json',
      ...[1, 2, 3].map((number) => `root-${number}.key.json`),
      'snapshot.key.json',
      ...[1, 2, 3, 4].map((number) => `targets-${number}.key.json`),
      'timestamp.key.json',
    ]);
  });

  test('with one passphrase for several keys asks for it once', async () => {
    const directory = fresh('keys');
    for (const name of ['root-ann', 'root-bob']) {
      value(await generateKey({ file: path.join(directory, `${name}.key.json`), role: 'root', passphrase }));
    }
    const asked: string[] = [];
    const folder = await readKeyFolder(directory, async (file) => {
      asked.push(path.basename(file));
      return passphrase;
    });
    expect(value(await folder.open(['root']))).toHaveLength(2);
    expect(asked).toEqual(['root-ann.key.json']);
  });

  test('takes public halves for keys that others hold, each once', async () => {
    const file = path.join(fresh('ann'), 'ann.key.json');
    const { key } = value(await generateKey({ file, role: 'root' }));
    const directory = fresh('keys');
    value(await generateKeys(directory, { publicKeys: [key, key], counts: { root: 1 }, thresholds: { root: 2 } }));
    const folder = await readKeyFolder(directory);
    expect(folder.publicKeys.filter(({ role }) => role === 'root')).toHaveLength(2);
    expect(value(await folder.open(['root']))).toHaveLength(1);
    expect(value(rootPlan(folder, directory)).thresholds.root).toBe(2);
  });

  test.each([
    { counts: { root: 1 }, thresholds: { root: 2 } },
    { counts: { targets: 0 } },
    { thresholds: { snapshot: 0 } },
    { counts: { root: 21 } },
  ])('is not made when nobody could meet it: %j', async (wish) => {
    const directory = fresh('keys');
    expect(codes(await generateKeys(directory, wish))).toEqual(['threshold-invalid']);
    expect((await readKeyFolder(directory)).publicKeys).toEqual([]);
  });

  test('with several keys and no word of how many sign makes no root', async () => {
    const directory = fresh('keys');
    value(await generateKeys(directory, { counts: { root: 2 } }));
    await rm(path.join(directory, 'roles.json'));
    expect(codes(rootPlan(await readKeyFolder(directory), directory))).toEqual(['threshold-invalid']);
  });

  test('with a damaged key is refused only for who needs that key', async () => {
    const directory = fresh('keys');
    value(await generateKeys(directory));
    await writeFile(path.join(directory, 'root.key.json'), '{"version": 1, "role": "ro');
    const folder = await readKeyFolder(directory);
    expect(value(await folder.open(['targets']))).toHaveLength(1);
    expect(codes(await folder.open(['root']))).toEqual(['key-unreadable']);
  });
});

test('a public half says nothing else', async () => {
  const { key } = value(await generateKey({ file: path.join(fresh('ann'), 'a.key.json'), role: 'root' }));
  const half: Record<string, unknown> = JSON.parse(publicKeyText(key));
  expect(Object.keys(half)).toEqual(['version', 'role', 'keyType', 'keyId', 'public']);
});
