// The files that a program for Node needs in an image that has nothing else: Node itself, the C library and what else it is
// linked to, root certificates, and the few small files that the C library looks into. The libraries are those of the machine
// that builds, so an image needs a kernel no older than that machine's distribution asks for.

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { promisify } from 'node:util';
import type { ImageArchitecture, ImageFile } from './oci-image.ts';

export const nodePath = '/usr/local/bin/node';

/** Nobody's number on usual systems, and not root: what the images of this project run as. */
export const unprivilegedUser = '10001:10001';

const userNumber = 10001;

export function imageArchitecture(): ImageArchitecture {
  switch (process.arch) {
    case 'x64':
      return 'amd64';
    case 'arm64':
      return 'arm64';
    default:
      throw new Error(`Images are built on x64 and arm64, not on ${process.arch}`);
  }
}

export async function nodeRuntimeFiles(): Promise<ImageFile[]> {
  const nodeBinary = findNodeBinary();
  return [
    { path: nodePath, mode: 0o755, sourceFile: nodeBinary },
    ...(await sharedLibraries(nodeBinary)).map((path) => ({ path, mode: 0o755, sourceFile: path })),
    // Node has these built in; other programs in the image, and SSL_CERT_FILE, want a file. Not the build machine's list:
    // that may hold certificates of its owner.
    { path: '/etc/ssl/certs/ca-certificates.crt', mode: 0o644, content: `${rootCertificates.join('\n')}\n` },
    {
      path: '/etc/passwd',
      mode: 0o644,
      content: `root:x:0:0:root:/:/sbin/nologin\ngatehouse:x:${userNumber}:${userNumber}:gatehouse:/:/sbin/nologin\n`,
    },
    { path: '/etc/group', mode: 0o644, content: `root:x:0:\ngatehouse:x:${userNumber}:\n` },
    { path: '/etc/nsswitch.conf', mode: 0o644, content: 'hosts: files dns\n' },
  ];
}

function findNodeBinary(): string {
  if (process.platform !== 'linux') {
    throw new Error(
      `Images are built on Linux, not on ${process.platform}: they take Node and its libraries from the machine that builds`,
    );
  }
  const name = `node-linux-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node');
  } catch (cause) {
    throw new Error(`The npm package ${name} is not installed, so there is no Node to put into an image; run npm ci`, {
      cause,
    });
  }
}

async function sharedLibraries(binary: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [binary]);
  const lines = stdout.split('\n').map((line) => line.trim());
  const missing = lines.filter((line) => line.includes('not found'));
  if (missing.length > 0) {
    throw new Error(`${binary} is linked to libraries that this machine lacks: ${missing.join(', ')}`);
  }
  // `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)`, or the loader's own path alone; the kernel's vdso has no path.
  return lines.flatMap((line) => /(?:^|=> )(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}
