/**
 * A point in time as milliseconds since 1970-01-01T00:00:00Z, and a span of it. Decisions receive `now` as an
 * `Instant`; nothing in this package reads a clock.
 */

declare const instantBrand: unique symbol;

/** Milliseconds since the epoch, UTC. */
export type Instant = number & { readonly [instantBrand]: true };

/** A span of time in milliseconds. */
export type Milliseconds = number;

/** The brand exists only for the compiler; this is its single source. */
function isInstant(milliseconds: number): milliseconds is Instant {
  return Number.isFinite(milliseconds);
}

/** The one way to make an `Instant`: from finite milliseconds since the epoch. Throws a `RangeError` otherwise. */
export function toInstant(milliseconds: number): Instant {
  if (!isInstant(milliseconds)) throw new RangeError(`not a point in time: ${milliseconds}`);
  return milliseconds;
}

/** Parses an RFC 3339 date-time such as `2026-11-23T10:42:00Z`. Throws a `RangeError` when it is none. */
export function parseInstant(text: string): Instant {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) throw new RangeError(`not a date-time: ${JSON.stringify(text)}`);
  return toInstant(milliseconds);
}

/** RFC 3339 in UTC with milliseconds, for example `2026-11-23T10:42:00.000Z`. */
export function formatInstant(instant: Instant): string {
  return new Date(instant).toISOString();
}

export function addMilliseconds(instant: Instant, span: Milliseconds): Instant {
  return toInstant(instant + span);
}

/** `later - earlier`; negative when they are the other way round. */
export function millisecondsBetween(earlier: Instant, later: Instant): Milliseconds {
  return later - earlier;
}

export const seconds = (count: number): Milliseconds => count * 1_000;
export const minutes = (count: number): Milliseconds => count * 60_000;
export const hours = (count: number): Milliseconds => count * 3_600_000;
