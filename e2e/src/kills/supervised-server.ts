/**
 * A control plane with a PostgreSQL of its own, and who starts it again at once whenever it ends, as a service manager
 * does. A test kills it at a fail point that it writes into a file, or by its process id.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '@gatehouse/testkit/free-port';
import { repositoryRoot, waitFor } from '../program.ts';

export interface SupervisedServer {
  readonly url: string;
  readonly directory: string;
  /** Of the local admin. */
  readonly adminToken: () => string;
  /** Where its PostgreSQL is reached now. */
  readonly databaseUrl: () => string;
  /** Of PostgreSQL's first process. */
  readonly postgresPid: () => number;
  /** SIGKILL to its process alone; what it started is left behind. */
  readonly kill: () => void;
  /** How often it has been started. */
  readonly starts: () => number;
  /** Milliseconds from each start to the word that it is ready; of those that came so far. */
  readonly readyAfter: () => readonly number[];
  readonly waitUntilReady: (timeoutSeconds: number) => Promise<void>;
  readonly output: () => string;
  readonly stop: () => Promise<void>;
}

export interface SuperviseServer {
  readonly directory: string;
  readonly args: readonly string[];
  /** See `GATEHOUSE_FAIL_POINTS`. */
  readonly armedFile: string;
}

const entry = path.join(repositoryRoot, 'server/src/main.ts');
const keptOutput = 40_000;
/** One that cannot start at all is not started for ever. */
const startsInARowMax = 20;

export async function superviseServer({ directory, args, armedFile }: SuperviseServer): Promise<SupervisedServer> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  let output = '';
  let child: ChildProcess | undefined;
  let isStopping = false;
  let isReady = false;
  let starts = 0;
  let failedInARow = 0;
  const readyAfter: number[] = [];
  let ended: Promise<void> = Promise.resolve();

  const begin = (): void => {
    const beganAt = performance.now();
    starts += 1;
    isReady = false;
    let own = '';
    const { DATABASE_URL: _inherited, ...inherited } = process.env;
    const started = spawn(
      process.execPath,
      [entry, '--no-sandbox', '--data', directory, '--port', String(port), ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...inherited,
          NODE_ENV: 'test',
          GATEHOUSE_FAIL_POINTS: `@${armedFile}`,
          // Sources are compiled once for all starts.
          NODE_COMPILE_CACHE: `${directory}-compiled`,
        },
      },
    );
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-keptOutput);
        own = (own + text).slice(-keptOutput);
        if (isReady || !own.includes('Gatehouse is ready at')) return;
        isReady = true;
        failedInARow = 0;
        readyAfter.push(performance.now() - beganAt);
      });
    }
    // Not 'close': what it started may still hold its output.
    ended = new Promise((resolve) => {
      started.once('exit', (code, signal) => {
        output += `\n[ended: ${signal ?? code}]\n`;
        isReady = false;
        failedInARow += 1;
        resolve();
        if (!isStopping && failedInARow < startsInARowMax) begin();
      });
    });
  };
  begin();

  const inDirectory = (name: string): string => path.join(directory, name);
  const postmasterLines = (): readonly string[] => {
    const pointer = inDirectory('postgres-location');
    const home = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : inDirectory('postgres');
    return readFileSync(path.join(home, 'data', 'postmaster.pid'), 'utf8').split('\n');
  };
  const server: SupervisedServer = {
    url,
    directory,
    adminToken: () => readFileSync(inDirectory('admin-token'), 'utf8').trim(),
    databaseUrl() {
      const password = readFileSync(inDirectory('postgres-password'), 'utf8').trim();
      const socketFolder = postmasterLines()[4] ?? '';
      return `postgresql://gatehouse:${password}@localhost:5432/gatehouse?host=${encodeURIComponent(socketFolder)}`;
    },
    postgresPid: () => Number(postmasterLines()[0]),
    kill() {
      isReady = false;
      child?.kill('SIGKILL');
    },
    starts: () => starts,
    readyAfter: () => readyAfter,
    waitUntilReady: async (timeoutSeconds) => {
      await waitFor(
        'the control plane to be ready',
        async () => {
          if (failedInARow >= startsInARowMax) throw new Error(`it does not start any more:\n${output}`);
          return isReady || undefined;
        },
        { timeoutSeconds, everyMilliseconds: 20, explain: () => output },
      );
    },
    output: () => output,
    async stop() {
      isStopping = true;
      rmSync(armedFile, { force: true });
      child?.kill('SIGTERM');
      const killer = setTimeout(() => child?.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(killer);
    },
  };
  return server;
}

/** One file in which a fail point is asked for, once. */
export interface Armed {
  readonly file: string;
  /** What was asked for before and not reached is not asked for any more. */
  arm(text: string): void;
  disarm(): void;
  /** Whether what was asked for last has been reached. */
  wasReached(): boolean;
}

export function armedFile(file: string): Armed {
  let asked = '';
  return {
    file,
    arm(text) {
      asked = text;
      rmSync(`${file}.reached`, { force: true });
      // In one step: a process that reads half a line would be told of a fail point that there is not.
      writeFileSync(`${file}.next`, text);
      renameSync(`${file}.next`, file);
    },
    disarm: () => rmSync(file, { force: true }),
    wasReached: () => existsSync(`${file}.reached`) && readFileSync(`${file}.reached`, 'utf8') === asked,
  };
}
