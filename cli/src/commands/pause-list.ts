import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printList, printValue } from '../output.ts';
import { plain, type Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

export function pauseList(terminal: Terminal): Command {
  return apiCommand('list', 'what is paused, by whom, since when, why and until when; and what is exempt')
    .addOption(outputOption())
    .action(async ({ output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const pauses = await client.listPauses({ query });
      if (output === 'json' || output === 'yaml') return printValue(terminal, output, pauses);
      printList(terminal, output, {
        items: pauses.items,
        columns: [
          { head: 'SCOPE', of: (pause) => pause.scope.kind },
          { head: 'NAME', of: (pause) => pause.scope.name },
          { head: 'BY', of: (pause) => pause.by },
          { head: 'SINCE', of: (pause) => clockTime(pause.since) },
          { head: 'UNTIL', of: (pause) => (pause.until === undefined ? 'resumed' : clockTime(pause.until)) },
          { head: 'REASON', of: (pause) => pause.reason },
        ],
        nameOf: (pause) => `${pause.scope.kind}/${pause.scope.name}`,
        whenEmpty: 'Nothing is paused.',
      });
      if (output === 'name') return;
      for (const one of pauses.exemptions) {
        terminal.out(
          `Exempt: ${plain(one.gateway)} by ${plain(one.by)} until ${clockTime(one.until)}: ${plain(one.reason)}`,
        );
      }
    });
}
