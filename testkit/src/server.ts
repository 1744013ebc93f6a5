/** A control plane as a program, as a user starts it, on a free port and with a directory of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const entry = path.join(import.meta.dirname, '..', '..', 'server', 'src', 'main.ts');

export interface StartServer {
  /** Kept after `stop`; without it a temporary one is made and removed. */
  readonly directory?: string;
  /** A PostgreSQL to use; without it the program starts its own. */
  readonly databaseUrl?: string;
  readonly isSandbox?: boolean;
  readonly pollSeconds?: number;
  /** 0: any free one. */
  readonly port?: number;
  /** Further arguments, such as `--tls-cert`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly readySecondsMax?: number;
}

export interface TestServer {
  /** Where it is reached, without a slash at the end. */
  readonly url: string;
  readonly directory: string;
  readonly adminToken: string;
  readonly signInLink: string;
  readonly pid: number;
  /** All it has said so far. */
  output(): string;
  /** Its exit code once it has ended; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Ends it in order, as a terminal does. */
  stop(): Promise<void>;
  /** Ends it as a power cut does; its database is left behind for the next start. */
  kill(): Promise<void>;
}

/** One that was begun, and may never be ready. */
export interface LaunchedServer {
  readonly pid: number;
  output(): string;
  readonly ended: Promise<number | null>;
  /** Rejects with its output when it ends before it is ready, or takes too long. */
  readonly ready: Promise<TestServer>;
  kill(): Promise<void>;
}

/** Resolves when it is ready; rejects with its output when it ends before, or takes too long. */
export async function startServer(options: StartServer = {}): Promise<TestServer> {
  const { ready } = await launchServer(options);
  return ready;
}

export async function launchServer(options: StartServer): Promise<LaunchedServer> {
  const isTemporary = options.directory === undefined;
  const directory = options.directory ?? (await mkdtemp(path.join(tmpdir(), 'gatehouse-test-')));
  const { DATABASE_URL: _inherited, ...inherited } = process.env;
  const args = [
    entry,
    '--data',
    directory,
    '--port',
    String(options.port ?? 0),
    ...(options.isSandbox === true ? [] : ['--no-sandbox']),
    ...(options.pollSeconds === undefined ? [] : ['--poll-seconds', String(options.pollSeconds)]),
    ...(options.args ?? []),
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...inherited,
      ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
      ...options.env,
    },
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output += chunk.toString('utf8');
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const clear = async () => {
    if (isTemporary) await rm(directory, { recursive: true, force: true });
  };
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (isRunning(child)) child.kill(signal);
    await ended;
  }
  const becomeReady = async (): Promise<TestServer> => {
    try {
      const url = await said(child, () => /^Gatehouse is ready at (\S+)$/m.exec(output)?.[1], options.readySecondsMax);
      const signInLink = await said(child, () => /^Sign in once with this link: (\S+)$/m.exec(output)?.[1]);
      return {
        url,
        signInLink,
        directory,
        adminToken: (await readFile(path.join(directory, 'admin-token'), 'utf8')).trim(),
        pid: child.pid ?? 0,
        ended,
        output: () => output,
        async stop() {
          await end('SIGTERM');
          await clear();
        },
        kill: () => end('SIGKILL'),
      };
    } catch (error) {
      await end('SIGTERM');
      await clear();
      throw new Error(`the control plane did not start:\n${output}`, { cause: error });
    }
  };
  const ready = becomeReady();
  void ready.catch(() => undefined); // Whoever waits for it hears of it.
  return { pid: child.pid ?? 0, output: () => output, ended, ready, kill: () => end('SIGKILL') };
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

async function said(child: ChildProcess, find: () => string | undefined, secondsMax = 120): Promise<string> {
  const deadline = performance.now() + secondsMax * 1000;
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (!isRunning(child)) throw new Error('it ended');
    if (performance.now() > deadline) throw new Error(`it was not ready after ${secondsMax} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
