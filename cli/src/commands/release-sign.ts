import { readFile } from 'node:fs/promises';
import type { SigningKey } from '@gatehouse/release/key-file';
import { Command } from 'commander';
import { exitCodes, Failure, refusalFailure } from '../failure.ts';
import { askPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { agree, collect, inWords, printRequest, printSignatures, readRequest, writeRequest } from '../publishing.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends PassphraseOptions {
  readonly key: readonly string[];
  readonly root?: string;
  readonly yes?: boolean;
}

/** Needs neither the repository nor a network: everything to be judged is in the file. */
export function releaseSign(terminal: Terminal): Command {
  const command = new Command('sign')
    .description('show what a file from --prepare asks to sign, ask, and add a signature to it')
    .argument('<file>', 'from `release publish --prepare` or `release rotate-root --prepare`')
    .requiredOption('--key <file>', 'your key; may be given more than once', collect)
    .option('--root <file>', 'the root of trust that you know: refuse if the file is about another one')
    .option('--yes', 'do not ask');
  return withPassphrase(command).action(async (file: string, { key, root, yes, ...options }: Options) => {
    const { isAsked, signRequest } = await import('@gatehouse/release/signing-request');
    const { openKey, readPublicKey } = await import('@gatehouse/release/keys');
    const request = await readRequest(file);
    const words = await inWords(request);
    if (root !== undefined) await checkRoot(root, words.rootFingerprint);
    printRequest(terminal, words);
    printSignatures(terminal, words);
    // Before anybody types a passphrase for nothing.
    const asked: string[] = [];
    const others: string[] = [];
    for (const keyFile of key) {
      const read = await readPublicKey(keyFile);
      if (read.kind === 'refused') throw refusalFailure(read.reasons);
      const { role, keyId } = read.value.key;
      if (isAsked(request, read.value.key)) asked.push(keyFile);
      else others.push(`The ${role} key ${keyId.slice(0, 12)} is not among those that are asked to sign this.`);
    }
    if (asked.length === 0) {
      throw new Failure(exitCodes.refused, [
        ...others,
        '  `gatehouse release keys show <file>` tells which key a file holds.',
      ]);
    }
    for (const line of others) terminal.error(line);
    await agree(terminal, yes, 'Sign this? Compare the fingerprint with the one you know.');
    const ask = askPassphrase(terminal, options);
    const keys: SigningKey[] = [];
    for (const keyFile of asked) {
      const opened = await openKey(keyFile, ask);
      if (opened.kind === 'refused') throw refusalFailure(opened.reasons);
      keys.push(opened.value);
    }
    const signed = signRequest(request, keys);
    if (signed.kind === 'refused') throw refusalFailure(signed.reasons);
    await writeRequest(file, signed.value);
    const after = await inWords(signed.value);
    terminal.out('');
    terminal.out(`Signed. ${file} has now:`);
    for (const line of after.signatures) terminal.out(`  ${line}`);
    terminal.error(
      after.isComplete
        ? `Nothing is missing. Whoever keeps the repository publishes it with \`gatehouse release publish ${file}\`.`
        : 'Give it to the next signer.',
    );
  });
}

async function checkRoot(file: string, fingerprint: string): Promise<void> {
  const { rootFingerprint } = await import('@gatehouse/release/trusted-releases');
  let known: string;
  try {
    known = rootFingerprint(await readFile(file));
  } catch (error) {
    throw new Failure(exitCodes.refused, [
      `${file} is no root of trust: ${error instanceof Error ? error.message : String(error)}.`,
    ]);
  }
  if (known === fingerprint) return;
  throw new Failure(exitCodes.refused, [
    `The file is about the root of trust ${fingerprint}, and yours is ${known}.`,
    '  Sign nothing before you know why.',
  ]);
}
