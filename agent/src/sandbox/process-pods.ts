/**
 * Pods that are processes: the agent's bundle, started by its digest with the environment that a pod template gives it,
 * probed over a unix socket, ended by signals. Every process is written down while it runs and leaves with the sandbox.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import { constants } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { failPointsVariable } from '@gatehouse/release/fail-point';
import type { PodEnd, PodOrder, PodRuntime, RunningPod } from '../cluster/simulated/pod-runtime.ts';
import type { BundleFolder } from './bundle-folder.ts';
import type { ProcessRecord } from './process-record.ts';

export interface ProcessPodParts {
  readonly bundles: BundleFolder;
  readonly record: ProcessRecord;
  /** For health sockets; its path is short, as a unix socket's has to be. */
  readonly socketDirectory: string;
  readonly callSocketPath: string;
  /** Makes the pod's token known, and forgets it when the process has ended. */
  readonly grant: (podName: string, token: string) => () => void;
  /** The value of `GATEHOUSE_TIMINGS`. */
  readonly timings: string;
  /** True for a pod that must fail, because somebody broke this gateway on purpose. */
  readonly isSabotaged: (order: PodOrder) => boolean;
  /** A line of a pod's output. */
  readonly onLine: (podName: string, line: string) => void;
}

const probeMilliseconds = 3_000;
/** What `FallbackToLogsOnError` keeps of a log. */
const lastLinesMax = 80;
const lastBytesMax = 2_048;
/** Old space in MiB: an agent of the sandbox lives with less than a container's limit. */
const heapMax = 160;

export function createProcessPods(parts: ProcessPodParts): PodRuntime {
  const agent = new Agent({ keepAlive: true });
  return {
    pull: (release) => parts.bundles.pull(release),
    start(order) {
      const token = randomUUID();
      // All gateways of a sandbox share the folder.
      const healthSocket = path.join(parts.socketDirectory, `h-${token.slice(0, 13)}.sock`);
      const forget = parts.grant(order.podName, token);
      const child = spawn(process.execPath, programOf(order, parts), {
        env: environmentOf(order, parts, { healthSocket, token }),
        cwd: parts.bundles.directory,
        // The channel tells the pod when the sandbox is gone.
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      if (child.pid !== undefined) parts.record.add(child.pid);
      const { ended, hasEnded } = follow(child, (line) => parts.onLine(order.podName, line));
      const forgotten = ended.finally(() => {
        forget();
        if (child.pid !== undefined) parts.record.remove(child.pid);
      });
      return {
        ended: forgotten,
        isReady: async () => !hasEnded() && probe(healthSocket, agent),
        terminate: () => void child.kill('SIGTERM'),
        kill: () => void child.kill('SIGKILL'),
      } satisfies RunningPod;
    },
  };
}

const preload = new URL('./leave-with-host.ts', import.meta.url).href;
const commands = { 'replica-set': 'agent', rehearsal: 'rehearse', guard: 'guard' } as const;

function programOf(order: PodOrder, { bundles, isSabotaged }: ProcessPodParts): readonly string[] {
  if (isSabotaged(order)) {
    const words = `This agent was made to fail by \`gatehouse sandbox break\`, which takes it away with --mend: ${order.release.version} exits at its start.`;
    return ['-e', `console.error(${JSON.stringify(words)}); process.exitCode = 1;`];
  }
  const heap = `--max-old-space-size=${heapMax}`;
  return [heap, '--import', preload, bundles.fileOf(order.release.digest), commands[order.owner.kind]];
}

const inheritedVariables = ['TZ', 'LANG', 'NODE_EXTRA_CA_CERTS'];
/** Where a test of the whole system wants to kill guard and agent; the control plane's own fail points are others. */
function testEnvironment(): Readonly<Record<string, string>> {
  const asked = process.env['GATEHOUSE_SANDBOX_FAIL_POINTS'];
  return asked === undefined || asked === ''
    ? {}
    : { [failPointsVariable]: asked, NODE_ENV: process.env['NODE_ENV'] ?? '' };
}

function environmentOf(
  { podName, owner, release, repository }: PodOrder,
  parts: ProcessPodParts,
  own: { readonly healthSocket: string; readonly token: string },
): Readonly<Record<string, string>> {
  const inherited = inheritedVariables.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    ...testEnvironment(),
    // What a killed process leaves there goes with the sandbox.
    TMPDIR: parts.socketDirectory,
    POD_NAME: podName,
    POD_NAMESPACE: 'gatehouse',
    GATEHOUSE_AGENT_VERSION: release.version,
    GATEHOUSE_AGENT_DIGEST: release.digest,
    ...(repository === undefined ? {} : { GATEHOUSE_AGENT_REPOSITORY: repository }),
    GATEHOUSE_TIMINGS: parts.timings,
    GATEHOUSE_HEALTH_PORT: own.healthSocket,
    ...(owner.kind === 'rehearsal' ? { GATEHOUSE_ATTEMPT_ID: owner.attemptId } : {}),
    GATEHOUSE_CLUSTER: 'simulated',
    GATEHOUSE_SIMULATED_SOCKET: parts.callSocketPath,
    GATEHOUSE_SIMULATED_TOKEN: own.token,
  };
}

/** Collects its last words until all of its output is read and it has ended. */
function follow(
  child: ChildProcess,
  onLine: (line: string) => void,
): { readonly ended: Promise<PodEnd>; readonly hasEnded: () => boolean } {
  let lines: readonly string[] = [];
  let isOver = false;
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = (parts.pop() ?? '').slice(-lastBytesMax);
      for (const line of parts) onLine(line);
      lines = [...lines, ...parts].slice(-lastLinesMax);
    });
    stream?.on('end', () => {
      if (rest !== '') lines = [...lines, rest].slice(-lastLinesMax);
    });
  }
  const ended = new Promise<PodEnd>((resolve) => {
    const end = (exitCode: number): void => {
      isOver = true;
      resolve({ exitCode, lastLines: lines.join('\n').slice(-lastBytesMax) });
    };
    child.once('error', (error) => {
      lines = [...lines, error.message];
      // Not started at all: there will be no close.
      if (child.pid === undefined) end(128);
    });
    child.once('close', (code, signal) => end(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
  return { ended, hasEnded: () => isOver };
}

function probe(socketPath: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = get({ socketPath, path: '/readyz', agent, timeout: probeMilliseconds }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
      response.once('error', () => resolve(false));
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(false));
  });
}
