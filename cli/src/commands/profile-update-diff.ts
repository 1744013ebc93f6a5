import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printValue } from '../output.ts';
import { renderDifference } from '../profile-difference.ts';
import type { Terminal } from '../terminal.ts';
import { renderProfileUpdate } from './profile-update-show.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

export function profileUpdateDiff(terminal: Terminal): Command {
  return apiCommand('diff', 'what a profile update changes, layer by layer, side by side')
    .argument('<gateway>', 'name or id')
    .addOption(outputOption())
    .action(async (name: string, { output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const update = await client.getProfileUpdate({ params: { gateway: name }, query });
      if (output === 'json' || output === 'yaml') return printValue(terminal, output, update.layers);
      terminal.out(renderDifference(update, terminal, Number(terminal.env['COLUMNS']) || 140));
      terminal.out(`\n${renderProfileUpdate(update)}`);
    });
}
