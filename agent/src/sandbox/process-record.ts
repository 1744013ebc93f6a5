/**
 * What the sandbox has started, written down, so that a sandbox that comes after one that was killed can end what is left
 * and clear it away. A number may belong to somebody else by then: only a process that runs a bundle of this very
 * sandbox is touched.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import Type from 'typebox';
import { Check } from 'typebox/value';

export interface ProcessRecord {
  add(pid: number): void;
  remove(pid: number): void;
}

const Written = Type.Object({
  /** The folder with its sockets. */
  run: Type.String({ minLength: 1 }),
  pids: Type.Array(Type.Integer({ minimum: 2 })),
});

/**
 * `marker`: a text that stands in the command line of every process of this sandbox and of no other. `run`: where this
 * sandbox has its sockets; `runPrefix`: how the name of every such folder begins.
 */
export function openProcessRecord(
  file: string,
  { marker, run, runPrefix }: { readonly marker: string; readonly run: string; readonly runPrefix: string },
): ProcessRecord {
  const before = readWritten(file);
  for (const pid of before?.pids ?? []) {
    if (commandLineOf(pid).includes(marker)) end(pid);
  }
  if (before?.run.startsWith(runPrefix) === true) rmSync(before.run, { recursive: true, force: true });
  let pids: readonly number[] = [];
  const write = (next: readonly number[]): void => {
    pids = next;
    writeFileSync(`${file}.unfinished`, JSON.stringify({ run, pids }), { mode: 0o600 });
    renameSync(`${file}.unfinished`, file);
  };
  write([]);
  return {
    add: (pid) => write([...pids, pid]),
    remove: (pid) => write(pids.filter((one) => one !== pid)),
  };
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone in between.
  }
}

function readWritten(file: string): Type.Static<typeof Written> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Check(Written, value) ? value : undefined;
  } catch {
    // None was ever started here.
    return undefined;
  }
}

/** Empty when there is no such process, or nobody tells. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    try {
      return execFileSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8', stdio: 'pipe' });
    } catch {
      return '';
    }
  }
}
