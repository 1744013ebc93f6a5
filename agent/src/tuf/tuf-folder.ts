/** Verified metadata and files in folders, under names that no publisher can lead out of them. */

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isSystemError } from '@gatehouse/release/system-error';
import { percentEncoded, type TufStore } from '@gatehouse/release/tuf-client';

/** One file for each role, without its version: `root.json`. */
export function openMetadataFolder(folder: string): TufStore {
  const fileOf = (role: string): string => path.join(folder, `${fileName(role)}.json`);
  return {
    read: (role) => readIfThere(fileOf(role)),
    async write(role, bytes) {
      await mkdir(folder, { recursive: true });
      await replaceFile(fileOf(role), bytes);
    },
  };
}

export interface TargetFolder {
  readonly read: (targetPath: string) => Promise<Uint8Array | undefined>;
  readonly write: (targetPath: string, bytes: Uint8Array) => Promise<void>;
}

export function openTargetFolder(folder: string): TargetFolder {
  const fileOf = (targetPath: string): string => path.join(folder, fileName(targetPath));
  return {
    read: (targetPath) => readIfThere(fileOf(targetPath)),
    async write(targetPath, bytes) {
      await mkdir(folder, { recursive: true });
      await replaceFile(fileOf(targetPath), bytes);
    },
  };
}

/** What a file system takes for a name, with room for the ending. */
const fileNameBytesMax = 240;

function fileName(name: string): string {
  // A dot at the beginning is hidden, or the folder itself.
  const encoded = percentEncoded(name).replace(/^\./, '%2E');
  if (encoded.length <= fileNameBytesMax) return encoded;
  return `${encoded.slice(0, fileNameBytesMax - 65)}-${createHash('sha256').update(name).digest('hex')}`;
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whole or not at all, also when the process is killed. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const unfinished = `${file}.unfinished`;
  await writeFile(unfinished, bytes);
  await rename(unfinished, file);
}
