/**
 * Starts and stops a real PostgreSQL for a Gatehouse that was given none: one per data directory, reached through a unix
 * socket only. Whoever calls holds the lock of the directory (`data-directory.ts`), so a server that is found running
 * there was left behind by a Gatehouse that was killed, and is stopped before a new one starts. One that ends by itself is
 * started again, for as long as it takes: a full disk or a killed process is no reason for Gatehouse to end.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { DatabaseUnavailable } from './database-unavailable.ts';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { letPass, type ProcessUser, unprivilegedUser } from './process-user.ts';

export interface EmbeddedPostgres {
  /** For `pg`, with the host as a socket folder and the password in it. */
  readonly url: string;
  /** Of the server that runs now, or ran last. */
  pid(): number;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly directory: string;
  /** Further `name=value` settings of the server. */
  readonly settings?: readonly string[];
  /** Where root keeps what an unprivileged user must reach and `directory` does not allow. */
  readonly sharedDirectory?: string;
  /** Told in a line for a person when it ends by itself, does not come up again, and runs again. */
  readonly onTrouble?: (line: string) => void;
  /** Aborted when its start is not wanted any more. */
  readonly signal?: AbortSignal;
}

const user = 'gatehouse';
const startSecondsMax = 60;
/** How long each way to stop it is waited for: what a server that was left behind gets, and what the end allows for. */
const patiently = { SIGINT: 20_000, SIGQUIT: 20_000, SIGKILL: 20_000 } as const;
const within10Seconds = { SIGINT: 2500, SIGQUIT: 500, SIGKILL: 500 } as const;
const againFirstMilliseconds = 500;
const againMillisecondsMax = 15_000;
// The longest path of a unix socket that every platform takes is 103 bytes; `/.s.PGSQL.5432` follows the folder.
const socketFolderLengthMax = 103 - '/.s.PGSQL.5432'.length;

/** Throws `DatabaseUnavailable` where PostgreSQL cannot run on this machine. */
export async function startEmbeddedPostgres(options: StartOptions): Promise<EmbeddedPostgres> {
  const shared = options.sharedDirectory ?? '/var/lib/gatehouse';
  const runAs = unprivilegedUser();
  const home = await placeHome(options.directory, shared, runAs);
  const binaries = await findPostgresBinaries({
    user: runAs,
    copyTo: runAs === undefined ? options.directory : shared,
  });
  const password = await readPassword(path.join(options.directory, 'postgres-password'));
  const data = path.join(home, 'data');
  await stopLeftOver(data);
  if (!existsSync(path.join(data, 'PG_VERSION'))) await initialise({ binaries, home, data, password, runAs });
  const socketFolder = await placeSocket(home, runAs);
  const url = connectionUrl(socketFolder, password, 'postgres');
  const logFile = path.join(options.directory, 'postgres.log');
  const say = options.onTrouble ?? (() => undefined);
  const settings = options.settings ?? [];
  const order: StartServer = { binaries, data, socketFolder, logFile, runAs, url, settings, say };
  let child = await startServer({ ...order, signal: options.signal });
  await createDatabase(url);

  const stopping = new AbortController();
  let keeping: Promise<void> = Promise.resolve();
  const keep = (): void => {
    const kept = child;
    const onEnd = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (stopping.signal.aborted) return;
      say(`PostgreSQL ended (${signal ?? `code ${code}`}), and is started again; its log is ${logFile}`);
      keeping = startAgain();
    };
    if (hasEnded(kept)) onEnd(kept.exitCode, kept.signalCode);
    else kept.once('exit', onEnd);
  };
  /** Until it runs, or shall not run any more. */
  async function startAgain(): Promise<void> {
    for (let pause = againFirstMilliseconds; ; pause = Math.min(pause * 2, againMillisecondsMax)) {
      if (stopping.signal.aborted) return;
      try {
        child = await startServer({ ...order, isLogKept: true, signal: stopping.signal });
        say('PostgreSQL runs again.');
        return keep();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (!stopping.signal.aborted) say(`PostgreSQL does not start, and is tried again: ${why}`);
      }
      await wait(pause, undefined, { signal: stopping.signal }).catch(() => undefined); // Stopped: the loop ends.
    }
  }
  keep();
  return {
    url: connectionUrl(socketFolder, password, user),
    pid: () => pidOf(child),
    async stop() {
      stopping.abort();
      await keeping;
      await stopServer(pidOf(child), () => hasEnded(child), within10Seconds);
      if (path.dirname(socketFolder) !== home) await rm(socketFolder, { recursive: true, force: true });
    },
  };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('PostgreSQL has no process id although it started');
  return child.pid;
}

