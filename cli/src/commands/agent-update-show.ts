import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printValue, renderFacts } from '../output.ts';
import { plain, type Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

export function agentUpdateShow(terminal: Terminal): Command {
  return apiCommand('show', 'the last agent update of a gateway, and the versions that were taken back there')
    .argument('<gateway>', 'name or id')
    .addOption(outputOption())
    .action(async (name: string, { output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const { agentVersion, agentUpdate, takenBack } = await client.getGateway({ params: { gateway: name }, query });
      if (output === 'json' || output === 'yaml')
        return printValue(terminal, output, { agentVersion, agentUpdate, takenBack });
      terminal.out(
        renderFacts([
          ['Agent Version', agentVersion ?? 'none yet'],
          ['Last update', agentUpdate ? `${agentUpdate.from} to ${agentUpdate.to}` : 'none seen'],
          ['State', agentUpdate?.phase],
          ['Started', agentUpdate && clockTime(agentUpdate.startedAt)],
          ['Ended', agentUpdate?.endedAt && clockTime(agentUpdate.endedAt)],
          ['Reason', agentUpdate?.reason?.message],
          ['Last log lines', agentUpdate?.reason?.lastLogLines],
        ]),
      );
      for (const one of takenBack) {
        const again = one.isRetried ? ' It may be tried again.' : '';
        terminal.out(`Taken back: ${one.version} at ${clockTime(one.at)}: ${plain(one.reason)}${again}`);
      }
    });
}
