/**
 * Two gateways whose guards and agents are the real programs on simulated clusters, releases that they move along, and the
 * control plane that is killed. What the clusters went through is read from their own state.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, createClient } from '@gatehouse/contract/client';
import { bundleAgent } from '@gatehouse/release/agent-bundle';
import { generateKeys } from '@gatehouse/release/keys';
import { type Outcome, reasonsText } from '@gatehouse/release/outcome';
import { publishRelease } from '@gatehouse/release/publish-release';
import { readRepositoryFiles } from '@gatehouse/release/release-import';
import { sampleSource } from '@gatehouse/release/sample-releases';
import { streamingDecoder } from '../control-plane.ts';
import { items, number } from '../json.ts';
import { type Running, repositoryRoot, start, waitFor } from '../program.ts';
import { type Armed, armedFile, type SupervisedServer, superviseServer } from './supervised-server.ts';

/** Ours, whose nodes are replaced; and on its owner's cluster, where only the agent moves. */
export const liveGateways = ['ours', 'owners'] as const;
type LiveGateway = (typeof liveGateways)[number];

/** In their order. Each brings another agent and another image of the nodes. */
export const versions = ['4.1.12', '4.2.7', '4.2.8', '4.2.9', '4.2.10', '4.2.11'] as const;
export const nodesOfOurs = 2;

export interface Fleet {
  readonly folder: string;
  readonly server: SupervisedServer;
  /** Fail points of the control plane; those of guards and agents. */
  readonly armed: { readonly server: Armed; readonly agents: Armed };
  readonly client: (token: string) => Client;
  /** Publishes it and gives the body of its import. */
  readonly publish: (version: string) => Promise<Parameters<Client['importReleases']>[0]['body']>;
  /** Machines ever made in our gateway. */
  readonly machinesMade: () => Promise<number>;
  /** Process ids of guards and agents. */
  readonly podProcesses: () => Promise<readonly number[]>;
  /** Another gateway, whose agent begins to enrol; to be stopped when it has been looked at. */
  readonly install: (gateway: string, version: string) => Promise<Running>;
  /** The last lines of a gateway's pods. */
  readonly podLog: (gateway: LiveGateway) => Promise<string>;
  readonly stop: () => Promise<void>;
}

const pollSeconds = 0.5;
/** As short as processes on a busy machine allow; the decisions are those of production. */
const timings = {
  poll: {
    interval: 500,
    failureBase: 250,
    retryAfterMax: 500,
    whileWaitingForConfirmation: 500,
    duringUpdate: 500,
  },
  lease: { duration: 6_000, renewEvery: 2_000, actAgeMax: 4_000 },
  agentUpdate: {
    ownPodReadyBefore: 500,
    rehearsalMax: 60_000,
    readyDeadline: 30_000,
    watch: 1_000,
    afterInterruption: 1_000,
  },
  guard: { margin: 5_000, crashWindow: 60_000, notReady: 15_000 },
  profileUpdate: { preflightMax: 60_000, preflightAgeMax: 10_000 },
};

