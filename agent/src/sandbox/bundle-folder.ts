/**
 * The images of the sandbox: each agent as one file, in a folder by its digest. What is started is what the digest says,
 * whoever put it there: it is checked at each pull, as a container runtime does.
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { messageOf } from '../log.ts';

export interface BundleFolder {
  /** All bundles lie below it. */
  readonly directory: string;
  fileOf(digest: string): string;
  pull(release: AgentRelease): Promise<'pulled' | { readonly error: string }>;
}

const digestPattern = /^sha256:([0-9a-f]{64})$/;

/** `fetchBundle` gets what is not there yet; what it answers need not be trusted. */
export function createBundleFolder(
  directory: string,
  fetchBundle: (release: AgentRelease) => Promise<Uint8Array>,
): BundleFolder {
  const fileOf = (digest: string): string => {
    const hex = digestPattern.exec(digest)?.[1];
    if (hex === undefined) throw new Error(`not a digest: ${digest}`);
    return path.join(directory, hex, 'agent.mjs');
  };
  const isThere = async (release: AgentRelease): Promise<boolean> => {
    try {
      return digestOf(await readFile(fileOf(release.digest))) === release.digest;
    } catch {
      return false;
    }
  };
  return {
    directory,
    fileOf,
    async pull(release) {
      try {
        if (await isThere(release)) return 'pulled';
        const bytes = await fetchBundle(release);
        if (digestOf(bytes) !== release.digest) {
          return { error: `the bundle of agent ${release.version} is not the one with ${release.digest}` };
        }
        const file = fileOf(release.digest);
        await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
        await writeWhole(file, bytes);
        return 'pulled';
      } catch (error) {
        return { error: `agent ${release.version}@${release.digest} cannot be had: ${messageOf(error)}` };
      }
    },
  };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

let written = 0;

/** Written beside it and put in its place with one step: whoever reads sees all of it or what was there before. */
export async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  written += 1;
  const unfinished = `${file}.${process.pid}-${written}.unfinished`;
  await writeFile(unfinished, content, { mode: 0o600 });
  await rename(unfinished, file);
}
