import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { plain, type Terminal } from '../terminal.ts';
import { clockTime, parseUntil } from '../time.ts';

interface Options extends CommonOptions {
  readonly reason?: string;
  readonly until?: string;
  readonly end?: boolean;
}

export function platformWaive(terminal: Terminal): Command {
  return apiCommand('waive', 'leave one gateway out of the gates of platform upgrades; always with an end')
    .argument('<gateway>', 'name or id')
    .option('--reason <text>', 'why; shown wherever the gateway is left out')
    .option('--until <end>', 'a span such as 24h, or a time; 24 hours without it')
    .option('--end', 'end the waiver now')
    .action(async (name: string, { reason, until, end, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const params = { gateway: name };
      if (end === true) {
        await client.clearWaiver({ params, query });
        return terminal.out(`The waiver of ${name} has ended.`);
      }
      if (reason === undefined) throw usageFailure('A waiver needs --reason.');
      const waiver = await client.setWaiver({
        params,
        query,
        body: { reason, ...(until === undefined ? {} : { until: parseUntil(until, terminal.now()) }) },
      });
      terminal.out(
        `${plain(waiver.gateway)} is left out of the gates of platform upgrades until ${clockTime(waiver.until)}.`,
      );
    });
}
