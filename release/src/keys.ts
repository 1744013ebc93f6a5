/**
 * The keys that sign releases: a folder of key files, readable by its owner only, with public halves of keys that others
 * hold on their own machines, and how many signatures each role needs. What the folder says counts when a repository is
 * made; from then on the repository's own root says which keys count, and the folder only holds them.
 */

import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import {
  type ParsedKeyFile,
  type PublicKey,
  parseKeyFile,
  passphraseLengthMin,
  publicKeyText,
  type RoleName,
  roleNames,
  type SigningKey,
  WrongPassphrase,
  writeKeyFile,
} from './key-file.ts';
import { type Outcome, ok, type Refusal, refused } from './outcome.ts';
import { isSystemError } from './system-error.ts';

export type KeyRefusalCode =
  | 'keys-exist'
  | 'key-missing'
  | 'key-unreadable'
  | 'key-encrypted'
  | 'passphrase-wrong'
  | 'passphrase-short'
  | 'threshold-invalid';

export type Thresholds = Readonly<Record<RoleName, number>>;

/** What a root shall say: all keys of each role, and how many of them have to sign. */
export interface RootPlan {
  readonly keys: readonly PublicKey[];
  readonly thresholds: Thresholds;
}

export const keysOfRoleMax = 20;

/**
 * Gives the passphrase of a key file, or `undefined` where there is none to give. `isWrong`: the last one did not open it;
 * whoever has no other one answers `undefined`.
 */
export type AskPassphrase = (file: string, isWrong: boolean) => Promise<string | undefined>;

const noPassphrase: AskPassphrase = () => Promise.resolve(undefined);
const rolesFileName = 'roles.json';
const Count = Type.Integer({ minimum: 1, maximum: keysOfRoleMax });
const RolesFile = Type.Object({
  version: Type.Literal(1),
  thresholds: Type.Object({ root: Count, targets: Count, snapshot: Count, timestamp: Count }),
});

export function keyFileName(role: RoleName): string {
  return `${role}.key.json`;
}

export interface NewKeys {
  /** Keys to make, for each role; one where it is absent, or none if `publicKeys` has some of that role. */
  readonly counts?: Partial<Readonly<Record<RoleName, number>>>;
  /** Signatures that each role needs; absent: more than half of its keys. */
  readonly thresholds?: Partial<Thresholds>;
  /** Public halves of keys that others hold. */
  readonly publicKeys?: readonly PublicKey[];
  /** Absent: the keys stand in clear. */
  readonly passphrase?: string;
}

/**
 * Makes a folder of keys (0700, files 0600): one key for each role unless more is said. Never overwrites keys: refuses
 * if the folder exists.
 */
export async function generateKeys(
  directory: string,
  { counts = {}, thresholds = {}, publicKeys = [], passphrase }: NewKeys = {},
): Promise<Outcome<readonly SigningKey[], KeyRefusalCode>> {
  if (existsSync(directory)) return keysExist(directory, 'Name a folder that does not exist yet.');
  if (passphrase !== undefined && passphrase.length < passphraseLengthMin) return shortPassphrase();
  const given = [...new Map(publicKeys.map((key) => [`${key.role} ${key.keyId}`, key])).values()];
  const plan = roleNames.map((role) => {
    const held = given.filter((key) => key.role === role);
    const count = counts[role] ?? (held.length === 0 ? 1 : 0);
    const all = count + held.length;
    return { role, held, count, all, threshold: thresholds[role] ?? Math.floor(all / 2) + 1 };
  });
  for (const { role, all, threshold } of plan) {
    if (all < 1 || all > keysOfRoleMax || threshold < 1 || threshold > all) return wrongThreshold(role, threshold, all);
  }

  await mkdir(path.dirname(directory), { recursive: true });
  // All or none: a half-made set would later be taken for a set with lost keys.
  const unfinished = await mkdtemp(`${directory}.unfinished-`);
  try {
    const keys: SigningKey[] = [];
    const write = (name: string, text: string) => writeFile(path.join(unfinished, name), text, { mode: 0o600 });
    for (const { role, held, count } of plan) {
      for (let number = 1; number <= count; number += 1) {
        const made = await writeKeyFile(role, generateKeyPairSync('ed25519').privateKey, passphrase);
        await write(count === 1 ? keyFileName(role) : `${role}-${number}.key.json`, made.text);
        keys.push(made.key);
      }
      for (const key of held) await write(`${role}-${key.keyId.slice(0, 8)}.public.json`, publicKeyText(key));
    }
    if (plan.some(({ all }) => all > 1)) {
      const byRole = Object.fromEntries(plan.map(({ role, threshold }) => [role, threshold]));
      await write(rolesFileName, `${JSON.stringify({ version: 1, thresholds: byRole }, null, 2)}\n`);
    }
    await rename(unfinished, directory);
    return ok(keys);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    throw new Error(`could not write keys to ${directory}`, { cause });
  }
}

