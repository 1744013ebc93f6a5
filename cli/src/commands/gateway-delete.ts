import { confirm, isCancel } from '@clack/prompts';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { exitCodes, Failure, usageFailure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  readonly yes?: boolean;
}

export function gatewayDelete(terminal: Terminal): Command {
  return apiCommand('delete', 'delete a gateway; its host clusters go on')
    .argument('<gateway>', 'name or id')
    .option('--yes', 'do not ask')
    .action(async (name: string, { yes, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const gateway = await client.getGateway({ params: { gateway: name }, query });
      if (yes !== true) {
        if (!terminal.isInteractive)
          throw usageFailure('Nobody is here to be asked.', 'Add --yes to delete it all the same.');
        const answer = await confirm({
          message: `Delete the gateway ${gateway.name}? Its host clusters go on.`,
          initialValue: false,
        });
        if (isCancel(answer) || !answer) throw new Failure(exitCodes.failed, ['Nothing was deleted.']);
      }
      const deleted = await client.deleteGateway({ params: { gateway: gateway.id }, query });
      terminal.out(`The gateway ${deleted.name} is ${deleted.status}.`);
    });
}
