/** What a publisher has decided for a repository and nobody signs: how long metadata lasts. Kept in its `publisher.json`. */

import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';

export const expiryDaysMax = 36_500;
const Days = Type.Integer({ minimum: 1, maximum: expiryDaysMax });

/** Days until a role's metadata expires, counted from its signing. */
export const Expiry = Type.Object({ root: Days, targets: Days, snapshot: Days, timestamp: Days });
export type Expiry = Readonly<Static<typeof Expiry>>;

/** Days that differ from the settings, and become them. */
export const ExpiryChange = Type.Partial(Expiry);
export type ExpiryChange = Readonly<Static<typeof ExpiryChange>>;

const Settings = Type.Object({ version: Type.Literal(1), expiryDays: Expiry });
const fileName = 'publisher.json';

/**
 * A stolen repository can hold agents on what it last said for as long as its timestamp lasts; a week of that bounds the
 * harm, and is long enough for a weekly `release refresh`. Snapshot is signed together with it.
 */
const defaultExpiry: Expiry = { root: 365, targets: 365, snapshot: 30, timestamp: 7 };
/** Repositories from before there were settings: whoever publishes into them counts on a year. */
const expiryBefore: Expiry = { root: 365, targets: 365, snapshot: 365, timestamp: 365 };

export async function readExpiry(directory: string): Promise<Expiry> {
  const file = path.join(directory, fileName);
  if (!existsSync(directory)) return defaultExpiry;
  if (!existsSync(file)) return expiryBefore;
  const value: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (!Value.Check(Settings, value)) throw new Error(`${file} does not say for how many days metadata lasts`);
  return value.expiryDays;
}

export async function writeExpiry(directory: string, expiryDays: Expiry): Promise<void> {
  const file = path.join(directory, fileName);
  await writeFile(`${file}.unfinished`, `${JSON.stringify({ version: 1, expiryDays }, null, 2)}\n`);
  await rename(`${file}.unfinished`, file);
}

/** TUF's form of a date has whole seconds. */
export function expiresAt(now: Date, days: number): string {
  return `${new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 19)}Z`;
}
