import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { plain, type Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  readonly none?: boolean;
}

export function platformChannel(terminal: Terminal): Command {
  return apiCommand('channel', 'the channel the platform follows; with a name, follow that one')
    .argument('[name]', 'a channel such as stable')
    .option('--none', 'follow no channel: every imported release is offered')
    .action(async (name: string | undefined, { none, ...common }: Options) => {
      if (none === true && name !== undefined) throw usageFailure('Give a channel or --none, not both.');
      const { client } = open(terminal, common);
      const { channel } =
        none === true
          ? await client.clearPlatformChannel({})
          : name === undefined
            ? await client.getPlatform({})
            : await client.setPlatformChannel({ body: { channel: name } });
      terminal.out(
        channel === undefined
          ? 'The platform follows no channel: every imported release is offered.'
          : `The platform follows the channel ${plain(channel)}.`,
      );
    });
}