/**
 * Makes one key, for a signer's own machine: `<name>.key.json`, which stays there, and `<name>.public.json`, which is
 * handed in. Never overwrites a key.
 */
export async function generateKey(input: {
  /** Ends in `.key.json`. */
  readonly file: string;
  readonly role: RoleName;
  readonly passphrase?: string;
}): Promise<Outcome<{ readonly key: SigningKey; readonly publicFile: string }, KeyRefusalCode>> {
  const { file, role, passphrase } = input;
  const publicFile = file.replace(/(\.key)?\.json$/, '.public.json');
  for (const taken of [file, publicFile]) {
    if (existsSync(taken)) return keysExist(taken, 'Name a file that does not exist yet.');
  }
  if (passphrase !== undefined && passphrase.length < passphraseLengthMin) return shortPassphrase();
  const { key, text, publicText } = await writeKeyFile(role, generateKeyPairSync('ed25519').privateKey, passphrase);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o600, flag: 'wx' });
  await writeFile(publicFile, publicText, { flag: 'wx' });
  return ok({ key, publicFile });
}

/** What a file tells of its key without a passphrase. */
export async function readPublicKey(
  file: string,
): Promise<Outcome<{ readonly key: PublicKey; readonly kind: ParsedKeyFile['kind'] }, KeyRefusalCode>> {
  const read = await readKeyFile(file);
  return read.kind === 'refused' ? read : ok({ key: read.value.key, kind: read.value.kind });
}

/** The private key of one file. */
export async function openKey(
  file: string,
  askPassphrase: AskPassphrase = noPassphrase,
): Promise<Outcome<SigningKey, KeyRefusalCode>> {
  const read = await readKeyFile(file);
  return read.kind === 'refused' ? read : openParsed(file, read.value, askPassphrase);
}

export interface KeyFolder {
  /** Of every key whose public half the folder knows, its own and others'. */
  readonly publicKeys: readonly PublicKey[];
  /** How many signatures each role needs in a new repository; absent for a role with several keys and nothing said. */
  readonly thresholds: Partial<Thresholds>;
  /** The private keys of these roles that the folder holds; refuses when one is damaged or cannot be opened. */
  readonly open: (roles: readonly RoleName[]) => Promise<Outcome<readonly SigningKey[], KeyRefusalCode>>;
}

/** Damaged files are refused only when a key of their role is asked for. Of several folders, as of one. */
export async function readKeyFolder(
  directories: string | readonly string[],
  askPassphrase: AskPassphrase = noPassphrase,
): Promise<KeyFolder> {
  const read: { readonly file: string; readonly parsed: Outcome<ParsedKeyFile, KeyRefusalCode> }[] = [];
  let said: Partial<Thresholds> = {};
  for (const directory of typeof directories === 'string' ? [directories] : directories) {
    for (const name of await namesIn(directory)) {
      if (name === rolesFileName) said = { ...said, ...(await readThresholds(path.join(directory, name))) };
      if (!/\.(key|public)\.json$/.test(name)) continue;
      const file = path.join(directory, name);
      read.push({ file, parsed: await readKeyFile(file) });
    }
  }
  const parsed = read.flatMap(({ file, parsed: one }) => (one.kind === 'ok' ? [{ file, ...one.value }] : []));
  const publicKeys = [...new Map(parsed.map(({ key }) => [`${key.role} ${key.keyId}`, toPublic(key)])).values()];
  const thresholds: Partial<Record<RoleName, number>> = {};
  for (const role of roleNames) {
    const threshold = said[role] ?? (publicKeys.filter((key) => key.role === role).length > 1 ? undefined : 1);
    if (threshold !== undefined) thresholds[role] = threshold;
  }
  const ask = rememberingLast(askPassphrase);

  async function open(roles: readonly RoleName[]): Promise<Outcome<readonly SigningKey[], KeyRefusalCode>> {
    const keys = new Map<string, SigningKey>();
    const refusals: Refusal<KeyRefusalCode>[] = [];
    for (const role of roles) {
      for (const { file, parsed: one } of read) {
        if (one.kind === 'refused') {
          if (mayHold(file, role)) refusals.push(...one.reasons);
        } else if (one.value.kind !== 'public' && one.value.key.role === role) {
          const opened = await openParsed(file, one.value, ask);
          if (opened.kind === 'refused') refusals.push(...opened.reasons);
          else keys.set(`${role} ${opened.value.keyId}`, opened.value);
        }
      }
    }
    const [first, ...more] = [...new Set(refusals)];
    return first ? refused(first, ...more) : ok([...keys.values()]);
  }

  return { publicKeys, thresholds, open };
}

