/**
 * What a started plan does now: takes its next hop, waits with every reason, or is done. From the kept hops, the version
 * the platform is on, the gates of its gateways and whatever else stands before the next hop. It never skips a hop, never
 * goes back, and asked twice with the same facts it says the same.
 */

import type { Instant } from './instant.ts';
import type { Gate } from './platform-gates.ts';
import type { Reason, Reasons } from './reason.ts';
import type { PlatformVersion } from './version.ts';

export interface Hop {
  readonly from: PlatformVersion;
  readonly to: PlatformVersion;
}

export interface ProgressFacts {
  /** The version the platform is on. */
  readonly version: PlatformVersion;
  /** All hops of the plan in order, those that were taken too; each begins where the one before it ends. */
  readonly hops: readonly Hop[];
  /** Of every gateway, for `version`. */
  readonly gates: readonly Gate[];
  /** What else stands before the next hop: a recall, a risk that nobody accepted, the control plane's own preflight. */
  readonly obstacles: readonly Reason[];
}

export type ProgressDecision =
  | { readonly kind: 'advance'; readonly hop: Hop; readonly number: number }
  | {
      readonly kind: 'hold';
      /** Absent: every hop was taken, and what is held is the end of the plan. */
      readonly before?: Hop;
      readonly reasons: Reasons;
      /** When time alone lets it go on; absent when something else has to happen first. */
      readonly opensAt?: Instant;
    }
  | { readonly kind: 'done' };

/** The hop that comes next, with its number from 1; undefined when all were taken, or when the platform left the plan. */
export function nextHop(
  facts: Pick<ProgressFacts, 'version' | 'hops'>,
): { readonly hop: Hop; readonly number: number } | undefined {
  const index = facts.hops.findIndex(({ from }) => from === facts.version);
  const hop = facts.hops[index];
  return hop === undefined ? undefined : { hop, number: index + 1 };
}

export function decideProgress(facts: ProgressFacts): ProgressDecision {
  const next = nextHop(facts);
  const target = facts.hops.at(-1)?.to;
  const astray: readonly Reason[] =
    next === undefined && target !== undefined && target !== facts.version
      ? [
          {
            code: 'platform-left-plan',
            message: `The platform is on ${facts.version}, where the plan does not pass.`,
            nextStep: 'Cancel it with `gatehouse platform cancel` and start another one.',
          },
        ]
      : [];
  const closed = facts.gates.filter(({ state }) => state === 'closed');
  // What stands before a hop does not stand before the end.
  const obstacles = next === undefined ? [] : facts.obstacles;
  const [first, ...others] = [...astray, ...obstacles, ...closed.flatMap(({ reasons }) => reasons)];
  if (first !== undefined) {
    const opensAt = astray.length + obstacles.length === 0 ? latestOpening(closed) : undefined;
    return {
      kind: 'hold',
      ...(next === undefined ? {} : { before: next.hop }),
      reasons: [first, ...others],
      ...(opensAt === undefined ? {} : { opensAt }),
    };
  }
  return next === undefined ? { kind: 'done' } : { kind: 'advance', ...next };
}

/** Undefined when one of them waits for more than time. */
function latestOpening(closed: readonly Gate[]): Instant | undefined {
  let latest: Instant | undefined;
  for (const { opensAt } of closed) {
    if (opensAt === undefined) return undefined;
    if (latest === undefined || opensAt > latest) latest = opensAt;
  }
  return latest;
}
