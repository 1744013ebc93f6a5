/**
 * A gateway with a real Cluster of Cluster API, and the whole agent in this process, which reaches the API server where a
 * test says, such as through a proxy that breaks things. The control plane is the one in memory. An agent can be killed at any moment, and
 * another one started.
 */

import type { ProfileUpdateOrder, Target } from '@gatehouse/contract/agent-api';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import { defaultOsVariable, renderGatewayCluster } from '@gatehouse/release/gateway-cluster';
import { objectNames } from '@gatehouse/release/object-names';
import type { ReleaseSource } from '@gatehouse/release/release-builder';
import { systemClock } from '../clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { createKubernetesCluster } from '../cluster/kubernetes/connect.ts';
import { at } from '../cluster/kubernetes/json.ts';
import { applyAll, installLabGateway, type Lab, type LabGateway, waitFor } from '../cluster/kubernetes/lab-gateway.ts';
import { withSteadyTime } from '../cluster/steady-cluster-time.ts';
import { createLog } from '../log.ts';
import { runAgent } from '../run-agent.ts';
import { type ControlPlaneInMemory, createControlPlaneInMemory } from './control-plane-in-memory.ts';
import { fenced } from './fenced-cluster.ts';
import { gatewayId } from './gateway-world.ts';
import type { Act } from './noted-acts.ts';
import { plannedOrder, profilePointer } from './planned-order.ts';
import { type RollSamples, sampleRoll } from './roll-samples.ts';
import type { TestRepository } from './test-repository.ts';

export const size = { controlPlanes: 3, workers: 1 } as const;
export const from = { version: '1.33.5', os: 'ubuntu-24.04-a' };

export interface RealGateway {
  readonly name: string;
  /** Of the packs' objects. */
  readonly packs: string;
  readonly clusterPath: string;
  readonly server: ControlPlaneInMemory;
  readonly acts: readonly Act[];
  readonly logs: readonly string[];
  readonly samples: RollSamples;
  /** Everything at once, as SIGKILL does; then another process begins. */
  killAgent(): Promise<void>;
  order(target: Omit<Target, 'generation' | 'settings'>): void;
  /** Waits until the nodes are known, of which the plan is made. */
  plan(move: { readonly from: string; readonly to: string }): Promise<ProfileUpdateOrder>;
  waitFor<T>(what: string, seconds: number, read: () => Promise<T | undefined> | T | undefined): Promise<T>;
  /** Number of Machines that were ever there. */
  machinesMade(): number;
  topology(): Promise<unknown>;
  remove(): Promise<void>;
}

export interface RealGatewayOptions {
  readonly lab: Lab;
  /** Where the agent reaches the API server, with plain HTTP on loopback; where the lab does, when undefined. */
  readonly apiUrl: string | undefined;
  readonly releases: TestRepository;
  /** Namespace of the packs' objects, as the releases have it. */
  readonly packs: string;
  /** The release that it is installed with. */
  readonly first: string;
  readonly timings: object;
}

const provider = 'vsphere';
const repository = 'registry.invalid/gatehouse/agent';

export async function startRealGateway(options: RealGatewayOptions): Promise<RealGateway> {
  const { lab, apiUrl, releases, packs } = options;
  const gateway = await installLabGateway(lab, 'cli');
  const { name, namespaces } = gateway;
  const clusterPath = `/apis/cluster.x-k8s.io/v1beta2/namespaces/${namespaces.cluster}/clusters/${name}`;
  await applyAll(lab, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: packs } },
    renderGatewayCluster({
      gatewayName: name,
      kubernetesVersion: from.version,
      os: from.os,
      ...size,
      clusterClass: { name: 'gatehouse-gateway', namespace: 'default' },
    }),
  ]);
  const clock = systemClock;
  const server = createControlPlaneInMemory({ gatewayId, token: 'token-1', repository: releases, clock });
  server.pollAgainSeconds = 1;
  const release = agentRelease(releases, options.first);
  await install({ ...options, gateway, release });
  const acts: Act[] = [];
  const logs: string[] = [];
  const samples = sampleRoll(lab, { name, namespace: namespaces.cluster });
  let processes = 0;

  const startAgent = (): { readonly kill: () => Promise<void> } => {
    processes += 1;
    const podName = `${objectNames.agent}-${processes}`;
    const cutOff = new AbortController();
    const real = createKubernetesCluster({
      connection: {
        ...gateway.as(objectNames.agent),
        ...(apiUrl === undefined ? {} : { server: apiUrl, ca: undefined, serverName: undefined }),
      },
      namespace: namespaces.agent,
      own: { name, namespace: namespaces.cluster, osVariable: defaultOsVariable, managed: 'kubeconfig' },
    });
    const note = (what: string): void => {
      acts.push({ at: clock.monotonic(), podName, what, holder: undefined });
    };
    const log = createLog(clock, (line) => logs.push(line.trimEnd()), { pod: podName });
    const ended = runAgent({
      cluster: withSteadyTime(fenced(real, { cutOff: cutOff.signal, note }), clock, log),
      self: { podName, release, repository },
      environment: {},
      clock,
      log,
      openControlPlane: () => ({ controlPlane: server.connect(podName), close: async () => {} }),
      serveHealth: async () => ({ close: async () => {} }),
      signal: cutOff.signal,
    });
    return {
      async kill() {
        cutOff.abort();
        await ended;
      },
    };
  };

  let agent = startAgent();
  let generation = 0;
  const real: RealGateway = {
    name,
    packs,
    clusterPath,
    server,
    acts,
    logs,
    samples,
    async killAgent() {
      const before = agent;
      agent = startAgent();
      await before.kill();
    },
    order(target) {
      generation += 1;
      server.target = { ...target, generation, settings: { ...size } };
    },
    async plan(move) {
      // For a moment they are not, when the API server has not answered a look at them.
      await real.waitFor('the nodes are known', 120, () => Array.isArray(server.observation?.nodes) || undefined);
      return plannedOrder({ releases, server }, move, size);
    },
    async waitFor(what, seconds, read) {
      try {
        return await waitFor(what, seconds, async () => read());
      } catch (cause) {
        throw new Error(`${name}: not seen within ${seconds} s: ${what}\n${logs.slice(-30).join('\n')}`, { cause });
      }
    },
    machinesMade: () => samples.machinesSeen().size,
    topology: async () => at(await lab.api.get(clusterPath), 'spec', 'topology'),
    async remove() {
      await agent.kill();
      await samples.stop();
      await lab.api.merge(clusterPath, { spec: { paused: false } });
      await lab.api.remove(clusterPath);
      // Its controllers need the namespace until then.
      await waitFor('the Cluster is gone', 300, async () =>
        (await lab.api.get(clusterPath)) === undefined ? true : undefined,
      );
      await lab.api.remove(`/api/v1/namespaces/${packs}`);
      await gateway.uninstall();
    },
  };
  try {
    await becomeReady(real, options);
  } catch (error) {
    await real.remove();
    throw error;
  }
  return real;
}

