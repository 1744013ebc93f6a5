import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import type { Terminal } from '../terminal.ts';

export function platformUpgrade(terminal: Terminal): Command {
  return apiCommand('upgrade', 'move the platform one supported step; agents follow by themselves')
    .argument('<version>', 'the release to move to')
    .action(async (version: string, common: CommonOptions) => {
      const { client } = open(terminal, common);
      const platform = await client.upgradePlatform({ body: { to: version } }, { idempotencyKey: randomUUID() });
      terminal.out(
        `The platform is on ${platform.version ?? version}. Agents update with their next polls; follow with \`gatehouse gateway list\`.`,
      );
    });
}
