/** Words about an attempt that server, agent and guard share. */

import type { AgentAttempt, AgentRelease, AttemptPhase, AttemptReason } from './agent-update-types.ts';
import { linesOf } from './lines.ts';

const runningPhases: readonly AttemptPhase[] = ['rehearsing', 'swapping', 'watching'];

/** True from its first record until it is settled, taken back, interrupted or failed in the rehearsal. */
export function isAttemptRunning(attempt: AgentAttempt | undefined): attempt is AgentAttempt {
  return attempt !== undefined && runningPhases.includes(attempt.phase);
}

/** The digest is the identity of an agent. */
export function isSameAgent(a: AgentRelease, b: AgentRelease): boolean {
  return a.digest === b.digest;
}

/** `exits at start (exit code 1): cannot read settings`, in one line. */
export function attemptReasonText(reason: AttemptReason): string {
  const exit = reason.exitCode === undefined ? '' : ` (exit code ${reason.exitCode})`;
  const lines = linesOf(reason.lastLogLines ?? '').join(' | ');
  return `${reason.message}${exit}${lines === '' ? '' : `; last lines: ${lines}`}`;
}
