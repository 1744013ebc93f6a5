/** Asks a database that a kill may have taken away, or is about to, until it answers. */

import { setTimeout as pause } from 'node:timers/promises';

/** It is starting, recovering, or has ended the connection; or its socket, or the file that names it, is not there now. */
const passing = new Set(['57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE']);
const answersWithinSeconds = 120;

export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + answersWithinSeconds * 1000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || performance.now() > deadline) throw error;
    }
    await pause(100);
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'code' in error ? passing.has(String(error.code)) : error.message.startsWith('Connection terminated');
}
