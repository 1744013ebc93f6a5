/** What a call gives that may be answered with no: a value, or a refusal with all its reasons. Bugs and a broken disk throw. */

import type { Reason } from '@gatehouse/contract/primitives';

/** As in the contract, with a code that a program may branch on. */
export interface Refusal<Code extends string = string> extends Reason {
  code: Code;
}

export type Outcome<Value, Code extends string = string> =
  | { readonly kind: 'ok'; readonly value: Value }
  | { readonly kind: 'refused'; readonly reasons: readonly [Refusal<Code>, ...Refusal<Code>[]] };

export function ok<Value>(value: Value): { readonly kind: 'ok'; readonly value: Value } {
  return { kind: 'ok', value };
}

export function refused<Code extends string>(
  reason: Refusal<Code>,
  ...more: readonly Refusal<Code>[]
): { readonly kind: 'refused'; readonly reasons: readonly [Refusal<Code>, ...Refusal<Code>[]] } {
  return { kind: 'refused', reasons: [reason, ...more] };
}

/** All reasons as one text, for a log line or an error. */
export function reasonsText(reasons: readonly Reason[]): string {
  return reasons
    .map(({ message, nextStep }) => (nextStep === undefined ? message : `${message} ${nextStep}`))
    .join(' ');
}