export async function startFleet(): Promise<Fleet> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-kills-'));
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
  };
  try {
    const armed = {
      server: armedFile(path.join(folder, 'fail-point')),
      agents: armedFile(path.join(folder, 'agents-fail-point')),
    };
    const server = await superviseServer({
      directory: path.join(folder, 'data'),
      args: ['--poll-seconds', String(pollSeconds), '--settle-seconds', '0'],
      armedFile: armed.server.file,
    });
    ends.push(() => server.stop());
    const publish = await publisher(folder);
    const first = await publish(versions[0]);
    await server.waitUntilReady(120);
    const client = (token: string): Client =>
      createClient({ server: server.url, token, fetch: bounded, decoder: streamingDecoder });
    const admin = client(server.adminToken());
    await admin.importReleases({ body: first });
    const sandboxFolder = path.join(folder, 'sandbox');
    const repository = path.join(folder, 'repository');
    await writeGatewaysFile(admin, sandboxFolder, { repository, release: versions[0], wanted: live });
    const sandbox = startSandboxProgram(server.url, sandboxFolder, armed.agents.file);
    ends.push(() => sandbox.stop());
    const ofGateway = (gateway: LiveGateway, file: string): string =>
      path.join(sandboxFolder, 'clusters', gateway, file);
    const fleet: Fleet = {
      folder,
      server,
      armed,
      client,
      publish,
      machinesMade: async () =>
        number(JSON.parse(await readFile(ofGateway('ours', 'state.json'), 'utf8')), 'clusterApi', 'made'),
      podProcesses: async () => {
        const record: unknown = JSON.parse(await readFile(path.join(sandboxFolder, 'processes.json'), 'utf8'));
        return items(record, 'pids').filter((pid) => typeof pid === 'number');
      },
      install: async (gateway, version) => {
        const own = path.join(folder, `sandbox-${gateway}`);
        const wanted = [{ name: gateway, installation: 'existing-cluster', controlPlanes: 1, workers: 0 }] as const;
        await writeGatewaysFile(admin, own, { repository, release: version, wanted });
        return startSandboxProgram(server.url, own, armed.agents.file);
      },
      podLog: async (gateway) =>
        (await readFile(ofGateway(gateway, 'pods.log'), 'utf8')).split('\n').slice(-30).join('\n'),
      stop,
    };
    await waitFor(
      'both gateways to be current',
      async () => {
        const seen = await Promise.all(
          liveGateways.map((gateway) => admin.getGateway({ params: { gateway } }).catch(() => undefined)),
        );
        return seen.every((one) => one?.isCurrent) || undefined;
      },
      { timeoutSeconds: 180, explain: () => sandbox.output() + server.output() },
    );
    return fleet;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A request to a server that hangs ends too. */
const bounded: typeof fetch = (url, options) =>
  fetch(url, {
    ...options,
    signal: AbortSignal.any([AbortSignal.timeout(20_000), ...(options?.signal ? [options.signal] : [])]),
  });

async function publisher(folder: string): Promise<Fleet['publish']> {
  const repositoryDirectory = path.join(folder, 'repository');
  const keysDirectory = path.join(folder, 'keys');
  mustBeOk(await generateKeys(keysDirectory));
  return async (version) => {
    const number = versions.findIndex((one) => one === version);
    const sample = sampleSource(number === 0 ? '4.1.12' : '4.2.7');
    const before = versions[number - 1];
    const source = {
      ...sample,
      platformVersion: version,
      profileNeedsAgent: version,
      profiles: withOsOf(version, sample.profiles),
      upgradeFrom: before === undefined ? [] : [before],
    };
    const agentBundle = await bundleAgent({ entry: path.join(repositoryRoot, 'agent/src/main.ts'), version });
    mustBeOk(await publishRelease({ repositoryDirectory, keysDirectory, source, agentBundle, now: new Date() }));
    return mustBeOk(await readRepositoryFiles(repositoryDirectory));
  };
}

type Profiles = ReturnType<typeof sampleSource>['profiles'];

/** Nodes are replaced when their image is another one. */
function withOsOf(version: string, profiles: Profiles): Profiles {
  const changed = Object.entries(profiles).map(([provider, profile]) => {
    const layers = profile.layers.map((layer) =>
      layer.kind !== 'os'
        ? layer
        : {
            ...layer,
            packs: layer.packs.map((pack) => ({ ...pack, values: { ...pack.values, image: `ubuntu-for-${version}` } })),
          },
    );
    return [provider, { ...profile, version, layers }] as const;
  });
  return Object.fromEntries(changed);
}

interface WantedGateway {
  readonly name: string;
  readonly installation: 'cli' | 'existing-cluster';
  readonly controlPlanes: 1 | 3;
  readonly workers: number;
}

const provider = 'vsphere';
const live: readonly WantedGateway[] = [
  { name: 'ours', installation: 'cli', controlPlanes: 1, workers: nodesOfOurs - 1 },
  { name: 'owners', installation: 'existing-cluster', controlPlanes: 3, workers: 0 },
];

/** Creates them, and writes down what a sandbox program needs to know of them. `release`: of their first agent. */
async function writeGatewaysFile(
  admin: Client,
  directory: string,
  asked: { readonly repository: string; readonly release: string; readonly wanted: readonly WantedGateway[] },
): Promise<void> {
  const { repository, release, wanted } = asked;
  const root = (await readFile(path.join(repository, 'metadata', '1.root.json'))).toString('base64');
  const gateways = [];
  for (const { name, installation, controlPlanes, workers } of wanted) {
    const isOurs = installation === 'cli';
    const body = { name, installation, provider, ...(isOurs ? { controlPlanes, workers } : {}) };
    const created = await admin.createGateway({ body });
    const { bundle } = await admin.installGateway({ params: { gateway: name }, body: {} });
    const given = { name, gatewayId: created.gateway.id, installation, provider, controlPlanes, workers };
    gateways.push({ ...given, registrationToken: bundle.registrationToken, root, release, timings });
  }
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'gateways.json'), JSON.stringify(gateways), { mode: 0o600 });
}

function startSandboxProgram(server: string, directory: string, armed: string): Running {
  const program = path.join(repositoryRoot, 'agent/src/sandbox/main.ts');
  return start(process.execPath, [program, '--server', server, '--directory', directory], {
    cwd: repositoryRoot,
    env: { NODE_ENV: 'test', GATEHOUSE_SANDBOX_FAIL_POINTS: `@${armed}` },
  });
}

function mustBeOk<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(reasonsText(outcome.reasons));
  return outcome.value;
}
