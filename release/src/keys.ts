/**
 * The keys that sign releases: one folder, one file for each TUF role, readable by its owner only. A publisher needs
 * `targets`, `snapshot` and `timestamp`; `root` makes the repository and can be kept elsewhere afterwards.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import { type Outcome, ok, refused } from './outcome.ts';

export const roleNames = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type RoleName = (typeof roleNames)[number];

export interface SigningKey {
  readonly role: RoleName;
  /** As in TUF: sha256 of the public key's canonical JSON, hexadecimal. */
  readonly keyId: string;
  /** Raw Ed25519 public key, hexadecimal. */
  readonly publicKey: string;
  /** Ed25519 signature of `data`, hexadecimal. */
  readonly sign: (data: Uint8Array) => string;
}

export type KeyRefusalCode = 'keys-exist' | 'key-missing' | 'key-unreadable';

/** `version` 1: the private key stands in clear (PKCS #8, base64), guarded by the file's mode. */
const KeyFile = Type.Object({
  version: Type.Literal(1),
  role: Type.Enum(['root', 'targets', 'snapshot', 'timestamp']),
  keyType: Type.Literal('ed25519'),
  keyId: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  public: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  private: Type.String({ maxLength: 1000 }),
});

export function keyFileName(role: RoleName): string {
  return `${role}.key.json`;
}

/** Makes one key for each role in a new folder (0700, files 0600). Never overwrites keys: refuses if the folder exists. */
export async function generateKeys(directory: string): Promise<Outcome<readonly SigningKey[], KeyRefusalCode>> {
  if (existsSync(directory)) {
    return refused({
      code: 'keys-exist',
      message: `${directory} exists, and keys are never overwritten.`,
      nextStep: 'Name a folder that does not exist yet.',
    });
  }
  await mkdir(path.dirname(directory), { recursive: true });
  // All four or none: a half-made set would later be taken for a set with lost keys.
  const unfinished = await mkdtemp(`${directory}.unfinished-`);
  try {
    const keys: SigningKey[] = [];
    for (const role of roleNames) {
      const { privateKey } = generateKeyPairSync('ed25519');
      const key = toSigningKey(role, privateKey);
      const file = {
        version: 1,
        role,
        keyType: 'ed25519',
        keyId: key.keyId,
        public: key.publicKey,
        private: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
      };
      await writeFile(path.join(unfinished, keyFileName(role)), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
      keys.push(key);
    }
    await rename(unfinished, directory);
    return ok(keys);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    throw new Error(`could not write keys to ${directory}`, { cause });
  }
}

export type Keys = { readonly [Role in RoleName]: SigningKey };
export type PublisherKeys = Omit<Keys, 'root'>;

/** The keys that every publication needs. Names each one that is missing or not readable. */
export async function loadPublisherKeys(directory: string): Promise<Outcome<PublisherKeys, KeyRefusalCode>> {
  const [targets, snapshot, timestamp] = await Promise.all([
    loadKey(directory, 'targets'),
    loadKey(directory, 'snapshot'),
    loadKey(directory, 'timestamp'),
  ]);
  if (targets.kind === 'ok' && snapshot.kind === 'ok' && timestamp.kind === 'ok') {
    return ok({ targets: targets.value, snapshot: snapshot.value, timestamp: timestamp.value });
  }
  return refusedWith([targets, snapshot, timestamp]);
}

/** With the root key, which makes a repository. */
export async function loadKeys(directory: string): Promise<Outcome<Keys, KeyRefusalCode>> {
  const [root, others] = await Promise.all([loadKey(directory, 'root'), loadPublisherKeys(directory)]);
  if (root.kind === 'ok' && others.kind === 'ok') return ok({ root: root.value, ...others.value });
  return refusedWith([root, others]);
}

/** Throws when none of them is a refusal. */
function refusedWith(outcomes: readonly Outcome<unknown, KeyRefusalCode>[]) {
  const [first, ...more] = outcomes.flatMap((outcome) => (outcome.kind === 'refused' ? outcome.reasons : []));
  if (!first) throw new TypeError('no refusal among the outcomes');
  return refused(first, ...more);
}

async function loadKey(directory: string, role: RoleName): Promise<Outcome<SigningKey, KeyRefusalCode>> {
  const file = path.join(directory, keyFileName(role));
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return refused({
      code: 'key-missing',
      message: `The ${role} key cannot be read from ${file}: ${error instanceof Error ? error.message : String(error)}`,
      nextStep: 'Make keys with `gatehouse release keys init`, or name the folder that holds them.',
    });
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Value.Check(KeyFile, parsed)) throw new Error('it has another format');
    if (parsed.role !== role) throw new Error(`it is the key of ${parsed.role}`);
    const key = toSigningKey(
      role,
      createPrivateKey({ key: Buffer.from(parsed.private, 'base64'), format: 'der', type: 'pkcs8' }),
    );
    if (key.keyId !== parsed.keyId) throw new Error('its private key is not the one of its key id');
    return ok(key);
  } catch (error) {
    return refused({
      code: 'key-unreadable',
      message: `${file} is not a ${role} key of this program: ${error instanceof Error ? error.message : String(error)}`,
      nextStep: 'Restore the file from your copy.',
    });
  }
}

function toSigningKey(role: RoleName, privateKey: KeyObject): SigningKey {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`an Ed25519 key is needed for ${role}`);
  // The last 32 bytes of the SubjectPublicKeyInfo are the raw key, whatever stands before them.
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
  const keyId = sha256Digest(
    canonicalJson({ keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicKey } }),
  ).slice('sha256:'.length);
  return { role, keyId, publicKey, sign: (data) => sign(null, data, privateKey).toString('hex') };
}
