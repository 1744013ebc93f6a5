/**
 * Whether automatic agent updates are paused for a gateway: from the pauses of its tenant, its project and itself, each
 * an independent flag, and the exemption the gateway may have. Never decides anything about profile updates: a pause
 * does not stop a person from confirming one.
 */

import { formatInstant, type Instant } from './instant.ts';
import type { Reason } from './reason.ts';

export type PauseScopeKind = 'tenant' | 'project' | 'gateway';

export interface Pause {
  readonly scope: { readonly kind: PauseScopeKind; readonly id: string; readonly name: string };
  readonly by: string;
  readonly reason: string;
  readonly since: Instant;
  /** When it ends by itself. Absent: only when a person resumes. */
  readonly until?: Instant;
}

/** An audited exception for one gateway: its agent updates run although a scope is paused. It always expires. */
export interface Exemption {
  readonly by: string;
  readonly reason: string;
  readonly since: Instant;
  readonly until: Instant;
}

/** What holds at `now`: from `since`, inclusive, to `until`, exclusive. */
function holds(flag: { readonly since: Instant; readonly until?: Instant }, now: Instant): boolean {
  return flag.since <= now && (flag.until === undefined || now < flag.until);
}

/** Every pause of the given ones that has not ended, whatever the exemption says. */
export function activePauses(pauses: readonly Pause[], now: Instant): readonly Pause[] {
  return pauses.filter((pause) => holds(pause, now));
}

export function isExempt(exemption: Exemption | undefined, now: Instant): boolean {
  return exemption !== undefined && holds(exemption, now);
}

export interface PauseFacts {
  /** The pauses of the gateway's own scopes; those of other scopes must not be in it. */
  readonly pauses: readonly Pause[];
  readonly exemption?: Exemption;
}

/** True if and only if some scope is paused and no exemption holds. */
export function isPaused(facts: PauseFacts, now: Instant): boolean {
  return activePauses(facts.pauses, now).length > 0 && !isExempt(facts.exemption, now);
}

/** One reason for each scope that holds the gateway; empty when it is not paused. */
export function pauseReasons(facts: PauseFacts, now: Instant): readonly Reason<'paused'>[] {
  if (!isPaused(facts, now)) return [];
  return activePauses(facts.pauses, now).map((pause) => ({
    code: 'paused',
    message:
      `Agent updates are paused for the ${pause.scope.kind} ${pause.scope.name} by ${pause.by} ` +
      `since ${formatInstant(pause.since)}${pause.until === undefined ? '' : ` until ${formatInstant(pause.until)}`}: ${pause.reason}`,
    nextStep: `Resume the ${pause.scope.kind} ${pause.scope.name}, or exempt this gateway.`,
  }));
}
