import { setTimeout as pause } from 'node:timers/promises';
import { ProblemError } from '@gatehouse/contract/client';
import type { Gateway, InstallBundle } from '@gatehouse/contract/operator-types';
import { renderGatewayCluster } from '@gatehouse/release/gateway-cluster';
import { renderIdentitySecret } from '@gatehouse/release/install-manifest';
import type { KubernetesManifest } from '@gatehouse/release/kubernetes-object';
import { keys } from '@gatehouse/release/object-names';
import { type Command, Option } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { exitCodes, Failure, usageFailure } from '../failure.ts';
import type { ManagementCluster } from '../management-cluster.ts';
import { parseManifest } from '../manifest.ts';
import { reasonLines } from '../reasons.ts';
import { parseRegistryPrefix } from '../registry-prefix.ts';
import { fingerprintIn, readRoot, rootOption, verifyBundle } from '../root-of-trust.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  readonly kubeconfig: string;
  readonly context?: string;
  readonly controlPlanes: '1' | '3';
  readonly workers: string;
  readonly provider: string;
  readonly project?: string;
  readonly registryPrefix?: string;
  readonly clusterClass: string;
  readonly clusterClassNamespace: string;
  readonly osVariable?: string;
  readonly root?: string;
  readonly keepManagement?: boolean;
  readonly wait: boolean;
}

const waitMinutes = 45;

/**
 * Makes the gateway's cluster through Cluster API and installs its agent. Every write can be repeated: after a failure
 * the same command goes on where it stopped, with a fresh registration token.
 */
export function gatewayInstall(terminal: Terminal): Command {
  return apiCommand('install', "make a gateway's cluster through Cluster API, install and enrol its agent")
    .argument('<name>', 'lower-case letters, digits and hyphens; unique in the tenant')
    .requiredOption('--kubeconfig <file>', 'the cluster that Cluster API runs in')
    .option('--context <name>', 'context of the kubeconfig; without it, its current one')
    .addOption(new Option('--control-planes <count>', 'nodes of the control plane').choices(['1', '3']).default('3'))
    .option('--workers <count>', 'worker nodes', '0')
    .option('--provider <provider>', 'where it creates host clusters', 'vsphere')
    .option('--project <name>', 'the project it is in')
    .option(
      '--registry-prefix <registry>',
      'pull every image from here instead of from the registries that releases name',
    )
    .option('--cluster-class <name>', "the gateways' own ClusterClass, used by no host cluster", 'gatehouse-gateway')
    .option('--cluster-class-namespace <namespace>', 'where that ClusterClass is', 'default')
    .option('--os-variable <name>', 'the variable of the ClusterClass that carries the OS image')
    .option(...rootOption)
    .option('--keep-management', 'Cluster API and the agent stay in the management cluster')
    .option('--no-wait', 'do not wait until the gateway runs')
    .action(async (name: string, { wait, ...options }: Options) => {
      const workers = Number(options.workers);
      if (!Number.isInteger(workers) || workers < 0 || workers > 100)
        throw usageFailure(`--workers ${options.workers} is not a number from 0 to 100.`);
      if (options.keepManagement !== true) {
        throw usageFailure(
          'Moving Cluster API into the new cluster is not part of this version.',
          'Add --keep-management: Cluster API and the agent stay in the management cluster.',
        );
      }
      // Loaded only here: the Kubernetes client takes longer to load than any other command takes to run.
      const { openManagementCluster } = await import('../management-cluster.ts');
      const management = openManagementCluster(options.kubeconfig, options.context);
      // Before the gateway is registered: a file that is none should leave nothing behind.
      const root = options.root === undefined ? undefined : await readRoot(terminal, options.root);
      const gateway = await registerGateway(terminal, name, workers, options);
      await install(terminal, gateway, { ...options, workers, root }, management);
      if (wait) await waitUntilRunning(terminal, gateway, options);
      else
        terminal.out(
          `${gateway.name} is installed; follow with \`gatehouse gateway events ${gateway.name} --follow\`.`,
        );
    });
}

/** A gateway of this name that was begun the same way is gone on with; any other is in the way. */
async function registerGateway(
  terminal: Terminal,
  name: string,
  workers: number,
  options: Omit<Options, 'wait'>,
): Promise<Gateway> {
  const { client, query } = open(terminal, options);
  const controlPlanes = options.controlPlanes === '1' ? 1 : 3;
  const prefix =
    options.registryPrefix === undefined ? undefined : parseRegistryPrefix(options.registryPrefix, '--registry-prefix');
  try {
    const created = await client.createGateway({
      query,
      body: {
        name,
        installation: 'cli',
        provider: options.provider,
        controlPlanes,
        workers,
        ...(options.project === undefined ? {} : { project: options.project }),
        ...(prefix === undefined ? {} : { registryPrefix: prefix }),
      },
    });
    return created.gateway;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code !== 'name-taken') throw error;
    const found = await client.getGateway({ params: { gateway: name }, query });
    const isBegun = found.installation === 'cli' && (found.status === 'Pending' || found.status === 'Provisioning');
    const isTheSame =
      found.provider === options.provider &&
      found.controlPlanes === controlPlanes &&
      found.workers === workers &&
      found.registryPrefix === prefix;
    if (!isBegun || !isTheSame) throw error;
    terminal.error(`Going on with the installation of ${name}.`);
    return found;
  }
}

