/**
 * A signing key as a file, and its public half as another one that may be given away. `version` 2 of a key file holds the
 * private key encrypted: AES-256-GCM under a key that scrypt derives from a passphrase, every parameter beside it, and
 * role and key id bound to it, so that a key cannot be passed off as another role's. `version` 1 holds it in clear, guarded
 * by the file's mode alone.
 */

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  scrypt,
  sign,
} from 'node:crypto';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { canonicalJson, sha256Digest } from './canonical-json.ts';

export const roleNames = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type RoleName = (typeof roleNames)[number];

/** What the root names: everything about a key that is no secret. */
export interface PublicKey {
  readonly role: RoleName;
  /** As in TUF: sha256 of the public key's canonical JSON, hexadecimal. */
  readonly keyId: string;
  /** Raw Ed25519 public key, hexadecimal. */
  readonly publicKey: string;
}

export interface SigningKey extends PublicKey {
  /** Ed25519 signature of `data`, hexadecimal. */
  readonly sign: (data: Uint8Array) => string;
}

const publicProperties = {
  role: Type.Enum([...roleNames]),
  keyType: Type.Literal('ed25519'),
  keyId: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  public: Type.String({ pattern: '^[0-9a-f]{64}$' }),
};

/** The public half: what a signer hands in. */
const PublicKeyFile = Type.Object({
  version: Type.Literal(1),
  ...publicProperties,
  private: Type.Optional(Type.Never()),
});

/** PKCS #8, base64. */
const ClearKeyFile = Type.Object({
  version: Type.Literal(1),
  ...publicProperties,
  private: Type.String({ minLength: 1, maxLength: 1000 }),
});

const Base64 = (bytes: number) => Type.String({ pattern: `^[A-Za-z0-9+/]{${Math.ceil((bytes * 4) / 3)}}={0,2}$` });

/** `data`: PKCS #8, encrypted, base64. The bounds keep a file from asking for more memory than a machine has. */
const EncryptedKeyFile = Type.Object({
  version: Type.Literal(2),
  ...publicProperties,
  private: Type.Object({
    kdf: Type.Object({
      name: Type.Literal('scrypt'),
      cost: Type.Enum([2 ** 14, 2 ** 15, 2 ** 16, 2 ** 17, 2 ** 18, 2 ** 19, 2 ** 20]),
      blockSize: Type.Integer({ minimum: 1, maximum: 16 }),
      parallelization: Type.Integer({ minimum: 1, maximum: 4 }),
      salt: Base64(32),
    }),
    cipher: Type.Object({ name: Type.Literal('aes-256-gcm'), iv: Base64(12), tag: Base64(16) }),
    data: Type.String({ minLength: 1, maxLength: 1000 }),
  }),
});
type EncryptedKeyFile = Static<typeof EncryptedKeyFile>;
type Encrypted = EncryptedKeyFile['private'];

/** 128 MiB and a third of a second for each guess. */
const scryptDefault = { cost: 2 ** 17, blockSize: 8, parallelization: 1 } as const;
export const passphraseLengthMin = 8;

export type ParsedKeyFile =
  | { readonly kind: 'public'; readonly key: PublicKey }
  | { readonly kind: 'clear'; readonly key: SigningKey }
  | {
      readonly kind: 'encrypted';
      readonly key: PublicKey;
      readonly decrypt: (passphrase: string) => Promise<SigningKey>;
    };

/** Throws an error that says what is wrong with the text. `decrypt` throws `WrongPassphrase`. */
export function parseKeyFile(text: string): ParsedKeyFile {
  const file = parseJson(text);
  if (Value.Check(EncryptedKeyFile, file)) {
    return { kind: 'encrypted', key: checkedPublicKey(file), decrypt: (passphrase) => decrypt(file, passphrase) };
  }
  if (Value.Check(ClearKeyFile, file)) {
    return { kind: 'clear', key: toSigningKey(file, Buffer.from(file.private, 'base64')) };
  }
  if (Value.Check(PublicKeyFile, file)) return { kind: 'public', key: checkedPublicKey(file) };
  throw new Error('it has another format');
}

