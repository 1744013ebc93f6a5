import { describe, expect, test } from 'vitest';
import { indexTar, type RandomAccess } from './tar-index.ts';
import { tarEnd, tarFileHead, tarPadding, writeTar } from './tar-writer.ts';

const inMemory = (bytes: Uint8Array): RandomAccess => ({
  size: bytes.length,
  read: (offset, length) => Promise.resolve(Buffer.from(bytes.subarray(offset, offset + length))),
});

interface Header {
  readonly name?: string;
  readonly type?: string;
  readonly size?: string;
  readonly link?: string;
  readonly prefix?: string;
  readonly magic?: string;
  readonly content?: string | Buffer;
  readonly checksum?: number;
}

/** An entry as a hostile hand would write it: each field as it is given, with the checksum that belongs to it. */
function entry(header: Header): Buffer {
  const content = Buffer.from(header.content ?? '');
  const block = Buffer.alloc(512);
  block.write(header.name ?? 'index.json', 0, 'latin1');
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(header.size ?? `${content.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  block.write('00000000000\0', 136);
  block.write(header.type ?? '0', 156, 'latin1');
  block.write(header.link ?? '', 157, 'latin1');
  block.write(header.magic ?? 'ustar\x0000', 257, 'latin1');
  block.write(header.prefix ?? '', 345, 'latin1');
  block.fill(' ', 148, 156);
  const sum = header.checksum ?? block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([block, content, tarPadding(content.length)]);
}

function pax(records: Readonly<Record<string, string>>): Buffer {
  const content = Object.entries(records)
    .map(([name, value]) => {
      const rest = ` ${name}=${value}\n`;
      let length = rest.length;
      while (String(length).length + Buffer.byteLength(rest) !== length) length += 1;
      return `${length}${rest}`;
    })
    .join('');
  return entry({ type: 'x', name: 'pax', content });
}

const archive = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat([...parts, tarEnd]);
const plain = entry({ name: 'oci-layout', content: 'x' });

async function outcomeOf(bytes: Uint8Array): Promise<string> {
  const index = await indexTar(inMemory(bytes));
  return index.kind === 'ok'
    ? `ok ${[...index.value.keys()].join(' ')}`
    : index.reasons.map(({ message }) => message).join();
}

describe('an archive in order', () => {
  test('is read by its headers: plain, long and in folders', async () => {
    const long = `targets/${'a'.repeat(120)}.json`;
    const files: readonly (readonly [string, string])[] = [
      ['oci-layout', 'one'],
      [long, 'two'],
      ['blobs/sha256/x', ''],
    ];
    const parts = files.flatMap(([name, content]) => [
      tarFileHead(name, content.length),
      Buffer.from(content),
      tarPadding(content.length),
    ]);
    const bytes = archive(...parts);
    const index = await indexTar(inMemory(bytes));
    if (index.kind === 'refused') throw new Error(index.reasons[0].message);
    const read = [...index.value].map(([name, { offset, size }]) => [
      name,
      bytes.subarray(offset, offset + size).toString(),
    ]);
    expect(read).toEqual(files);
  });

  test('a file of more than 8 GiB is found where it ends', async () => {
    const size = 9 * 1024 ** 3;
    const head = tarFileHead('blobs/sha256/large', size);
    const next = archive(plain);
    // Only what is asked for is there: the content is never read.
    const large: RandomAccess = {
      size: head.length + size + next.length,
      read: (offset, length) =>
        Promise.resolve(
          offset < head.length
            ? Buffer.from(head.subarray(offset, offset + length))
            : next.subarray(offset - head.length - size, offset - head.length - size + length),
        ),
    };
    const index = await indexTar(large);
    expect(index.kind === 'ok' && [...index.value.values()].map((file) => file.size)).toEqual([size, 1]);
  });

  test.each([
    [
      'written by our own writer',
      writeTar([{ path: 'oci-layout', mode: 0o644, content: Buffer.from('x') }]),
      'ok oci-layout',
    ],
    ['with folders', archive(entry({ name: 'blobs/', type: '5' }), plain), 'ok oci-layout'],
    [
      'with ./ before its names',
      archive(entry({ name: './', type: '5' }), entry({ name: './index.json' })),
      'ok index.json',
    ],
    [
      'with the times and owners of a tar program',
      archive(pax({ mtime: '1', uid: '0', uname: 'root' }), plain),
      'ok oci-layout',
    ],
    ['filled up to a record', Buffer.concat([archive(plain), Buffer.alloc(10_240)]), 'ok oci-layout'],
    ['empty', tarEnd, 'ok '],
  ])('%s', async (_, bytes, expected) => {
    expect(await outcomeOf(bytes)).toBe(expected);
  });
});

describe('an archive is refused that has', () => {
  test.each<readonly [string, Uint8Array, RegExp]>([
    ['an absolute path', archive(entry({ name: '/etc/passwd' })), /"\/etc\/passwd" is an absolute path/],
    ['a path that leads out', archive(entry({ name: 'targets/../../x' })), /leads out of the archive/],
    ['a path that leads out in a pax header', archive(pax({ path: '../x' }), plain), /leads out of the archive/],
    ['a path that leads out in the prefix', archive(entry({ prefix: '..', name: 'x' })), /leads out of the archive/],
    ['a folder that leads out', archive(entry({ name: '../', type: '5' })), /leads out of the archive/],
    ['an empty part of a path', archive(entry({ name: 'targets//x' })), /not written plainly/],
    ['a backslash', archive(entry({ name: 'targets\\..\\x' })), /backslash/],
    ['a control character', archive(entry({ name: 'a\u001b[2Jb' })), /no path of a bundle/],
    ['letters that look alike', archive(pax({ path: 'ind\u0435x.json' }), plain), /no path of a bundle/],
    ['no name', archive(entry({ name: '' })), /no path of a bundle/],
    ['a path without end', archive(pax({ path: 'a'.repeat(5000) }), plain), /longer than 400/],
    ['a symbolic link', archive(entry({ type: '2', link: '/etc/passwd' })), /a symbolic link/],
    ['a hard link', archive(entry({ type: '1', link: 'oci-layout' })), /a hard link/],
    ['a file that says it links', archive(entry({ link: '/etc/passwd' })), /links to/],
    ['a link in a pax header', archive(pax({ linkpath: '/etc/passwd' }), plain), /"linkpath"/],
    ['a character device', archive(entry({ type: '3' })), /a character device/],
    ['a block device', archive(entry({ type: '4' })), /a block device/],
    ['a named pipe', archive(entry({ type: '6' })), /a named pipe/],
    ['a sparse file', archive(entry({ type: 'S' })), /a sparse file/],
    ['a sparse file in a pax header', archive(pax({ 'GNU.sparse.realsize': '99999999999' }), plain), /GNU\.sparse/],
    ['a header for all files', archive(entry({ type: 'g', content: '10 a=b\n' })), /a header for all files/],
    ['a long name of GNU tar', archive(entry({ type: 'L', content: 'x' }), plain), /tar --format=pax/],
    ['an unknown kind', archive(entry({ type: 'Z' })), /unknown kind "Z"/],
    ['one name twice', archive(plain, plain), /"oci-layout" stands in the archive twice/],
    ['one name twice, once with ./', archive(plain, entry({ name: './oci-layout' })), /twice/],
    ['one name as a folder and a file', archive(entry({ name: 'oci-layout/', type: '5' }), plain), /twice/],
    ['a folder with content', archive(entry({ name: 'x/', type: '5', content: 'abc' })), /folder "x\/?" has content/],
    ['a size beyond the end', archive(entry({ size: '77777777777\0' })), /cut off: "index.json" has 8589934591 bytes/],
    ['a size in the binary form', archive(entry({ size: '\x80\0\0\0\0\0\0\x01\0\0\0\0' })), /its size is no number/],
    ['a negative size', archive(entry({ size: '-0000000001\0' })), /its size is no number/],
    ['a negative size in a pax header', archive(pax({ size: '-1' }), plain), /"size" \("-1"\)/],
    ['a size that overflows', archive(pax({ size: '99999999999999999999' }), plain), /"size"/],
    ['two sizes in one pax header', archive(Buffer.from(pax2()), plain), /"size"/],
    ['a wrong checksum', archive(entry({ checksum: 1 })), /checksum of the header at byte 0 is wrong/],
    ['the old form', archive(entry({ magic: '\0\0\0\0\0\0\0\0' })), /not in ustar or pax form/],
    ['a damaged pax header', archive(entry({ type: 'x', content: '99 path=x\n' }), plain), /damaged/],
    ['a pax header that never ends', archive(entry({ type: 'x', content: '9999999999 path=x\n' }), plain), /damaged/],
    [
      'a pax header of megabytes',
      archive(entry({ type: 'x', content: Buffer.alloc(70_000, 'a') }), plain),
      /70000 bytes/,
    ],
    ['two pax headers in a row', archive(pax({ mtime: '1' }), pax({ mtime: '1' }), plain), /Two extended headers/],
    ['a pax header for nothing', archive(plain, pax({ mtime: '1' })), /followed by no file/],
    ['no end', plain, /cut off/],
    ['half an end', Buffer.concat([plain, Buffer.alloc(512)]), /its end is missing/],
    ['half a header', plain.subarray(0, 300), /cut off/],
    ['a content that breaks off', archive(entry({ content: 'x'.repeat(2000) })).subarray(0, 1500), /1500|of which 988/],
    ['another archive behind its end', Buffer.concat([archive(plain), archive(plain)]), /follows the end/],
    ['megabytes behind its end', Buffer.concat([archive(plain), Buffer.alloc(2_000_000)]), /follows the end/],
    [
      'gzip around it',
      Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(2000, 3)]),
      /compressed, which a bundle is not/,
    ],
    ['no archive in it', Buffer.alloc(2000, 'a'), /damaged/],
    ['nothing at all', Buffer.alloc(0), /cut off/],
  ])('%s', async (_, bytes, expected) => {
    expect(await outcomeOf(bytes)).toMatch(expected);
  });

  test('more entries than any bundle has', async () => {
    const head = entry({ name: 'x/', type: '5' });
    const many: RandomAccess = {
      size: Number.MAX_SAFE_INTEGER,
      read: (offset) => Promise.resolve(entry({ name: `${offset}/`, type: '5' }).subarray(0, head.length)),
    };
    const index = await indexTar(many);
    expect(index.kind === 'refused' && index.reasons[0].message).toMatch(/more than 20000 entries/);
  });
});

function pax2(): Buffer {
  return entry({ type: 'x', name: 'pax', content: '9 size=1\n9 size=2\n' });
}
