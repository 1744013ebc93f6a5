import type { Command } from 'commander';
import { apiCommand } from '../command.ts';
import type { ImportOptions } from '../import-carried.ts';
import { withRegistryOptions } from '../registry-options.ts';
import type { Terminal } from '../terminal.ts';

export function releaseImport(terminal: Terminal): Command {
  const command = apiCommand(
    'import',
    'bring signed releases to the control plane; the first import brings the root of trust too',
  )
    .argument(
      '<source>',
      'a repository folder of `release publish`, its https address, a file of `release bundle`, or - for standard input',
    )
    .option('--images-to <registry>', "push a bundle's images here; gateways pull them with this registry prefix")
    .option('--root-fingerprint <fingerprint>', 'the root of trust as its owner told it; any other is refused');
  return withRegistryOptions(command).action(async (source: string, options: ImportOptions) => {
    // Loaded only here: what verifies takes longer to load than most commands take to run.
    const { importFrom } = await import('../import-carried.ts');
    await importFrom(terminal, source, options);
  });
}
