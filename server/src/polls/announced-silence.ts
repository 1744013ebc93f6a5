/**
 * Until when a gateway may be silent without being unhealthy: while its only control plane is replaced the agent has
 * nothing to stand on. As long as the step itself may take before it counts as stuck.
 */

import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { confirmedProgress } from '@gatehouse/domain/gateway-status';
import { addMilliseconds, type Instant } from '@gatehouse/domain/instant';
import type { Timings } from '@gatehouse/domain/timings';

export function announcedSilence(facts: GatewayFacts, now: Instant, timings: Timings): Instant | undefined {
  const progress = confirmedProgress(facts);
  const step = facts.profileUpdate?.plan.steps.find(({ id }) => id === 'control-planes');
  const isReplacing =
    step?.kind === 'control-planes' &&
    step.move !== undefined &&
    progress?.phase === 'running' &&
    progress.steps.some(({ id, state }) => id === 'control-planes' && state === 'running');
  return isReplacing && facts.settings.controlPlanes === 1
    ? addMilliseconds(now, timings.profileUpdate.stuckAfter)
    : undefined;
}
