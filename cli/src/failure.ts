/** How a command ends: design's exit codes, and an error that carries one. */

import type { Reason } from '@gatehouse/contract/primitives';
import { type Code, codes, type Problem } from '@gatehouse/contract/problem';

export const exitCodes = { done: 0, failed: 1, usage: 2, notFound: 3, refused: 4, notAllowed: 5 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command ends without success; `lines` go to standard error. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];
  constructor(exitCode: ExitCode, lines: readonly string[]) {
    super(lines.join('\n'));
    this.exitCode = exitCode;
    this.lines = lines;
  }
}

export const usageFailure = (...lines: string[]): Failure => new Failure(exitCodes.usage, lines);

function isCode(text: string): text is Code {
  return Object.hasOwn(codes, text);
}

function exitCodeOf(problem: Problem): ExitCode {
  const code = problem.code;
  if (code === 'invalid-request') return exitCodes.usage;
  switch (isCode(code) ? codes[code].status : problem.status) {
    case 404:
      return exitCodes.notFound;
    case 401:
    case 403:
      return exitCodes.notAllowed;
    case 409:
    case 422:
      return exitCodes.refused;
    default:
      return exitCodes.failed;
  }
}

/** A refusal of the control plane in words, every reason and next step on a line of its own. */
export function failureOf(problem: Problem): Failure {
  return new Failure(exitCodeOf(problem), [
    problem.detail || problem.title,
    ...problem.reasons.flatMap((reason) => [
      `  - ${reason.message}`,
      ...(reason.nextStep === undefined ? [] : [`    ${reason.nextStep}`]),
    ]),
  ]);
}

/** What our own libraries refuse, before a control plane was asked. */
export function refusalFailure(reasons: readonly Reason[]): Failure {
  return new Failure(
    exitCodes.refused,
    reasons.flatMap(({ message, nextStep }) => (nextStep === undefined ? [message] : [message, `  ${nextStep}`])),
  );
}
