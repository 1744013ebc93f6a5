/**
 * Which of the six states of a fleet's overview a gateway is in: current, updating, waiting for confirmation, held, paused,
 * unhealthy. Decided from the reasons that `explain` gives and from nothing else that could contradict them; a gateway may
 * be in several states, and is always in one. Never decides what happens to it.
 */

import type { GatewayFacts } from './gateway-facts.ts';
import { gatewayHealth, silenceExpectedUntil } from './gateway-status.ts';
import { addMilliseconds, type Instant } from './instant.ts';
import { isPaused } from './pause.ts';
import type { Reason } from './reason.ts';
import { productionTimings, type Timings } from './timings.ts';

export const gatewayStates = [
  'current',
  'updating',
  'waiting-for-confirmation',
  'held',
  'paused',
  'unhealthy',
] as const;
export type GatewayState = (typeof gatewayStates)[number];

export interface GatewayStanding {
  readonly states: readonly GatewayState[];
  /** Codes of the reasons that hold it; empty unless it is in the state `held`. */
  readonly heldBy: readonly string[];
}

/** Something goes on by itself. */
const moves: ReadonlySet<string> = new Set([
  'agent-update-in-progress',
  'agent-update-interrupted',
  'agent-update-waiting-for-poll',
  'profile-update-cancelled',
  'profile-update-completed',
  'profile-update-in-progress',
  'profile-update-waiting-for-poll',
  'provisioning',
  'silence-expected',
]);
/** They say where it is; another reason says why it is still there. */
const informs: ReadonlySet<string> = new Set(['on-its-way', 'profile-update-preflight']);
/** States of their own. */
const waits = 'profile-update-waiting-for-confirmation';
const ownStates: ReadonlySet<string> = new Set([waits, 'paused', 'silent']);

/** `reasons`: why the gateway is not current, as `explain` gives them for the same facts and moment. */
export function gatewayStanding(
  facts: GatewayFacts,
  reasons: readonly Reason[],
  now: Instant,
  timings: Timings = productionTimings,
): GatewayStanding {
  const codes = [...new Set(reasons.map(({ code }) => code))];
  // What is not heard does not move, whatever it was doing when it fell silent.
  const isUnhealthy = gatewayHealth(facts, now, timings) === 'unhealthy';
  const isMoving = !isUnhealthy && codes.some((code) => moves.has(code));
  // What holds the next step while another one goes on resolves itself with it.
  const holds = isMoving ? [] : codes.filter((code) => !moves.has(code) && !informs.has(code) && !ownStates.has(code));
  const is: Readonly<Record<GatewayState, boolean>> = {
    current: codes.length === 0,
    updating: isMoving,
    'waiting-for-confirmation': codes.includes(waits),
    held: holds.length > 0,
    paused: isPaused(facts, now),
    unhealthy: isUnhealthy,
  };
  const states = gatewayStates.filter((state) => is[state]);
  return { states: states.length === 0 ? ['updating'] : states, heldBy: holds };
}

/** The first moment at which time alone may change the standing or the health; undefined where none is known. */
export function standingUntil(
  facts: GatewayFacts,
  now: Instant,
  timings: Timings = productionTimings,
): Instant | undefined {
  const { lastPollAt, exemption } = facts;
  const due = facts.nextPollDueAt ?? (lastPollAt && addMilliseconds(lastPollAt, timings.poll.interval));
  const moments = [
    ...facts.pauses.flatMap(({ since, until }) => [since, until]),
    exemption?.since,
    exemption?.until,
    silenceExpectedUntil(facts, now),
    // Overdue, or unhealthy, is what is later than these.
    due && addMilliseconds(due, 1),
    due && addMilliseconds(due, timings.poll.unhealthyAfterDue + 1),
  ];
  const ahead = moments.filter((moment) => moment !== undefined && moment > now);
  return ahead.reduce<Instant | undefined>(
    (first, moment) => (first === undefined || (moment !== undefined && moment < first) ? moment : first),
    undefined,
  );
}
