import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  readonly gateway: string;
  readonly namespace?: string;
}

export function hostClusterCreate(terminal: Terminal): Command {
  return apiCommand('create', 'record a host cluster of a gateway')
    .argument('<name>', 'name of its Cluster object')
    .requiredOption('--gateway <gateway>', 'the gateway through which it was created')
    .option('--namespace <namespace>', 'namespace of its Cluster object; without it, its name')
    .action(async (name: string, { gateway, namespace, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const body = { name, gateway, namespace: namespace ?? name };
      const cluster = await client.createHostCluster({ query, body }, { idempotencyKey: randomUUID() });
      terminal.out(`The host cluster ${cluster.name} belongs to the gateway ${cluster.gateway.name}.`);
    });
}
