import { type Command, Option } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { parseRegistryPrefix } from '../registry-prefix.ts';
import { type OutputForm, printValue } from '../output.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly installation: 'existing-cluster' | 'cli';
  readonly provider: string;
  readonly project?: string;
  readonly registryPrefix?: string;
}

export function gatewayCreate(terminal: Terminal): Command {
  return apiCommand('create', 'create a gateway on an existing cluster; prints the two commands that install its agent')
    .argument('<name>', 'lower-case letters, digits and hyphens; unique in the tenant')
    .addOption(
      new Option('--installation <installation>', 'how it comes to be')
        .choices(['existing-cluster', 'cli'])
        .makeOptionMandatory(),
    )
    .option('--provider <provider>', 'where it creates host clusters', 'vsphere')
    .option('--project <name>', 'the project it is in')
    .option(
      '--registry-prefix <registry>',
      'pull every image from here instead of from the registries that releases name',
    )
    .addOption(outputOption())
    .action(async (name: string, { installation, provider, project, registryPrefix, output, ...common }: Options) => {
      if (installation === 'cli') {
        throw usageFailure(
          'A gateway with installation cli gets its cluster from us.',
          `Run: gatehouse gateway install ${name} --kubeconfig MANAGEMENT --control-planes 3`,
        );
      }
      const prefix =
        registryPrefix === undefined
          ? {}
          : { registryPrefix: parseRegistryPrefix(registryPrefix, '--registry-prefix') };
      const { client, query } = open(terminal, common);
      const created = await client.createGateway({
        query,
        body: { name, installation, provider, ...(project === undefined ? {} : { project }), ...prefix },
      });
      if (output === 'json' || output === 'yaml') return printValue(terminal, output, created);
      if (output === 'name') return terminal.out(created.gateway.name);
      terminal.error(`The gateway ${created.gateway.name} is ${created.gateway.status}.`);
      if (created.install === undefined) return;
      terminal.error('Run these two commands on its cluster, in this order:\n');
      for (const command of created.install.commands) terminal.out(command);
      terminal.error(
        `\nThe token in the second one works once, until ${clockTime(created.install.registrationTokenExpiresAt)}.`,
      );
      terminal.error(
        `The manifest carries the root of trust with the fingerprint\n  ${created.install.rootFingerprint}`,
      );
      terminal.error('Compare it with the one that whoever signs your releases gave you.');
      for (const line of registryNote(prefix.registryPrefix, created.install.imagesAt)) terminal.error(line);
    });
}

/** Where the gateway's images come from, as far as an operator without a network has to know. */
function registryNote(prefix: string | undefined, imagesAt: string | undefined): readonly string[] {
  if (prefix !== undefined) return [`It pulls every image from ${prefix}.`];
  if (imagesAt === undefined) return [];
  return [
    `It pulls images from the registries that the releases name; the last bundle's images are in ${imagesAt}.`,
    'If it has no way to the others, delete it and create it again with',
    `  --registry-prefix ${imagesAt}`,
  ];
}
