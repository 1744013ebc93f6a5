import type { Command } from 'commander';
import { allPages } from '../all-pages.ts';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printList } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { ago } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly gateway?: string;
}

export function hostClusterList(terminal: Terminal): Command {
  return apiCommand('list', 'clusters created through gateways')
    .addOption(outputOption())
    .option('--gateway <gateway>', 'only of this gateway')
    .action(async ({ gateway, output, ...common }: Options) => {
      const { client, query } = open(terminal, common);
      const filter = gateway === undefined ? query : { ...query, gateway };
      const items = await allPages((cursor) => client.listHostClusters({ query: { ...filter, ...cursor } }));
      printList(terminal, output, {
        items,
        columns: [
          { head: 'NAME', of: (cluster) => cluster.name },
          { head: 'NAMESPACE', of: (cluster) => cluster.namespace },
          { head: 'GATEWAY', of: (cluster) => cluster.gateway.name },
          { head: 'AGE', of: (cluster) => ago(cluster.createdAt, terminal.now()) },
        ],
        nameOf: (cluster) => cluster.name,
        whenEmpty: 'There are no host clusters.',
      });
    });
}
