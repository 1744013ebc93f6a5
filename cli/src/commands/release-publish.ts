import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { refusalFailure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

interface Options {
  readonly repository: string;
  readonly keys: string;
  readonly agentBundle?: string;
}

export function releasePublish(terminal: Terminal): Command {
  return new Command('publish')
    .description('check a release, sign it and add it to a repository folder')
    .argument('<source>', 'folder with release.yaml and profiles/')
    .requiredOption('--repository <folder>', 'where signed releases are kept; made if it is not there')
    .requiredOption('--keys <folder>', 'the signing keys, from `release keys init`')
    .option('--agent-bundle <file>', 'only for a sandbox: the agent as one file')
    .action(async (source: string, { repository, keys, agentBundle }: Options) => {
      const { publishRelease } = await import('@gatehouse/release/publish-release');
      const published = await publishRelease({
        repositoryDirectory: repository,
        keysDirectory: keys,
        source,
        ...(agentBundle === undefined ? {} : { agentBundle: await readFile(agentBundle) }),
        now: new Date(terminal.now()),
      });
      if (published.kind === 'refused') throw refusalFailure(published.reasons);
      const { release, isNew } = published.value;
      terminal.out(
        isNew
          ? `Published ${release.platformVersion}.`
          : `${release.platformVersion} was published before; its metadata is signed anew.`,
      );
      terminal.error(`Bring it to a control plane with \`gatehouse release import ${repository}\`.`);
    });
}
