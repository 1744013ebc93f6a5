/** What must hold whatever is done to a gateway: exactly one agent acts, and no version is blamed for what is not its fault. */

import { productionTimings } from '@gatehouse/domain/timings';
import type { Act } from './noted-acts.ts';

/** A Lease as it stood from that moment on. */
export interface LeaseSample {
  readonly at: number;
  readonly holder: string | undefined;
}

/**
 * Acts of somebody who did not hold the Lease, in words. One whose Lease was deleted acts on until its next renewal: it
 * is still the last that held it, and nobody else may act meanwhile.
 */
export function strangers(acts: readonly Act[]): readonly string[] {
  let last: string | undefined;
  return acts.flatMap((act) => {
    const expected = act.holder ?? last;
    if (act.holder !== undefined) last = act.holder;
    const isHolder = expected?.startsWith(`${act.podName}/`) === true;
    return isHolder ? [] : [`${act.what} of ${act.podName} at ${act.at}, while ${expected ?? 'nobody'} held the Lease`];
  });
}

/** Each time that the Lease went from one holder to another without having been let go, missing, or run out. */
export function seizures(samples: readonly LeaseSample[]): readonly string[] {
  return samples.flatMap(({ at, holder }, index) => {
    const before = samples[index - 1];
    if (before?.holder === undefined || holder === undefined || before.holder === holder) return [];
    const lastRenewal = before.at;
    const hasRunOut = at - lastRenewal >= productionTimings.lease.actAgeMax;
    return hasRunOut ? [] : [`${holder} took the Lease at ${at}, ${at - lastRenewal} ms after ${before.holder} had it`];
  });
}
