/**
 * The user PostgreSQL runs as. It refuses to run as root, so a Gatehouse that runs as root starts it as `nobody`; then
 * that user has to be able to reach the programs, the data and the socket.
 */

import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseUnavailable } from './database-unavailable.ts';

/** As `child_process` takes it. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
}

/** Undefined: PostgreSQL can run as whoever runs Gatehouse. */
export function unprivilegedUser(): ProcessUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new DatabaseUnavailable('it runs as root, PostgreSQL must not, and there is no user nobody to run it');
  }
  return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
}

/** Whether that user may walk down to the folder and read in it, by the permission bits of each folder on the way. */
export function canReach(folder: string, user: ProcessUser): boolean {
  return canPass(path.dirname(path.resolve(folder)), user) && mayDo(folder, user, 0o5);
}

function canPass(folder: string, user: ProcessUser): boolean {
  const above = path.dirname(folder);
  return mayDo(folder, user, 0o1) && (above === folder || canPass(above, user));
}

function mayDo(folder: string, user: ProcessUser, needed: number): boolean {
  const { mode, uid, gid } = statSync(folder);
  const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
  return (bits & needed) === needed;
}

/**
 * Lets that user, and nobody else, pass through a folder of ours that was closed to all others; not read what is in it.
 * False when the way to the folder is closed too, or it is not ours.
 */
export function letPass(folder: string, user: ProcessUser): boolean {
  if (!canPass(path.dirname(path.resolve(folder)), user)) return false;
  if (mayDo(folder, user, 0o1)) return true;
  const { mode, uid } = statSync(folder);
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0) return false;
  chownSync(folder, uid, user.gid);
  chmodSync(folder, (mode & 0o7777) | 0o010);
  return true;
}
