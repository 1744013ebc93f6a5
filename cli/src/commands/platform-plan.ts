import { type Command, Option } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { exitCodes, Failure } from '../failure.ts';
import { forecastLines } from '../forecast-view.ts';
import { type OutputForm, printValue } from '../output.ts';
import { hopLines } from '../platform-view.ts';
import { reasonLines } from '../reasons.ts';
import type { Terminal } from '../terminal.ts';
import { parseSpan } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly from?: string;
  readonly channel?: string;
  readonly acceptRisk: readonly string[];
  readonly forecast?: true;
  readonly confirmAfter?: number;
}

export const acceptRiskOption = (): Option =>
  new Option('--accept-risk <name>', 'a risk that you have read and accept; may be given several times')
    .default([], 'none')
    .argParser((name: string, before: readonly string[]) => [...before, name]);

export function platformPlan(terminal: Terminal): Command {
  return apiCommand('plan', 'the shortest supported way to a version, or where and why there is none')
    .argument('<to>', 'the release to move to')
    .option('--from <version>', 'plan from that version instead of the platform’s')
    .option('--channel <name>', 'only releases of that channel, instead of the platform’s')
    .addOption(acceptRiskOption())
    .option('--forecast', 'also when each hop would begin, and who would hold it')
    .addOption(
      new Option('--confirm-after <span>', 'for the forecast: how long people take to confirm a profile update')
        .argParser(parseSpan)
        .implies({ forecast: true }),
    )
    .addOption(outputOption())
    .action(async (to: string, options: Options) => {
      const { output, from, channel, acceptRisk, forecast, confirmAfter, ...common } = options;
      if (forecast === true && from !== undefined) {
        throw new Failure(exitCodes.usage, ['A forecast begins where the platform is: leave out --from.']);
      }
      const { client } = open(terminal, common);
      const plan = await client.planPlatform({
        query: {
          to,
          ...(from === undefined ? {} : { from }),
          ...(channel === undefined ? {} : { channel }),
          ...(acceptRisk.length === 0 ? {} : { acceptRisks: acceptRisk.join(',') }),
          ...(forecast === undefined ? {} : { forecast }),
          ...(confirmAfter === undefined ? {} : { confirmAfterSeconds: confirmAfter }),
        },
      });
      if (output === 'json' || output === 'yaml') printValue(terminal, output, plan);
      if (!plan.isPossible) {
        throw new Failure(exitCodes.refused, [
          `There is no supported way from ${plan.from} to ${plan.to}.`,
          ...(plan.nearest === undefined ? [] : [`The nearest version that can be reached is ${plan.nearest}.`]),
          ...(plan.deadEnd === undefined ? [] : [`The way ends at ${plan.deadEnd}.`]),
          ...reasonLines(plan.reasons),
        ]);
      }
      if (output === 'json' || output === 'yaml') return;
      if (output === 'name') return terminal.out(plan.hops.map((hop) => hop.to).join('\n'));
      const shown = plan.forecast === undefined ? [] : forecastLines(plan.forecast);
      if (plan.hops.length === 0) {
        return terminal.out([`${plan.from} is ${plan.to}: there is nothing to do.`, ...shown].join('\n'));
      }
      const count = plan.hops.length === 1 ? 'One hop' : `${plan.hops.length} hops`;
      terminal.out(
        `${count} from ${plan.from} to ${plan.to}. Before each, every gateway has to be current and settled.`,
      );
      plan.hops.forEach((hop, index) => terminal.out(`\n${hopLines(hop, index + 1).join('\n')}`));
      if (shown.length > 0) return terminal.out(`\n${shown.join('\n')}`);
      const { heldBy } = plan;
      if (heldBy === undefined) return;
      terminal.out(
        heldBy.length === 0
          ? '\nNothing holds the first hop now.'
          : `\nThe first hop would be held now:\n${reasonLines(heldBy).join('\n')}`,
      );
    });
}
