/**
 * The attacks on an agent once more, on a gateway that really runs: its image is one that nodes pull, the marker is one
 * that they could pull too, and whatever ran leaves pods, templates, Jobs and events behind.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gatewayNamespaces, objectNames } from '@gatehouse/release/object-names';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pushAgentImage } from '../../src/agent-images.ts';
import { agentAttacks } from '../../src/attacker/agent-attacks.ts';
import { fileAttacks } from '../../src/attacker/file-attacks.ts';
import { newKey } from '../../src/attacker/forge.ts';
import { signedAgent, telling } from '../../src/attacker/lies.ts';
import { settingAttacks } from '../../src/attacker/setting-attacks.ts';
import { openStolenRepository } from '../../src/attacker/stolen-repository.ts';
import { startStolenServer } from '../../src/attacker/stolen-server.ts';
import { type Victim, withstand } from '../../src/attacker/withstand.ts';
import {
  createRunningGateway,
  eventsOf,
  type KubernetesEnvironment,
  shortTimings,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { profileSource, releaseSource } from '../../src/kubernetes-releases.ts';

const provider = 'vsphere';
const installedVersion = '4.1.12';
const nextVersion = '4.2.7';
/** Releases whose documents no gateway has asked for yet. */
const unseenVersions = ['4.2.8', '4.2.9', '4.2.10', '4.2.11', '4.2.12', '4.2.13'];
const profile = profileSource({ version: installedVersion, kubernetes: '1.34.1', os: 'ubuntu-22.04' });
/**
 * Its owner keeps the profile of an existing cluster, so attacks on a profile belong to the sandbox's gateway; so do those
 * that give a release a bundle, which here would be refused for its length before anything else.
 */
const attacks = [
  ...agentAttacks,
  ...settingAttacks,
  ...fileAttacks.filter(({ name }) => !/profile|bundle|is the marker|whose agent/.test(name)),
];

/** After an answer that makes no sense the agent waits; here not for long. */
const timings = { ...shortTimings, poll: { interval: 1_000, failureBase: 500 } };

let environment: KubernetesEnvironment;
let victim: Victim;
let stopServer: (() => Promise<void>) | undefined;
let name: string;

beforeAll(async () => {
  const lab = providedKubernetesLab();
  const { registry } = lab;
  if (registry === undefined) throw new Error('The stories need a registry; see what was printed at the start.');
  environment = await startKubernetesEnvironment(lab);
  name = `victim-${environment.unique}`;
  // From the first poll on: what it changes is the honest target that came last.
  const honestPort = Number(new URL(environment.plane.server).port);
  const server = await startStolenServer({ honestPort, renewed: new Map() });
  stopServer = server.close;
  environment.sendAgentsTo(Number(new URL(server.url).port));
  const nowhere = () => pushAgentImage({ registry, version: installedVersion, behaviour: 'cannot-be-pulled' });
  const installed = await environment.pushAgent(installedVersion);
  await environment.publish(releaseSource({ version: installedVersion, agent: installed, profile, upgradeFrom: [] }));
  await environment.importReleases();
  await createRunningGateway(environment, name, [], { timings });

  const upgradeFrom = [installedVersion];
  const next = await environment.pushAgent(nextVersion);
  await environment.publish(releaseSource({ version: nextVersion, agent: next, profile, upgradeFrom }));
  for (const version of unseenVersions) {
    await environment.publish(releaseSource({ version, agent: await nowhere(), profile, upgradeFrom }));
  }
  await environment.importReleases();
  const { repositoryDirectory } = environment.publisher;
  const own = newKey();
  const repository = openStolenRepository(repositoryDirectory, {
    // No attack here signs with what a publisher keeps.
    keys: { snapshot: own, timestamp: own, oneOfTargets: own },
    targetsKeys: [own],
    olderTimestamp: await readFile(path.join(repositoryDirectory, 'metadata/timestamp.json')),
  });
  const marker = await pushAgentImage({ registry, version: '9.9.9', behaviour: 'stays' });
  const traces = () => found([marker.digest]);
  victim = {
    gateway: name,
    provider,
    admin: environment.plane.client,
    server,
    repository,
    marker: { bundle: Buffer.from('an image'), digest: marker.digest, traces },
    sql: async () => {
      throw new Error('this control plane keeps its database to itself');
    },
    patience: { timeoutSeconds: 30, everyMilliseconds: 250 },
    log: async () => {
      const flags = ['-l', `app.kubernetes.io/name=${objectNames.agent}`, '--tail=-1'];
      return (await inGateway(['logs', ...flags])).split('\n');
    },
    findMarker: () => found([marker.digest, next.digest]),
    explain: async () => (await environment.plane.gatehouse(['gateway', 'explain', name])).stdout,
  };
});

afterEach(() => {
  victim?.server.lie(undefined);
});
afterAll(async () => {
  if (name !== undefined) await environment?.removeGateway(name);
  await stopServer?.();
  await environment?.stop();
});

async function inGateway(args: readonly string[]): Promise<string> {
  const done = await environment.kubectl(['-n', gatewayNamespaces(name).agent, ...args]);
  expect(done.exitCode, done.stderr).toBe(0);
  return done.stdout;
}

/** Which of those images is in a pod, a template or a Job of the gateway, or was: its events tell what was pulled. */
async function found(digests: readonly string[]): Promise<readonly string[]> {
  const all = await inGateway(['get', 'pods,deployments,replicasets,jobs,events', '-o', 'json']);
  return digests.filter((digest) => all.includes(digest));
}

describe('an attacker with the server and its online keys, on a real Kubernetes', () => {
  it.each(attacks)('$name: $refusal', async (attack) => {
    await withstand(victim, attack);
  });

  it('leaves what was refused in the events of the gateway', async () => {
    const told = (await eventsOf(environment, name)).filter(({ type }) => type === 'target-refused');
    const reported = attacks.map(({ refusal }) => refusal).filter((refusal) => !refusal.startsWith('log:'));
    for (const code of new Set(reported)) {
      expect(told.map(({ message }) => message)).toContainEqual(expect.stringContaining(`(${code})`));
    }
  });

  it('could have run what is signed', async () => {
    victim.server.lie(telling({ agent: signedAgent(victim, nextVersion) }));
    const isThere = (seen: { agentVersion?: string }) => (seen.agentVersion === nextVersion ? true : undefined);
    await waitForGateway(environment, name, `to run agent ${nextVersion}`, isThere, 180);
    expect(await victim.marker.traces()).toEqual([]);
  });
});