/** What the first root of a repository shall say, by everything that the folder knows. */
export function rootPlan(
  { publicKeys, thresholds }: KeyFolder,
  directories: string | readonly string[],
): Outcome<RootPlan, KeyRefusalCode> {
  const refusals: Refusal<KeyRefusalCode>[] = [];
  for (const role of roleNames) {
    const count = publicKeys.filter((key) => key.role === role).length;
    const threshold = thresholds[role];
    if (count === 0) refusals.push(missingKey(role, directories));
    else if (threshold === undefined) refusals.push(unsaidThreshold(role, directories));
    else if (threshold > count) refusals.push(...wrongThreshold(role, threshold, count).reasons);
  }
  const [first, ...more] = refusals;
  if (first) return refused(first, ...more);
  const { root = 1, targets = 1, snapshot = 1, timestamp = 1 } = thresholds;
  return ok({ keys: publicKeys, thresholds: { root, targets, snapshot, timestamp } });
}

/**
 * Every private key of these roles, or a refusal for each role of which the folder knows none. One whose keys are all in
 * other hands is not refused here: what is missing then is a signature.
 */
export async function openKeys(
  folder: KeyFolder,
  directories: string | readonly string[],
  roles: readonly RoleName[],
): Promise<Outcome<readonly SigningKey[], KeyRefusalCode>> {
  const refusals: Refusal<KeyRefusalCode>[] = [];
  const keys: SigningKey[] = [];
  for (const role of roles) {
    const opened = await folder.open([role]);
    if (opened.kind === 'refused') refusals.push(...opened.reasons);
    else if (!folder.publicKeys.some((key) => key.role === role)) refusals.push(missingKey(role, directories));
    else keys.push(...opened.value);
  }
  const [first, ...more] = refusals;
  return first ? refused(first, ...more) : ok(keys);
}

export type Keys = { readonly [Role in RoleName]: SigningKey };
export type PublisherKeys = Omit<Keys, 'root'>;

/** The keys that every publication needs, where each role has one. Names each one that is missing or not readable. */
export async function loadPublisherKeys(directory: string): Promise<Outcome<PublisherKeys, KeyRefusalCode>> {
  const loaded = await openKeys(await readKeyFolder(directory), directory, ['targets', 'snapshot', 'timestamp']);
  if (loaded.kind === 'refused') return loaded;
  const { targets, snapshot, timestamp } = byRole(loaded.value);
  if (!targets || !snapshot || !timestamp) throw new Error(`${directory}: a key was neither loaded nor refused`);
  return ok({ targets, snapshot, timestamp });
}

/** With the root key, which makes a repository. */
export async function loadKeys(directory: string): Promise<Outcome<Keys, KeyRefusalCode>> {
  const loaded = await openKeys(await readKeyFolder(directory), directory, roleNames);
  if (loaded.kind === 'refused') return loaded;
  const { root, targets, snapshot, timestamp } = byRole(loaded.value);
  if (!root || !targets || !snapshot || !timestamp)
    throw new Error(`${directory}: a key was neither loaded nor refused`);
  return ok({ root, targets, snapshot, timestamp });
}

function byRole(keys: readonly SigningKey[]): Partial<Keys> {
  return Object.fromEntries(keys.toReversed().map((key) => [key.role, key]));
}

