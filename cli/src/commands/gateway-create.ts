import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { exitCodes, Failure, usageFailure } from '../failure.ts';
import { type OutputForm, printValue } from '../output.ts';
import { parseRegistryPrefix } from '../registry-prefix.ts';
import { readRoot, rootOption, verifyBundle } from '../root-of-trust.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly installation: 'existing-cluster' | 'cli';
  readonly provider: string;
  readonly project?: string;
  readonly registryPrefix?: string;
  readonly root?: string;
  readonly manifest?: string;
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
    .option(...rootOption)
    .option('--manifest <file>', 'with --root: where to write the verified manifest; ./gatehouse-<name>.yaml if absent')
    .addOption(outputOption())
    .action(async (name: string, options: Options) => {
      const { installation, provider, project, registryPrefix, output, root: rootFile, manifest, ...common } = options;
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
      if (rootFile === undefined && manifest !== undefined) {
        throw usageFailure('--manifest is where a verified manifest goes, which takes a --root.');
      }
      // Before the gateway is created: a file that is none should leave nothing behind.
      const root = rootFile === undefined ? undefined : await readRoot(terminal, rootFile);
      const connection = open(terminal, common);
      const { client, query } = connection;
      const created = await client.createGateway({
        query,
        body: { name, installation, provider, ...(project === undefined ? {} : { project }), ...prefix },
      });
      if (root !== undefined) {
        const gateway = { name: created.gateway.name, installation, provider };
        const file = manifest ?? `gatehouse-${created.gateway.name}.yaml`;
        return installVerified(terminal, connection, { id: created.gateway.id, root, gateway, file, ...prefix });
      }
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

/** The manifest goes into a file, and the commands are ours: nothing that a person copies was made by the control plane. */
async function installVerified(
  terminal: Terminal,
  { server, client, query }: ReturnType<typeof open>,
  order: {
    readonly id: string;
    readonly root: Uint8Array;
    readonly gateway: { readonly name: string; readonly installation: 'existing-cluster'; readonly provider: string };
    readonly file: string;
    readonly registryPrefix?: string;
  },
): Promise<void> {
  const { name } = order.gateway;
  const { bundle, instructions } = await client.installGateway({ params: { gateway: order.id }, query, body: {} });
  const verified = await verifyBundle({ server }, bundle, order);
  const { installManifestYaml } = await import('@gatehouse/release/install-manifest');
  const { gatewayNamespaces, objectNames } = await import('@gatehouse/release/object-names');
  if (!/^[\w-]{1,200}$/.test(bundle.registrationToken)) {
    throw new Failure(exitCodes.failed, ['The control plane sent a registration token that is none.']);
  }
  await writeFile(path.resolve(terminal.cwd, order.file), installManifestYaml(verified.objects));
  terminal.error(`Wrote ${order.file}: release ${verified.release.platformVersion}, verified from your root of trust`);
  terminal.error(`  ${verified.rootFingerprint}`);
  terminal.error(`Run these two commands on the cluster of ${name}, in this order:\n`);
  terminal.out(`kubectl apply --server-side -f '${order.file}'`);
  terminal.out(
    `kubectl -n ${gatewayNamespaces(name).agent} create secret generic ${objectNames.identity} ` +
      `--from-literal=registrationToken=${bundle.registrationToken} --dry-run=client -o yaml | kubectl apply --server-side -f -`,
  );
  terminal.error(
    `\nThe token in the second one works once, until ${clockTime(instructions.registrationTokenExpiresAt)}.`,
  );
  for (const line of registryNote(order.registryPrefix, instructions.imagesAt)) terminal.error(line);
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
