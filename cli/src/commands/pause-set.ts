import { Argument, type Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { plain, type Terminal } from '../terminal.ts';
import { clockTime, parseUntil } from '../time.ts';

interface Options extends CommonOptions {
  readonly reason: string;
  readonly until?: string;
}

export const scopeArgument = (): Argument =>
  new Argument('<scope>', 'what to pause').choices(['tenant', 'project', 'gateway']);
export type Scope = 'tenant' | 'project' | 'gateway';

export function pauseSet(terminal: Terminal): Command {
  return apiCommand('set', 'pause automatic agent updates of a scope; polling, profile updates and host clusters go on')
    .addArgument(scopeArgument())
    .argument('<name>', 'name of the tenant, project or gateway')
    .requiredOption('--reason <text>', 'why; shown wherever it holds something')
    .option('--until <end>', 'a span such as 24h, or a time; without it until somebody resumes')
    .action(async (scope: Scope, name: string, { reason, until, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const end = until === undefined ? {} : { until: parseUntil(until, terminal.now()) };
      const pause = await client.setPause({ query, body: { scope, name, reason, ...end } });
      terminal.out(
        `Agent updates of the ${scope} ${plain(pause.scope.name)} are paused ` +
          `${pause.until === undefined ? 'until somebody resumes them' : `until ${clockTime(pause.until)}`}.`,
      );
    });
}
