/**
 * The user PostgreSQL runs as. It refuses to run as root, so a Gatehouse that runs as root starts it as `nobody`; then
 * that user has to be able to reach the programs, the data and the socket.
 */

import { readFileSync, statSync } from 'node:fs';
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
  const real = path.resolve(folder);
  const steps = real.split(path.sep).filter((step) => step !== '');
  const way = ['/', ...steps.map((_, index) => `/${steps.slice(0, index + 1).join('/')}`)];
  return way.every((step, index) => {
    const { mode, uid, gid } = statSync(step);
    const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
    const needed = index === way.length - 1 ? 0o5 : 0o1;
    return (bits & needed) === needed;
  });
}
