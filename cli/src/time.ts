/** Times for a terminal. The exact instant is in `-o json`. */

import { usageFailure } from './failure.ts';

const units = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3600 },
  { name: 'm', seconds: 60 },
  { name: 's', seconds: 1 },
] as const;

/** `5m ago`; `in 5m` for what is to come. */
export function ago(instant: string | undefined, now: number): string | undefined {
  if (instant === undefined) return undefined;
  const seconds = Math.round((now - Date.parse(instant)) / 1000);
  const size = Math.abs(seconds);
  const unit = units.find((one) => size >= one.seconds) ?? units[3];
  const count = `${Math.floor(size / unit.seconds)}${unit.name}`;
  return seconds >= 0 ? `${count} ago` : `in ${count}`;
}

function spanSeconds(text: string): number | undefined {
  const span = /^(\d{1,6})([smhd])$/.exec(text);
  return span ? Number(span[1]) * (units.find((unit) => unit.name === span[2])?.seconds ?? 0) : undefined;
}

/** A span (`90m`, `24h`, `7d`) in seconds; a year at most. */
export function parseSpan(text: string): number {
  const seconds = spanSeconds(text);
  if (seconds === undefined) throw usageFailure(`${text} is no span.`, 'Give one such as 90m, 24h or 7d.');
  if (seconds > 365 * 86_400) throw usageFailure(`${text} is more than a year.`);
  return seconds;
}

/** An end given as a span (`90m`, `24h`, `7d`) from now or as an RFC 3339 time; it must lie ahead. */
export function parseUntil(text: string, now: number): string {
  const seconds = spanSeconds(text);
  const end = seconds === undefined ? Date.parse(text) : now + seconds * 1000;
  if (Number.isNaN(end))
    throw usageFailure(`${text} is no time.`, 'Give a span such as 24h, or a time such as 2026-12-01T08:00:00Z.');
  if (end <= now) throw usageFailure(`${text} is over already.`);
  return new Date(end).toISOString();
}

/** Local wall time of an event, to the second, as an operator reads a log. */
export function clockTime(instant: string): string {
  const time = new Date(instant);
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}
