/**
 * Whether one agent or several use a gateway's identity. Decided from the places that polls came from: a place is the
 * Secret in which the agent's key is kept, by its uid, which no copy of it has. Agents that hand over to each other share
 * one place, so a hand-over is never taken for a second agent. Says who is answered and who is held; it names no culprit,
 * since a copy and the original are the same to everybody.
 */

import { addMilliseconds, type Instant, type Milliseconds, toInstant } from './instant.ts';
import type { Timings } from './timings.ts';

export interface IdentityPlace {
  readonly uid: string;
  /** Of the place that is answered it may be older: it is written only where it decides something. */
  readonly heardAt: Instant;
}

export interface IdentityUse {
  /** In the order in which they were heard, the latest last. */
  readonly places: readonly IdentityPlace[];
  /** Until then the latest place waits, in case the one before it is heard again. */
  readonly waitsUntil?: Instant;
  /** Since then several places were heard in turn. */
  readonly sharedSince?: Instant;
}

export type IdentityVerdict =
  | { readonly kind: 'answered'; readonly use: IdentityUse; readonly news?: 'moved' | 'single-again' }
  /** Held: another place was heard lately. */
  | { readonly kind: 'waits'; readonly use: IdentityUse; readonly until: Instant; readonly isNew: boolean }
  /** Held, whichever of them it is: two are alive. */
  | { readonly kind: 'shared'; readonly use: IdentityUse; readonly isNew: boolean };

export const unusedIdentity: IdentityUse = { places: [] };

/** Whoever has the key can make up places without end. */
const placesMax = 4;

/**
 * One poll. `due`: when the gateway's next poll was due before this one came. An agent that names no place is an older
 * one: it can be told from nobody, and shares the fate of the others.
 */
export function decideIdentityUse(
  use: IdentityUse,
  poll: { readonly uid: string | undefined; readonly due: Instant | undefined },
  now: Instant,
  timings: Timings,
): IdentityVerdict {
  const { uid } = poll;
  if (use.sharedSince !== undefined) return whileShared({ ...use, sharedSince: use.sharedSince }, uid, now, timings);
  if (uid === undefined) return { kind: 'answered', use };
  const latest = use.places.at(-1);
  if (latest === undefined) return { kind: 'answered', use: { places: [{ uid, heardAt: now }] } };
  const isLatest = latest.uid === uid;
  const places = heard(use, uid, now);
  // One after the other is a move; the one before heard again is two.
  const isHeardAgain = !isLatest && use.places.some((place) => place.uid === uid);
  if (isHeardAgain) return { kind: 'shared', use: { places, sharedSince: now }, isNew: true };
  if (isLatest && use.waitsUntil === undefined) return { kind: 'answered', use };
  const until = use.waitsUntil ?? addMilliseconds(poll.due ?? now, silenceMin(timings));
  if (until <= now) return { kind: 'answered', use: { places: [{ uid, heardAt: now }] }, news: 'moved' };
  return { kind: 'waits', use: { places, waitsUntil: until }, until, isNew: !isLatest };
}

/** Ends for the one that is heard when no other was for so long that it would have been. */
function whileShared(
  use: IdentityUse & { readonly sharedSince: Instant },
  uid: string | undefined,
  now: Instant,
  timings: Timings,
): IdentityVerdict {
  if (uid === undefined) return { kind: 'shared', use, isNew: false };
  const others = use.places.filter((place) => place.uid !== uid);
  const lastOther = toInstant(Math.max(use.sharedSince, ...others.map(({ heardAt }) => heardAt)));
  if (now >= addMilliseconds(lastOther, silenceMin(timings))) {
    return { kind: 'answered', use: { places: [{ uid, heardAt: now }] }, news: 'single-again' };
  }
  return { kind: 'shared', use: { places: heard(use, uid, now), sharedSince: use.sharedSince }, isNew: false };
}

function heard({ places }: IdentityUse, uid: string, now: Instant): readonly IdentityPlace[] {
  return [...places.filter((place) => place.uid !== uid), { uid, heardAt: now }].slice(-placesMax);
}

/** A refused agent comes again within one interval, however often it fails; two leave room for one that was lost. */
const silenceMin = ({ poll }: Timings): Milliseconds => 2 * poll.interval;
