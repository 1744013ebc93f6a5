/**
 * Runs a program of the repository as a user would and keeps what it prints. Every wait has a bound, and whatever is
 * still running at the end is stopped by its own process.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export const repositoryRoot = path.resolve(import.meta.dirname, '../..');

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** After it the program is killed and the run fails. */
  readonly timeoutSeconds?: number;
}

/** Runs to the end. A program that does not end in time is an error that shows what it printed. */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const child = spawn(file, args, { cwd: options.cwd, env: { ...process.env, ...options.env } });
  const printed = collect(child);
  child.stdin.end(options.input ?? '');
  const timeoutSeconds = options.timeoutSeconds ?? 60;
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutSeconds * 1000);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(timer);
  if (exitCode === null) {
    throw new Error(
      `${[file, ...args].join(' ')} was still running after ${timeoutSeconds} s; it printed:\n${printed.all()}`,
    );
  }
  return { exitCode, stdout: printed.stdout(), stderr: printed.stderr() };
}

function collect(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return { stdout: () => stdout, stderr: () => stderr, all: () => `${stdout}\n${stderr}` };
}

export interface Running {
  readonly pid: number;
  /** Everything printed so far, both streams. */
  readonly output: () => string;
  /** Waits until the output has the text or matches; fails when the program ends before or after the bound. */
  readonly waitForOutput: (text: string | RegExp, timeoutSeconds: number) => Promise<void>;
  readonly hasEnded: () => boolean;
  /** SIGTERM, then SIGKILL after 15 s. Resolves when it is gone; doing it twice is harmless. */
  readonly stop: () => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** Starts a program that goes on. */
export function start(file: string, args: readonly string[], options: RunOptions): Running {
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = collect(child);
  let ended: string | undefined;
  const end = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      ended = error.message;
      resolve();
    });
    child.on('close', (code, signal) => {
      ended = `exit ${code ?? signal}`;
      resolve();
    });
  });
  return {
    pid: child.pid ?? -1,
    output: printed.all,
    hasEnded: () => ended !== undefined,
    kill: (signal) => child.kill(signal),
    waitForOutput: (text, timeoutSeconds) =>
      waitFor(
        `${path.basename(file)} to print ${String(text)}`,
        () => {
          const found = typeof text === 'string' ? printed.all().includes(text) : text.test(printed.all());
          if (!found && ended !== undefined) throw new Error(`it ended (${ended}) and printed:\n${printed.all()}`);
          return Promise.resolve(found || undefined);
        },
        { timeoutSeconds, explain: printed.all },
      ).then(() => undefined),
    stop: async () => {
      if (ended !== undefined) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await end;
      clearTimeout(timer);
    },
  };
}

/** Asks again until the answer is not `undefined`. An error of the question ends the wait. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  options: { readonly timeoutSeconds: number; readonly everyMilliseconds?: number; readonly explain?: () => string },
): Promise<T> {
  const deadline = performance.now() + options.timeoutSeconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) {
      throw new Error(
        `waited ${options.timeoutSeconds} s for ${what}${options.explain ? `:\n${options.explain()}` : ''}`,
      );
    }
    await pause(options.everyMilliseconds ?? 250);
  }
}
