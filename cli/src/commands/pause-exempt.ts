import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { usageFailure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime, parseUntil } from '../time.ts';

interface Options extends CommonOptions {
  readonly reason?: string;
  readonly until?: string;
  readonly end?: boolean;
}

export function pauseExempt(terminal: Terminal): Command {
  return apiCommand('exempt', 'let one gateway update although a scope of it is paused; always with an end')
    .argument('<gateway>', 'name or id')
    .option('--reason <text>', 'why')
    .option('--until <end>', 'a span such as 24h, or a time')
    .option('--end', 'end the exemption now')
    .action(async (name: string, { reason, until, end, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const params = { gateway: name };
      if (end === true) {
        await client.clearExemption({ params, query });
        return terminal.out(`The exemption of ${name} has ended.`);
      }
      if (reason === undefined || until === undefined) throw usageFailure('An exemption needs --reason and --until.');
      const gateway = await client.setExemption({
        params,
        query,
        body: { reason, until: parseUntil(until, terminal.now()) },
      });
      terminal.out(`${gateway.name} is exempt from its pauses until ${clockTime(gateway.exemption?.until ?? until)}.`);
    });
}
