import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import type { Terminal } from '../terminal.ts';

export function notificationAcknowledge(terminal: Terminal): Command {
  return apiCommand('acknowledge', 'take care of notifications, for all to see')
    .argument('<id...>', 'as `notification list -o name` prints them')
    .action(async (ids: string[], common: CommonOptions) => {
      await open(terminal, common).client.acknowledgeNotifications({ body: { ids } });
      terminal.out(ids.length === 1 ? 'Acknowledged.' : `Acknowledged ${ids.length} notifications.`);
    });
}

export function notificationDone(terminal: Terminal): Command {
  return apiCommand('done', 'say that notifications are done, for all')
    .argument('<id...>', 'as `notification list -o name` prints them')
    .action(async (ids: string[], common: CommonOptions) => {
      await open(terminal, common).client.finishNotifications({ body: { ids } });
      terminal.out(ids.length === 1 ? 'Done.' : `${ids.length} notifications are done.`);
    });
}
