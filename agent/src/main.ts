/**
 * The program in the gateway: `agent` polls and acts, `guard` looks after the agent's Deployment, `rehearse` tries this
 * version beside the running one, `tuf` is its verifying client by itself. Each part is loaded when it is asked for, so that the guard stays small.
 */

import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { systemClock } from './clock.ts';
import { withSteadyTime } from './cluster/steady-cluster-time.ts';
import { type FailingDoors, readFailingDoors } from './fail-points.ts';
import { createLog, type Log, messageOf } from './log.ts';
import type { OpenControlPlane } from './poll/open-control-plane.ts';
import { readSelf } from './self.ts';

const environment = process.env;
/** The port in the pod template of the first release. */
const defaultHealthAddress = '8086';

async function main(): Promise<number> {
  const role = process.argv[2];
  const log = createLog(systemClock, (line) => process.stdout.write(line), { role: role ?? '' });
  switch (role) {
    case 'agent':
      return runAsAgent(log);
    case 'guard':
      return runAsGuard(log);
    case 'rehearse':
      return runAsRehearsal();
    case 'tuf': {
      const { runTufCommand } = await import('./tuf/tuf-command.ts');
      return runTufCommand(process.argv.slice(3), (text) => process.stderr.write(text));
    }
    default:
      process.stderr.write('Usage: agent.mjs agent|guard|rehearse|tuf\n');
      return 2;
  }
}

async function runAsAgent(log: Log): Promise<number> {
  const self = readSelf(environment);
  log('info', 'started', { version: self.release.version, digest: self.release.digest, pod: self.podName });
  const [{ connectCluster }, { runAgent }, { openControlPlane }, { serveHealth }] = await Promise.all([
    import('./connect-cluster.ts'),
    import('./run-agent.ts'),
    import('./poll/open-control-plane.ts'),
    import('./update/readiness.ts'),
  ]);
  const doors = readFailingDoors(environment, 'agent');
  const signal = stopSignal(log);
  const cluster = await connectPatiently(log, signal, () => connectCluster(environment, self.podName));
  if (cluster === undefined) return 0;
  const healthAddress = environment['GATEHOUSE_HEALTH_PORT'] ?? defaultHealthAddress;
  await runAgent({
    cluster: withSteadyTime(doors.cluster(cluster), systemClock, log),
    self,
    environment,
    clock: systemClock,
    log,
    openControlPlane: through(doors, openControlPlane),
    serveHealth: (isReady) => serveHealth(healthAddress, isReady),
    signal,
  });
  log('info', 'stopped', {});
  return 0;
}

async function runAsGuard(log: Log): Promise<number> {
  const self = readSelf(environment);
  log('info', 'started', { version: self.release.version, digest: self.release.digest, pod: self.podName });
  const [{ connectAgentCluster }, { runGuard }] = await Promise.all([
    import('./connect-agent-cluster.ts'),
    import('./guard/run-guard.ts'),
  ]);
  const doors = readFailingDoors(environment, 'guard');
  const signal = stopSignal(log);
  const connected = await connectPatiently(log, signal, () => connectAgentCluster(environment, self.podName));
  if (connected === undefined) return 0;
  const cluster = withSteadyTime(doors.agentCluster(connected), systemClock, log);
  await runGuard({ cluster, self, environment, clock: systemClock, log, signal });
  log('info', 'stopped', {});
  return 0;
}

async function runAsRehearsal(): Promise<number> {
  const self = readSelf(environment);
  const [{ connectAgentCluster }, { rehearse }, { openControlPlane }] = await Promise.all([
    import('./connect-agent-cluster.ts'),
    import('./update/rehearse.ts'),
    import('./poll/open-control-plane.ts'),
  ]);
  const doors = readFailingDoors(environment, 'rehearse');
  const cluster = doors.agentCluster(await connectAgentCluster(environment, self.podName));
  const attemptId = environment['GATEHOUSE_ATTEMPT_ID'] ?? '';
  const common = { cluster, self, environment, clock: systemClock, openControlPlane: through(doors, openControlPlane) };
  const { exitCode, message } = await rehearse({ ...common, attemptId });
  await sayLastWords(message);
  return exitCode;
}

const through =
  (doors: FailingDoors, open: OpenControlPlane): OpenControlPlane =>
  (settings, caller) => {
    const opened = open(settings, caller);
    return { controlPlane: doors.controlPlane(opened.controlPlane), close: () => opened.close() };
  };

/** For the agent that waits: from the termination message, or where there is none from the last line of output. */
async function sayLastWords(message: string): Promise<void> {
  process.stdout.write(`${message}\n`);
  if (environment['KUBERNETES_SERVICE_HOST'] === undefined) return;
  await writeFile('/dev/termination-log', message.slice(0, 4000)).catch(() => {
    // Then the last line of output has to do.
  });
}

const connectPauseMilliseconds = 2_000;

/** An API server that does not answer yet is waited for: to end here would look like a crash of this version. */
async function connectPatiently<T>(log: Log, signal: AbortSignal, connect: () => Promise<T>): Promise<T | undefined> {
  let last = '';
  while (!signal.aborted) {
    try {
      return await connect();
    } catch (error) {
      const message = messageOf(error);
      if (message !== last) log('warn', 'waiting', { for: 'cluster', message });
      last = message;
    }
    await systemClock.sleep(connectPauseMilliseconds, signal);
  }
  return undefined;
}

function stopSignal(log: Log): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log('info', 'stopping', { signal: name });
      stop.abort();
    });
  }
  return stop.signal;
}

try {
  process.exitCode = await main();
} catch (error) {
  // The last line of output: the container's termination message falls back to it.
  process.stdout.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
