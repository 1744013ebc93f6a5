/**
 * Gatehouse on a real Kubernetes: a control plane of its own with releases of its own, real agent images in a real
 * registry, and gateways that really run there. Everything that a story makes carries a name of its own and is removed at
 * its end, so stories run beside each other and in any order.
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type { GatewayEvent } from '@gatehouse/contract/operator-types';
import type { Timings } from '@gatehouse/domain/timings';
import { generateKeys } from '@gatehouse/release/keys';
import { gatewayNamespaces, keys, objectNames } from '@gatehouse/release/object-names';
import { type Outcome, reasonsText } from '@gatehouse/release/outcome';
import { publishRelease } from '@gatehouse/release/publish-release';
import type { ReleaseSource } from '@gatehouse/release/release-builder';
import { type KubernetesLab, makeServerCertificate } from '@gatehouse/testkit/kubernetes-lab';
import { type AgentImage, pushAgentImage } from './agent-images.ts';
import { type ClusterView, kinds, openClusterView } from './cluster-view.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { type Finished, repositoryRoot, run, waitFor } from './program.ts';
import { type RecordedPoll, startRecordingProxy } from './recorded-polls.ts';

export interface KubernetesEnvironment {
  readonly plane: ControlPlane;
  readonly cluster: ClusterView;
  /** A text that is in no other story's names. */
  readonly unique: string;
  /** What passed between agents and control plane so far. */
  readonly polls: () => readonly RecordedPoll[];
  /** One that works. */
  readonly pushAgent: (version: string) => Promise<AgentImage>;
  /** Signs it into this environment's repository; `importReleases` brings all of them to the control plane. */
  readonly publish: (source: ReleaseSource) => Promise<void>;
  readonly importReleases: () => Promise<void>;
  /** The publisher's folders: `release … --keys --repository`. */
  readonly publisher: { readonly keysDirectory: string; readonly repositoryDirectory: string };
  /** From now on agents reach what listens on that port of loopback instead of the control plane. */
  readonly sendAgentsTo: (port: number) => void;
  readonly kubectl: (args: readonly string[], input?: string) => Promise<Finished>;
  /** A command as it was printed for a person to copy. */
  readonly shell: (command: string) => Promise<Finished>;
  /** Removes from the cluster what stands or falls with that gateway, its own Cluster first. */
  readonly removeGateway: (name: string) => Promise<void>;
  /** Deletes Clusters of that namespace, then the namespace. */
  readonly removeNamespace: (name: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** So short that a missed poll is seen soon; agents add 10 % of jitter. */
export const pollSeconds = 1;

/**
 * In milliseconds: a longer pause between two polls means that one was missed. Two intervals with their jitter, and the
 * second that a hand-over may take.
 */
export const pauseOfPollsMax = 2 * pollSeconds * 1100 + 1000;

/** `https`: who shows agents the certificate, the control plane itself or a proxy in front of it, which records polls. */
export async function startKubernetesEnvironment(
  lab: KubernetesLab,
  more: { readonly https?: 'proxy' | 'own' } = {},
): Promise<KubernetesEnvironment> {
  const { registry, hostAddressFromPods: host } = lab;
  if (registry === undefined || host === undefined) {
    throw new Error('The stories need a registry and pods that reach this machine; see what was printed at the start.');
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-kubernetes-'));
  const certificate = await certificateFor(lab, host, folder);
  const unique = randomBytes(3).toString('hex');
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  const front = await startFront(host, certificate, more.https ?? 'proxy').catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  const { plane, polls } = front;
  const env = {
    KUBECONFIG: lab.kubeconfigPath,
    // Where the control plane's certificate is no public one, its authority is one that kubectl's machine trusts.
    SSL_CERT_FILE: certificate.caPath,
    // The lab brings its own kubectl; for a cluster of somebody's own theirs is taken.
    ...(lab.caPath === undefined ? {} : { PATH: `${labPrograms()}:${process.env['PATH'] ?? ''}` }),
  };
  const options = { cwd: repositoryRoot, env, timeoutSeconds: 120 };
  const kubectl = (args: readonly string[], input?: string) =>
    run('kubectl', args, { ...options, ...(input === undefined ? {} : { input }) });
  const cluster = openClusterView(lab.kubeconfigPath);
  const repositoryDirectory = path.join(folder, 'repository');
  const keysDirectory = path.join(folder, 'keys');
  mustBeOk(await generateKeys(keysDirectory));

  const removeNamespace = async (name: string) => {
    // A namespace that goes takes away what Cluster API needs to let a Cluster go, so that goes first.
    const clusters = await cluster.list(kinds.cluster, { namespace: name }).catch(() => []);
    if (clusters.length > 0)
      await kubectl(['-n', name, 'delete', 'clusters.cluster.x-k8s.io', '--all', '--timeout=90s']);
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']);
  };
  return {
    plane,
    cluster,
    unique,
    polls,
    pushAgent: (version) => pushAgentImage({ registry, version, behaviour: 'works' }),
    publish: async (source) => {
      mustBeOk(await publishRelease({ repositoryDirectory, keysDirectory, source, now: new Date() }));
    },
    importReleases: async () => {
      const imported = await plane.gatehouse(['release', 'import', repositoryDirectory]);
      if (imported.exitCode !== 0) throw new Error(`release import failed: ${imported.stderr}`);
    },
    publisher: { keysDirectory, repositoryDirectory },
    sendAgentsTo: front.sendAgentsTo,
    kubectl,
    shell: (command) => run('sh', ['-c', command], options),
    removeNamespace,
    removeGateway: async (name) => {
      const namespaces = gatewayNamespaces(name);
      for (const namespace of [namespaces.hostClusters, namespaces.cluster, namespaces.agent]) {
        await removeNamespace(namespace);
      }
      const ofGateway = ['-l', `${keys.gateway}=${name}`];
      await kubectl(['delete', 'clusterroles,clusterrolebindings', ...ofGateway, '--ignore-not-found']);
    },
    stop: async () => {
      await front.stop();
      await removeFolder();
    },
  };
}

function labPrograms(): string {
  return path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'gatehouse-lab/bin');
}

interface Front {
  readonly plane: ControlPlane;
  readonly polls: () => readonly RecordedPoll[];
  readonly sendAgentsTo: (port: number) => void;
  readonly stop: () => Promise<void>;
}

async function startFront(host: string, certificate: Certificate, https: 'proxy' | 'own'): Promise<Front> {
  const args = ['--no-sandbox', '--poll-seconds', String(pollSeconds)];
  if (https === 'own') {
    const own = await startControlPlane(args, { https: { host, ...certificate } });
    const sendAgentsTo = () => {
      throw new Error(
        'Agents talk to the control plane itself here; only behind the proxy can they be sent elsewhere.',
      );
    };
    return { plane: own, polls: () => [], sendAgentsTo, stop: own.stop };
  }
  let plane: ControlPlane | undefined;
  let detour: number | undefined;
  const upstreamPort = () => detour ?? Number(new URL(plane?.server ?? 'http://127.0.0.1:1').port);
  const proxy = await startRecordingProxy({ host, ...certificate, upstreamPort });
  try {
    plane = await startControlPlane([...args, '--public-url', proxy.url, '--public-ca', certificate.caPath]);
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  const { stop } = plane;
  const sendAgentsTo = (port: number) => {
    detour = port;
  };
  return { plane, polls: proxy.polls, sendAgentsTo, stop: () => stop().then(proxy.stop) };
}

interface Certificate {
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly caPath: string;
}

/** Signed by the lab's authority; on a cluster that has none, by itself. */
async function certificateFor(lab: KubernetesLab, host: string, folder: string): Promise<Certificate> {
  if (lab.caPath !== undefined) return { ...(await makeServerCertificate(folder)), caPath: lab.caPath };
  const certificatePath = path.join(folder, 'tls.crt');
  const keyPath = path.join(folder, 'tls.key');
  const name = `subjectAltName=${/^[\d.:]+$/.test(host) ? 'IP' : 'DNS'}:${host}`;
  const args = [
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '7'],
    ['-subj', '/CN=gatehouse-stories', '-addext', name, '-keyout', keyPath, '-out', certificatePath],
  ];
  const made = await run('openssl', args.flat(), { cwd: folder });
  if (made.exitCode !== 0) throw new Error(`openssl could not make a certificate: ${made.stderr}`);
  return { certificatePath, keyPath, caPath: certificatePath };
}

function mustBeOk(outcome: Outcome<unknown>): void {
  if (outcome.kind === 'refused') throw new Error(reasonsText(outcome.reasons));
}

type Gateway = Awaited<ReturnType<ControlPlane['client']['getGateway']>>;

/** Waits for what the control plane says of a gateway; a wait in vain shows all that is known about it. */
export async function waitForGateway<T>(
  environment: KubernetesEnvironment,
  name: string,
  what: string,
  ask: (gateway: Gateway) => T | undefined,
  timeoutSeconds: number,
): Promise<T> {
  const { client } = environment.plane;
  let last: Gateway | undefined;
  try {
    return await waitFor(
      `${name} ${what}`,
      async () => {
        last = await client.getGateway({ params: { gateway: name } });
        return ask(last);
      },
      { timeoutSeconds, everyMilliseconds: 500, explain: () => JSON.stringify(last, undefined, 1) },
    );
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${await evidence(environment, name)}`, {
      cause,
    });
  }
}

async function evidence({ kubectl, plane }: KubernetesEnvironment, name: string): Promise<string> {
  const { agent } = gatewayNamespaces(name);
  const questions = [
    ['get', 'pods,deployments,replicasets,jobs', '-o', 'wide'],
    ['get', 'configmap', objectNames.state, '-o', 'yaml'],
    ['logs', '-l', `app.kubernetes.io/name=${objectNames.agent}`, '--tail=60', '--prefix'],
    ['logs', '-l', `app.kubernetes.io/name=${objectNames.guard}`, '--tail=30', '--prefix'],
  ];
  const answers: string[] = [];
  for (const question of questions) {
    const { stdout, stderr } = await kubectl(['-n', agent, ...question]);
    answers.push(`$ kubectl ${question.join(' ')}\n${stdout}${stderr}`);
  }
  return `${answers.join('\n')}\ncontrol plane:\n${plane.program.output().slice(-5000)}`;
}

/** Spans of an agent update for a story in which many follow each other. What is measured elsewhere is measured with the product's own. */
export const shortTimings = {
  agentUpdate: { ownPodReadyBefore: 3_000, watch: 8_000, afterInterruption: 5_000 },
} satisfies ShortTimings;

type ShortTimings = { readonly [Group in keyof Timings]?: Partial<Timings[Group]> };

/** A quarter of a minute on a machine of its own; a busy one may make a dozen of them at once. */
const gatewaySeconds = 300;

/** By the two printed commands, until it runs and is current. */
export async function createRunningGateway(
  environment: KubernetesEnvironment,
  name: string,
  flags: readonly string[] = [],
  more: {
    readonly timings?: ShortTimings;
    /** The two that were printed. */
    readonly onCommands?: (commands: readonly string[]) => void;
  } = {},
): Promise<Gateway> {
  const args = ['gateway', 'create', name, '--installation', 'existing-cluster', ...flags];
  const created = await environment.plane.gatehouse(args);
  if (created.exitCode !== 0) throw new Error(`gatehouse ${args.join(' ')}: ${created.stderr}`);
  const commands = created.stdout.trimEnd().split('\n');
  more.onCommands?.(commands);
  for (const command of commands) {
    const done = await environment.shell(command);
    if (done.exitCode !== 0) throw new Error(`${command}: ${done.stderr}`);
  }
  if (more.timings !== undefined) await setTimings(environment, name, more.timings);
  const isThere = (gateway: Gateway) => (gateway.isCurrent && gateway.health === 'healthy' ? gateway : undefined);
  return waitForGateway(environment, name, 'to be Running and current', isThere, gatewaySeconds);
}

/** Guard and agent read their settings when they start. */
async function setTimings({ kubectl }: KubernetesEnvironment, name: string, timings: ShortTimings) {
  const inNamespace = ['-n', gatewayNamespaces(name).agent];
  const patch = JSON.stringify({ data: { timings: JSON.stringify(timings) } });
  const orders = [
    ['patch', 'configmap', objectNames.settings, '--type=merge', '-p', patch],
    ['delete', 'pods', '--all', '--now'],
  ];
  for (const order of orders) {
    const done = await kubectl([...inNamespace, ...order]);
    if (done.exitCode !== 0) throw new Error(`kubectl ${order.join(' ')}: ${done.stderr}`);
  }
}

/** What `gateway events` shows, oldest first. */
export async function eventsOf({ plane }: KubernetesEnvironment, name: string): Promise<readonly GatewayEvent[]> {
  const { items: events } = await plane.client.listGatewayEvents({ params: { gateway: name } });
  return events.toSorted((a, b) => a.sequence - b.sequence);
}
