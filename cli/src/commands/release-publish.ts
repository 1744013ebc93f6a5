import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ResolveImage } from '@gatehouse/release/image-pins';
import { Command } from 'commander';
import { refusalFailure, usageFailure } from '../failure.ts';
import { type ImagesLockFile, openImagesLock } from '../images-lock.ts';
import { askPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import {
  type ExpiryOptions,
  expiryOf,
  inWords,
  printPrepared,
  printRequest,
  readRequest,
  withExpiry,
  withFolders,
  writeRequest,
} from '../publishing.ts';
import { type RegistryOptions, withRegistryOptions } from '../registry-options.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends PassphraseOptions, ExpiryOptions, RegistryOptions {
  readonly repository: string;
  readonly keys: readonly string[];
  readonly agentBundle?: string;
  readonly helm: string;
  readonly imagesLock?: string;
  readonly prepare?: string;
}

export function releasePublish(terminal: Terminal): Command {
  const command = withFolders(
    new Command('publish')
      .description('check a release, sign it and add it to a repository folder; or publish what others have signed')
      .argument(
        '<source...>',
        'folder with release.yaml and profiles/; or the file that --prepare wrote, and signed copies of it',
      ),
  )
    .option('--prepare <file>', 'write what is to be signed into a file for `release sign`, and publish nothing')
    .option('--helm <program>', 'what renders charts', 'helm')
    .option(
      '--images-lock <file>',
      'digests of images by tag: those it has are not looked up, those it has not are added',
    )
    .option('--agent-bundle <file>', 'only for a sandbox: the agent as one file');
  return withRegistryOptions(withPassphrase(withExpiry(command, ['root', 'targets', 'snapshot', 'timestamp']))).action(
    async (sources: readonly string[], options: Options) => {
      const [source, ...others] = sources;
      if (source === undefined) throw usageFailure('Name a release.');
      const isRequest = (file: string) => statSync(file, { throwIfNoEntry: false })?.isFile() === true;
      if (isRequest(source)) return publishRequests(terminal, [source, ...others], options);
      if (others.length > 0) throw usageFailure('One release is published at a time.');
      return publishSource(terminal, source, options);
    },
  );
}

function orderOf(terminal: Terminal, options: Options) {
  return {
    repositoryDirectory: options.repository,
    keysDirectory: options.keys,
    askPassphrase: askPassphrase(terminal, options),
    now: new Date(terminal.now()),
    ...expiryOf(options),
  };
}

async function publishSource(terminal: Terminal, source: string, options: Options): Promise<void> {
  const { prepareRelease, publishRelease } = await import('@gatehouse/release/publish-release');
  const { agentBundle, prepare, repository } = options;
  const lock = await openImagesLock(options.imagesLock);
  const order = {
    ...orderOf(terminal, options),
    source,
    tools: { helm: options.helm, resolveImage: await imageResolver(terminal, options, lock) },
    ...(agentBundle === undefined ? {} : { agentBundle: await readFile(agentBundle) }),
  };
  if (prepare !== undefined) {
    const prepared = await prepareRelease(order);
    if (prepared.kind === 'refused') throw refusalFailure(prepared.reasons);
    await lock.save();
    await writeRequest(prepare, prepared.value.request);
    const words = await inWords(prepared.value.request);
    printRequest(terminal, words);
    printPrepared(terminal, prepare, words);
    return;
  }
  const published = await publishRelease(order);
  if (published.kind === 'refused') throw refusalFailure(published.reasons);
  await lock.save();
  const { release, isNew } = published.value;
  terminal.out(
    isNew
      ? `Published ${release.platformVersion}.`
      : `${release.platformVersion} was published before; its metadata is signed anew.`,
  );
  await afterwards(terminal, repository);
}

async function imageResolver(terminal: Terminal, options: Options, lock: ImagesLockFile): Promise<ResolveImage> {
  const { resolveInRegistry, resolveWithLock } = await import('@gatehouse/release/image-pins');
  const { openRegistries } = await import('../registry-access.ts');
  const open = await openRegistries(terminal, options, undefined);
  return resolveWithLock(
    lock.images,
    lock.found,
    resolveInRegistry((repository) => open(repository, 'pull')),
  );
}

async function publishRequests(
  terminal: Terminal,
  files: readonly [string, ...string[]],
  options: Options,
): Promise<void> {
  if (options.prepare !== undefined || options.agentBundle !== undefined) {
    throw usageFailure('A file that is signed is published as it is: --prepare and --agent-bundle belong to a folder.');
  }
  const { mergeRequests } = await import('@gatehouse/release/signing-request');
  const { publishSigned } = await import('@gatehouse/release/publish-with-keys');
  const [first, ...others] = files;
  const merged = mergeRequests([
    await readRequest(first),
    ...(await Promise.all(others.map((file) => readRequest(file)))),
  ]);
  if (merged.kind === 'refused') throw refusalFailure(merged.reasons);
  printRequest(terminal, await inWords(merged.value));
  const published = await publishSigned(orderOf(terminal, options), merged.value);
  if (published.kind === 'refused') throw refusalFailure(published.reasons);
  const { rootVersion, targetsVersion } = published.value;
  terminal.out(`Published: root version ${rootVersion}, targets version ${targetsVersion}.`);
  await afterwards(terminal, options.repository);
}

async function afterwards(terminal: Terminal, repository: string): Promise<void> {
  const { listRepository } = await import('@gatehouse/release/publish-release');
  const listed = await listRepository(repository);
  if (listed.kind === 'ok') {
    const { timestamp } = listed.value.expires;
    terminal.error(`It is good until ${timestamp}; \`gatehouse release refresh\` renews that.`);
  }
  terminal.error(`Bring it to a control plane with \`gatehouse release import ${repository}\`.`);
}
