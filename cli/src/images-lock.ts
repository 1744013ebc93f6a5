/** The file of `--images-lock`: which digest each image by tag had when a release was published with it. */

import { readFile, rename, writeFile } from 'node:fs/promises';
import type { ImagesLock } from '@gatehouse/release/image-pins';
import { isSystemError } from '@gatehouse/release/system-error';
import { usageFailure } from './failure.ts';

export interface ImagesLockFile {
  readonly images: ImagesLock;
  /** What was looked up beyond it, to be added. */
  readonly found: Map<string, string>;
  /** After the publication: what was found for one that failed is looked up again. */
  readonly save: () => Promise<void>;
}

export async function openImagesLock(file: string | undefined): Promise<ImagesLockFile> {
  const images = file === undefined ? { version: 1 as const, images: {} } : await read(file);
  const found = new Map<string, string>();
  return {
    images,
    found,
    async save() {
      if (file === undefined || found.size === 0) return;
      const all = [...Object.entries(images.images), ...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
      const text = `${JSON.stringify({ version: 1, images: Object.fromEntries(all) }, undefined, 2)}\n`;
      await writeFile(`${file}.unfinished`, text);
      await rename(`${file}.unfinished`, file);
    },
  };
}

async function read(file: string): Promise<ImagesLock> {
  const { parseImagesLock } = await import('@gatehouse/release/image-pins');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return { version: 1, images: {} };
    throw error;
  }
  try {
    return parseImagesLock(text);
  } catch (error) {
    throw usageFailure(
      `${file} is no list of images: ${error instanceof Error ? error.message : String(error)}.`,
      'Restore it from your copy, or let a publication write it anew.',
    );
  }
}
