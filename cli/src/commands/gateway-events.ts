import type { GatewayEvent } from '@gatehouse/contract/operator-types';
import type { Command } from 'commander';
import { allPages } from '../all-pages.ts';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { follow } from '../follow.ts';
import { type OutputForm, printList } from '../output.ts';
import { paint, plain, type Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly follow?: boolean;
}

function line(event: GatewayEvent, output: OutputForm, terminal: Terminal): string {
  if (output === 'json') return JSON.stringify(event);
  const message = plain(event.message);
  return `${clockTime(event.time)}   ${plain(event.type)}   ${event.severity === 'warning' ? paint(terminal, 'yellow', message) : message}`;
}

export function gatewayEvents(terminal: Terminal): Command {
  return apiCommand('events', 'the events of a gateway, oldest first')
    .argument('<gateway>', 'name or id')
    .addOption(outputOption())
    .option('-f, --follow', 'go on and print each new one; with -o json one JSON object a line')
    .action(async (name: string, { output, follow: isFollowed, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      if (isFollowed === true) {
        if (output === 'yaml' || output === 'name')
          throw usageFailure(`-o ${output} cannot be followed.`, 'Use -o table or -o json.');
        const call = { gateway: name, ...query };
        for await (const event of follow(client, call, terminal)) terminal.out(line(event, output, terminal));
        return;
      }
      const items = await allPages((cursor) =>
        client.listGatewayEvents({ params: { gateway: name }, query: { ...query, ...cursor } }),
      );
      printList(terminal, output, {
        items: items.toSorted((a, b) => a.sequence - b.sequence),
        columns: [
          { head: 'TIME', of: (event) => clockTime(event.time) },
          { head: 'TYPE', of: (event) => event.type },
          { head: 'MESSAGE', of: (event) => event.message },
        ],
        nameOf: (event) => event.type,
        whenEmpty: `Nothing has happened on ${name} yet.`,
      });
    });
}
