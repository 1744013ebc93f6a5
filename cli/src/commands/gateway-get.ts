import type { Gateway } from '@gatehouse/contract/operator-types';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printValue, renderFacts, renderTable } from '../output.ts';
import { reasonLines } from '../reasons.ts';
import { paint, type Terminal } from '../terminal.ts';
import { ago, clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

function renderGateway(gateway: Gateway, terminal: Terminal): string {
  const now = terminal.now();
  const profile = gateway.profileKeptByOwner ? 'kept by the owner of the cluster' : gateway.profileVersion;
  const facts = renderFacts([
    ['Name', gateway.isSandbox ? `${gateway.name} (sandbox: a real agent on a simulated cluster)` : gateway.name],
    ['Tenant / project', gateway.project ? `${gateway.tenant.name} / ${gateway.project.name}` : gateway.tenant.name],
    ['Installation', gateway.installation === 'cli' ? 'Installed by Gatehouse' : 'Existing cluster'],
    ['Provider', gateway.provider],
    ['Status', gateway.status],
    ['Health', gateway.health],
    ['Agent Version', gateway.agentVersion],
    ['Profile', profile],
    ['Kubernetes', gateway.kubernetesVersion],
    ['Updates Available', gateway.availableProfileVersion],
    ['Last poll', ago(gateway.lastPollAt, now)],
    ['Next poll', gateway.nextPollDueAt === undefined ? undefined : `by ${clockTime(gateway.nextPollDueAt)}`],
    ['Generation', String(gateway.generation)],
  ]);
  const nodes =
    gateway.nodes.length === 0
      ? ''
      : `\n\n${renderTable(
          [
            { head: 'NODE', of: (node) => node.name },
            { head: 'ROLE', of: (node) => node.role },
            { head: 'KUBERNETES', of: (node) => node.kubernetesVersion },
            { head: 'READY', of: (node) => node.ready },
            { head: 'AGE', of: (node) => ago(node.createdAt, now) },
          ],
          gateway.nodes,
          false,
        )}`;
  const why = gateway.isCurrent
    ? paint(terminal, 'green', 'Current: agent and profile are those of the platform version.')
    : ['Why not current:', ...reasonLines(gateway.reasons)].join('\n');
  return `${facts}${nodes}\n\n${why}`;
}

export function gatewayGet(terminal: Terminal): Command {
  return apiCommand('get', 'show one gateway')
    .argument('<gateway>', 'name or id')
    .addOption(outputOption())
    .action(async (name: string, { output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const gateway = await client.getGateway({ params: { gateway: name }, query });
      if (output === 'json' || output === 'yaml') printValue(terminal, output, gateway);
      else terminal.out(output === 'name' ? gateway.name : renderGateway(gateway, terminal));
    });
}
