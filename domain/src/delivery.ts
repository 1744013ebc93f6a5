/**
 * What follows from one attempt to deliver a message: it is delivered, tried again later, or given up, and what that says
 * of the receiver. Codes and schedule are those of the Standard Webhooks specification; e-mail follows the same schedule.
 * `jitter` is a number from 0 up to 1 that the caller draws.
 */

import { addMilliseconds, hours, type Instant, type Milliseconds, minutes, seconds } from './instant.ts';

/** From the end of one attempt to the next: ten attempts within about three days. */
const delays: readonly Milliseconds[] = [
  seconds(5),
  minutes(5),
  minutes(30),
  hours(2),
  hours(5),
  hours(10),
  hours(14),
  hours(20),
  hours(24),
];
export const attemptsMax = delays.length + 1;
/** Share by which a delay may be longer, so that what failed together does not come back together. */
const jitterShare = 0.2;
/** The longest `Retry-After` that is obeyed. */
const retryAfterMax = hours(24);
/** A receiver to which nothing came through for so long is not asked any more. */
export const disabledAfter: Milliseconds = hours(5 * 24);

export type AttemptOutcome =
  | { readonly kind: 'accepted' }
  /** It answered, and not with a yes. */
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter?: Milliseconds }
  /** It said that it never wants this message: another try would end the same. */
  | { readonly kind: 'refused-for-good' }
  /** No answer: not found, not reached, not in time, or an address that may not be asked. */
  | { readonly kind: 'failed' };

export interface AttemptFacts {
  /** Of this delivery, from 1, this one included. */
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
  /** Since when nothing came through to the receiver, before this attempt. */
  readonly failingSince?: Instant;
}

export interface AttemptConsequences {
  readonly delivery:
    | { readonly state: 'delivered' }
    | { readonly state: 'waiting'; readonly nextAttemptAt: Instant }
    | { readonly state: 'given-up' };
  /** Absent: something came through. */
  readonly failingSince?: Instant;
  /** Why the receiver is not asked any more. */
  readonly disabled?: 'gone' | 'failing';
}

export function afterAttempt(facts: AttemptFacts, now: Instant, jitter: number): AttemptConsequences {
  const { attempt, outcome } = facts;
  if (outcome.kind === 'accepted') return { delivery: { state: 'delivered' } };
  const failingSince = facts.failingSince ?? now;
  if (outcome.kind === 'answered' && outcome.status === 410) {
    return { delivery: { state: 'given-up' }, failingSince, disabled: 'gone' };
  }
  const isLong = now - failingSince >= disabledAfter;
  const more = { failingSince, ...(isLong ? { disabled: 'failing' as const } : {}) };
  const delay = delays[attempt - 1];
  if (outcome.kind === 'refused-for-good' || delay === undefined) return { delivery: { state: 'given-up' }, ...more };
  const asked = outcome.kind === 'answered' ? Math.min(outcome.retryAfter ?? 0, retryAfterMax) : 0;
  const wait = Math.max(delay, asked) * (1 + jitterShare * jitter);
  return { delivery: { state: 'waiting', nextAttemptAt: addMilliseconds(now, Math.round(wait)) }, ...more };
}