async function install(
  terminal: Terminal,
  gateway: Gateway,
  given: Omit<Options, 'wait' | 'workers' | 'root'> & {
    readonly workers: number;
    readonly root: Uint8Array | undefined;
  },
  management: ManagementCluster,
): Promise<void> {
  const { workers, root, ...options } = given;
  const { server, client, query } = open(terminal, options);
  const { bundle } = await client.installGateway({ params: { gateway: gateway.id }, query, body: {} });
  const { objects, rootFingerprint, nodes } = await toInstall(server, gateway, bundle, { ...options, root });
  terminal.error(`Root of trust: ${rootFingerprint}`);
  if (root === undefined) {
    terminal.error('  Compare it with the publisher’s, or give the publisher’s own root.json with --root.');
  }
  await refuseOtherGateway(objects, management);
  const cluster = renderGatewayCluster({
    gatewayName: gateway.name,
    ...nodes,
    controlPlanes: gateway.controlPlanes,
    workers,
    clusterClass: { name: options.clusterClass, namespace: options.clusterClassNamespace },
    osVariable: options.osVariable,
  });
  for (const object of objects) await management.apply(object);
  terminal.error(`Installed the agent's guard on ${management.server}.`);
  await management.apply(
    renderIdentitySecret({ gatewayName: gateway.name, registrationToken: bundle.registrationToken }),
  );
  // Applied once: from then on only the agent's profile roller changes it, and a repeated install must not undo that.
  if (!(await management.exists(cluster))) await management.apply(cluster);
  terminal.error(`Its cluster is being made with Kubernetes ${nodes.kubernetesVersion} and ${nodes.os}.`);
}

interface ToInstall {
  readonly objects: readonly KubernetesManifest[];
  readonly rootFingerprint: string;
  readonly nodes: { readonly kubernetesVersion: string; readonly os: string };
}

/** With a root of our own everything that runs is rendered here; without one it is what the control plane sent. */
async function toInstall(
  server: string,
  gateway: Gateway,
  bundle: InstallBundle,
  {
    root,
    registryPrefix,
    osVariable,
  }: Pick<Options, 'registryPrefix' | 'osVariable'> & { root: Uint8Array | undefined },
): Promise<ToInstall> {
  const { kubernetesVersion, os } = bundle.cluster;
  const sent = { kubernetesVersion, os };
  if (root === undefined) {
    const objects = bundle.objects.map(parseManifest);
    return { objects, rootFingerprint: await fingerprintIn(objects), nodes: sent };
  }
  const { name, installation, provider } = gateway;
  const prefix = registryPrefix === undefined ? undefined : parseRegistryPrefix(registryPrefix, '--registry-prefix');
  const order = { root, gateway: { name, installation, provider }, registryPrefix: prefix, osVariable };
  const { objects, rootFingerprint, nodes, release } = await verifyBundle({ server }, bundle, order);
  if (nodes?.kubernetesVersion === kubernetesVersion && nodes.os === os) return { objects, rootFingerprint, nodes };
  throw new Failure(exitCodes.refused, [
    `The control plane says that nodes are made with Kubernetes ${kubernetesVersion} and ${os}, and the signed release ` +
      `${release.platformVersion} has ${nodes === undefined ? `no profile for ${provider}` : `${nodes.kubernetesVersion} and ${nodes.os}`}.`,
    'Install nothing, and find out who runs that control plane.',
  ]);
}

/** Names are unique in a tenant only; another tenant's gateway of this name may already be in that cluster. */
async function refuseOtherGateway(
  objects: readonly KubernetesManifest[],
  management: ManagementCluster,
): Promise<void> {
  for (const { kind, metadata } of objects) {
    if (kind !== 'Namespace') continue;
    const owner = await management.gatewayOfNamespace(metadata.name);
    if (owner === undefined || owner === metadata.annotations?.[keys.gatewayId]) continue;
    throw new Failure(exitCodes.refused, [
      `The namespace ${metadata.name} on ${management.server} belongs to the gateway ${owner}, which has the same name.`,
      'Install this gateway under another name, or on another management cluster.',
    ]);
  }
}

async function waitUntilRunning(terminal: Terminal, gateway: Gateway, options: Omit<Options, 'wait'>): Promise<void> {
  const { client, query } = open(terminal, options);
  const deadline = terminal.now() + waitMinutes * 60_000;
  let status = '';
  for (;;) {
    const now = await client.getGateway({ params: { gateway: gateway.id }, query });
    if (now.status !== status) terminal.out(`${now.name}: ${now.status}`);
    status = now.status;
    if (status === 'Running') return;
    if (status === 'Error' || status === 'Deleting' || status === 'Deleted' || terminal.now() > deadline) {
      throw new Failure(exitCodes.failed, [
        `${now.name} is ${now.status} and not Running:`,
        ...reasonLines(now.reasons),
      ]);
    }
    await pause(2000, undefined, { signal: terminal.interrupted });
  }
}
