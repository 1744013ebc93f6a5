import { randomUUID } from 'node:crypto';
import type { Release } from '@gatehouse/contract/operator-types';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { refusalFailure, usageFailure } from '../failure.ts';
import { askPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { collect, inWords, printPrepared, printRequest, writeRequest } from '../publishing.ts';
import { recallLines } from '../recalled.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends CommonOptions, PassphraseOptions {
  readonly reason?: string;
  readonly evenIfPaused?: readonly string[];
  readonly withdraw?: boolean;
  readonly repository?: string;
  readonly keys?: readonly string[];
  readonly prepare?: string;
}

/** Two acts with one verb: an operator's on the control plane, and with --repository the publisher's, signed. */
export function releaseRecall(terminal: Terminal): Command {
  return withPassphrase(
    apiCommand('recall', 'mark a release bad: it is offered to nobody, and gateways on it are listed')
      .argument('<version>', 'the release')
      .option('--reason <text>', 'what is wrong with it; everybody who asks is told')
      .option(
        '--even-if-paused <gateway>',
        'this gateway gets the next good version although it is paused; may be given more than once',
        collect,
      )
      .option('--withdraw', "take an operator's recall back; a signed one stays")
      .option('--repository <folder>', "the publisher's act: mark it bad in signed metadata, for every control plane")
      .option(
        '--keys <folder>',
        'with --repository: keys, from `release keys init`; may be given more than once',
        collect,
      )
      .option('--prepare <file>', 'with --repository: write what is to be signed into a file for `release sign`'),
  ).action(async (version: string, options: Options) => {
    const { repository, keys, prepare } = options;
    if (repository !== undefined) return recallSigned(terminal, version, { ...options, repository });
    if (keys !== undefined || prepare !== undefined) {
      throw usageFailure('--keys and --prepare belong to the act of a publisher, which needs --repository too.');
    }
    return options.withdraw === true
      ? withdrawRecall(terminal, version, options)
      : recallHere(terminal, version, options);
  });
}

function reasonOf({ reason }: Options): string {
  if (reason === undefined) throw usageFailure('A recall needs --reason: everybody who is held by it is told.');
  return reason;
}

async function recallHere(terminal: Terminal, version: string, options: Options): Promise<void> {
  const { client, query } = open(terminal, options);
  const { evenIfPaused } = options;
  const body = {
    reason: reasonOf(options),
    ...(evenIfPaused === undefined ? {} : { evenIfPaused: [...evenIfPaused] }),
  };
  const release = await client.recallRelease({ params: { version }, query, body }, { idempotencyKey: randomUUID() });
  terminal.out(`Release ${release.version} is recalled: it is offered to nobody.`);
  printOn(terminal, release);
}

async function withdrawRecall(terminal: Terminal, version: string, options: Options): Promise<void> {
  if (options.evenIfPaused !== undefined) throw usageFailure('--withdraw and --even-if-paused exclude each other.');
  const { client } = open(terminal, options);
  const query = options.reason === undefined ? {} : { reason: options.reason };
  await client.withdrawRecall({ params: { version }, query });
  terminal.out(`The recall of ${version} is withdrawn: it is offered again.`);
}

function printOn(terminal: Terminal, release: Release): void {
  for (const line of recallLines(release)) terminal.out(line);
  if (release.isPlatformVersion) {
    terminal.error(
      'The platform is on it. Move on with `gatehouse platform upgrade <version>` once there is a good one; gateways do not hold that step.',
    );
  }
}

async function recallSigned(
  terminal: Terminal,
  version: string,
  options: Options & { readonly repository: string },
): Promise<void> {
  const { repository, keys, prepare } = options;
  if (options.withdraw === true)
    throw usageFailure('What is signed as recalled stays recalled; publish a new version.');
  if (options.evenIfPaused !== undefined) {
    throw usageFailure(
      'A publisher knows no gateways.',
      'Recall it with --repository, import it, then name the gateways: `gatehouse release recall … --even-if-paused <gateway>`.',
    );
  }
  if (keys === undefined) throw usageFailure('The act of a publisher needs --keys.');
  const { prepareRecall, publishRecall } = await import('@gatehouse/release/publish-recall');
  const order = {
    repositoryDirectory: repository,
    keysDirectory: keys,
    askPassphrase: askPassphrase(terminal, options),
    now: new Date(terminal.now()),
    version,
    reason: reasonOf(options),
  };
  if (prepare !== undefined) {
    const prepared = await prepareRecall(order);
    if (prepared.kind === 'refused') throw refusalFailure(prepared.reasons);
    const { request, recall } = prepared.value;
    if (request === undefined) return printBefore(terminal, recall);
    await writeRequest(prepare, request);
    const words = await inWords(request);
    printRequest(terminal, words);
    return printPrepared(terminal, prepare, words);
  }
  const published = await publishRecall(order);
  if (published.kind === 'refused') throw refusalFailure(published.reasons);
  const { recall, isNew } = published.value;
  if (!isNew) return printBefore(terminal, recall);
  terminal.out(`Recalled ${version} in signed metadata: ${recall.reason}`);
  terminal.error(`Bring it to every control plane with \`gatehouse release import ${repository}\`.`);
}

function printBefore(
  terminal: Terminal,
  recall: { readonly platformVersion: string; readonly recalledAt: string; readonly reason: string },
): void {
  terminal.out(`${recall.platformVersion} was recalled at ${recall.recalledAt}: ${recall.reason}`);
  terminal.error('Nothing was published: what was said first stays.');
}
