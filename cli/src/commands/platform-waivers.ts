import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printList } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

export function platformWaivers(terminal: Terminal): Command {
  return apiCommand('waivers', 'gateways left out of the gates of platform upgrades, by whom, why and until when')
    .addOption(outputOption())
    .action(async ({ output, ...common }: Options) => {
      const { items } = await open(terminal, common).client.listWaivers({});
      printList(terminal, output, {
        items,
        columns: [
          { head: 'GATEWAY', of: (waiver) => waiver.gateway },
          { head: 'TENANT', of: (waiver) => waiver.tenant, isWideOnly: true },
          { head: 'BY', of: (waiver) => waiver.by },
          { head: 'SINCE', of: (waiver) => clockTime(waiver.since) },
          { head: 'UNTIL', of: (waiver) => clockTime(waiver.until) },
          { head: 'REASON', of: (waiver) => waiver.reason },
        ],
        nameOf: (waiver) => waiver.gateway,
        whenEmpty: 'No gateway is waived.',
      });
    });
}
