import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printValue, renderFacts, renderTable } from '../output.ts';
import { reasonLines } from '../reasons.ts';
import { plain, type Terminal } from '../terminal.ts';
import { clockTime, duration } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

export function renderProfileUpdate(update: ProfileUpdate): string {
  const { summary } = update;
  const parts = [
    renderFacts([
      ['Gateway', update.gateway.name],
      ['Profile', `${update.from.version} to ${update.to.version}`],
      ['State', update.phase],
      ['planId', update.planId],
      ['Usually takes', duration(summary.usualDurationSeconds)],
      ['Downtime', summary.downtime.replace('-', ' ')],
      [
        'Confirmed',
        update.confirmedAt === undefined
          ? undefined
          : `${clockTime(update.confirmedAt)} by ${update.confirmedBy ?? 'somebody'}`,
      ],
      ['Completed', update.completedAt === undefined ? undefined : clockTime(update.completedAt)],
    ]),
    summary.sentences.map((sentence) => `  ${plain(sentence)}`).join('\n'),
    renderTable(
      [
        { head: 'STEP', of: (step) => step.title },
        { head: 'STATE', of: (step) => step.state },
        { head: 'NODES', of: (step) => step.nodes.join(', ') },
        { head: 'MESSAGE', of: (step) => step.message },
      ],
      update.steps,
      false,
    ),
  ];
  if (update.preflight.results.length > 0) {
    parts.push(
      renderTable(
        [
          { head: 'PREFLIGHT', of: (result) => result.check },
          { head: 'OUTCOME', of: (result) => result.outcome },
          { head: 'MESSAGE', of: (result) => result.message },
        ],
        update.preflight.results,
        false,
      ),
    );
  }
  if (update.held !== undefined) parts.push(['Held:', ...reasonLines(update.held)].join('\n'));
  if (update.stopped !== undefined) parts.push(['Stopped:', ...reasonLines([update.stopped])].join('\n'));
  if (update.supersedes !== undefined) {
    const { to, stopped } = update.supersedes;
    const takes = `Confirmed, it takes the place of the update to ${to.version}, which has stopped${stopped === undefined ? '.' : ':'}`;
    parts.push([takes, ...reasonLines(stopped === undefined ? [] : [stopped])].join('\n'));
  }
  if (update.phase === 'available' && update.confirmReasons.length > 0) {
    parts.push(['It cannot be confirmed now:', ...reasonLines(update.confirmReasons)].join('\n'));
  }
  return parts.filter((part) => part !== '').join('\n\n');
}

export function profileUpdateShow(terminal: Terminal): Command {
  return apiCommand('show', 'the profile update of a gateway: on its way, available, or the last one')
    .argument('<gateway>', 'name or id')
    .addOption(outputOption())
    .action(async (name: string, { output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const update = await client.getProfileUpdate({ params: { gateway: name }, query });
      if (output === 'json' || output === 'yaml') printValue(terminal, output, update);
      else terminal.out(output === 'name' ? update.planId : renderProfileUpdate(update));
    });
}