async function becomeReady(real: RealGateway, { first, releases }: RealGatewayOptions): Promise<void> {
  const { server } = real;
  real.order({ initialProfile: { release: first, digest: profilePointer({ releases }, first).digest } });
  await real.waitFor('the first profile', 900, () => server.observation?.appliedProfile && true);
  await real.waitFor('all nodes', 900, async () => {
    const { nodes, clusterApi } = server.observation ?? {};
    const isThere = Array.isArray(nodes) && nodes.length === 4 && nodes.every(({ ready }) => ready === true);
    return isThere && clusterApi !== 'unknown' && clusterApi?.isTopologyReconciled === true ? true : undefined;
  });
}

function agentRelease(releases: TestRepository, version: string) {
  const { agent } = releases.release(version);
  const parsed = parsePlatformVersion(agent.version);
  if (parsed === undefined) throw new TypeError(`not a version: ${agent.version}`);
  return { version: parsed, digest: agent.digest };
}

/** What the install manifest and the guard would have brought. The pod of the Deployment never runs; the agent is here. */
async function install(
  given: RealGatewayOptions & { readonly gateway: LabGateway; readonly release: ReturnType<typeof agentRelease> },
): Promise<void> {
  const { lab, gateway, releases, release, timings } = given;
  const { name, namespaces } = gateway;
  const installer: Cluster = createKubernetesCluster({ connection: lab.connection, namespace: namespaces.agent });
  await installer.writeMap(
    'settings',
    {
      serverUrl: 'https://hub.example.com',
      gatewayId,
      gatewayName: name,
      installation: 'cli',
      provider,
      rootJson: Buffer.from(releases.root).toString('utf8'),
      timings: JSON.stringify(timings),
      clusterName: name,
      clusterNamespace: namespaces.cluster,
      osVariable: defaultOsVariable,
    },
    undefined,
  );
  await installer.writeMap('identity', { registrationToken: 'token-1' }, undefined);
  const template = installer.renderTemplate(release, { repository });
  await installer.applyDeployment({ template, minReadySeconds: 0 });
}

/** A release with that Kubernetes and OS, and packs of ConfigMaps in that namespace. */
export function realRelease(choice: {
  readonly version: string;
  readonly kubernetes: string;
  readonly os: string;
  readonly packs: readonly {
    readonly name: string;
    readonly beforeNodes: boolean;
    readonly data: Readonly<Record<string, string>>;
  }[];
  readonly namespace: string;
  readonly upgradeFrom: readonly string[];
}): ReleaseSource {
  const { version, kubernetes, os, namespace } = choice;
  const pack = (name: string, packVersion: string, more: object) => ({
    name,
    version: packVersion,
    values: {},
    secretPaths: [],
    objects: [],
    beforeNodes: false,
    ...more,
  });
  const addOns = choice.packs.map(({ name, beforeNodes, data }) =>
    pack(name, version, {
      beforeNodes,
      objects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }],
    }),
  );
  return {
    platformVersion: version,
    channels: ['candidate'],
    serverMinimum: '0.1.0',
    agent: { repository, kubernetes: { min: '1.28.0', max: '1.40.0' } },
    profileNeedsAgent: choice.upgradeFrom[0] ?? version,
    profiles: {
      [provider]: {
        version,
        layers: [
          { kind: 'os', packs: [pack('ubuntu', version, { values: { image: os } })] },
          { kind: 'kubernetes', packs: [pack('kubernetes', kubernetes, {})] },
          { kind: 'network', packs: [] },
          { kind: 'storage', packs: [] },
          { kind: 'add-ons', packs: addOns },
        ],
      },
    },
    upgradeFrom: [...choice.upgradeFrom],
    notes: 'For a test.',
  };
}
