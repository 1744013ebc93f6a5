/**
 * Writes a tar archive of files that may be larger than memory, so that the same contents give the same bytes. Under its
 * final name it is whole or not there: it grows as `<name>.partial`, and what a write that was killed left there is kept
 * as far as it is right, so that a long download is not begun anew.
 */

import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { sha256Digest } from './canonical-json.ts';
import { isSystemError } from './system-error.ts';
import { tarEnd, tarFileHead, tarPadding } from './tar-writer.ts';

export interface ArchiveEntry {
  readonly path: string;
  readonly size: number;
  readonly digest: string;
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

export function inMemoryEntry(file: string, bytes: Uint8Array): ArchiveEntry {
  async function* content() {
    yield bytes;
  }
  return { path: file, size: bytes.length, digest: sha256Digest(bytes), open: () => Promise.resolve(content()) };
}

export interface WrittenArchive {
  readonly bytes: number;
  readonly digest: string;
}

const triesMax = 3;
const chunkBytes = 1024 * 1024;

export async function writeArchive(
  file: string,
  entries: readonly ArchiveEntry[],
  onEntry: (entry: ArchiveEntry, state: { readonly wasThere: boolean }) => void = () => undefined,
): Promise<WrittenArchive> {
  const unfinished = `${file}.partial`;
  const handle = await openOrCreate(unfinished);
  let written: WrittenArchive;
  try {
    const archive = await createArchive(handle);
    for (const entry of entries) {
      const wasThere = await archive.keep(entry);
      onEntry(entry, { wasThere });
      if (!wasThere) await archive.add(entry);
    }
    written = await archive.end();
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
  await syncFolder(path.dirname(path.resolve(file)));
  return written;
}

async function createArchive(handle: FileHandle) {
  const { size: left } = await handle.stat();
  let whole = createHash('sha256');
  let offset = 0;
  let isKeeping = true;

  async function write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
    }
    whole.update(bytes);
    offset += bytes.length;
  }

  /** Whether the entry stands at this place already, left by a write before; all of it is read to know. */
  async function keep(entry: ArchiveEntry): Promise<boolean> {
    if (!isKeeping) return false;
    const head = tarFileHead(entry.path, entry.size);
    const tail = tarPadding(entry.size);
    const next = whole.copy();
    const content = createHash('sha256');
    const end = offset + head.length + entry.size + tail.length;
    const isThere =
      end <= left &&
      (await holds(handle, offset, head)) &&
      (await holds(handle, end - tail.length, tail)) &&
      (next.update(head), await hashRange(handle, offset + head.length, entry.size, [next, content])) &&
      `sha256:${content.digest('hex')}` === entry.digest;
    if (!isThere) {
      isKeeping = false;
      return false;
    }
    whole = next.update(tail);
    offset = end;
    return true;
  }

  /** Asks for the content anew when it broke off; what is not what its digest says is never asked for twice. */
  async function add(entry: ArchiveEntry): Promise<void> {
    const begin = offset;
    const before = whole.copy();
    for (let tries = 1; ; tries += 1) {
      offset = begin;
      whole = before.copy();
      await handle.truncate(begin);
      await write(tarFileHead(entry.path, entry.size));
      try {
        await addContent(entry);
        break;
      } catch (error) {
        await handle.truncate(begin);
        if (tries >= triesMax || !(error instanceof BrokenOff)) throw error;
      }
    }
    await write(tarPadding(entry.size));
  }

  async function addContent(entry: ArchiveEntry): Promise<void> {
    const content = createHash('sha256');
    let size = 0;
    for await (const part of contentOf(entry)) {
      size += part.length;
      if (size > entry.size)
        throw new OtherContent(`${entry.path} is larger than the ${entry.size} bytes it is named with`);
      content.update(part);
      await write(part);
    }
    if (size < entry.size) throw new BrokenOff(`${entry.path} ended after ${size} of ${entry.size} bytes`);
    const actual = `sha256:${content.digest('hex')}`;
    if (actual !== entry.digest) throw new OtherContent(`${entry.path} has other content: ${actual}`);
  }

  async function end(): Promise<WrittenArchive> {
    await write(tarEnd);
    await handle.truncate(offset);
    return { bytes: offset, digest: `sha256:${whole.digest('hex')}` };
  }

  return { keep, add, end };
}

/** The content is not what its digest says; asking again helps nobody. */
export class OtherContent extends Error {
  override readonly name = 'OtherContent';
}

/** The content did not come, or not to its end. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';
}

/** Only what goes wrong on the content's side is worth another try: a full disk is not. */
async function* contentOf(entry: ArchiveEntry): AsyncIterable<Uint8Array> {
  try {
    yield* await entry.open();
  } catch (cause) {
    throw new BrokenOff(`${entry.path} could not be read to its end`, { cause });
  }
}

async function openOrCreate(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r+');
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    return open(file, 'wx+');
  }
}

async function holds(handle: FileHandle, offset: number, expected: Uint8Array): Promise<boolean> {
  const buffer = Buffer.alloc(expected.length);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
  return bytesRead === expected.length && buffer.equals(expected);
}

async function hashRange(handle: FileHandle, offset: number, size: number, hashes: readonly Hash[]): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, size));
  for (let done = 0; done < size; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - done), offset + done);
    if (bytesRead === 0) return false;
    for (const hash of hashes) hash.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
  return true;
}

async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
