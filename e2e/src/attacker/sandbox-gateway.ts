/**
 * The victim where no Kubernetes is at hand: a control plane with releases of its own and a database of its own, and one
 * gateway on a simulated cluster, whose guard and agents are the real programs. Between the two sits the stolen server.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GatewayEvent } from '@gatehouse/contract/operator-types';
import { bundleAgent } from '@gatehouse/release/agent-bundle';
import { generateKeys } from '@gatehouse/release/keys';
import { type Outcome, reasonsText } from '@gatehouse/release/outcome';
import { publishRelease } from '@gatehouse/release/publish-release';
import { sampleSource } from '@gatehouse/release/sample-releases';
import { createTestDatabase, queryDatabase, startTestPostgres } from '@gatehouse/testkit/postgres';
import { type ControlPlane, startControlPlane } from '../control-plane.ts';
import { items, member, text } from '../json.ts';
import { type Running, repositoryRoot, start, waitFor } from '../program.ts';
import type { ForgingKey } from './forge.ts';
import { makeMarker, markerObjectName, pushToNodes } from './marker.ts';
import { openStolenRepository, type StolenKeys } from './stolen-repository.ts';
import { startStolenServer } from './stolen-server.ts';
import type { Victim } from './withstand.ts';

export interface SandboxGateway extends Victim {
  readonly plane: ControlPlane;
  /** Of this story; the publisher's repository is in it. */
  readonly folder: string;
  /** What was signed for it to run at first. */
  readonly agentDigest: string;
  /** What an operator sees of it, oldest first. */
  readonly events: () => Promise<readonly GatewayEvent[]>;
  readonly stop: () => Promise<void>;
}

/** Whatever runs or is to run on the gateway, by digest, and the objects of its packs, by name. */
interface Observed {
  /** Of pods, of the Deployment and of all templates that are kept. */
  readonly digests: readonly string[];
  /** JSON of each object that a pack has put there, and of the gateway's own Cluster. */
  readonly objects: readonly string[];
}

const name = 'site-a';
const provider = 'vsphere';
const installedVersion = '4.1.12';
/** One that can really follow, and some whose documents no gateway has asked for yet. */
const nextVersion = '4.2.7';
const unseenVersions = ['4.2.8', '4.2.9', '4.2.10', '4.2.11', '4.2.12', '4.2.13'] as const;
/** The shortest that a control plane asks for; the agent's own interval, which is never exceeded, is half of it. */
const pollMilliseconds = 200;
const agentPollMilliseconds = pollMilliseconds / 2;
/** As short as processes on a busy machine allow; the decisions are those of production. */
const timings = {
  poll: {
    interval: agentPollMilliseconds,
    failureBase: agentPollMilliseconds,
    retryAfterMax: agentPollMilliseconds,
    whileWaitingForConfirmation: agentPollMilliseconds,
    duringUpdate: agentPollMilliseconds,
  },
  lease: { duration: 6_000, renewEvery: 2_000, actAgeMax: 4_000 },
  agentUpdate: { ownPodReadyBefore: 500, rehearsalMax: 30_000, readyDeadline: 15_000, watch: 1_000 },
  guard: { margin: 5_000, crashWindow: 60_000, notReady: 15_000 },
  profileUpdate: { preflightMax: 60_000, preflightAgeMax: 10_000 },
};

