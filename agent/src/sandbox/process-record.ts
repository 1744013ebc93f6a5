/**
 * Which processes the sandbox has started, written down, so that a sandbox that comes after one that was killed can end
 * what is left. A number may belong to somebody else by then: only a process that runs a bundle of this very sandbox is
 * touched.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export interface ProcessRecord {
  add(pid: number): void;
  remove(pid: number): void;
}

/** `marker`: a text that stands in the command line of every process of this sandbox and of no other. */
export function openProcessRecord(file: string, marker: string): ProcessRecord {
  endLeftOvers(file, marker);
  let pids: readonly number[] = [];
  const write = (next: readonly number[]): void => {
    pids = next;
    writeFileSync(`${file}.unfinished`, JSON.stringify(pids), { mode: 0o600 });
    renameSync(`${file}.unfinished`, file);
  };
  write([]);
  return {
    add: (pid) => write([...pids, pid]),
    remove: (pid) => write(pids.filter((one) => one !== pid)),
  };
}

function endLeftOvers(file: string, marker: string): void {
  for (const pid of readPids(file)) {
    if (!commandLineOf(pid).includes(marker)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone in between.
    }
  }
}

function readPids(file: string): readonly number[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(value) ? value.filter((pid) => Number.isInteger(pid) && pid > 1) : [];
  } catch {
    // None was ever started here.
    return [];
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
