/** How fast a forecast takes things to go, from what the fleet's last updates took, and what it assumes, in words. */

import type { ForecastPace } from './forecast-gateway.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { type Instant, type Milliseconds, minutes } from './instant.ts';
import { usualDuration } from './profile-summary.ts';
import type { Timings } from './timings.ts';

export interface AssumedPace {
  readonly pace: ForecastPace;
  /** Each in one sentence. */
  readonly assumptions: readonly string[];
}

export function paceOf(
  fleet: readonly GatewayFacts[],
  timings: Timings,
  { confirmAfter }: { readonly confirmAfter?: Milliseconds },
): AssumedPace {
  const agentUpdates = fleet.flatMap(({ observation }) => {
    const attempt = observation?.attempt;
    return attempt?.phase === 'settled' ? spanOf(attempt.startedAt, attempt.endedAt) : [];
  });
  const profileUpdates = fleet.flatMap(({ observation, settings }) => {
    const progress = observation?.profileUpdate;
    const span = progress?.phase === 'completed' ? spanOf(progress.startedAt, progress.completedAt) : [];
    return span.map((each) => each / (settings.controlPlanes + settings.workers));
  });
  const { ownPodReadyBefore, readyDeadline, watch } = timings.agentUpdate;
  const agentUpdate = medianOf(agentUpdates) ?? ownPodReadyBefore + readyDeadline + watch;
  const profileUpdatePerNode = medianOf(profileUpdates) ?? usualDuration.node;
  const basis = (known: readonly unknown[], otherwise: string): string =>
    known.length === 0 ? otherwise : `the median of the last ones on ${known.length} gateways`;
  return {
    pace: { agentUpdate, profileUpdatePerNode, ...(confirmAfter === undefined ? {} : { confirmAfter }) },
    assumptions: [
      `An agent update takes ${spanText(agentUpdate)} from the poll that brings it (${basis(agentUpdates, 'from its deadlines: none was observed yet')}), and succeeds.`,
      `A profile update takes ${spanText(profileUpdatePerNode)} for each node (${basis(profileUpdates, 'what is usual: none was observed yet')}), and succeeds.`,
      confirmAfter === undefined
        ? 'Nobody confirms a profile update; say how fast people do with `--confirm-after`.'
        : `A person confirms each profile update ${spanText(confirmAfter)} after it may be confirmed.`,
      'Gateways poll when their polls are due; one that is silent stays silent.',
      'Pauses, exemptions and waivers end at their end, and those without one stay. Nobody does anything else.',
      'The control plane and the imported releases stay as they are.',
    ],
  };
}

function spanOf(from: Instant, to: Instant | undefined): readonly Milliseconds[] {
  return to === undefined || to <= from ? [] : [to - from];
}

function medianOf(spans: readonly Milliseconds[]): Milliseconds | undefined {
  return spans.toSorted((a, b) => a - b)[Math.floor(spans.length / 2)];
}

/** `4 min`, `1 h 30 min`, `2 d`: to the minute above one, else in seconds. */
export function spanText(span: Milliseconds): string {
  if (span < minutes(1)) return `${Math.max(1, Math.round(span / 1000))} s`;
  const whole = Math.round(span / minutes(1));
  const days = Math.floor(whole / 1440);
  const hours = Math.floor((whole % 1440) / 60);
  const rest = whole % 60;
  return [
    ...(days > 0 ? [`${days} d`] : []),
    ...(hours > 0 ? [`${hours} h`] : []),
    ...(rest > 0 ? [`${rest} min`] : []),
  ].join(' ');
}
