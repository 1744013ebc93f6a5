/**
 * When an agent polls next, and which interval the server asks for. Randomness is passed in as a number in [0, 1), so
 * that nothing here draws it.
 */

import { isAttemptRunning } from './agent-attempt.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import type { Milliseconds } from './instant.ts';
import { isProfileUpdateAvailable } from './profile-availability.ts';
import { productionTimings, type Timings } from './timings.ts';

export type PollOutcome =
  /** `pollAgain`: what the server asked for. */
  | { readonly kind: 'answered'; readonly pollAgain: Milliseconds }
  /** `failures`: failed polls in a row, this one included. */
  | { readonly kind: 'failed'; readonly failures: number; readonly retryAfter?: Milliseconds };

/**
 * The delay before the next poll. After a reply: what the server asked for, never more than the poll interval, ±jitter.
 * After a failure: full jitter below a limit that doubles from `failureBase` up to the poll interval (at least a tenth
 * of `failureBase`, so that bad luck never becomes a busy loop); `Retry-After` is a lower bound, up to `retryAfterMax`.
 */
export function nextPollDelay(
  outcome: PollOutcome,
  random: number,
  timings: Timings = productionTimings,
): Milliseconds {
  const { poll } = timings;
  if (outcome.kind === 'answered') {
    const asked = Math.min(Math.max(outcome.pollAgain, 0), poll.interval);
    return asked * (1 - poll.jitter + 2 * poll.jitter * random);
  }
  const doublings = Math.min(Math.max(outcome.failures - 1, 0), 30);
  const limit = Math.min(poll.interval, poll.failureBase * 2 ** doublings);
  const backoff = Math.max(limit * random, Math.min(poll.failureBase / 10, poll.interval));
  if (outcome.retryAfter === undefined) return backoff;
  const asked = Math.min(Math.max(outcome.retryAfter, 0), poll.retryAfterMax);
  // A little later each, so that those who were sent away together do not return together.
  return Math.max(backoff, asked * (1 + poll.jitter * random));
}

/** The interval the server hands out; `isLookedAt`: somebody has the gateway's page or event stream open. */
export function pollIntervalFor(
  facts: GatewayFacts,
  isLookedAt: boolean,
  timings: Timings = productionTimings,
): Milliseconds {
  const { poll } = timings;
  const isUpdating = facts.profileUpdate !== undefined || isAttemptRunning(facts.observation?.attempt);
  const isAgentNamed =
    facts.targetAgent !== undefined &&
    facts.observation !== undefined &&
    facts.targetAgent.digest !== facts.observation.agent.digest;
  if (isUpdating || isAgentNamed) return Math.min(poll.interval, poll.duringUpdate);
  const isBeingSetUp = facts.identity.installation === 'cli' && facts.observation?.appliedProfile === undefined;
  if (isBeingSetUp) return Math.min(poll.interval, poll.duringUpdate);
  if (isLookedAt || isProfileUpdateAvailable(facts)) return Math.min(poll.interval, poll.whileWaitingForConfirmation);
  return poll.interval;
}
