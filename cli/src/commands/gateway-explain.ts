import type { Explanation } from '@gatehouse/contract/operator-types';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printValue, renderFacts } from '../output.ts';
import { reasonLines } from '../reasons.ts';
import { paint, type Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

const both = (agent: string | undefined, profile: string | undefined): string =>
  `agent ${agent ?? 'none'}${profile === undefined ? '' : `, profile ${profile}`}`;

const nothingWanted = ({ recalledVersion }: Explanation): string =>
  recalledVersion === undefined ? 'no platform version yet' : `the next good release: ${recalledVersion} was recalled`;

/** `4.1.9 (agent, profile)`: what the stop brings. */
function stopText(stop: NonNullable<Explanation['way']>['stops'][number]): string {
  const brings = [...(stop.bringsAgent ? ['agent'] : []), ...(stop.bringsProfile ? ['profile'] : [])];
  return `${stop.release} (${brings.join(', ')})`;
}

export function gatewayExplain(terminal: Terminal): Command {
  return apiCommand('explain', 'what runs there, what should run there, and why not yet')
    .argument('<gateway>', 'name or id')
    .addOption(outputOption())
    .action(async (name: string, { output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const explanation = await client.explainGateway({ params: { gateway: name }, query });
      if (output === 'json' || output === 'yaml') return printValue(terminal, output, explanation);
      const { runs, shouldRun, way } = explanation;
      terminal.out(
        renderFacts([
          ['Runs', both(runs.agentVersion, runs.profileVersion)],
          [
            'Should run',
            shouldRun ? both(shouldRun.agentVersion, shouldRun.profileVersion) : nothingWanted(explanation),
          ],
          ...(way === undefined ? [] : [['Way', [way.from, ...way.stops.map(stopText)].join(' → ')] as const]),
        ]),
      );
      if (explanation.isCurrent) terminal.out(paint(terminal, 'green', `${explanation.gateway} is current.`));
      else terminal.out(['Why not yet:', ...reasonLines(explanation.reasons)].join('\n'));
    });
}
