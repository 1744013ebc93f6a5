/** Runs the sandbox's agents as a program of their own, and starts it again when it ends without being told to. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import path from 'node:path';
import type { FastifyBaseLogger } from 'fastify';

export interface SandboxProgram {
  stop(): Promise<void>;
}

export interface RunSandbox {
  /** The program's file, given by `main.ts`: the server imports nothing of the agent. */
  readonly entry: string;
  readonly server: string;
  readonly directory: string;
  /** A certificate that the sandbox's agents need to verify the server. */
  readonly extraCaFile?: string;
  readonly logger: FastifyBaseLogger;
}

const firstPause = 1000;
const longestPause = 30_000;
/** What has run for so long has not failed at its start. */
const goodRun = 60_000;
/** Of the ten seconds that the whole has. */
const stopMax = 4_000;

export function runSandbox({ entry, server, directory, extraCaFile, logger }: RunSandbox): SandboxProgram {
  let child: ChildProcess | undefined;
  let isStopping = false;
  let pause = firstPause;
  let timer: NodeJS.Timeout | undefined;

  function start(): void {
    const log = openSync(path.join(directory, 'sandbox.log'), 'a', 0o600);
    const startedAt = performance.now();
    const started = spawn(process.execPath, [entry, '--server', server, '--directory', directory], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...(extraCaFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: extraCaFile }) },
    });
    closeSync(log);
    child = started;
    started.once('error', (error) => logger.error({ err: error }, 'the sandbox cannot be started'));
    started.once('exit', (code, signal) => {
      if (isStopping) return;
      if (performance.now() - startedAt > goodRun) pause = firstPause;
      logger.warn(
        { code, signal, again: pause },
        `the sandbox ended; its log is ${path.join(directory, 'sandbox.log')}`,
      );
      timer = setTimeout(start, pause);
      pause = Math.min(pause * 2, longestPause);
    });
  }

  if (existsSync(entry)) start();
  else logger.warn(`there is no sandbox program at ${entry}; the sandbox gateways stay as they are`);
  return {
    async stop() {
      isStopping = true;
      clearTimeout(timer);
      if (child === undefined || child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
        return;
      const ended = new Promise((resolve) => child?.once('exit', resolve));
      child.kill('SIGTERM');
      const killer = setTimeout(() => child?.kill('SIGKILL'), stopMax);
      await ended;
      clearTimeout(killer);
    },
  };
}
