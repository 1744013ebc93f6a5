/** Where the passphrase of signing keys comes from: a file, the environment, or the person at the terminal, in this order. */

import { readFile } from 'node:fs/promises';
import { isCancel, password } from '@clack/prompts';
import type { AskPassphrase } from '@gatehouse/release/keys';
import { type Command, Option } from 'commander';
import { exitCodes, Failure, usageFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

export interface PassphraseOptions {
  readonly passphraseFile?: string;
}

export function withPassphrase(command: Command): Command {
  return command.addOption(
    new Option(
      '--passphrase-file <file>',
      'its first line opens the keys (GATEHOUSE_KEY_PASSPHRASE); else you are asked',
    ),
  );
}

/** For keys that exist. Whoever is asked may try three times. */
export function askPassphrase(terminal: Terminal, { passphraseFile }: PassphraseOptions): AskPassphrase {
  let tries = 0;
  return async (file, isWrong) => {
    const given = await givenPassphrase(terminal, passphraseFile);
    if (given !== undefined || !terminal.isInteractive) return isWrong ? undefined : given;
    tries = isWrong ? tries + 1 : 0;
    if (tries > 2) return undefined;
    return ask(isWrong ? `That does not open ${file}. Its passphrase` : `Passphrase of ${file}`);
  };
}

/** For keys that are about to be made: asked for twice. `undefined` only where the keys shall stand in clear. */
export async function newPassphrase(
  terminal: Terminal,
  { passphraseFile, unencrypted }: PassphraseOptions & { readonly unencrypted?: boolean },
): Promise<string | undefined> {
  if (unencrypted === true) {
    if (passphraseFile === undefined) return undefined;
    throw usageFailure('--unencrypted and --passphrase-file exclude each other.');
  }
  const given = await givenPassphrase(terminal, passphraseFile);
  if (given !== undefined) return given;
  if (!terminal.isInteractive) {
    throw usageFailure(
      'Keys are encrypted with a passphrase, and nobody is here to choose one.',
      'Give it with --passphrase-file or in GATEHOUSE_KEY_PASSPHRASE, or let the keys stand in clear with --unencrypted.',
    );
  }
  const chosen = await ask('Choose a passphrase for the keys');
  if (chosen !== (await ask('Once more'))) throw new Failure(exitCodes.failed, ['The two differ; no key was made.']);
  return chosen;
}

async function givenPassphrase(terminal: Terminal, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return terminal.env['GATEHOUSE_KEY_PASSPHRASE'] || undefined;
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/)[0] ?? '';
  } catch (error) {
    throw usageFailure(
      `No passphrase could be read from ${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function ask(message: string): Promise<string> {
  const answer = await password({ message });
  if (isCancel(answer)) throw new Failure(exitCodes.failed, ['Nothing was done.']);
  return answer;
}
