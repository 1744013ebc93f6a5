/**
 * A gateway that Gatehouse installs through Cluster API, and its profile updates: every node replaced, nothing repaved,
 * nothing new, only the OS. Two host clusters beside it live through all of that, and through the gateway's end, untouched.
 */

import { ProblemError } from '@gatehouse/contract/client';
import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { gatewayNamespaces } from '@gatehouse/release/object-names';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentImage } from '../../src/agent-images.ts';
import { kinds } from '../../src/cluster-view.ts';
import {
  type AuditTrail,
  beginAuditTrail,
  type HostCluster,
  hostClusterManifest,
  isControlPlane,
  isSettled,
  readyNodes,
  untouchables,
} from '../../src/host-clusters.ts';
import { member, number, text } from '../../src/json.ts';
import {
  eventsOf,
  type KubernetesEnvironment,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { configMap, namespace, pack, profileSource, releaseSource } from '../../src/kubernetes-releases.ts';
import { waitFor } from '../../src/program.ts';
import { type Sample, sampleRoll } from '../../src/roll-samples.ts';

const lab = providedKubernetesLab();
let environment: KubernetesEnvironment;
let name: string;
let clusterNamespace: string;
let packsNamespace: string;
let hostClusters: readonly HostCluster[];
let hostsBefore: Readonly<Record<string, unknown>>;
let auditTrail: AuditTrail | undefined;
let agents: { readonly first: AgentImage; readonly second: AgentImage };

const second = '6.1.0';
const allControlPlanesUpdated = 'all control planes are updated';

/** The profiles, by the version of the release that first has them. */
function profiles() {
  const inPacks = (objectName: string, data: Readonly<Record<string, string>>) =>
    configMap(packsNamespace, objectName, data);
  const network = (version: string, mtu: number, more: ReturnType<typeof inPacks>[] = []) =>
    pack('net', version, {
      values: { mtu, encapsulation: 'VXLAN' },
      objects: [namespace(packsNamespace), inPacks('net', { mtu: String(mtu) }), ...more],
    });
  const storage = (password: string) =>
    pack('disk', '1.0.0', { values: { password, replicas: 2 }, secretPaths: ['password'], objects: [] });
  const cloud = (kubernetes: string) =>
    pack('cloud', kubernetes, { beforeNodes: true, objects: [inPacks('cloud', { kubernetes })] });
  const metrics = (version: string) => pack('metrics', version, { objects: [inPacks('metrics', { version })] });
  return {
    '6.0.0': profileSource({
      version: '6.0.0',
      kubernetes: '1.33.5',
      os: 'ubuntu-22.04-a',
      network: [network('1.0.0', 1480, [inPacks('net-legacy', { used: 'no more' })])],
      storage: [storage('the-first-secret')],
      addOns: [cloud('1.33.0'), metrics('1.0.0')],
    }),
    '6.1.0': profileSource({
      version: '6.1.0',
      kubernetes: '1.34.1',
      os: 'ubuntu-22.04-b',
      network: [network('1.1.0', 1450)],
      storage: [storage('the-second-secret')],
      addOns: [cloud('1.34.0'), metrics('1.0.0')],
    }),
    '6.2.0': profileSource({
      version: '6.2.0',
      kubernetes: '1.34.1',
      os: 'ubuntu-22.04-b',
      network: [network('1.1.0', 1450)],
      storage: [storage('the-second-secret')],
      addOns: [cloud('1.34.0'), metrics('1.1.0')],
    }),
    '6.4.0': profileSource({
      version: '6.4.0',
      kubernetes: '1.34.1',
      os: 'ubuntu-22.04-c',
      network: [network('1.1.0', 1450)],
      storage: [storage('the-second-secret')],
      addOns: [cloud('1.34.0'), metrics('1.1.0')],
    }),
  };
}

async function movePlatform(
  to: string,
  from: string,
  profile: keyof ReturnType<typeof profiles>,
  agent: AgentImage & { readonly version?: string },
): Promise<void> {
  await environment.publish(releaseSource({ version: to, agent, profile: profiles()[profile], upgradeFrom: [from] }));
  await environment.importReleases();
  const upgrade = await environment.plane.gatehouse(['platform', 'upgrade', to]);
  expect(upgrade.exitCode, upgrade.stderr).toBe(0);
}

beforeAll(async () => {
  environment = await startKubernetesEnvironment(lab, { https: 'own' });
  const { unique } = environment;
  name = `site-b-${unique}`;
  clusterNamespace = gatewayNamespaces(name).cluster;
  packsNamespace = `packs-${unique}`;
  hostClusters = ['one', 'two'].map((which) => ({ name: `host-${which}`, namespace: `host-${which}-${unique}` }));
  for (const hostCluster of hostClusters) {
    const made = await environment.kubectl(['apply', '-f', '-'], hostClusterManifest(hostCluster));
    if (made.exitCode !== 0) throw new Error(`No host cluster, so no story: is Cluster API there? ${made.stderr}`);
  }
  agents = { first: await environment.pushAgent('6.0.0'), second: await environment.pushAgent(second) };
  await environment.publish(
    releaseSource({ version: '6.0.0', agent: agents.first, profile: profiles()['6.0.0'], upgradeFrom: [] }),
  );
  await environment.importReleases();
  if (lab.auditLogPath !== undefined) auditTrail = await beginAuditTrail(lab.auditLogPath);
});

afterAll(async () => {
  await environment?.removeGateway(name);
  for (const one of [packsNamespace, ...(hostClusters ?? []).map((hostCluster) => hostCluster.namespace)]) {
    if (one !== undefined) await environment?.removeNamespace(one);
  }
  await environment?.stop();
});

const params = () => ({ gateway: name });

/** The code that a confirmation of this plan is refused with. */
async function refusalOf(planId: string): Promise<string> {
  try {
    await environment.plane.client.confirmProfileUpdate({ params: params(), body: { planId } });
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.code;
    throw error;
  }
  return 'accepted';
}

async function availableUpdate(version: string, timeoutSeconds: number): Promise<ProfileUpdate> {
  await waitForGateway(
    environment,
    name,
    `to have the profile ${version} available`,
    (seen) => (seen.updatesAvailable && seen.availableProfileVersion === version ? true : undefined),
    timeoutSeconds,
  );
  return environment.plane.client.getProfileUpdate({ params: params() });
}

async function confirmed(version: string): Promise<void> {
  const { planId } = await availableUpdate(version, 60);
  const done = await environment.plane.gatehouse(['profile-update', 'confirm', name, '--plan', planId, '--yes']);
  expect(done.exitCode, done.stderr).toBe(0);
}

const waitUntilCurrentWith = (version: string, timeoutSeconds: number) =>
  waitForGateway(
    environment,
    name,
    `to be current with profile ${version}`,
    (seen) => (seen.isCurrent && seen.profileVersion === version && seen.status === 'Running' ? true : undefined),
    timeoutSeconds,
  );

const machines = () => environment.cluster.list(kinds.machine, { namespace: clusterNamespace });

async function machineNames(): Promise<ReadonlySet<string>> {
  return new Set((await machines()).map((machine) => machine.metadata.name));
}

async function packData(objectName: string): Promise<unknown> {
  return member(await environment.cluster.find(kinds.configMap, objectName, packsNamespace), 'data');
}

/** Messages of the events after that sequence, oldest first. */
async function messagesAfter(sequence: number): Promise<readonly string[]> {
  const events = await eventsOf(environment, name);
  return events.filter((event) => event.sequence > sequence).map(({ message }) => message);
}

async function lastSequence(): Promise<number> {
  return (await eventsOf(environment, name)).at(-1)?.sequence ?? 0;
}

describe('a gateway that is installed through Cluster API, in order', () => {
  it('gateway install brings it from Pending over Provisioning to Running', async () => {
    const size = ['--control-planes', '3', '--workers', '1'];
    const where = ['--kubeconfig', lab.kubeconfigPath, '--keep-management'];
    const install = environment.plane.startGatehouse(['gateway', 'install', name, ...where, ...size]);
    try {
      await install.waitForOutput('Provisioning', 120);
      expect(await refusalOf(`sha256:${'0'.repeat(64)}`)).toBe('gateway-provisioning');
      await install.waitForOutput(`${name}: Running`, 300);
    } finally {
      await install.stop();
    }
    const status = (await eventsOf(environment, name)).filter(({ type }) => type === 'status-changed');
    expect(status.map(({ message }) => message)).toEqual([
      'Status: Pending → Provisioning',
      'Status: Provisioning → Running',
    ]);
    const gateway = await waitForGateway(
      environment,
      name,
      'to be current',
      (seen) => (seen.isCurrent ? seen : undefined),
      30,
    );
    expect(gateway).toMatchObject({ agentVersion: '6.0.0', profileVersion: '6.0.0', controlPlanes: 3, workers: 1 });
    expect(gateway.nodes.map(({ role }) => role).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'control-plane',
      'control-plane',
      'control-plane',
      'worker',
    ]);
    expect([await packData('net'), await packData('net-legacy'), await packData('cloud')]).toEqual([
      { mtu: '1480' },
      { used: 'no more' },
      { kubernetes: '1.33.0' },
    ]);
  });

  it('two host clusters are recorded, and what they are is noted', async () => {
    for (const hostCluster of hostClusters) {
      const args = [
        'host-cluster',
        'create',
        hostCluster.name,
        '--gateway',
        name,
        '--namespace',
        hostCluster.namespace,
      ];
      const created = await environment.plane.gatehouse(args);
      expect(created.exitCode, created.stderr).toBe(0);
      await waitFor(
        `the host cluster ${hostCluster.name} to be settled`,
        async () => ((await isSettled(environment.cluster, hostCluster)) ? true : undefined),
        { timeoutSeconds: 120, everyMilliseconds: 1000 },
      );
    }
    hostsBefore = await untouchables(environment.cluster, hostClusters);
    expect(Object.keys(hostsBefore).filter((one) => one.startsWith('Machine '))).toHaveLength(4);
    expect(Object.keys(hostsBefore).filter((one) => one.startsWith('Secret '))).not.toEqual([]);
  });

  it('the platform moves: the agent goes first and replaces no node, then a profile update is available', async () => {
    const before = await machineNames();
    await movePlatform(second, '6.0.0', '6.1.0', agents.second);
    await waitForGateway(
      environment,
      name,
      'to have its new agent',
      (seen) => (seen.agentVersion === second && seen.agentUpdate?.phase === 'settled' ? true : undefined),
      300,
    );
    const update = await availableUpdate('6.1.0', 60);
    expect(await machineNames()).toEqual(before);
    expect(update).toMatchObject({ phase: 'available', from: { version: '6.0.0' }, to: { version: '6.1.0' } });
    expect(update.summary).toMatchObject({ downtime: 'possible' });
    expect(update.summary.layersMoved).toEqual(['os', 'kubernetes', 'network', 'storage', 'add-ons']);
    expect(update.summary.deletes).toEqual([expect.stringContaining('net-legacy')]);
    expect(update.summary.repaves).toHaveLength(4);
    const shown = await environment.plane.gatehouse(['profile-update', 'diff', name]);
    expect(shown.stdout).toContain('Current Configuration');
    expect(shown.stdout).toContain('Pending Configuration');
    expect(shown.stdout).toContain(update.planId);
    expect(shown.stdout).not.toMatch(/the-(first|second)-secret/);
  });

  it('a plan that no longer holds is refused with the new difference', async () => {
    const old = await environment.plane.client.getProfileUpdate({ params: params() });
    // The plan names the nodes that it replaces, and its worker is another one now.
    const worker = (await machines()).find((machine) => !isControlPlane(machine));
    const machine = ['machines.cluster.x-k8s.io', worker?.metadata.name ?? '', '--wait=false'];
    const deleted = await environment.kubectl(['-n', clusterNamespace, 'delete', ...machine]);
    expect(deleted.exitCode, deleted.stderr).toBe(0);
    await waitFor(
      'another worker to be ready',
      async () => {
        const workers = (await machines()).filter((machine) => !isControlPlane(machine));
        const isOther = workers.length === 1 && workers[0]?.metadata.name !== worker?.metadata.name;
        return isOther && readyNodes(workers) === 1 ? true : undefined;
      },
      { timeoutSeconds: 120, everyMilliseconds: 500 },
    );
    const now = await waitFor(
      'another plan',
      async () => {
        const update = await environment.plane.client.getProfileUpdate({ params: params() });
        return update.planId !== old.planId && update.summary.repaves.length === 4 ? update : undefined;
      },
      { timeoutSeconds: 60, everyMilliseconds: 500 },
    );
    expect(await refusalOf(old.planId)).toBe('plan-changed');
    const again = ['profile-update', 'confirm', name, '--plan', old.planId, '--yes'];
    const refused = await environment.plane.gatehouse(again);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('Pending Configuration');
    expect(refused.stderr).toContain(now.planId);
    expect((await eventsOf(environment, name)).filter(({ type }) => type === 'profile-update-confirmed')).toEqual([]);
  });

  it('confirmed twice it is confirmed once, and every node is replaced, one control plane at a time', async ({
    annotate,
  }) => {
    const { plane } = environment;
    const before = await plane.client.getGateway({ params: params() });
    const { planId } = await plane.client.getProfileUpdate({ params: params() });
    const machinesBefore = await machineNames();
    const sequence = await lastSequence();
    const samples = sampleRoll(environment.cluster, { cluster: clusterNamespace, packs: packsNamespace });
    let taken: readonly Sample[];
    try {
      const confirm = () => plane.client.confirmProfileUpdate({ params: params(), body: { planId } });
      const replies = await Promise.all([confirm(), confirm()]);
      expect(replies[0]).toMatchObject({ planId, generation: before.generation + 1 });
      expect(replies[0]?.message).toMatch(/^Confirmed\. Starts with the next poll/);
      expect(replies[1]).toEqual(replies[0]);
      await waitForGateway(
        environment,
        name,
        'to be Updating',
        ({ status }) => (status === 'Updating' ? true : undefined),
        30,
      );
      await waitUntilCurrentWith('6.1.0', 420);
    } finally {
      taken = await samples.stop();
    }
    const messages = await messagesAfter(sequence);
    const { items: records } = await plane.client.listAudit({ query: { action: 'profile-update.confirm' } });
    const events = (await eventsOf(environment, name)).filter(({ type }) => type === 'profile-update-confirmed');
    expect({ events: events.length, records: records.length }).toEqual({ events: 1, records: 1 });

    // By Kubernetes itself, each second. A count that Cluster API could not take (it says so) is no count.
    expect(Math.min(...taken.map((sample) => sample.readyControlPlanes))).toBe(3);
    const counted = taken.filter((sample) => sample.isCounted);
    expect(counted.length).toBeGreaterThan(taken.length / 2);
    expect(Math.min(...counted.map((sample) => sample.readyReplicas))).toBeGreaterThanOrEqual(3);
    expect(Math.max(...taken.map((sample) => sample.controlPlanes))).toBe(4);
    await annotate(`${taken.length} samples, of which ${taken.length - counted.length} without a count by Cluster API`);

    // Packs before the nodes, control planes, workers, packs; then done.
    const order = [
      'pack cloud',
      allControlPlanesUpdated,
      'all workers are updated',
      'pack net',
      'profile update completed',
    ];
    const places = order.map((part) => messages.findIndex((message) => message.includes(part)));
    expect(places, messages.join('\n')).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    for (const once of [allControlPlanesUpdated, 'all workers are updated', 'profile update completed']) {
      expect(messages.filter((message) => message === once)).toHaveLength(1);
    }
    const firstWith = (isSo: (sample: Sample) => boolean) => taken.findIndex(isSo);
    const isNew = (machineName: string) => !machinesBefore.has(machineName);
    const newControlPlane = firstWith((sample) => sample.controlPlaneNames.some(isNew));
    const lastOldControlPlane = taken.findLastIndex((sample) => sample.controlPlaneNames.some((one) => !isNew(one)));
    const newWorker = firstWith((sample) => sample.workerNames.some(isNew));
    const lastOldWorker = taken.findLastIndex((sample) => sample.workerNames.some((one) => !isNew(one)));
    expect(firstWith((sample) => sample.packs['cloud'] === '1.34.0')).toBeLessThanOrEqual(newControlPlane);
    expect(newWorker).toBeGreaterThanOrEqual(lastOldControlPlane);
    expect(firstWith((sample) => sample.packs['net'] === '1450')).toBeGreaterThan(lastOldWorker);

    const after = await machines();
    expect(after.map((machine) => text(machine, 'spec', 'version'))).toEqual(Array(4).fill('v1.34.1'));
    expect(after.filter((machine) => machinesBefore.has(machine.metadata.name))).toEqual([]);
    expect([await packData('net'), await packData('net-legacy')]).toEqual([{ mtu: '1450' }, undefined]);
    // A namespace is never deleted, and what stays is the pack's.
    expect(await environment.cluster.find(kinds.namespace, packsNamespace)).toBeDefined();
  });

  it('an update that repaves nothing moves packs alone, and says all the same that the control planes are updated', async () => {
    const before = await machineNames();
    const [controlPlane] = await environment.cluster.list(kinds.controlPlane, { namespace: clusterNamespace });
    await movePlatform('6.2.0', second, '6.2.0', { ...agents.second, version: second });
    const update = await availableUpdate('6.2.0', 60);
    expect(update.summary).toMatchObject({ repaves: [], downtime: 'not-expected', layersMoved: ['add-ons'] });
    const sequence = await lastSequence();
    await confirmed('6.2.0');
    await waitUntilCurrentWith('6.2.0', 120);
    const messages = await messagesAfter(sequence);
    expect(messages.filter((message) => message === allControlPlanesUpdated)).toHaveLength(1);
    expect(await packData('metrics')).toEqual({ version: '1.1.0' });
    expect(await machineNames()).toEqual(before);
    const [after] = await environment.cluster.list(kinds.controlPlane, { namespace: clusterNamespace });
    expect(after?.metadata.generation).toBe(controlPlane?.metadata.generation);
  });

  it('a release with the same profile digest brings no plan', async () => {
    await movePlatform('6.3.0', '6.2.0', '6.2.0', { ...agents.second, version: second });
    const gateway = await environment.plane.client.getGateway({ params: params() });
    expect(gateway).toMatchObject({ isCurrent: true, updatesAvailable: false, profileVersion: '6.2.0' });
    const diff = await environment.plane.gatehouse(['profile-update', 'diff', name]);
    expect(diff.stdout + diff.stderr).not.toContain('6.3.0');
    const told = (await eventsOf(environment, name)).filter(({ type }) => type === 'profile-available');
    expect(told.map(({ message }) => message)).toEqual(['Profile 6.1.0 is available', 'Profile 6.2.0 is available']);
  });

  it('where only the OS moves, the workers still wait for the control planes', async () => {
    await movePlatform('6.4.0', '6.3.0', '6.4.0', { ...agents.second, version: second });
    const machinesBefore = await machineNames();
    const sequence = await lastSequence();
    await confirmed('6.4.0');
    const samples = sampleRoll(environment.cluster, { cluster: clusterNamespace, packs: packsNamespace });
    let taken: readonly Sample[];
    try {
      await waitUntilCurrentWith('6.4.0', 300);
    } finally {
      taken = await samples.stop();
    }
    const isNew = (machineName: string) => !machinesBefore.has(machineName);
    const lastOldControlPlane = taken.findLastIndex((sample) => sample.controlPlaneNames.some((one) => !isNew(one)));
    expect(taken.findIndex((sample) => sample.workerNames.some(isNew))).toBeGreaterThanOrEqual(lastOldControlPlane);
    expect(Math.min(...taken.map((sample) => sample.readyControlPlanes))).toBe(3);
    expect((await machines()).filter((machine) => !isNew(machine.metadata.name))).toEqual([]);
    const messages = await messagesAfter(sequence);
    expect(messages.filter((message) => message === allControlPlanesUpdated)).toHaveLength(1);
    const cluster = await environment.cluster.find(kinds.cluster, name, clusterNamespace);
    expect(member(cluster, 'spec', 'topology', 'variables')).toEqual([{ name: 'osImage', value: 'ubuntu-22.04-c' }]);
    expect(member(cluster, 'spec', 'topology', 'controlPlane', 'variables')).toBeUndefined();
    expect(number(cluster, 'spec', 'topology', 'controlPlane', 'replicas')).toBe(3);
  });

  it('the host clusters are what they were: same objects, nothing about them changed', async () => {
    expect(await untouchables(environment.cluster, hostClusters)).toEqual(hostsBefore);
    const listed = await environment.plane.gatehouse(['host-cluster', 'list', '--gateway', name, '-o', 'name']);
    expect(listed.stdout.trimEnd().split('\n')).toEqual(hostClusters.map((hostCluster) => hostCluster.name));
  });

  it('no account of the gateway has written where it must not', async () => {
    if (auditTrail === undefined) {
      console.error('Who wrote what cannot be checked here: the cluster of KUBECONFIG gives no audit log.');
      return;
    }
    const writes = await auditTrail.writesOf(name);
    const own = Object.values(gatewayNamespaces(name));
    const rolls = writes.filter(({ resource, verb }) => resource === 'clusters' && verb === 'patch');
    // The trail does hold what the gateway may do, so that an empty answer below means something.
    expect(rolls.length).toBeGreaterThanOrEqual(3);
    expect(rolls.filter((write) => write.namespace !== clusterNamespace || write.name !== name)).toEqual([]);
    expect(writes.filter((write) => ![...own, packsNamespace, ''].includes(write.namespace))).toEqual([]);
    const cluster = writes.filter((write) => write.namespace === '' && write.name !== packsNamespace);
    // Asking the API server who one is, and what one may, is a create that changes nothing.
    expect(cluster.filter(({ resource }) => !resource.startsWith('self') && resource !== 'tokenreviews')).toEqual([]);
  });

  it('gateway delete ends the gateway, and its host clusters go on', async () => {
    const { id } = await environment.plane.client.getGateway({ params: params() });
    const deleted = await environment.plane.gatehouse(['gateway', 'delete', name, '--yes']);
    expect(deleted.exitCode, deleted.stderr).toBe(0);
    await waitForGateway(
      environment,
      id,
      'to be Deleted',
      ({ status }) => (status === 'Deleted' ? true : undefined),
      60,
    );
    expect(await untouchables(environment.cluster, hostClusters)).toEqual(hostsBefore);
  });
});
