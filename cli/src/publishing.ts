/** What the commands of a publisher share: their folders, how long metadata lasts, and files that others sign. */

import { readFile, rename, writeFile } from 'node:fs/promises';
import { confirm, isCancel } from '@clack/prompts';
import type { RequestInWords } from '@gatehouse/release/describe-request';
import type { RoleName } from '@gatehouse/release/key-file';
import type { SigningRequest } from '@gatehouse/release/signing-request';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCodes, Failure, refusalFailure, usageFailure } from './failure.ts';
import { paint, plain, type Terminal } from './terminal.ts';

export interface ExpiryOptions {
  readonly expiresRoot?: number;
  readonly expiresTargets?: number;
  readonly expiresSnapshot?: number;
  readonly expiresTimestamp?: number;
}

export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export function withFolders(command: Command): Command {
  return command
    .requiredOption('--repository <folder>', 'where signed releases are kept; made if it is not there')
    .requiredOption('--keys <folder>', 'keys, from `release keys init`; may be given more than once', collect);
}

/** What is given is kept in the repository, for the next time and for `release refresh`. */
export function withExpiry(command: Command, roles: readonly RoleName[]): Command {
  for (const role of roles) {
    command.addOption(
      new Option(`--expires-${role} <days>`, `how long ${role} metadata lasts from now on, such as 30d`).argParser(
        days,
      ),
    );
  }
  return command;
}

export function expiryOf(options: ExpiryOptions) {
  const {
    expiresRoot: root,
    expiresTargets: targets,
    expiresSnapshot: snapshot,
    expiresTimestamp: timestamp,
  } = options;
  const given = Object.entries({ root, targets, snapshot, timestamp }).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { expiry: Object.fromEntries(given) };
}

function days(text: string): number {
  const [, count = '', unit] = /^([1-9]\d{0,4})([dw])$/.exec(text) ?? [];
  const value = Number(count) * (unit === 'w' ? 7 : 1);
  if (value < 1 || value > 36_500) throw new InvalidArgumentError('Write days or weeks, such as 30d or 4w.');
  return value;
}

export async function readRequest(file: string): Promise<SigningRequest> {
  const { parseSigningRequest } = await import('@gatehouse/release/signing-request');
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw usageFailure(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const request = parseSigningRequest(file, bytes);
  if (request.kind === 'refused') throw refusalFailure(request.reasons);
  return request.value;
}

/** Whole or not at all: what others have signed must not be lost half-way. */
export async function writeRequest(file: string, request: SigningRequest): Promise<void> {
  const { encodeSigningRequest } = await import('@gatehouse/release/signing-request');
  const unfinished = `${file}.unfinished`;
  await writeFile(unfinished, encodeSigningRequest(request));
  await rename(unfinished, file);
}

export async function inWords(request: SigningRequest): Promise<RequestInWords> {
  const { describeRequest } = await import('@gatehouse/release/describe-request');
  return describeRequest(request);
}

export function printRequest(terminal: Terminal, { lines }: RequestInWords): void {
  for (const line of lines) terminal.out(plain(line).replaceAll('\n', ' '));
}

export function printSignatures(terminal: Terminal, { signatures }: RequestInWords): void {
  terminal.out('Signatures:');
  for (const line of signatures) terminal.out(`  ${line}`);
}

/** After `--prepare`: who is to sign next, and what follows. */
export function printPrepared(terminal: Terminal, file: string, words: RequestInWords): void {
  printSignatures(terminal, words);
  terminal.error(
    words.isComplete
      ? `Nothing is missing. Publish it with \`gatehouse release publish ${file}\`.`
      : `Give ${file} to the signers (\`gatehouse release sign ${file} --key <file>\`), then publish it with \`gatehouse release publish ${file}\`.`,
  );
}

export async function agree(terminal: Terminal, isYes: boolean | undefined, message: string): Promise<void> {
  if (isYes === true) return;
  if (!terminal.isInteractive) throw usageFailure('Nobody is here to be asked.', 'Read the above, then add --yes.');
  const answer = await confirm({ message, initialValue: false });
  if (isCancel(answer) || !answer) throw new Failure(exitCodes.failed, ['Nothing was done.']);
}

const renewals: Readonly<Record<RoleName, string>> = {
  root: '`gatehouse release rotate-root` renews it',
  targets: 'publish the newest release again',
  snapshot: '`gatehouse release refresh` renews it',
  timestamp: '`gatehouse release refresh` renews it',
};

/** One line for each role that is to be renewed soon, and how. */
export function warnOfExpiry(
  terminal: Terminal,
  roles: readonly { readonly role: RoleName; readonly expires: string; readonly daysLeft: number }[],
): void {
  for (const { role, expires, daysLeft } of roles) {
    const left =
      daysLeft < 0 ? 'has expired' : daysLeft < 1 ? 'expires within a day' : `expires in ${Math.floor(daysLeft)} days`;
    terminal.error(
      paint(terminal, daysLeft < 0 ? 'red' : 'yellow', `${role} ${left} (${expires}): ${renewals[role]}.`),
    );
  }
}
