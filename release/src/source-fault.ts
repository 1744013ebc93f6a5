/** What is wrong in a publisher's source, and where. */

import type { Refusal } from './outcome.ts';

export type SourceRefusalCode = 'source-invalid';

export interface SourceFault extends Refusal<SourceRefusalCode> {
  readonly file: string;
  /** Dotted; empty for the file as a whole. */
  readonly field: string;
}

/** `reason` without a full stop; `nextStep` as a sentence. */
export function sourceFault(file: string, field: string, reason: string, nextStep: string): SourceFault {
  const place = field === '' ? file : `${file}, ${field}`;
  return { code: 'source-invalid', file, field, message: `${place}: ${reason}.`, nextStep };
}

/** `/agent/kubernetes/min` becomes `agent.kubernetes.min`. */
export function toField(instancePath: string): string {
  return instancePath.slice(1).replaceAll('/', '.');
}

/** Of two `major.minor.patch`. False when either is none; the check of its own field says so. */
export function isNewer(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (const index of [0, 1, 2]) {
    const [x, y] = [left?.[index] ?? Number.NaN, right?.[index] ?? Number.NaN];
    if (x !== y) return x > y;
  }
  return false;
}
