/** What a use case gives back: the reply, or an expected "no" with a code from the contract's table. */

import type { Code } from '@gatehouse/contract/problem';
import type { Reason } from '@gatehouse/domain/reason';

export interface Refusal {
  readonly kind: 'refused';
  readonly code: Code;
  /** Names the thing, the reason and the next step. */
  readonly detail: string;
  readonly reasons: readonly Reason[];
  /** With `plan-changed`: the plan that holds now. */
  readonly planId?: string;
}

export type Answer<T> = { readonly kind: 'done'; readonly reply: T } | Refusal;

export const done = <T>(reply: T): Answer<T> => ({ kind: 'done', reply });

export function refuse(
  code: Code,
  detail: string,
  more: { readonly reasons?: readonly Reason[]; readonly planId?: string } = {},
): Refusal {
  return {
    kind: 'refused',
    code,
    detail,
    reasons: more.reasons ?? [],
    ...(more.planId === undefined ? {} : { planId: more.planId }),
  };
}
