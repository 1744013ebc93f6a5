import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { PublicKey, RoleName } from '@gatehouse/release/key-file';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { outputOption } from '../command.ts';
import { refusalFailure, usageFailure } from '../failure.ts';
import { type OutputForm, printList, printValue } from '../output.ts';
import { newPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { collect } from '../publishing.ts';
import type { Terminal } from '../terminal.ts';

const roles = ['root', 'targets', 'snapshot', 'timestamp'] as const;

interface InitOptions extends PassphraseOptions {
  readonly public?: readonly string[];
  readonly rootKeys?: number;
  readonly targetsKeys?: number;
  readonly rootThreshold?: number;
  readonly targetsThreshold?: number;
  readonly unencrypted?: boolean;
}

export function releaseKeys(terminal: Terminal): Command {
  return new Command('keys')
    .description('the keys that sign releases')
    .addCommand(init(terminal))
    .addCommand(create(terminal))
    .addCommand(show(terminal));
}

function init(terminal: Terminal): Command {
  const command = new Command('init')
    .description('make a folder of signing keys; keep it away from the control plane')
    .argument('<folder>', 'a new folder, readable by you alone')
    .option('--public <file>', 'public half of a key that somebody else made; may be given more than once', collect)
    .addOption(count('--root-keys <count>', 'root keys to make (default: 1, or 0 with public halves of root keys)'))
    .addOption(count('--root-threshold <count>', 'root keys that have to sign (default: more than half)'))
    .addOption(count('--targets-keys <count>', 'targets keys to make (default: 1, or 0 with public halves)'))
    .addOption(count('--targets-threshold <count>', 'targets keys that have to sign (default: more than half)'))
    .option('--unencrypted', 'let the keys stand in clear');
  return withPassphrase(command).action(async (folder: string, options: InitOptions) => {
    const { generateKeys, readKeyFolder } = await import('@gatehouse/release/keys');
    const publicKeys = await Promise.all((options.public ?? []).map((file) => publicKeyOf(file)));
    const passphrase = await newPassphrase(terminal, options);
    const made = await generateKeys(folder, {
      publicKeys,
      counts: {
        ...(options.rootKeys === undefined ? {} : { root: options.rootKeys }),
        ...(options.targetsKeys === undefined ? {} : { targets: options.targetsKeys }),
      },
      thresholds: {
        ...(options.rootThreshold === undefined ? {} : { root: options.rootThreshold }),
        ...(options.targetsThreshold === undefined ? {} : { targets: options.targetsThreshold }),
      },
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    if (made.kind === 'refused') throw refusalFailure(made.reasons);
    const { publicKeys: all, thresholds } = await readKeyFolder(folder);
    const isHere = (key: PublicKey) => made.value.some(({ role, keyId }) => role === key.role && keyId === key.keyId);
    for (const role of roles) {
      const keys = all.filter((key) => key.role === role);
      for (const key of keys) {
        terminal.out(`${role.padEnd(10)} ${key.keyId}${isHere(key) ? '' : '  (public half)'}`);
      }
      if (keys.length > 1) terminal.out(`${''.padEnd(10)} ${thresholds[role]} of these ${keys.length} have to sign`);
    }
    terminal.error(
      `Whoever has ${folder}${passphrase === undefined ? '' : ' and its passphrase'} can sign with these keys for every gateway that trusts them. Keep a copy offline.`,
    );
  });
}

function create(terminal: Terminal): Command {
  const command = new Command('create')
    .description('make one key on the machine of the person who signs with it; hand in only its public half')
    .addArgument(new Argument('<role>', 'what it signs').choices(roles))
    .argument('<file>', 'a new file, such as ann-root.key.json')
    .option('--unencrypted', 'let the key stand in clear');
  return withPassphrase(command).action(
    async (role: RoleName, file: string, options: PassphraseOptions & { unencrypted?: boolean }) => {
      if (!file.endsWith('.key.json')) {
        throw usageFailure(`${file} does not end in .key.json.`, `Call it, for instance, ann-${role}.key.json.`);
      }
      const { generateKey } = await import('@gatehouse/release/keys');
      const passphrase = await newPassphrase(terminal, options);
      const made = await generateKey({ file, role, ...(passphrase === undefined ? {} : { passphrase }) });
      if (made.kind === 'refused') throw refusalFailure(made.reasons);
      terminal.out(`${role.padEnd(10)} ${made.value.key.keyId}`);
      terminal.error(`${file} stays with you. Hand in ${made.value.publicFile}, and read the key id to who takes it.`);
    },
  );
}

interface ShownKey {
  readonly role: RoleName;
  readonly keyId: string;
  readonly publicKey: string;
  readonly private: 'encrypted' | 'in clear' | 'elsewhere';
}

function show(terminal: Terminal): Command {
  return new Command('show')
    .description('which keys a file or a folder holds, without opening them')
    .argument('<path>', 'a key file, a public half, or a folder of them')
    .option('--public', 'print the public half of a key file, to be handed in')
    .addOption(outputOption())
    .action(async (place: string, options: { readonly public?: boolean; readonly output: OutputForm }) => {
      const files = filesAt(place);
      if (options.public === true) {
        const [file] = files;
        if (file === undefined || files.length > 1) throw usageFailure('--public takes one key file.');
        const { publicKeyText } = await import('@gatehouse/release/key-file');
        terminal.out(publicKeyText(await publicKeyOf(file)).trimEnd());
        return;
      }
      const { readPublicKey } = await import('@gatehouse/release/keys');
      const keys: ShownKey[] = [];
      for (const file of files) {
        const read = await readPublicKey(file);
        if (read.kind === 'refused') throw refusalFailure(read.reasons);
        const { key, kind } = read.value;
        const { role, keyId, publicKey } = key;
        keys.push({
          role,
          keyId,
          publicKey,
          private: kind === 'clear' ? 'in clear' : kind === 'public' ? 'elsewhere' : kind,
        });
      }
      if (options.output === 'json' || options.output === 'yaml')
        return printValue(terminal, options.output, { items: keys });
      printList(terminal, options.output, {
        items: keys,
        columns: [
          { head: 'ROLE', of: (key) => key.role },
          { head: 'KEY', of: (key) => key.keyId },
          { head: 'PRIVATE HALF', of: (key) => key.private },
        ],
        nameOf: (key) => key.keyId,
        whenEmpty: `There are no keys in ${place}.`,
      });
    });
}

function filesAt(place: string): readonly string[] {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() !== true) return [place];
  const names = readdirSync(place).filter((name) => /\.(key|public)\.json$/.test(name));
  return names.toSorted().map((name) => path.join(place, name));
}

/** Of a key file or a public half. */
export async function publicKeyOf(file: string): Promise<PublicKey> {
  const { readPublicKey } = await import('@gatehouse/release/keys');
  const read = await readPublicKey(file);
  if (read.kind === 'refused') throw refusalFailure(read.reasons);
  return read.value.key;
}

function count(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseCount);
}

export function parseCount(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw new InvalidArgumentError('Give a number.');
  return Number(text);
}