export async function startSandboxGateway(): Promise<SandboxGateway> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-attacker-'));
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
  };
  try {
    const postgres = await startTestPostgres();
    ends.push(() => postgres.stop());
    const database = await createTestDatabase(postgres.url);
    const args = ['--no-sandbox', '--poll-seconds', String(pollMilliseconds / 1000)];
    const [plane, publisher] = await Promise.all([
      startControlPlane(args, { databaseUrl: database.url }).then((started) => {
        ends.push(() => started.stop());
        return started;
      }),
      preparePublisher(folder),
    ]);
    // The first import sets the platform's version, so the newer release comes with the second.
    await publisher.publish(installedVersion, await agentOf(installedVersion));
    await importReleases(plane, publisher);
    const olderTimestamp = await readFile(path.join(publisher.repositoryDirectory, 'metadata', 'timestamp.json'));
    await publisher.publish(nextVersion, await agentOf(nextVersion));
    for (const version of unseenVersions) await publisher.publish(version, Buffer.from(`// agent ${version}`));
    await importReleases(plane, publisher);
    const { keys, targetsKeys } = publisher;
    const repository = openStolenRepository(publisher.repositoryDirectory, { keys, targetsKeys, olderTimestamp });
    const honestPort = Number(new URL(plane.server).port);
    const server = await startStolenServer({ honestPort, renewed: repository.renewed });
    ends.push(() => server.close());
    const sandboxDirectory = path.join(folder, 'sandbox');
    const marker = await makeMarker(folder);
    await pushToNodes(marker, sandboxDirectory);
    const root = repository.read('metadata', '1.root.json');
    await writeGatewaysFile(plane, sandboxDirectory, root);
    const sandbox = startSandboxProgram(server.url, sandboxDirectory);
    ends.push(() => sandbox.stop());

    const clusterFolder = path.join(sandboxDirectory, 'clusters', name);
    const gateway: SandboxGateway = {
      gateway: name,
      provider,
      plane,
      folder,
      server,
      repository,
      marker,
      admin: plane.client,
      agentDigest: repository.release(installedVersion).agent.digest,
      sql: (statement, values) => queryDatabase(database.url, statement, values),
      patience: { timeoutSeconds: 30, everyMilliseconds: 50 },
      findMarker: async () => {
        const state: unknown = JSON.parse(await readFile(path.join(clusterFolder, 'state.json'), 'utf8'));
        return findMarker(gateway, toObserved(state));
      },
      explain: async () => (await plane.gatehouse(['gateway', 'explain', name])).stdout,
      log: async () => (await readFile(path.join(clusterFolder, 'pods.log'), 'utf8')).split('\n'),
      events: async () => {
        const { items: events } = await plane.client.listGatewayEvents({
          params: { gateway: name },
          query: { limit: 500 },
        });
        return events.toSorted((a, b) => a.sequence - b.sequence);
      },
      stop,
    };
    let last: unknown;
    await waitFor(
      `${name} to be current`,
      async () => {
        const seen = await plane.client.getGateway({ params: { gateway: name } });
        last = { seen, log: (await gateway.log().catch(() => [])).slice(-30) };
        return seen.isCurrent && seen.agentVersion === installedVersion ? seen : undefined;
      },
      { timeoutSeconds: 60, explain: () => JSON.stringify(last, undefined, 1) + sandbox.output() },
    );
    return gateway;
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Publisher {
  readonly repositoryDirectory: string;
  readonly keys: StolenKeys;
  readonly targetsKeys: readonly ForgingKey[];
  readonly publish: (version: string, agentBundle: Uint8Array) => Promise<void>;
}

const agentOf = (version: string): Promise<Uint8Array> =>
  bundleAgent({ entry: path.join(repositoryRoot, 'agent/src/main.ts'), version });

async function importReleases(plane: ControlPlane, { repositoryDirectory }: Publisher): Promise<void> {
  const imported = await plane.gatehouse(['release', 'import', repositoryDirectory]);
  if (imported.exitCode !== 0) throw new Error(`release import failed: ${imported.stderr}`);
}

async function preparePublisher(folder: string): Promise<Publisher> {
  const repositoryDirectory = path.join(folder, 'repository');
  const keysDirectory = path.join(folder, 'keys');
  // Of root and targets two of three have to sign.
  const all = mustBeOk(await generateKeys(keysDirectory, { counts: { root: 3, targets: 3 } }));
  const keyOf = (role: 'targets' | 'snapshot' | 'timestamp') => {
    const key = all.find((one) => one.role === role);
    if (key === undefined) throw new Error(`no ${role} key was made`);
    return key;
  };
  return {
    repositoryDirectory,
    keys: { snapshot: keyOf('snapshot'), timestamp: keyOf('timestamp'), oneOfTargets: keyOf('targets') },
    targetsKeys: all.filter(({ role }) => role === 'targets'),
    publish: async (version, agentBundle) => {
      const sample = sampleSource(version === installedVersion ? installedVersion : nextVersion);
      const source = { ...sample, platformVersion: version, profileNeedsAgent: version };
      mustBeOk(await publishRelease({ repositoryDirectory, keysDirectory, source, agentBundle, now: new Date() }));
    },
  };
}

async function writeGatewaysFile(plane: ControlPlane, directory: string, root: Uint8Array): Promise<void> {
  const { client } = plane;
  const body = { name, installation: 'cli', provider, controlPlanes: 1, workers: 0 } as const;
  const { gateway } = await client.createGateway({ body });
  const { bundle } = await client.installGateway({ params: { gateway: gateway.id }, body: {} });
  const installed = {
    name,
    gatewayId: gateway.id,
    installation: 'cli',
    provider,
    controlPlanes: 1,
    workers: 0,
    registrationToken: bundle.registrationToken,
    root: Buffer.from(root).toString('base64'),
    release: installedVersion,
    timings,
  };
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'gateways.json'), JSON.stringify([installed]), { mode: 0o600 });
}

function startSandboxProgram(server: string, directory: string): Running {
  const program = path.join(repositoryRoot, 'agent/src/sandbox/main.ts');
  return start(process.execPath, [program, '--server', server, '--directory', directory], { cwd: repositoryRoot });
}

function toObserved(state: unknown): Observed {
  const releases = [
    ...items(state, 'pods').map((pod) => text(pod, 'release', 'digest')),
    ...items(state, 'replicaSets').map((set) => text(set, 'template', 'release', 'digest')),
    text(state, 'deployment', 'template', 'release', 'digest'),
  ];
  const objects = member(state, 'objects');
  if (typeof objects !== 'object' || objects === null) throw new Error('the simulated cluster keeps no objects');
  return {
    digests: [...new Set(releases.filter((digest) => digest !== undefined))],
    objects: [...Object.values(objects), member(state, 'clusterApi')].map((object: unknown) => JSON.stringify(object)),
  };
}

async function findMarker(
  { marker, agentDigest }: SandboxGateway,
  { digests, objects }: Observed,
): Promise<readonly string[]> {
  return [
    ...(await marker.traces()).map((role) => `the marker ran as ${role}`),
    ...digests.filter((digest) => digest !== agentDigest).map((digest) => `an agent ${digest} is on the gateway`),
    ...objects
      .filter((object) => object.includes(markerObjectName) || object.includes(marker.digest))
      .map((object) => `there is ${object}`),
  ];
}

function mustBeOk<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(reasonsText(outcome.reasons));
  return outcome.value;
}
