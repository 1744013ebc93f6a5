import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import type { Terminal } from '../terminal.ts';
import { type Scope, scopeArgument } from './pause-set.ts';

export function pauseClear(terminal: Terminal): Command {
  return apiCommand('clear', 'resume automatic agent updates of a scope; the pauses of other scopes stay')
    .addArgument(scopeArgument())
    .argument('<name>', 'name of the tenant, project or gateway')
    .action(async (scope: Scope, name: string, common: CommonOptions) => {
      const { client, query } = open(terminal, common);
      await client.clearPause({ params: { scope, name }, query });
      terminal.out(`Agent updates of the ${scope} ${name} are resumed.`);
    });
}
