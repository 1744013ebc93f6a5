/** The hops of a plan of the platform as a line: which are taken, which comes next, which are still to come. */

import type { Release } from '@gatehouse/contract/operator-types';
import type { PlatformPlan } from '@gatehouse/contract/platform-types';

type Hop = PlatformPlan['hops'][number];

/** `left`: the plan ended before it. */
export type HopState = 'taken' | 'next' | 'held' | 'later' | 'left';

export function hopState(hop: Hop, plan: Pick<PlatformPlan, 'state' | 'nextHop'>): HopState {
  if (hop.takenAt !== undefined) return 'taken';
  if (plan.state !== 'held' && plan.state !== 'moving') return 'left';
  if (hop.number !== plan.nextHop) return 'later';
  return plan.state === 'held' ? 'held' : 'next';
}

/** Releases that come after the platform's own, newest first. They arrive oldest first. */
export function releasesAhead(releases: readonly Release[]): readonly Release[] {
  const platform = releases.findIndex((release) => release.isPlatformVersion);
  return releases.slice(platform + 1).toReversed();
}

export const isUnderWay = ({ state }: Pick<PlatformPlan, 'state'>): boolean => state === 'held' || state === 'moving';
