import type { Gateway } from '@gatehouse/contract/operator-types';
import type { Command } from 'commander';
import { allPages } from '../all-pages.ts';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type Column, type OutputForm, printList } from '../output.ts';
import { markRecalled } from '../recalled.ts';
import type { Terminal } from '../terminal.ts';
import { ago } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly project?: string;
  readonly provider?: string;
  readonly status?: string;
}

/** What keeps a gateway from being current, in one or two words for a table. */
function noteOf(gateway: Gateway): string {
  if (gateway.updatesAvailable) return 'Updates Available';
  if (gateway.isCurrent) return 'current';
  return gateway.reasons[0]?.code ?? 'not current';
}

function columns(now: number): readonly Column<Gateway>[] {
  return [
    { head: 'NAME', of: (gateway) => gateway.name },
    { head: 'INSTALLATION', of: (gateway) => gateway.installation },
    { head: 'PROVIDER', of: (gateway) => gateway.provider },
    { head: 'STATUS', of: (gateway) => gateway.status },
    { head: 'AGENT VERSION', of: (gateway) => markRecalled(gateway, 'agent', gateway.agentVersion) },
    {
      head: 'PROFILE',
      of: (gateway) =>
        gateway.profileKeptByOwner ? "owner's" : markRecalled(gateway, 'profile', gateway.profileVersion),
    },
    { head: 'PAUSED', of: (gateway) => (gateway.isPaused ? 'yes' : 'no') },
    { head: 'UPDATE', of: noteOf },
    { head: 'HEALTH', isWideOnly: true, of: (gateway) => gateway.health },
    { head: 'KUBERNETES', isWideOnly: true, of: (gateway) => gateway.kubernetesVersion },
    { head: 'TENANT', isWideOnly: true, of: (gateway) => gateway.tenant.name },
    { head: 'PROJECT', isWideOnly: true, of: (gateway) => gateway.project?.name },
    { head: 'LAST POLL', isWideOnly: true, of: (gateway) => ago(gateway.lastPollAt, now) },
    { head: 'SANDBOX', isWideOnly: true, of: (gateway) => (gateway.isSandbox ? 'simulated' : undefined) },
  ];
}

export function gatewayList(terminal: Terminal): Command {
  return apiCommand('list', 'list gateways')
    .addOption(outputOption())
    .option('--project <name>', 'only of this project')
    .option('--provider <provider>', 'only of this provider')
    .option('--status <status>', 'only in this status')
    .action(async ({ project, provider, status, output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const filters = {
        ...(project === undefined ? {} : { project }),
        ...(provider === undefined ? {} : { provider }),
        ...(status === undefined ? {} : { status }),
      };
      const items = await allPages((cursor) => client.listGateways({ query: { ...query, ...filters, ...cursor } }));
      printList(terminal, output, {
        items,
        columns: columns(terminal.now()),
        nameOf: (gateway) => gateway.name,
        whenEmpty: 'There are no gateways. `gatehouse gateway create <name>` makes the first one.',
      });
    });
}
