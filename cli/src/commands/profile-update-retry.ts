import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import type { Terminal } from '../terminal.ts';

export function profileUpdateRetry(terminal: Terminal): Command {
  return apiCommand('retry', 'go on with a profile update that stopped')
    .argument('<gateway>', 'name or id')
    .action(async (name: string, common: CommonOptions) => {
      const { client, query } = open(terminal, common);
      const reply = await client.retryProfileUpdate(
        { params: { gateway: name }, query, body: {} },
        { idempotencyKey: randomUUID() },
      );
      terminal.out(reply.message);
    });
}