function connectionUrl(socketFolder: string, password: string, database: string): string {
  return `postgresql://${user}:${password}@localhost:5432/${database}?host=${encodeURIComponent(socketFolder)}`;
}

/** Where the data lies: in the directory, or, when PostgreSQL's user cannot get there, where the directory says. */
async function placeHome(directory: string, shared: string, runAs: ProcessUser | undefined): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const pointer = path.join(directory, 'postgres-location');
  const inside = path.join(directory, 'postgres');
  const home = existsSync(pointer)
    ? (await readFile(pointer, 'utf8')).trim()
    : runAs === undefined || letPass(directory, runAs) || existsSync(inside)
      ? inside
      : path.join(shared, randomBytes(8).toString('hex'));
  try {
    await mkdir(home, { recursive: true });
    if (runAs !== undefined) {
      if (home !== inside) await chmod(shared, 0o755);
      await chown(home, runAs.uid, runAs.gid);
    }
    await chmod(home, 0o700);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseUnavailable(`there is no place for its data that it may use (${why})`, { cause });
  }
  if (home !== inside) await writeFile(pointer, `${home}\n`);
  return home;
}

async function placeSocket(home: string, runAs: ProcessUser | undefined): Promise<string> {
  const inside = path.join(home, 'socket');
  const folder =
    Buffer.byteLength(inside) <= socketFolderLengthMax
      ? inside
      : await mkdtemp(path.join(Buffer.byteLength(tmpdir()) < 60 ? tmpdir() : '/tmp', 'gatehouse-'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (runAs !== undefined) await chown(folder, runAs.uid, runAs.gid);
  return folder;
}

async function readPassword(file: string): Promise<string> {
  if (existsSync(file)) return (await readFile(file, 'utf8')).trim();
  const password = randomBytes(24).toString('hex');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

interface Initialise {
  readonly binaries: PostgresBinaries;
  readonly home: string;
  readonly data: string;
  readonly password: string;
  readonly runAs: ProcessUser | undefined;
}

/** Made aside and renamed when complete: a start that is killed in the middle begins again. */
async function initialise({ binaries, home, data, password, runAs }: Initialise): Promise<void> {
  const unfinished = path.join(home, 'data.unfinished');
  const passwordFile = path.join(home, 'password');
  await rm(unfinished, { recursive: true, force: true });
  await rm(data, { recursive: true, force: true });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (runAs !== undefined) await chown(passwordFile, runAs.uid, runAs.gid);
  const args = ['-D', unfinished, '-U', user, '--pwfile', passwordFile, '--auth=scram-sha-256', '--encoding=UTF8'];
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const child = spawn(binaries.initdb, [...args, ...locale], {
    ...runAs,
    cwd: home,
    env: { TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let problems = '';
  child.stderr.on('data', (chunk: Buffer) => {
    problems = `${problems}${chunk.toString('utf8')}`.slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  await rm(passwordFile, { force: true });
  if (code !== 0) throw new DatabaseUnavailable(`initdb ended with ${code}: ${problems.trim().replaceAll('\n', ' ')}`);
  await rename(unfinished, data);
}

interface StartServer {
  readonly binaries: PostgresBinaries;
  readonly data: string;
  readonly socketFolder: string;
  readonly logFile: string;
  readonly runAs: ProcessUser | undefined;
  readonly url: string;
  readonly settings: readonly string[];
  /** What it said before is worth reading when it ended by itself. */
  readonly isLogKept?: boolean;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

async function startServer(start: StartServer): Promise<ChildProcess> {
  const deadline = performance.now() + startSecondsMax * 1000;
  for (;;) {
    const child = spawnServer(start);
    const outcome = await waitUntilReady(child, start);
    if (outcome === 'ready') return child;
    const log = await lastLines(start.logFile);
    // Processes of a server that was killed alone are still on their way out.
    const isSoonOver = log.includes('pre-existing shared memory block') || log.includes('is another postmaster');
    if (outcome === 'late') await stopServer(pidOf(child), () => hasEnded(child));
    if (outcome === 'late' || !isSoonOver || performance.now() > deadline || start.signal?.aborted === true) {
      throw new DatabaseUnavailable(`it did not come up: ${log.replaceAll('\n', ' ')}`);
    }
    await wait(500);
  }
}

function spawnServer({ binaries, data, socketFolder, logFile, runAs, settings, isLogKept }: StartServer): ChildProcess {
  const all = [
    'listen_addresses=',
    `unix_socket_directories=${socketFolder}`,
    'unix_socket_permissions=0700',
    'max_connections=80',
    'shared_buffers=64MB',
    'fsync=on',
    'log_destination=stderr',
    'timezone=UTC',
    ...settings,
  ];
  // Opened by us: the unprivileged user may not be able to.
  const log = openSync(logFile, isLogKept === true ? 'a' : 'w', 0o600);
  try {
    return spawn(binaries.postgres, ['-D', data, ...all.flatMap((setting) => ['-c', setting])], {
      ...runAs,
      cwd: data,
      env: { TZ: 'UTC' },
      stdio: ['ignore', log, log],
      // A group of its own: an interrupt typed at the terminal is for Gatehouse, which stops it when it has finished.
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/** One that recovers says so, and is waited for: whoever broke that off would have it begin again, for ever. */
async function waitUntilReady(
  child: ChildProcess,
  { url, signal, say, logFile }: StartServer,
): Promise<'ready' | 'ended' | 'late'> {
  let failure: Error | undefined;
  let deadline = performance.now() + startSecondsMax * 1000;
  let sayAt = deadline;
  child.once('error', (error) => {
    failure = error;
  });
  while (performance.now() < deadline) {
    if (failure !== undefined) throw new DatabaseUnavailable(failure.message, { cause: failure });
    if (hasEnded(child)) return 'ended';
    if (signal?.aborted === true) return 'late';
    const answer = await tryToConnect(url);
    if (answer === 'connected') return 'ready';
    const now = performance.now();
    if (answer === 'recovers') deadline = now + startSecondsMax * 1000;
    if (now > sayAt) {
      sayAt = now + startSecondsMax * 1000;
      say(`PostgreSQL recovers what it had when it ended, which is waited for; its log is ${logFile}`);
    }
    await wait(50);
  }
  return 'late';
}

async function tryToConnect(url: string): Promise<'connected' | 'recovers' | 'silent'> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return 'connected';
  } catch (error) {
    // 57P03: it is starting up. Else it is not there yet, or the machine is busy.
    return error instanceof Error && 'code' in error && error.code === '57P03' ? 'recovers' : 'silent';
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [user]);
    if (rowCount === 0) await client.query(`create database ${user}`);
  } finally {
    await client.end();
  }
}

const lastLines = async (file: string): Promise<string> =>
  (await readFile(file, 'utf8').catch(() => '')).trim().slice(-1000);

/** Stops the server whose pid stands in the data folder, if it is one of that folder and still runs. */
async function stopLeftOver(data: string): Promise<void> {
  const text = await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => undefined);
  const pid = Number(text?.split('\n', 1)[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !(await isServerOf(pid, data))) return;
  await stopServer(pid, () => !isAlive(pid));
}

// The pid may be somebody else's by now. PostgreSQL works in its data folder and is started with its path.
async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return command.split('\0').includes(data);
  }
  const { stdout } = spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8', timeout: 10_000 });
  return stdout.includes(data);
}

async function stopServer(
  pid: number,
  isOver: () => boolean,
  patience: Readonly<Record<'SIGINT' | 'SIGQUIT' | 'SIGKILL', number>> = patiently,
): Promise<void> {
  // Fast shutdown ends the connections; immediate shutdown is like a crash, from which it recovers.
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (isOver()) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return;
      throw error;
    }
    const deadline = performance.now() + patience[signal];
    while (!isOver() && performance.now() < deadline) await wait(20);
  }
  if (!isOver()) throw new DatabaseUnavailable(`PostgreSQL (process ${pid}) does not stop`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
