/** Where a target stands in a repository's folder. */

import path from 'node:path';

/** Beneath `targets/`: its sha256 before its name. */
export function hashedTargetPath(targetPath: string, sha256: string): string {
  const { dir, base } = path.posix.parse(targetPath);
  return path.posix.join(dir, `${sha256}.${base}`);
}

export function targetFileOnDisk(directory: string, targetPath: string, sha256: string): string {
  return path.join(directory, 'targets', ...hashedTargetPath(targetPath, sha256).split('/'));
}
