import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printList } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

export function releaseList(terminal: Terminal): Command {
  return apiCommand('list', 'the releases this control plane has')
    .addOption(outputOption())
    .action(async ({ output, ...common }: Options) => {
      const { items } = await open(terminal, common).client.listReleases({});
      printList(terminal, output, {
        items,
        columns: [
          { head: 'VERSION', of: (release) => release.version },
          { head: 'PLATFORM', of: (release) => (release.isPlatformVersion ? 'current' : undefined) },
          { head: 'AGENT', of: (release) => release.agentVersion },
          { head: 'CHANNELS', of: (release) => release.channels.join(',') },
          { head: 'FROM', of: (release) => release.upgradeFrom?.join(',') ?? 'rule of thumb' },
          { head: 'PUBLISHED', of: (release) => clockTime(release.publishedAt) },
          { head: 'AGENT DIGEST', isWideOnly: true, of: (release) => release.agentDigest },
          { head: 'PROFILES', isWideOnly: true, of: (release) => Object.keys(release.profiles).join(',') },
        ],
        nameOf: (release) => release.version,
        whenEmpty: 'There are no releases. `gatehouse release import <folder>` brings them.',
      });
    });
}
