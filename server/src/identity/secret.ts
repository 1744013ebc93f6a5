/** Secrets that are handed out once and kept only as a digest. They are random, so a plain digest cannot be guessed. */

import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits behind a prefix that says what it is, for the reader of a leaked one. */
export const newSecret = (prefix: 'ght' | 'ghr' | 'ghk' | 'ghs'): string =>
  `${prefix}_${randomBytes(32).toString('base64url')}`;

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
