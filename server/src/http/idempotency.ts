/**
 * A write repeated with the same Idempotency-Key is done once, and answered the same each time for a day. Refusals are
 * not remembered: the client may try again when the reason is gone. A reply can hold a secret that is shown once, so it
 * is kept sealed with the key itself, of which only a digest is stored.
 */

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { canonicalJson, sha256Digest } from '@gatehouse/release/canonical-json';
import type { FastifyRequest } from 'fastify';
import type { Access } from '../identity/access.ts';
import type { Work } from '../work/work.ts';
import { type Answer, done, refuse } from './answer.ts';
import { insertIdempotencyKey, selectIdempotencyKey, updateIdempotencyReply } from './idempotency.store.ts';

const keyPattern = /^[\x21-\x7e]{1,200}$/;

export function parseIdempotencyKey(request: FastifyRequest): Answer<string | undefined> {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return done(undefined);
  if (typeof key === 'string' && keyPattern.test(key)) return done(key);
  const message = 'header.idempotency-key has to be 1 to 200 visible ASCII characters.';
  return refuse('invalid-request', `The header does not fit: ${message}`, {
    reasons: [{ code: 'field-invalid', message }],
  });
}

interface IdempotentRequest {
  readonly request: FastifyRequest;
  readonly access: Access;
  readonly key: string;
  readonly status: number;
}

export async function withIdempotency(
  work: Work,
  { request, access, key, status }: IdempotentRequest,
  body: () => Promise<Answer<unknown>>,
): Promise<Answer<unknown>> {
  const id = { tokenId: access.principal.tokenId, keyHash: createHash('sha256').update(key).digest('hex') };
  const requestDigest = sha256Digest(`${request.method} ${request.url}\n${canonicalJson(request.body ?? null)}`);
  // Waits for a request with the same key that is still on its way.
  if (!(await insertIdempotencyKey(work.tx, { ...id, requestDigest, status, now: work.now }))) {
    const before = await selectIdempotencyKey(work.tx, id);
    // The caller's own key, and the answer for which permission was asked when it was made.
    access.own();
    if (before === undefined) throw new Error('an idempotency key is there and cannot be read');
    if (before.requestDigest !== requestDigest) {
      return refuse(
        'idempotency-key-reused',
        `The Idempotency-Key ${key} came before with another request; use a new one.`,
      );
    }
    return done(before.reply === null ? undefined : JSON.parse(open(before.reply, key)));
  }
  const answer = await body();
  if (answer.kind === 'done' && answer.reply !== undefined) {
    await updateIdempotencyReply(work.tx, { ...id, reply: seal(JSON.stringify(answer.reply), key) });
  }
  return answer;
}

const cipher = 'aes-256-gcm';
const sealingKey = (key: string, salt: Uint8Array) =>
  Buffer.from(hkdfSync('sha256', key, salt, 'gatehouse idempotent reply', 32));

function seal(text: string, key: string): Buffer {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const sealing = createCipheriv(cipher, sealingKey(key, salt), nonce);
  const sealed = Buffer.concat([sealing.update(text, 'utf8'), sealing.final()]);
  return Buffer.concat([salt, nonce, sealing.getAuthTag(), sealed]);
}

function open(bytes: Buffer, key: string): string {
  const opening = createDecipheriv(cipher, sealingKey(key, bytes.subarray(0, 16)), bytes.subarray(16, 28));
  opening.setAuthTag(bytes.subarray(28, 44));
  return Buffer.concat([opening.update(bytes.subarray(44)), opening.final()]).toString('utf8');
}
