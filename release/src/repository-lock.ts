/**
 * One publisher at a time: a lock file in the repository's folder that names who holds it. A lock that a killed
 * publication left is taken over: at once where its process is known to be gone, else when it is older than any
 * publication could be. Any other is refused by name.
 */

import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { type Outcome, refused } from './outcome.ts';
import { isSystemError } from './system-error.ts';

export type LockRefusalCode = 'repository-busy';

const Holder = Type.Object({
  host: Type.String(),
  pid: Type.Integer({ minimum: 1 }),
  since: Type.String(),
  id: Type.String(),
});

const lockFileName = 'publisher.lock';
/** Whoever still loses the race then is told that somebody else publishes, which is true. */
const triesMax = 5;
/** What is slow, rendering and looking up images, is done before the lock is taken. */
const heldSecondsMax = 3600;

/** Runs `action` while nobody else publishes into the folder, which must exist. */
export async function whileLocked<Result, Code extends string>(
  directory: string,
  now: Date,
  action: () => Promise<Outcome<Result, Code>>,
): Promise<Outcome<Result, Code | LockRefusalCode>> {
  const file = path.join(directory, lockFileName);
  const own = `${file}.${randomUUID()}`;
  const text = `${JSON.stringify({ host: os.hostname(), pid: process.pid, since: now.toISOString(), id: randomUUID() })}\n`;
  await writeFile(own, text);
  try {
    const other = await take(file, own);
    if (other !== undefined) return busy(directory, other);
  } finally {
    await rm(own, { force: true });
  }
  try {
    return await action();
  } finally {
    // Somebody may have taken it for abandoned and removed it by hand.
    if ((await readText(file)) === text) await rm(file, { force: true });
  }
}

/** What holds the lock instead of us, or `undefined` when we do. A link appears whole or not at all. */
async function take(file: string, own: string): Promise<string | undefined> {
  let found = '';
  for (let tries = 0; tries < triesMax; tries += 1) {
    try {
      await link(own, file);
      return undefined;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const text = await readText(file);
    if (text === undefined) continue;
    found = text;
    if (!isAbandoned(text) && (await secondsBetween(file, own)) < heldSecondsMax) return text;
    // Of several that find it abandoned, one moves it away. What it moved may be the lock of another that was quicker.
    const moved = `${own}.moved`;
    try {
      await rename(file, moved);
    } catch {
      continue;
    }
    if ((await readText(moved)) !== text) await link(moved, file).catch(() => undefined);
    await rm(moved, { force: true });
  }
  return found;
}

function isAbandoned(text: string): boolean {
  const holder = parseHolder(text);
  if (holder === undefined || holder.host !== os.hostname()) return false;
  try {
    process.kill(holder.pid, 0);
    // Our own pid in a lock that we do not hold yet: another publication of this process, and that one lives.
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

/** By the clock of whatever keeps the folder. */
async function secondsBetween(earlier: string, later: string): Promise<number> {
  try {
    return ((await stat(later)).mtimeMs - (await stat(earlier)).mtimeMs) / 1000;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return 0;
    throw error;
  }
}

function parseHolder(text: string) {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(Holder, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function busy(directory: string, text: string) {
  const holder = parseHolder(text);
  const who = holder === undefined ? '' : ` (process ${holder.pid} on ${holder.host}, since ${holder.since})`;
  return refused<LockRefusalCode>({
    code: 'repository-busy',
    message: `Somebody else is publishing into ${directory}${who}.`,
    nextStep: `Wait until that is done. If no publication runs any more, remove ${path.join(directory, lockFileName)}.`,
  });
}
