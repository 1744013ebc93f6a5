/**
 * Holds of an agent that mean more than waiting: what it was told or given does not agree with what was signed, or with
 * what it was told before. Each becomes an event of the gateway, since the next honest target takes the hold away and
 * somebody has to learn that it was there.
 */

import type { Reason } from './reason.ts';

const targetRefusalCodes: ReadonlySet<string> = new Set([
  // The target itself.
  'target-older',
  'target-too-far-ahead',
  'target-changed',
  'target-too-large',
  // What it names is signed otherwise.
  'release-mismatch',
  'order-refused',
  'release-recalled',
  // What was served in the publisher's name.
  'root-differs',
  'unknown-release',
  'unknown-target',
  'file-missing',
  'file-too-large',
  'metadata-expired',
  'metadata-inconsistent',
  'metadata-malformed',
  'signature-wrong',
  'repository-too-slow',
  'rollback',
  'digest-mismatch',
  'document-invalid',
]);

export function isTargetRefusal({ code }: Reason): boolean {
  return targetRefusalCodes.has(code);
}
