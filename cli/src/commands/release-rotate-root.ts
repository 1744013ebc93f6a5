import { Command, Option } from 'commander';
import { refusalFailure } from '../failure.ts';
import { askPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import {
  agree,
  collect,
  type ExpiryOptions,
  expiryOf,
  inWords,
  printPrepared,
  printRequest,
  withExpiry,
  withFolders,
  writeRequest,
} from '../publishing.ts';
import type { Terminal } from '../terminal.ts';
import { parseCount, publicKeyOf } from './release-keys.ts';

interface Options extends PassphraseOptions, ExpiryOptions {
  readonly repository: string;
  readonly keys: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly rootThreshold?: number;
  readonly targetsThreshold?: number;
  readonly snapshotThreshold?: number;
  readonly timestampThreshold?: number;
  readonly prepare?: string;
  readonly yes?: boolean;
}

const roles = ['root', 'targets', 'snapshot', 'timestamp'] as const;

export function releaseRotateRoot(terminal: Terminal): Command {
  const command = withFolders(
    new Command('rotate-root').description(
      'change which keys sign, or how many have to; without a change, renew the root',
    ),
  )
    .option('--add <file>', 'a key, or its public half, to count from now on; may be given more than once', collect)
    .option(
      '--remove <keyId>',
      'a key to count no more, a stolen one for instance; its first 8 digits are enough',
      collect,
    );
  for (const role of roles) {
    command.addOption(
      new Option(`--${role}-threshold <count>`, `${role} keys that have to sign`).argParser(parseCount),
    );
  }
  command
    .option('--prepare <file>', 'write what is to be signed into a file for `release sign`, and publish nothing')
    .option('--yes', 'do not ask');
  return withPassphrase(withExpiry(command, roles)).action(async (options: Options) => {
    const { prepareRotation } = await import('@gatehouse/release/rotate-root');
    const { publishSigned, signWithFolder } = await import('@gatehouse/release/publish-with-keys');
    const { repository: repositoryDirectory, keys: keysDirectory } = options;
    const now = new Date(terminal.now());
    const prepared = await prepareRotation({
      repositoryDirectory,
      now,
      rotation: {
        add: await Promise.all((options.add ?? []).map((file) => publicKeyOf(file))),
        remove: options.remove ?? [],
        thresholds: thresholdsOf(options),
      },
      ...expiryOf(options),
    });
    if (prepared.kind === 'refused') throw refusalFailure(prepared.reasons);
    printRequest(terminal, await inWords(prepared.value));
    if (options.prepare === undefined) await agree(terminal, options.yes, 'Sign and publish this root?');
    const order = { repositoryDirectory, keysDirectory, askPassphrase: askPassphrase(terminal, options), now };
    const signed = await signWithFolder(order, prepared.value);
    if (signed.kind === 'refused') throw refusalFailure(signed.reasons);
    if (options.prepare !== undefined) {
      await writeRequest(options.prepare, signed.value);
      printPrepared(terminal, options.prepare, await inWords(signed.value));
      return;
    }
    const published = await publishSigned(order, signed.value);
    if (published.kind === 'refused') throw refusalFailure(published.reasons);
    terminal.out(`Published root version ${published.value.rootVersion}.`);
    terminal.error('Bring it to every control plane with `gatehouse release import`; agents follow it from there.');
  });
}

function thresholdsOf(options: Options): Partial<Record<(typeof roles)[number], number>> {
  const {
    rootThreshold: root,
    targetsThreshold: targets,
    snapshotThreshold: snapshot,
    timestampThreshold: timestamp,
  } = options;
  return Object.fromEntries(
    Object.entries({ root, targets, snapshot, timestamp }).filter(([, value]) => value !== undefined),
  );
}
