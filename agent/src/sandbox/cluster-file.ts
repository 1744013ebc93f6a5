/**
 * A simulated cluster's state on disk, so that a sandbox that is started again goes on where it stopped. Written when
 * something changed that matters after a restart; a renewed Lease does not, since every process starts anew.
 */

import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Milliseconds } from '@gatehouse/domain/instant';
import { isSystemError } from '@gatehouse/release/system-error';
import type { SimulatedState } from '../cluster/simulated/state.ts';
import { writeWhole } from './bundle-folder.ts';

export interface ClusterFile {
  read(): Promise<SimulatedState | undefined>;
  /** Writes soon, and at most once in a while. */
  changed(state: SimulatedState): void;
  /** Resolves when that state, or a later one, would be read after a kill. Rejects when it could not be written. */
  keep(state: SimulatedState): Promise<void>;
  /** Writes now, and no more afterwards. */
  close(state: SimulatedState): Promise<void>;
}

const soon: Milliseconds = 250;

export function createClusterFile(file: string, onFailure: (error: unknown) => void): ClusterFile {
  let written: SimulatedState | undefined;
  let wanted: SimulatedState | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = (): Promise<void> => {
    const state = wanted;
    if (state === undefined || isSame(state, written)) return writing;
    written = state;
    writing = writing.then(() => writeWhole(file, JSON.stringify(state))).catch(onFailure);
    return writing;
  };
  return {
    async read() {
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        if (isSystemError(error, 'ENOENT')) return undefined;
        throw error;
      });
      return text === undefined ? undefined : parse(text, file);
    },
    changed(state) {
      wanted = state;
      if (timer !== undefined || isSame(state, written)) return;
      timer = setTimeout(() => {
        timer = undefined;
        void write();
      }, soon);
    },
    async keep(state) {
      clearTimeout(timer);
      timer = undefined;
      wanted = state;
      const keeping = writing.then(() => writeWhole(file, JSON.stringify(state)));
      written = state;
      writing = keeping.catch((error: unknown) => {
        written = undefined;
        onFailure(error);
      });
      await keeping;
    },
    async close(state) {
      clearTimeout(timer);
      wanted = state;
      written = undefined;
      await write();
    },
  };
}

/** Each part is replaced when it changes, so the parts themselves tell. */
function isSame(a: SimulatedState, b: SimulatedState | undefined): boolean {
  if (b === undefined) return false;
  const parts = ({ lease: _lease, writes: _writes, ...rest }: SimulatedState): ReadonlyMap<string, unknown> =>
    new Map(Object.entries(rest));
  const [before, after] = [parts(b), parts(a)];
  return before.size === after.size && [...after].every(([key, value]) => before.get(key) === value);
}

function parse(text: string, file: string): SimulatedState {
  const help = 'Remove the data directory and start again; the sandbox is made anew.';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON. ${help}`, { cause });
  }
  if (typeof value !== 'object' || value === null || !('schema' in value) || value.schema !== 1) {
    throw new Error(`${file} is not the state of a simulated cluster. ${help}`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Written by this program, whole or not at all.
  return value as SimulatedState;
}
