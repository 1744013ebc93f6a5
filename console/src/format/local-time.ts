/** What a browser's field for a date and a time holds, in the reader's zone, and the instant it stands for. */

/** `2026-11-23T10:42`; empty for what is no instant. */
export function toLocalTime(instant: string | undefined): string {
  const time = new Date(instant ?? '');
  if (Number.isNaN(time.getTime())) return '';
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Undefined for an empty field. */
export function fromLocalTime(text: string): string | undefined {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
