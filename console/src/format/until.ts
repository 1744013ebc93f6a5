/** When something ends that a person sets, as the form asks it: a time from now, a time of the clock, or no end. */

export const untilChoices = ['1h', '8h', '24h', '72h', '168h', 'at', 'none'] as const;
export type UntilChoice = (typeof untilChoices)[number];

export type Until =
  | { readonly kind: 'at'; readonly instant: string }
  | { readonly kind: 'none' }
  /** No time, or one that has passed. */
  | { readonly kind: 'invalid' };

/** `at`: what the browser's field for a date and a time holds, in the reader's zone. */
export function toUntil(choice: UntilChoice, at: string, now: number): Until {
  if (choice === 'none') return { kind: 'none' };
  const time = choice === 'at' ? Date.parse(at) : now + Number.parseInt(choice, 10) * 3_600_000;
  return Number.isNaN(time) || time <= now
    ? { kind: 'invalid' }
    : { kind: 'at', instant: new Date(time).toISOString() };
}

export const isUntilChoice = (value: string): value is UntilChoice => untilChoices.some((choice) => choice === value);
