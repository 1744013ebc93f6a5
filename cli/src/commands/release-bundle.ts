import type { BundleInput } from '@gatehouse/release/release-bundle';
import { Command } from 'commander';
import { byteCount } from '../byte-count.ts';
import { refusalFailure, usageFailure } from '../failure.ts';
import { type RegistryOptions, withRegistryOptions } from '../registry-options.ts';
import { parseRegistryPrefix } from '../registry-prefix.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends RegistryOptions {
  readonly to: string;
  readonly version?: readonly string[];
  readonly imagesFrom?: string;
  readonly withoutImages?: boolean;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export function releaseBundle(terminal: Terminal): Command {
  const command = new Command('bundle')
    .description('write releases and their images into one file, to carry to where no network leads')
    .argument('<repository>', 'the repository folder of `release publish`')
    .requiredOption('--to <file>', 'the file to write; under this name it is whole or not there')
    .option('--version <version>', 'bring only this release; can be given several times', collect)
    .option('--images-from <registry>', 'pull images from here instead of from the registries that the releases name')
    .option('--without-images', 'leave the images out');
  return withRegistryOptions(command).action((repository: string, options: Options) =>
    bundle(terminal, repository, options),
  );
}

async function bundle(terminal: Terminal, repository: string, options: Options): Promise<void> {
  if (options.withoutImages === true && options.imagesFrom !== undefined) {
    throw usageFailure('--images-from and --without-images exclude each other.');
  }
  // Loaded only here: what verifies takes longer to load than most commands take to run.
  const { openRegistries } = await import('../registry-access.ts');
  const { orFailure } = await import('../registry-failure.ts');
  const { writeReleaseBundle } = await import('@gatehouse/release/release-bundle');
  const { withRegistryPrefix } = await import('@gatehouse/release/image-reference');
  const from = options.imagesFrom === undefined ? undefined : parseRegistryPrefix(options.imagesFrom, '--images-from');
  const open = await openRegistries(terminal, options, from);
  const input = {
    repositoryDirectory: repository,
    to: options.to,
    versions: options.version,
    openRepository:
      options.withoutImages === true ? undefined : (image) => open(withRegistryPrefix(image, from), 'pull'),
    onEntry: ({ path, size }, { wasThere }) => {
      if (path.startsWith('blobs/')) {
        terminal.error(`${wasThere ? 'Kept' : 'Pulling'} ${path.slice('blobs/'.length)}, ${byteCount(size)}`);
      }
    },
  } satisfies BundleInput;
  const written = await orFailure(
    () => writeReleaseBundle(input),
    `The same command goes on where it was; what is there already is in ${options.to}.partial.`,
  );
  if (written.kind === 'refused') throw refusalFailure(written.reasons);
  const { releases, images, withoutDigest, bytes, digest, rootFingerprint } = written.value;
  for (const image of withoutDigest) {
    terminal.error(`Not carried: ${image} is named without a digest.`);
  }
  terminal.out(`${options.to}: ${byteCount(bytes)}, ${digest}`);
  terminal.out(`Releases: ${releases.join(', ')}`);
  terminal.out(options.withoutImages === true ? 'Without images.' : `Images: ${images.length}`);
  terminal.error(`Bring it to a control plane with \`gatehouse release import ${options.to} --images-to REGISTRY\`.`);
  terminal.error(
    `Who imports it first compares the root's fingerprint, which travels apart from the file:\n  ${rootFingerprint}`,
  );
}
