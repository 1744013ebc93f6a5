import { gatewaySortsBothWays, gatewayStates } from '@gatehouse/contract/fleet-types';
import type { CallOf } from '@gatehouse/contract/operator-api';
import type { Gateway } from '@gatehouse/contract/operator-types';
import { type Command, Option } from 'commander';
import { allPages } from '../all-pages.ts';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type Column, type OutputForm, printList } from '../output.ts';
import { markRecalled } from '../recalled.ts';
import type { Terminal } from '../terminal.ts';
import { ago } from '../time.ts';

type Query = NonNullable<CallOf<'listGateways'>['query']>;

interface Options
  extends CommonOptions,
    Pick<
      Query,
      | 'project'
      | 'search'
      | 'provider'
      | 'installation'
      | 'status'
      | 'health'
      | 'state'
      | 'reason'
      | 'agentVersion'
      | 'profileVersion'
      | 'sort'
    > {
  readonly output: OutputForm;
  readonly updatesAvailable?: YesOrNo;
  readonly paused?: YesOrNo;
}

type YesOrNo = 'yes' | 'no';
const yesOrNo = ['yes', 'no'] as const satisfies readonly YesOrNo[];
const statuses = ['Pending', 'Provisioning', 'Running', 'Updating', 'Deleting', 'Error'] as const;
/** The most that the control plane gives at once. */
const gatewaysPerPage = 500;

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
    { head: 'STATE', isWideOnly: true, of: (gateway) => gateway.states.join(', ') },
    { head: 'HOST CLUSTERS', isWideOnly: true, of: (gateway) => String(gateway.hostClusters ?? '') },
    { head: 'KUBERNETES', isWideOnly: true, of: (gateway) => gateway.kubernetesVersion },
    { head: 'TENANT', isWideOnly: true, of: (gateway) => gateway.tenant.name },
    { head: 'PROJECT', isWideOnly: true, of: (gateway) => gateway.project?.name },
    { head: 'LAST POLL', isWideOnly: true, of: (gateway) => ago(gateway.lastPollAt, now) },
    { head: 'SANDBOX', isWideOnly: true, of: (gateway) => (gateway.isSandbox ? 'simulated' : undefined) },
  ];
}

const oneOf = (flags: string, description: string, choices: readonly string[]): Option =>
  new Option(flags, description).choices(choices);

export function gatewayList(terminal: Terminal): Command {
  return apiCommand('list', 'list gateways')
    .addOption(outputOption())
    .option('--search <text>', 'only those with this in their name')
    .option('--project <name>', 'only of this project')
    .option('--provider <provider>', 'only of this provider')
    .addOption(oneOf('--installation <installation>', 'only made so', ['cli', 'existing-cluster']))
    .addOption(oneOf('--status <status>', 'only in this status', statuses))
    .addOption(oneOf('--health <health>', 'only in this health', ['healthy', 'unhealthy', 'unknown']))
    .addOption(oneOf('--state <state>', 'only in this state', gatewayStates))
    .option('--reason <code>', 'only those that this reason keeps from being current')
    .option('--agent-version <version>', 'only with this agent, or `none`')
    .option('--profile-version <version>', 'only with this profile, or `none`')
    .addOption(oneOf('--updates-available <answer>', 'only with a profile update to confirm, or without one', yesOrNo))
    .addOption(oneOf('--paused <answer>', 'only paused ones, or only others', yesOrNo))
    .addOption(
      oneOf('--sort <column>', 'by what to sort; with a hyphen before it, from the last', gatewaySortsBothWays).default(
        'name',
      ),
    )
    .action(async (options: Options) => {
      const { client, query } = open(terminal, options);
      const { output, server: _server, token: _token, tenant: _tenant, updatesAvailable, paused, ...filters } = options;
      const asked = {
        ...query,
        ...filters,
        ...(updatesAvailable === undefined ? {} : { updatesAvailable: updatesAvailable === 'yes' }),
        ...(paused === undefined ? {} : { paused: paused === 'yes' }),
        limit: gatewaysPerPage,
      };
      const items = await allPages((cursor) => client.listGateways({ query: { ...asked, ...cursor } }));
      const isFiltered = Object.keys(filters).some((name) => name !== 'sort') || paused !== undefined;
      printList(terminal, output, {
        items,
        columns: columns(terminal.now()),
        nameOf: (gateway) => gateway.name,
        whenEmpty: isFiltered || updatesAvailable !== undefined ? noneFits : none,
      });
    });
}

const none = 'There are no gateways. `gatehouse gateway create <name>` makes the first one.';
const noneFits = 'No gateway fits. `gatehouse gateway list` without filters shows all of them.';
