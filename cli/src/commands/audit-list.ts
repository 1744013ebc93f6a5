import { type Command, Option } from 'commander';
import { allPages } from '../all-pages.ts';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { type OutputForm, outputForms, printList } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends Omit<CommonOptions, 'output'> {
  readonly output: OutputForm | 'csv';
  readonly action?: string;
  readonly actor?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
}

export function auditList(terminal: Terminal): Command {
  return apiCommand('list', 'audit records, newest first')
    .addOption(
      new Option('-o, --output <form>', 'csv: as a table for a spreadsheet')
        .choices([...outputForms, 'csv'])
        .default('table'),
    )
    .option('--action <action>', 'only this act, such as profile-update.confirm, or pause. for all on pauses')
    .option('--actor <name>', 'only what this person or token did')
    .option('--subject <name>', 'only what was done to this')
    .option('--since <time>', 'from this time on, such as 2026-11-23T10:00:00Z')
    .option('--until <time>', 'up to this time')
    .action(async ({ action, actor, subject, since, until, output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const wanted = Object.entries({ action, actor, subject, since, until }).filter(
        ([, value]) => value !== undefined,
      );
      const filter = { ...query, ...Object.fromEntries(wanted) };
      if (output === 'csv') {
        // It ends its last line itself.
        terminal.out((await client.exportAudit({ query: filter })).trimEnd());
        return;
      }
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
