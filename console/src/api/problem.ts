/** What went wrong, as it is shown: the control plane's own words where it answered, else what the browser met. */

import { ProblemError } from '@gatehouse/contract/client';
import type { Reason } from '@gatehouse/contract/primitives';

export interface ShownProblem {
  readonly code: string;
  readonly title: string;
  /** Absent where a reason says it. */
  readonly detail?: string;
  readonly reasons: readonly Reason[];
}

export function toShownProblem(error: unknown): ShownProblem {
  if (error instanceof ProblemError) {
    const { code, title, detail, reasons } = error.problem;
    const isSaid = detail === title || reasons.some(({ message }) => message === detail);
    return { code, title, ...(isSaid ? {} : { detail }), reasons };
  }
  if (error instanceof TypeError) {
    // What `fetch` throws when no answer came at all.
    return {
      code: 'no-answer',
      title: 'The control plane does not answer.',
      detail: 'Check that it runs and that the network is there; the page tries again by itself.',
      reasons: [],
    };
  }
  return {
    code: 'console-error',
    title: 'The console met an error of its own.',
    detail: error instanceof Error ? error.message : String(error),
    reasons: [],
  };
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof ProblemError ? error.problem.code : undefined;

/**
 * Of a question that has nothing but the page's own address in it: the address names nothing, or nothing that could have
 * a name like it.
 */
export const isNoSuchPage = (error: unknown): boolean =>
  codeOf(error) === 'not-found' || codeOf(error) === 'invalid-request';

export const reasonCodesOf = (error: unknown): readonly string[] =>
  error instanceof ProblemError ? error.problem.reasons.map(({ code }) => code) : [];
