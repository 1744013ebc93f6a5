/**
 * One line of JSON for each thing that happened. A field must never hold a secret: identity and session pass through no
 * other door than the cluster's and the control plane's, and neither is ever given to a log.
 */

import { formatInstant } from '@gatehouse/domain/instant';
import type { Clock } from './clock.ts';

export type LogLevel = 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  (level: LogLevel, event: string, fields?: LogFields): void;
}

const fieldLengthMax = 4000;

/** `write` gets one whole line, its end included. */
export function createLog(clock: Clock, write: (line: string) => void, always: LogFields = {}): Log {
  return (level, event, fields = {}) => {
    const bounded = Object.entries({ ...always, ...fields }).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.slice(0, fieldLengthMax) : value,
    ]);
    write(`${JSON.stringify({ time: formatInstant(clock.wall()), level, event, ...Object.fromEntries(bounded) })}\n`);
  };
}

/** What went wrong in one line: the error's message and those of its causes. */
export function messageOf(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    if (current.message !== '' && !parts.includes(current.message)) parts.push(current.message);
    current = current.cause;
  }
  if (parts.length === 0) parts.push(error instanceof Error ? error.name : String(error));
  return parts.join(': ');
}
