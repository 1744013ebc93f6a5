import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import type { Terminal } from '../terminal.ts';

export function platformCancel(terminal: Terminal): Command {
  return apiCommand('cancel', 'end the plan under way before its next hop; what was taken stays').action(
    async (common: CommonOptions) => {
      const { client } = open(terminal, common);
      const platform = await client.cancelPlatformPlan({ body: {} }, { idempotencyKey: randomUUID() });
      terminal.out(
        `The plan to ${platform.plan?.to ?? '?'} is cancelled; the platform stays on ${platform.version ?? 'no version'}.`,
      );
    },
  );
}