function toPublic({ role, keyId, publicKey }: PublicKey): PublicKey {
  return { role, keyId, publicKey };
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

async function readThresholds(file: string): Promise<Thresholds> {
  const value: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (!Value.Check(RolesFile, value)) throw new Error(`${file} does not say how many signatures each role needs`);
  return value.thresholds;
}

/** By its name, since nothing else of it can be read: a damaged root key is in nobody's way who needs another. */
function mayHold(file: string, role: RoleName): boolean {
  const words = path.basename(file).split(/[^a-z]+/);
  return words.includes(role) || !roleNames.some((name) => words.includes(name));
}

async function readKeyFile(file: string): Promise<Outcome<ParsedKeyFile, KeyRefusalCode>> {
  const role = roleNames.find((name) => path.basename(file) === keyFileName(name));
  const what = role === undefined ? 'key' : `${role} key`;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return refused({
      code: 'key-missing',
      message: `The ${what} cannot be read from ${file}: ${error instanceof Error ? error.message : String(error)}`,
      nextStep: 'Make keys with `gatehouse release keys init`, or name the file or folder that holds them.',
    });
  }
  try {
    const parsed = parseKeyFile(text);
    if (role !== undefined && parsed.key.role !== role) throw new Error(`it is the key of ${parsed.key.role}`);
    return ok(parsed);
  } catch (error) {
    return refused({
      code: 'key-unreadable',
      message: `${file} is not a ${what} of this program: ${error instanceof Error ? error.message : String(error)}.`,
      nextStep: 'Restore the file from your copy.',
    });
  }
}

async function openParsed(
  file: string,
  parsed: ParsedKeyFile,
  askPassphrase: AskPassphrase,
): Promise<Outcome<SigningKey, KeyRefusalCode>> {
  if (parsed.kind === 'clear') return ok(parsed.key);
  if (parsed.kind === 'public') {
    return refused({
      code: 'key-missing',
      message: `${file} holds only the public half of a ${parsed.key.role} key, and that signs nothing.`,
      nextStep: 'Name the file that ends in .key.json.',
    });
  }
  for (let isWrong = false; ; isWrong = true) {
    const passphrase = await askPassphrase(file, isWrong);
    if (passphrase === undefined) {
      return isWrong
        ? refused({
            code: 'passphrase-wrong',
            message: `The passphrase does not open ${file}, or the file was changed.`,
            nextStep: 'Give the passphrase with which the key was made.',
          })
        : refused({
            code: 'key-encrypted',
            message: `${file} is encrypted, and no passphrase was given.`,
            nextStep:
              'Give it with --passphrase-file or in GATEHOUSE_KEY_PASSPHRASE, or run the command in a terminal.',
          });
    }
    try {
      return ok(await parsed.decrypt(passphrase));
    } catch (error) {
      if (!(error instanceof WrongPassphrase)) throw error;
    }
  }
}

/** Keys of one folder mostly have one passphrase, so each is tried with the last that was given before asking. */
function rememberingLast(ask: AskPassphrase): AskPassphrase {
  let last: string | undefined;
  let isLastTried = false;
  return async (file, isWrong) => {
    if (!isWrong && last !== undefined) {
      isLastTried = true;
      return last;
    }
    const asked = await ask(file, isWrong && !isLastTried);
    // The same again would be as wrong as before.
    const given = isWrong && asked === last ? undefined : asked;
    isLastTried = false;
    last = given ?? last;
    return given;
  };
}

function keysExist(where: string, nextStep: string) {
  return refused<KeyRefusalCode>({
    code: 'keys-exist',
    message: `${where} exists, and keys are never overwritten.`,
    nextStep,
  });
}

function shortPassphrase() {
  return refused<KeyRefusalCode>({
    code: 'passphrase-short',
    message: `A passphrase has at least ${passphraseLengthMin} characters.`,
    nextStep: 'Choose a longer one; several words are good.',
  });
}

function wrongThreshold(role: RoleName, threshold: number, count: number) {
  return refused<KeyRefusalCode>({
    code: 'threshold-invalid',
    message: `${threshold} signatures of ${count} ${role} keys cannot be asked for; a role has 1 to ${keysOfRoleMax} keys.`,
    nextStep: `Name more ${role} keys, or a threshold that they can meet.`,
  });
}

function unsaidThreshold(role: RoleName, directories: string | readonly string[]): Refusal<KeyRefusalCode> {
  return {
    code: 'threshold-invalid',
    message: `${folderNames(directories)} holds several ${role} keys, and does not say how many of them have to sign.`,
    nextStep: 'Make the folder with `gatehouse release keys init`, which takes public halves and writes roles.json.',
  };
}

function folderNames(directories: string | readonly string[]): string {
  return typeof directories === 'string' ? directories : directories.join(', ');
}

function missingKey(role: RoleName, directories: string | readonly string[]): Refusal<KeyRefusalCode> {
  return {
    code: 'key-missing',
    message: `There is no ${role} key in ${folderNames(directories)}.`,
    nextStep: 'Make keys with `gatehouse release keys init`, or name the folder that holds them.',
  };
}
