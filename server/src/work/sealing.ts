/**
 * Secrets that the control plane has to know again, unlike tokens, of which a digest is enough. They are sealed with a
 * key derived from the signing key, and each opens only where it belongs. Whoever has a row, a log or a table of a dump
 * has nothing; whoever has the whole database has the signing key too.
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const cipher = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

const keyOf = (signingKey: Uint8Array) =>
  Buffer.from(hkdfSync('sha256', signingKey, Buffer.alloc(0), 'gatehouse sealed secret', 32));

/** `place` names what the secret is of; with another one it does not open. */
export function sealSecret(signingKey: Uint8Array, place: string, secret: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, keyOf(signingKey), nonce).setAAD(Buffer.from(place));
  const sealed = Buffer.concat([sealing.update(secret, 'utf8'), sealing.final()]);
  return Buffer.concat([nonce, sealing.getAuthTag(), sealed]);
}

/** Throws when it was sealed with another key or for another place, or was changed since. */
export function openSecret(signingKey: Uint8Array, place: string, bytes: Uint8Array): string {
  const opening = createDecipheriv(cipher, keyOf(signingKey), bytes.subarray(0, nonceBytes)).setAAD(Buffer.from(place));
  opening.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  return Buffer.concat([opening.update(bytes.subarray(nonceBytes + tagBytes)), opening.final()]).toString('utf8');
}
