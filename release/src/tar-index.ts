/**
 * Where each file stands in a tar archive, found by its headers alone, so that an archive of any size costs no memory and
 * nothing is ever unpacked. Takes plain files and folders in ustar or pax form, as `release bundle`, `tar --format=pax` and
 * bsdtar write them; whatever an archive could use to reach beyond itself, to hide something or to grow is refused.
 */

import { type Outcome, ok, refused } from './outcome.ts';

/** Bytes that can be read at any place. `read` gives fewer than asked for only at the end. */
export interface RandomAccess {
  readonly size: number;
  readonly read: (offset: number, length: number) => Promise<Buffer>;
}

export interface TarFile {
  readonly offset: number;
  readonly size: number;
}

export type TarRefusalCode = 'archive-malformed';

const blockSize = 512;
const entriesMax = 20_000;
const pathSizeMax = 400;
const paxSizeMax = 64 * 1024;
/** What may follow the archive's end: tar programs fill up to a record, 20 blocks by default. */
const fillMax = 1024 * 1024;

/** Files by path, in the archive's order. */
export async function indexTar(archive: RandomAccess): Promise<Outcome<ReadonlyMap<string, TarFile>, TarRefusalCode>> {
  try {
    return ok(await readIndex(archive));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return refused({
      code: 'archive-malformed',
      message: error.message,
      nextStep: 'Carry the bundle over again and compare its sha256 with the one that `release bundle` printed.',
    });
  }
}

class Malformed extends Error {
  override readonly name = 'Malformed';
}

async function readIndex(archive: RandomAccess): Promise<ReadonlyMap<string, TarFile>> {
  const files = new Map<string, TarFile>();
  const seen = new Set<string>();
  let entries = 0;
  let offset = 0;
  let pax: PaxRecords = {};
  let isAfterPax = false;
  for (;;) {
    const block = await readExactly(archive, offset, blockSize, `the header at byte ${offset}`);
    if (block.every((byte) => byte === 0)) {
      if (isAfterPax) throw new Malformed('An extended header is followed by no file.');
      await mustEnd(archive, offset + blockSize);
      return files;
    }
    entries += 1;
    if (entries > entriesMax) throw new Malformed(`The archive has more than ${entriesMax} entries.`);
    if (offset === 0 && block[0] === 0x1f && block[1] === 0x8b) {
      throw new Malformed('The archive is compressed, which a bundle is not; unpack it with `gzip -d` first.');
    }
    const header = parseHeader(block, offset);
    offset += blockSize;
    if (header.type === 'x') {
      if (isAfterPax) throw new Malformed(`Two extended headers follow each other at byte ${offset}.`);
      if (header.size > paxSizeMax) throw new Malformed(`An extended header has ${header.size} bytes.`);
      pax = parsePax(await readExactly(archive, offset, header.size, 'an extended header'));
      isAfterPax = true;
      offset += padded(header.size);
      continue;
    }
    const size = pax.size ?? header.size;
    const path = checkPath(pax.path ?? header.path, header.type === 'directory');
    pax = {};
    isAfterPax = false;
    if (seen.has(path)) throw new Malformed(`${show(path)} stands in the archive twice.`);
    seen.add(path);
    if (header.type === 'directory') {
      if (size !== 0) throw new Malformed(`The folder ${show(path)} has content.`);
      continue;
    }
    if (offset + size > archive.size) {
      throw new Malformed(
        `The archive is cut off: ${show(path)} has ${size} bytes, of which ${archive.size - offset} are there.`,
      );
    }
    files.set(path, { offset, size });
    offset += padded(size);
  }
}

type EntryType = 'file' | 'directory' | 'x';
const entryTypes: ReadonlyMap<string, EntryType> = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['5', 'directory'],
  ['x', 'x'],
]);

/** What else there is in tar archives, in words for the refusal. */
const refusedTypes: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a named pipe',
  '7': 'a contiguous file',
  g: 'a header for all files',
  K: 'a long link of GNU tar',
  L: 'a long name of GNU tar; write the archive with `tar --format=pax`',
  S: 'a sparse file',
  M: 'a file that goes on from another archive',
  V: 'a volume label',
};

function parseHeader(
  block: Buffer,
  offset: number,
): { readonly path: string; readonly type: EntryType; readonly size: number } {
  const place = `the header at byte ${offset}`;
  if (parseOctal(block, 148, 8, `${place}: its checksum`) !== checksum(block)) {
    throw new Malformed(`The archive is damaged, or no tar archive: the checksum of ${place} is wrong.`);
  }
  if (block.toString('latin1', 257, 263) !== 'ustar\0') {
    throw new Malformed(`${place} is not in ustar or pax form; write the archive with \`tar --format=pax\`.`);
  }
  const name = parseText(block, 0, 100);
  const prefix = parseText(block, 345, 155);
  const path = prefix === '' ? name : `${prefix}/${name}`;
  const flag = String.fromCharCode(block[156] ?? 0);
  const type = entryTypes.get(flag);
  if (type === undefined) {
    const what = Object.hasOwn(refusedTypes, flag) ? refusedTypes[flag] : `of the unknown kind ${show(flag)}`;
    throw new Malformed(`${show(path)} is ${what}; a bundle has plain files only.`);
  }
  if (parseText(block, 157, 100) !== '') throw new Malformed(`${show(path)} names a file that it links to.`);
  return { path, type, size: parseOctal(block, 124, 12, `${show(path)}: its size`) };
}

