/**
 * Whether metadata is signed by enough of the keys that are trusted for it. Key types and schemes of the TUF
 * specification: Ed25519, ECDSA on P-256 and P-384, RSA-PSS.
 */

import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fail } from './tuf-fault.ts';
import { isObject, type JsonObject, member } from './tuf-json.ts';

export interface TufKey {
  /**
   * Of the key itself. Two key ids may stand for one key, which still counts once. Undefined: this program cannot verify
   * with it, so it counts for nothing.
   */
  readonly verifier?: { readonly id: string; readonly verify: (data: Uint8Array, signature: Uint8Array) => boolean };
}

export interface Role {
  readonly keyIds: readonly string[];
  readonly threshold: number;
}

export interface SignedBytes {
  /** What was signed. */
  readonly payload: Uint8Array;
  /** Hexadecimal signatures by key id. */
  readonly signatures: ReadonlyMap<string, string>;
}

/** Throws a fault (`signature-wrong`) unless a threshold of different keys of the role has signed. `by` names who trusts them. */
export function mustBeSigned(
  file: SignedBytes,
  role: Role,
  keys: ReadonlyMap<string, TufKey>,
  names: { readonly what: string; readonly by: string },
): void {
  const signers = new Set<string>();
  for (const keyId of role.keyIds) {
    const verifier = keys.get(keyId)?.verifier;
    const signature = file.signatures.get(keyId);
    if (verifier === undefined || signature === undefined || !hexPattern.test(signature)) continue;
    if (verifier.verify(file.payload, Buffer.from(signature, 'hex'))) signers.add(verifier.id);
  }
  if (signers.size >= role.threshold) return;
  fail(
    'signature-wrong',
    `${names.what} is signed by ${signers.size} of the keys that ${names.by} trusts for it, and ${role.threshold} are needed.`,
  );
}

const hexPattern = /^(?:[0-9a-fA-F]{2})+$/;

/** Never throws: a key of a kind that is not known here does not spoil the metadata it stands in. */
export function parseKey(entry: JsonObject): TufKey {
  const keyType = member(entry, 'keytype');
  const scheme = member(entry, 'scheme');
  const keyValue = member(entry, 'keyval');
  const text = isObject(keyValue) ? member(keyValue, 'public') : undefined;
  if (typeof keyType !== 'string' || typeof scheme !== 'string' || typeof text !== 'string') return {};
  if (!Object.hasOwn(schemes, scheme)) return {};
  const kind = schemes[scheme];
  if (kind === undefined || !kind.keyTypes.includes(keyType)) return {};
  let key: KeyObject;
  try {
    key = text.startsWith('-----BEGIN PUBLIC KEY-----') ? createPublicKey(text) : fromHex(kind, text);
  } catch {
    return {};
  }
  if (!kind.isOwn(key)) return {};
  return {
    verifier: {
      id: key.export({ format: 'der', type: 'spki' }).toString('base64'),
      verify(data, signature) {
        try {
          return verify(kind.digest, data, { key, ...kind.options }, signature);
        } catch {
          return false;
        }
      },
    },
  };
}

interface Scheme {
  /** The older of the names for ECDSA keys are those of their schemes. */
  readonly keyTypes: readonly string[];
  readonly digest: string | null;
  readonly options?: { readonly padding: number; readonly saltLength: number };
  readonly isOwn: (key: KeyObject) => boolean;
  /** What stands in a SubjectPublicKeyInfo before the raw key. */
  readonly prefix?: Uint8Array;
}

const rsaBitsMin = 2048;

function rsaPss(digest: string): Scheme {
  return {
    keyTypes: ['rsa'],
    digest,
    // Publishers differ in the salt's length: that of the digest, or the longest there is room for.
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
    isOwn: (key) => key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= rsaBitsMin,
  };
}

function ecdsa(digest: string, curve: string, prefix: string): Scheme {
  return {
    keyTypes: ['ecdsa', `ecdsa-sha2-${curve === 'prime256v1' ? 'nistp256' : 'nistp384'}`],
    digest,
    isOwn: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve,
    prefix: Buffer.from(prefix, 'hex'),
  };
}

const schemes: Readonly<Record<string, Scheme>> = {
  ed25519: {
    keyTypes: ['ed25519'],
    digest: null,
    isOwn: (key) => key.asymmetricKeyType === 'ed25519',
    prefix: Buffer.from('302a300506032b6570032100', 'hex'),
  },
  'ecdsa-sha2-nistp256': ecdsa('sha256', 'prime256v1', '3059301306072a8648ce3d020106082a8648ce3d030107034200'),
  'ecdsa-sha2-nistp384': ecdsa('sha384', 'secp384r1', '3076301006072a8648ce3d020106052b81040022036200'),
  'rsassa-pss-sha256': rsaPss('sha256'),
  'rsassa-pss-sha384': rsaPss('sha384'),
  'rsassa-pss-sha512': rsaPss('sha512'),
};

function fromHex({ prefix }: Scheme, text: string): KeyObject {
  if (prefix === undefined || !hexPattern.test(text)) throw new TypeError('not a key in hexadecimal');
  return createPublicKey({ key: Buffer.concat([prefix, Buffer.from(text, 'hex')]), format: 'der', type: 'spki' });
}
