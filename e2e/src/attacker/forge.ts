/**
 * Metadata as an attacker makes it: taken from the publisher's, changed at will, signed with whatever keys they have.
 * Works on plain JSON, since what it makes need not be what any library would agree to write.
 */

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { canonicalJson, sha256Digest } from '@gatehouse/release/canonical-json';

export type Json = { [key: string]: unknown };

export interface ForgingKey {
  readonly keyId: string;
  readonly publicKey: string;
  readonly sign: (data: Uint8Array) => string;
}

export function newKey(): ForgingKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
  return { keyId: keyIdOf(raw), publicKey: raw, sign: (data) => signed(data, privateKey) };
}

const signed = (data: Uint8Array, key: KeyObject): string => sign(null, data, key).toString('hex');

function keyIdOf(publicKey: string): string {
  return sha256Digest(canonicalJson({ keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicKey } })).slice(
    'sha256:'.length,
  );
}

/** A deep copy to be changed. */
export function open(bytes: Uint8Array): { signed: Json; signatures: Json[] } {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as { signed: Json; signatures: Json[] };
}

/** Signed anew by those keys, in their order; a key that is named twice signs twice. */
export function seal(metadata: Json, keys: readonly ForgingKey[]): Uint8Array {
  const bytes = Buffer.from(canonicalJson(metadata));
  const signatures = keys.map((key) => ({ keyid: key.keyId, sig: key.sign(bytes) }));
  return Buffer.from(JSON.stringify({ signed: metadata, signatures }));
}

/** `meta` of a file as snapshot and timestamp name it. */
export function metaOf(version: number, bytes: Uint8Array): Json {
  return { version, length: bytes.length, hashes: { sha256: hex(bytes) } };
}

export function hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A target as targets metadata names it. */
export function targetOf(bytes: Uint8Array): Json {
  return { length: bytes.length, hashes: { sha256: hex(bytes) } };
}
