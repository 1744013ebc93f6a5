/**
 * The sandbox as a program: `main.ts --server URL --directory DIR/sandbox`. The control plane starts it with `npm start`;
 * `gatehouse sandbox run` starts it by hand. It ends with whoever started it.
 */

import process from 'node:process';
import { parseArgs } from 'node:util';
import { systemClock } from '../clock.ts';
import { createLog, messageOf } from '../log.ts';
import { startSandbox } from './host.ts';

const usage = 'Usage: sandbox --server URL --directory DIR/sandbox\n';
const parentLookMilliseconds = 1_000;

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  process.once('disconnect', () => stop.abort());
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    stop.abort();
  }, parentLookMilliseconds);
  looking.unref();
  return stop.signal;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { server: { type: 'string' }, directory: { type: 'string' } } });
  const server = URL.parse(values.server ?? '');
  if (server === null || values.directory === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const signal = stopSignal();
  const log = createLog(systemClock, (line) => process.stdout.write(line), { program: 'sandbox' });
  const sandbox = await startSandbox({ server, directory: values.directory, log, signal });
  log('info', 'sandbox-started', { gateways: sandbox.gateways.join(', ') });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
    // The sockets keep the program alive; so does this.
  });
  await sandbox.stop();
  return 0;
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`The sandbox could not start: ${messageOf(error)}\n`);
  process.exit(1);
}
