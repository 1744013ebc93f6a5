import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  readonly version?: string;
}

export function agentUpdateRetry(terminal: Terminal): Command {
  return apiCommand('retry', 'offer an agent version again that was taken back on a gateway')
    .argument('<gateway>', 'name or id')
    .option('--version <version>', "the version; without it, the platform's")
    .action(async (name: string, { version, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const body = version === undefined ? {} : { version };
      const gateway = await client.retryAgentUpdate(
        { params: { gateway: name }, query, body },
        { idempotencyKey: randomUUID() },
      );
      terminal.out(`${gateway.name} is offered the agent again with its next poll.`);
    });
}
