/**
 * The directory that one Gatehouse keeps its things in, and the lock that keeps a second one out: two on one directory
 * would stop each other's database.
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Another Gatehouse runs on the directory; the message is for the terminal. */
export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse';
}

export interface DataDirectory {
  readonly path: string;
  /** Lets the next one in. A process that is killed lets it in too. */
  release(): Promise<void>;
}

export async function openDataDirectory(folder: string): Promise<DataDirectory> {
  const absolute = path.resolve(folder);
  await mkdir(absolute, { recursive: true, mode: 0o755 });
  const { dev, ino } = await stat(absolute);
  const pidFile = path.join(absolute, 'gatehouse.pid');
  const address = lockAddress(`${dev}:${ino}`);
  const lock = await listen(address);
  if (lock === undefined) {
    const pid = await readFile(pidFile, 'utf8').catch(() => '');
    throw new DirectoryInUse(
      `Another Gatehouse${pid === '' ? '' : ` (process ${pid.trim()})`} is running on ${absolute}. ` +
        'Stop it, or give this one a directory of its own with --data.',
    );
  }
  await writeFile(pidFile, `${process.pid}\n`);
  return {
    path: absolute,
    async release() {
      await rm(pidFile, { force: true });
      await new Promise((resolve) => lock.close(resolve));
    },
  };
}

// A socket is a lock that the kernel lets go of when its process ends, however it ends. On Linux it is in the abstract
// namespace and leaves no file behind; elsewhere the file of a dead process is found by nobody answering on it.
function lockAddress(identity: string): string {
  const name = `gatehouse-${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
  return process.platform === 'linux' ? `\0${name}` : path.join(tmpdir(), `${name}.lock`);
}

async function listen(address: string): Promise<Server | undefined> {
  const first = await tryListen(address);
  if (first !== undefined || process.platform === 'linux') return first;
  if (await answers(address)) return undefined;
  await rm(address, { force: true });
  return tryListen(address);
}

function tryListen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(new Error(`cannot lock the data directory: ${error.message}`, { cause: error }));
    });
    server.listen(address, () => resolve(server));
  });
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
