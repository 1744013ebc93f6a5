/** Times in the reader's zone; the exact instant is for the `title` beside it. */

export interface Zone {
  /** IANA name; absent: the reader's. */
  readonly timeZone?: string;
}

const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;

/** Making a format takes longer than a hundred uses of it, and a list shows a time in each row. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${JSON.stringify(options)}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(locale, options);
  formats.set(key, made);
  return made;
}

/** `2026-07-01`. */
export function dayOf(time: Date, zone: Zone = {}): string {
  // Sweden writes dates as ISO 8601 does.
  return formatOf('sv-SE', { dateStyle: 'short', ...zone }).format(time);
}

/** `10:42`. */
export function clockTime(instant: string, zone: Zone = {}): string {
  return formatOf('en-GB', { ...clock, ...zone }).format(new Date(instant));
}

/** `10:42:07` on the day `today`, else with the date before it. What is no time is shown as it came. */
export function shownTime(instant: string, today: string, zone: Zone = {}): string {
  const time = new Date(instant);
  if (Number.isNaN(time.getTime())) return instant;
  const withSeconds = formatOf('en-GB', { ...clock, second: '2-digit', ...zone }).format(time);
  const day = dayOf(time, zone);
  return day === today ? withSeconds : `${day} ${withSeconds}`;
}

/** `45 s`, `31 min`, `2 h 5 min`. */
export function shownDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}
