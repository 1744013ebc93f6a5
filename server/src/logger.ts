/** The log: JSON lines on standard error, so that what is said to the person at the terminal stands alone. */

import type { FastifyBaseLogger } from 'fastify';
import { type DestinationStream, pino } from 'pino';

/** Somebody who looks on sees what is wrong; a file or a collector gets the rest too. */
const defaultLevel = process.stderr.isTTY ? 'warn' : 'info';

export function createLogger(
  level = process.env['LOG_LEVEL'] ?? defaultLevel,
  destination: DestinationStream = pino.destination({ dest: 2, sync: false }),
): FastifyBaseLogger {
  return pino(
    {
      level,
      redact: ['authorization', 'cookie', 'token', '*.authorization', '*.cookie', '*.token', '*.registrationToken'],
      // An error of the database driver carries its connection, password included: only what tells the fault is kept.
      serializers: { err: toErrorLine },
      hooks: { streamWrite: toOneLine },
    },
    destination,
  );
}

// JSON escapes what ends a line for most programs, not for all; and a terminal obeys the second half of the controls too.
const breaking = /[\u007f-\u009f\u2028\u2029]/g;

const toOneLine = (line: string): string =>
  line.replaceAll(breaking, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);

function toErrorLine(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...('code' in error ? { code: error.code } : {}),
    ...(error.cause === undefined || depth > 4 ? {} : { cause: toErrorLine(error.cause, depth + 1) }),
  };
}
