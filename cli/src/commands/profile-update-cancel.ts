import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import type { Terminal } from '../terminal.ts';

export function profileUpdateCancel(terminal: Terminal): Command {
  return apiCommand('cancel', 'cancel what has not begun of a profile update')
    .argument('<gateway>', 'name or id')
    .action(async (name: string, common: CommonOptions) => {
      const { client, query } = open(terminal, common);
      const reply = await client.cancelProfileUpdate(
        { params: { gateway: name }, query, body: {} },
        { idempotencyKey: randomUUID() },
      );
      terminal.out(reply.message);
    });
}