function checksum(block: Buffer): number {
  let sum = 0;
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte;
  return sum;
}

/** Only octal digits: a number in the binary form of GNU tar, or a negative one, is none of ours. */
function parseOctal(block: Buffer, offset: number, length: number, what: string): number {
  const text = block.toString('latin1', offset, offset + length);
  const [, digits] = /^ *([0-7]{1,12})[\0 ]*$/.exec(text) ?? [];
  if (digits === undefined) throw new Malformed(`The archive is damaged: ${what} is no number.`);
  return Number.parseInt(digits, 8);
}

function parseText(block: Buffer, offset: number, length: number): string {
  const text = block.toString('latin1', offset, offset + length);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

interface PaxRecords {
  readonly path?: string;
  readonly size?: number;
}

/** Times and owners say nothing here; `path` and `size` are the two that matter; the rest is not understood. */
const ignoredKeys = new Set(['atime', 'ctime', 'mtime', 'uid', 'gid', 'uname', 'gname', 'comment']);

function parsePax(content: Buffer): PaxRecords {
  let path: string | undefined;
  let size: number | undefined;
  let offset = 0;
  while (offset < content.length) {
    const space = content.indexOf(0x20, offset);
    const lengthText = space < 0 || space > offset + 6 ? '' : content.toString('latin1', offset, space);
    const length = /^[1-9]\d*$/.test(lengthText) ? Number(lengthText) : 0;
    const end = offset + length;
    const equals = content.indexOf(0x3d, space);
    if (length === 0 || end > content.length || equals < 0 || equals >= end || content[end - 1] !== 0x0a) {
      throw new Malformed('An extended header is damaged.');
    }
    const key = content.toString('utf8', space + 1, equals);
    const value = content.toString('utf8', equals + 1, end - 1);
    if (key === 'path' && path === undefined) path = value;
    else if (key === 'size' && size === undefined && /^(0|[1-9]\d{0,14})$/.test(value)) size = Number(value);
    else if (!ignoredKeys.has(key)) {
      throw new Malformed(`An extended header says ${show(key)} (${show(value)}), which a bundle does not use so.`);
    }
    offset = end;
  }
  return { ...(path === undefined ? {} : { path }), ...(size === undefined ? {} : { size }) };
}

/** The path without the slash that ends a folder's, and without the `./` that tar programs begin with. */
function checkPath(path: string, isDirectory: boolean): string {
  if (path.length > pathSizeMax) throw new Malformed(`A path in the archive is longer than ${pathSizeMax}.`);
  const plain = (isDirectory ? path.replace(/\/$/, '') : path).replace(/^\.\/(?=.)/, '');
  if (isDirectory && plain === '.') return plain;
  if (!/^[\x21-\x7e]+$/.test(plain)) throw new Malformed(`${show(path)} is no path of a bundle.`);
  if (plain.startsWith('/')) throw new Malformed(`${show(path)} is an absolute path.`);
  if (plain.includes('\\')) throw new Malformed(`${show(path)} has a backslash.`);
  if (plain.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new Malformed(`${show(path)} leads out of the archive, or is not written plainly.`);
  }
  return plain;
}

/** After the first empty block: a second one, then zeros only. */
async function mustEnd(archive: RandomAccess, offset: number): Promise<void> {
  const rest = archive.size - offset;
  if (rest < blockSize) throw new Malformed('The archive is cut off: its end is missing.');
  if (rest > fillMax) throw new Malformed(`Something follows the end of the archive: ${rest} bytes.`);
  const bytes = await readExactly(archive, offset, rest, "the archive's end");
  if (bytes.some((byte) => byte !== 0)) throw new Malformed('Something follows the end of the archive.');
}

async function readExactly(archive: RandomAccess, offset: number, length: number, what: string): Promise<Buffer> {
  const bytes = await archive.read(offset, length);
  if (bytes.length < length) throw new Malformed(`The archive is cut off: ${what} is not whole.`);
  return bytes;
}

function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize;
}

/** Text from the archive, fit for a terminal. */
function show(text: string): string {
  return JSON.stringify(text.slice(0, 200)).replaceAll(/[\u007f-\uffff]/g, '?');
}
