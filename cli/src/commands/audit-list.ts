import type { Command } from 'commander';
import { allPages } from '../all-pages.ts';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printList } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly action?: string;
}

export function auditList(terminal: Terminal): Command {
  return apiCommand('list', 'audit records, newest first')
    .addOption(outputOption())
    .option('--action <action>', 'only this action, such as profile-update.confirm')
    .action(async ({ action, output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const filter = action === undefined ? query : { ...query, action };
      const items = await allPages((cursor) => client.listAudit({ query: { ...filter, ...cursor } }));
      printList(terminal, output, {
        items,
        columns: [
          { head: 'TIME', of: (record) => clockTime(record.time) },
          { head: 'ACTOR', of: (record) => record.actor },
          { head: 'ACTION', of: (record) => record.action },
          { head: 'SUBJECT', of: (record) => `${record.subjectKind}/${record.subjectName}` },
          { head: 'MESSAGE', of: (record) => record.message },
        ],
        nameOf: (record) => record.id,
        whenEmpty: 'There are no audit records.',
      });
    });
}
