/** The `gatehouse` command: puts the real world together and ends with the exit code of what ran. */

import { gatehouse } from './gatehouse.ts';

const interruption = new AbortController();
process.once('SIGINT', () => {
  interruption.abort();
  // A second one ends a command that does not listen.
  process.once('SIGINT', () => process.exit(130));
});
// `gatehouse … | head` closes our output early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await gatehouse(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  isInteractive: process.stdin.isTTY && process.stdout.isTTY,
  hasColour: process.stdout.isTTY && !process.env['NO_COLOR'],
  out: (text) => process.stdout.write(`${text}\n`),
  error: (text) => process.stderr.write(`${text}\n`),
  now: () => Date.now(),
  interrupted: interruption.signal,
});
