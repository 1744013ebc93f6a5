// Writes tar archives whose bytes depend on nothing but what is put in: no clock, no user, no order of a file system. Own
// code and not a library, because the digest of an image is made of exactly these bytes and must not move with an update.

export type TarEntry = {
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array | 'directory';
};

const blockSize = 512;
const pathSizeMax = 100;
const contentSizeMax = 8 ** 11 - 1;

export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    parts.push(header(entry));
    if (entry.content !== 'directory') {
      parts.push(entry.content, new Uint8Array(padding(entry.content.length)));
    }
  }
  parts.push(new Uint8Array(2 * blockSize));
  return Buffer.concat(parts);
}

/** What follows a file's content up to the next header. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array(padding(size));
}

/** What ends an archive. */
export const tarEnd: Uint8Array = new Uint8Array(2 * blockSize);

/**
 * What stands before a file's content, for archives that are written piece by piece. A path or size that the old header
 * has no room for is written as POSIX says (pax): in an entry of its own before it.
 */
export function tarFileHead(path: string, size: number): Uint8Array {
  mustBePlain(path);
  const isLong = path.length > pathSizeMax;
  const isLarge = size > contentSizeMax;
  const records = `${isLong ? paxRecord('path', path) : ''}${isLarge ? paxRecord('size', String(size)) : ''}`;
  const own = headerBlock({
    path: path.slice(0, pathSizeMax),
    mode: 0o644,
    size: isLarge ? 0 : size,
    type: '0',
  });
  if (records === '') return own;
  const content = Buffer.from(records);
  const extended = headerBlock({ path: 'pax-header', mode: 0o644, size: content.length, type: 'x' });
  return Buffer.concat([extended, content, tarPadding(content.length), own]);
}

/** Its length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return `${length}${rest}`;
}

function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

function mustBePlain(path: string): void {
  if (!/^[\x21-\x7e][\x20-\x7e]*$/.test(path) || path.startsWith('/')) {
    throw new Error(`Path ${JSON.stringify(path)} cannot stand in a tar archive: it must be relative and plain ASCII`);
  }
}

function header(entry: TarEntry): Uint8Array {
  const isDirectory = entry.content === 'directory';
  const size = entry.content === 'directory' ? 0 : entry.content.length;
  const path = isDirectory ? `${entry.path}/` : entry.path;
  mustBePlain(path);
  if (path.length > pathSizeMax) {
    throw new Error(
      `Path ${JSON.stringify(path)} cannot stand in a tar archive: it must be at most ${pathSizeMax} long`,
    );
  }
  if (size > contentSizeMax) {
    throw new Error(`${path} is too large for a tar archive: ${size} bytes`);
  }
  return headerBlock({ path, mode: entry.mode, size, type: isDirectory ? '5' : '0' });
}

function headerBlock({ path, mode, size, type }: { path: string; mode: number; size: number; type: string }): Buffer {
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, digits: number, offset: number) =>
    block.write(`${value.toString(8).padStart(digits, '0')}\0`, offset, 'ascii');
  block.write(path, 0, 'ascii');
  octal(mode, 7, 100);
  octal(0, 7, 108); // owner: root
  octal(0, 7, 116); // group: root
  octal(size, 11, 124);
  octal(0, 11, 136); // changed: 1970
  block.write(type, 156, 'ascii');
  block.write('ustar\x0000', 257, 'ascii');
  // The checksum counts its own field as spaces.
  block.fill(' ', 148, 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    6,
    148,
  );
  return block;
}
