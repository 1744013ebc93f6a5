import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printValue, renderFacts } from '../output.ts';
import { reasonLines } from '../reasons.ts';
import { plain, type Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

export function platformStatus(terminal: Terminal): Command {
  return apiCommand('status', 'the platform version, what it may move to, and which gateways it waits for')
    .addOption(outputOption())
    .action(async ({ output, ...common }: Options) => {
      const platform = await open(terminal, common).client.getPlatform({});
      if (output === 'json' || output === 'yaml') return printValue(terminal, output, platform);
      if (output === 'name') return terminal.out(platform.version ?? '');
      terminal.out(
        renderFacts([
          ['Platform version', platform.version ?? 'none yet: import a release with `gatehouse release import`'],
          ['May move to', platform.reachable.join(', ') || 'nothing that was imported'],
          ['Gateways current', `${platform.gateways.current} of ${platform.gateways.total}`],
          ['Root of trust', platform.rootFingerprint],
          ['Sandbox', platform.isSandbox ? 'yes: real agents on simulated clusters' : undefined],
          ['Server program', platform.programVersion],
        ]),
      );
      for (const { gateway, reasons } of platform.waitingFor) {
        terminal.out(`\n${plain(gateway)} is not current:\n${reasonLines(reasons).join('\n')}`);
      }
    });
}