/** The key's file, and its public half's. Without a passphrase the private key stands in clear. */
export async function writeKeyFile(
  role: RoleName,
  privateKey: KeyObject,
  passphrase: string | undefined,
): Promise<{ readonly key: SigningKey; readonly text: string; readonly publicText: string }> {
  const key = signingKeyOf(role, privateKey);
  const bytes = privateKey.export({ format: 'der', type: 'pkcs8' });
  const publicPart = publicPartOf(key);
  const file =
    passphrase === undefined
      ? { version: 1, ...publicPart, private: bytes.toString('base64') }
      : { version: 2, ...publicPart, private: await encrypt(key, bytes, passphrase) };
  return { key, text: `${JSON.stringify(file, null, 2)}\n`, publicText: publicKeyText(key) };
}

export function publicKeyText(key: PublicKey): string {
  return `${JSON.stringify({ version: 1, ...publicPartOf(key) }, null, 2)}\n`;
}

export class WrongPassphrase extends Error {
  override readonly name = 'WrongPassphrase';
}

function publicPartOf(key: PublicKey) {
  return { role: key.role, keyType: 'ed25519', keyId: key.keyId, public: key.publicKey };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('it is no JSON, perhaps written only in part', { cause });
  }
}

type PublicFile = Static<typeof PublicKeyFile> | Static<typeof ClearKeyFile> | EncryptedKeyFile;

function checkedPublicKey(file: PublicFile): PublicKey {
  if (publicKeyId(file.public) !== file.keyId) throw new Error('its public key is not the one of its key id');
  return { role: file.role, keyId: file.keyId, publicKey: file.public };
}

function toSigningKey(file: PublicFile, pkcs8: Buffer): SigningKey {
  const key = signingKeyOf(file.role, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
  if (key.keyId !== file.keyId) throw new Error('its private key is not the one of its key id');
  return key;
}

function signingKeyOf(role: RoleName, privateKey: KeyObject): SigningKey {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`an Ed25519 key is needed for ${role}`);
  // The last 32 bytes of the SubjectPublicKeyInfo are the raw key, whatever stands before them.
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
  return {
    role,
    keyId: publicKeyId(publicKey),
    publicKey,
    sign: (data) => sign(null, data, privateKey).toString('hex'),
  };
}

/** `publicKey` as in `PublicKey`. */
export function publicKeyId(publicKey: string): string {
  const json = canonicalJson({ keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicKey } });
  return sha256Digest(json).slice('sha256:'.length);
}

async function encrypt(key: PublicKey, bytes: Uint8Array, passphrase: string): Promise<Encrypted> {
  const salt = randomBytes(32);
  const iv = randomBytes(12);
  const kdf = { name: 'scrypt', ...scryptDefault, salt: salt.toString('base64') } as const;
  const cipher = createCipheriv('aes-256-gcm', await derive(passphrase, kdf), iv).setAAD(boundTo(key));
  const data = Buffer.concat([cipher.update(bytes), cipher.final()]).toString('base64');
  const tag = cipher.getAuthTag().toString('base64');
  return { kdf, cipher: { name: 'aes-256-gcm', iv: iv.toString('base64'), tag }, data };
}

async function decrypt(file: EncryptedKeyFile, passphrase: string): Promise<SigningKey> {
  const { kdf, cipher, data } = file.private;
  const decipher = createDecipheriv('aes-256-gcm', await derive(passphrase, kdf), Buffer.from(cipher.iv, 'base64'), {
    authTagLength: 16,
  })
    .setAAD(boundTo({ role: file.role, keyId: file.keyId }))
    .setAuthTag(Buffer.from(cipher.tag, 'base64'));
  let bytes: Buffer;
  try {
    bytes = Buffer.concat([decipher.update(data, 'base64'), decipher.final()]);
  } catch (cause) {
    throw new WrongPassphrase('the passphrase does not open it, or the file was changed', { cause });
  }
  return toSigningKey(file, bytes);
}

function boundTo({ role, keyId }: Pick<PublicKey, 'role' | 'keyId'>): Buffer {
  return Buffer.from(canonicalJson({ role, keyId }));
}

function derive(passphrase: string, kdf: Encrypted['kdf']): Promise<Buffer> {
  const { cost, blockSize, parallelization } = kdf;
  // As many bytes as scrypt itself needs, and some.
  const options = { cost, blockSize, parallelization, maxmem: 128 * cost * blockSize + 64 * 1024 * 1024 };
  // One text has several forms in Unicode, and a keyboard may give either.
  const password = passphrase.normalize('NFKC');
  return new Promise((resolve, reject) => {
    scrypt(password, Buffer.from(kdf.salt, 'base64'), 32, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
