import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { refusalFailure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

export function releaseImport(terminal: Terminal): Command {
  return apiCommand(
    'import',
    'bring signed releases to the control plane; the first import brings the root of trust too',
  )
    .argument('<repository>', 'a repository folder, from `release publish`')
    .action(async (repository: string, common: CommonOptions) => {
      const { readRepositoryFiles } = await import('@gatehouse/release/release-import');
      const files = await readRepositoryFiles(repository);
      if (files.kind === 'refused') throw refusalFailure(files.reasons);
      const { client } = open(terminal, common);
      const imported = await client.importReleases({ body: files.value }, { idempotencyKey: randomUUID() });
      terminal.out(`Releases: ${imported.items.map((release) => release.version).join(', ')}`);
      terminal.out(`The platform is on ${imported.platformVersion ?? 'no version yet'}.`);
      terminal.error(`They are trusted by the root with the fingerprint\n  ${imported.rootFingerprint}`);
    });
}
