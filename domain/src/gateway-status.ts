/**
 * A gateway's status and health from what is known of it. The status says where the gateway is in its life, health only
 * whether its agent is heard; neither ever follows from the other.
 */

import type { GatewayHealth, GatewayStatus } from './gateway.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { addMilliseconds, type Instant } from './instant.ts';
import type { ProfileUpdateProgress } from './profile-update-types.ts';
import { productionTimings, type Timings } from './timings.ts';
import { unreachable } from './unreachable.ts';

/**
 * The agent's progress on the confirmed update. What it reports about another plan says nothing about this one, and
 * neither does the end of an earlier confirmation of the same plan, which was cancelled and confirmed again.
 */
export function confirmedProgress(facts: GatewayFacts): ProfileUpdateProgress | undefined {
  const progress = facts.observation?.profileUpdate;
  const confirmed = facts.profileUpdate;
  if (progress === undefined || confirmed === undefined || progress.planId !== confirmed.plan.planId) return undefined;
  const isOver = progress.phase === 'completed' || progress.phase === 'cancelled';
  return isOver && progress.retry < confirmed.retry ? undefined : progress;
}

/** True as soon as one step has begun. Preflight touches nothing, so it has not. */
export function hasBegun(progress: ProfileUpdateProgress): boolean {
  return progress.steps.some((step) => step.state !== 'waiting');
}

export function gatewayStatus(facts: GatewayFacts, _now: Instant): GatewayStatus {
  if (facts.deletedAt !== undefined) return 'Deleted';
  if (facts.deletionRequestedAt !== undefined) return 'Deleting';
  const observation = facts.observation;
  const isEnrolled = facts.enrolledAt !== undefined && observation !== undefined;
  if (facts.identity.installation === 'existing-cluster') return isEnrolled ? 'Running' : 'Pending';
  if (facts.enrolledAt === undefined && facts.provisioningBegunAt === undefined) return 'Pending';
  // The agent reports a profile as applied once the control plane is as wanted and the packs are on it. It goes on
  // reporting that one afterwards, so a gateway does not fall back to Provisioning.
  if (!isEnrolled || observation.appliedProfile === undefined) return 'Provisioning';
  const progress = confirmedProgress(facts);
  if (progress === undefined || !hasBegun(progress)) return 'Running';
  switch (progress.phase) {
    case 'preflight':
    case 'running':
      return 'Updating';
    case 'stopped':
      return 'Error';
    case 'completed':
    case 'cancelled':
      return 'Running';
    default:
      return unreachable(progress.phase);
  }
}

/** Until when the gateway's silence is expected, because a running step announced it. */
export function silenceExpectedUntil(facts: GatewayFacts, now: Instant): Instant | undefined {
  const until = facts.silenceExpectedUntil;
  return until !== undefined && now < until ? until : undefined;
}

export function gatewayHealth(facts: GatewayFacts, now: Instant, timings: Timings = productionTimings): GatewayHealth {
  if (facts.deletedAt !== undefined || facts.lastPollAt === undefined) return 'unknown';
  if (silenceExpectedUntil(facts, now) !== undefined) return 'healthy';
  const due = facts.nextPollDueAt ?? addMilliseconds(facts.lastPollAt, timings.poll.interval);
  return now > addMilliseconds(due, timings.poll.unhealthyAfterDue) ? 'unhealthy' : 'healthy';
}
