/**
 * The files of a repository as somebody carried them here: a folder, or the one file of `release bundle`. Read piece by
 * piece from where they lie; nothing is unpacked. What is in them is not believed yet.
 */

import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Outcome, ok, refused } from './outcome.ts';
import { isSystemError } from './system-error.ts';
import { indexTar, type RandomAccess, type TarRefusalCode } from './tar-index.ts';

export interface CarriedFiles {
  /** All paths of an archive, which must not hold anything of no use. A folder may. */
  readonly paths: readonly string[] | undefined;
  /** Names of the files beneath `metadata/`. */
  readonly metadataNames: () => Promise<readonly string[]>;
  readonly size: (file: string) => Promise<number | undefined>;
  /** `undefined` when there is no such file. Stops shortly after `bytesMax`. */
  readonly read: (file: string, bytesMax: number) => Promise<Uint8Array | undefined>;
  /** Throws when there is no such file. */
  readonly stream: (file: string) => AsyncIterable<Uint8Array>;
  readonly close: () => Promise<void>;
}

export type CarriedRefusalCode = TarRefusalCode | 'archive-foreign';

const chunkBytes = 1024 * 1024;
const pathOfABundle =
  /^(gatehouse-bundle\.json|oci-layout|index\.json|metadata\/[A-Za-z0-9._-]{1,200}\.json|targets\/[a-z0-9][A-Za-z0-9._/-]{0,390}|blobs\/sha256\/[0-9a-f]{64})$/;

/** `file` must be one that can be read at any place: no pipe. */
export async function openCarriedArchive(file: string | number): Promise<Outcome<CarriedFiles, CarriedRefusalCode>> {
  const handle = await openHandle(file);
  const archive: RandomAccess = {
    size: (await handle.stat()).size,
    read: (offset, length) => readAt(handle, offset, length),
  };
  const index = await indexTar(archive).catch(async (error: unknown) => {
    await handle.close();
    throw error;
  });
  const foreign = index.kind === 'ok' ? [...index.value.keys()].find((one) => !pathOfABundle.test(one)) : undefined;
  if (index.kind === 'refused' || foreign !== undefined) {
    await handle.close();
    if (index.kind === 'refused') return index;
    return refused({
      code: 'archive-foreign',
      message: `The archive holds ${JSON.stringify(foreign)}, which is no part of a bundle.`,
      nextStep: 'Import the file that `gatehouse release bundle` wrote, as it was written.',
    });
  }
  const files = index.value;
  return ok({
    paths: [...files.keys()],
    metadataNames: () =>
      Promise.resolve(
        [...files.keys()].filter((one) => one.startsWith('metadata/')).map((one) => one.slice('metadata/'.length)),
      ),
    size: (one) => Promise.resolve(files.get(one)?.size),
    async read(one, bytesMax) {
      const place = files.get(one);
      return place && archive.read(place.offset, Math.min(place.size, bytesMax + 1));
    },
    async *stream(one) {
      const place = files.get(one);
      if (place === undefined) throw new Error(`the archive has no ${one}`);
      for (let done = 0; done < place.size; ) {
        const part = await archive.read(place.offset + done, Math.min(chunkBytes, place.size - done));
        if (part.length === 0) throw new Error(`the archive became shorter while ${one} was read`);
        done += part.length;
        yield part;
      }
    },
    close: () => handle.close(),
  });
}

async function openHandle(file: string | number): Promise<FileHandle> {
  // An open descriptor, such as standard input, is opened anew, so that its place in the file is its own.
  return open(typeof file === 'number' ? `/dev/fd/${file}` : file, 'r');
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

export function openCarriedFolder(directory: string): CarriedFiles {
  /** Paths come from metadata that is not verified yet. */
  const at = (file: string): string | undefined =>
    file.split('/').some((part) => part === '' || part === '.' || part === '..')
      ? undefined
      : path.join(directory, file);
  const size = async (file: string): Promise<number | undefined> => {
    const place = at(file);
    const found = place === undefined ? undefined : await stat(place).catch(orMissing);
    return found?.isFile() === true ? found.size : undefined;
  };
  return {
    paths: undefined,
    metadataNames: async () => (await readdir(path.join(directory, 'metadata')).catch(orMissing)) ?? [],
    size,
    async read(file, bytesMax) {
      const place = at(file);
      const bytes = await size(file);
      if (place === undefined || bytes === undefined) return undefined;
      if (bytes <= bytesMax) return readFile(place);
      const handle = await open(place, 'r');
      try {
        return await readAt(handle, 0, bytesMax + 1);
      } finally {
        await handle.close();
      }
    },
    async *stream(file) {
      const place = at(file);
      if (place === undefined) throw new Error(`${directory} has no ${file}`);
      const handle = await open(place, 'r');
      yield* handle.createReadStream({ highWaterMark: chunkBytes });
    },
    close: () => Promise.resolve(),
  };
}

function orMissing(error: unknown): undefined {
  if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
  throw error;
}
