import { type NotificationKind, notificationKinds } from '@gatehouse/contract/notification-types';
import { type Command, Option } from 'commander';
import { allPages } from '../all-pages.ts';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printList } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly state: 'open' | 'closed' | 'all';
  readonly kind?: NotificationKind;
}

export function notificationList(terminal: Terminal): Command {
  return apiCommand('list', 'what a person should know of, newest first')
    .addOption(outputOption())
    .addOption(
      new Option('--state <state>', 'closed: done, or over by itself')
        .choices(['open', 'closed', 'all'])
        .default('open'),
    )
    .addOption(new Option('--kind <kind>', 'only this kind').choices([...notificationKinds]))
    .action(async ({ state, kind, output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const filter = { ...query, state, ...(kind === undefined ? {} : { kind }) };
      const items = await allPages((cursor) => client.listNotifications({ query: { ...filter, ...cursor } }));
      printList(terminal, output, {
        items,
        columns: [
          { head: 'ID', of: ({ id }) => id },
          { head: 'AT', of: ({ at }) => clockTime(at) },
          { head: 'KIND', of: (one) => one.kind },
          { head: 'STATE', of: ({ done, overAt, acknowledged }) => stateOf({ done, overAt, acknowledged }) },
          { head: 'MESSAGE', of: ({ message }) => message },
          { head: 'NEXT', of: ({ nextStep }) => nextStep, isWideOnly: true },
        ],
        nameOf: ({ id }) => id,
        whenEmpty: 'There are no such notifications.',
      });
    });
}

interface State {
  readonly done: { readonly by: string } | undefined;
  readonly overAt: string | undefined;
  readonly acknowledged: { readonly by: string } | undefined;
}

function stateOf({ done, overAt, acknowledged }: State): string {
  if (done !== undefined) return `done by ${done.by}`;
  if (overAt !== undefined) return 'over';
  return acknowledged === undefined ? 'open' : `acknowledged by ${acknowledged.by}`;
}
