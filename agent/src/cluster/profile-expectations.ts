/**
 * What Cluster API must do under a profile update, over the simulated and the real one alike: the order of the nodes,
 * what tells that they are updated and what does not, what is refused (agent-protocol.md §6). Each test begins with a
 * gateway of three control planes and two workers at rest.
 */

import type { ObservedClusterApi, ObservedMachine, ObservedReplicas } from '@gatehouse/domain/gateway';
import type { KubernetesObject } from '@gatehouse/domain/profile';
import type { KubernetesVersion } from '@gatehouse/domain/version';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster, ProfileCluster, TopologyPatch, WriteResult } from './cluster.ts';

export interface ProfileClusterUnderTest {
  readonly cluster: Cluster;
  /** What it begins with; the next minor; the minor after that; one minor lower. */
  readonly versions: {
    readonly from: KubernetesVersion;
    readonly next: KubernetesVersion;
    readonly afterNext: KubernetesVersion;
    readonly lower: KubernetesVersion;
  };
  /** The release's OS variable, what it begins with, another one, and one whose machines never start. */
  readonly os: {
    readonly variable: string;
    readonly from: string;
    readonly to: string;
    readonly neverStarts: string;
  };
  /** A namespace that exists and in which objects may be applied. */
  readonly namespace: string;
  readonly owner: {
    pauseCluster(isPaused: boolean): Promise<void>;
    /** Sets entries of a ConfigMap in `namespace`, as `kubectl edit` does. */
    editConfigMap(name: string, data: Readonly<Record<string, string>>): Promise<void>;
  };
  /** As in `cluster-expectations.ts`. */
  waitFor<T>(what: string, seconds: number, read: () => Promise<T | undefined>): Promise<T>;
  dispose(): Promise<void>;
}

const rollSeconds = 300;

export function describeProfileCluster(name: string, makeCluster: () => Promise<ProfileClusterUnderTest>): void {
  describe(name, () => {
    let world: ProfileClusterUnderTest;
    let profile: ProfileCluster;

    beforeEach(async () => {
      world = await makeCluster();
      if (world.cluster.profile === undefined) throw new Error('the cluster keeps no profile');
      profile = world.cluster.profile;
    });
    afterEach(async () => {
      await world.dispose();
    });

    /** Waits until it holds, and answers everything that was seen on the way, the last one included. */
    async function watchUntil(
      what: string,
      isReached: (seen: ObservedClusterApi) => boolean,
    ): Promise<readonly ObservedClusterApi[]> {
      const seen: ObservedClusterApi[] = [];
      await world.waitFor(what, rollSeconds, async () => {
        const now = await profile.readClusterApi();
        seen.push(now);
        return isReached(now) ? true : undefined;
      });
      return seen;
    }

    /** Controllers write too: what met a conflict is ordered again, as the agent does with its next look. */
    const untilTaken = (order: () => Promise<WriteResult>): Promise<WriteResult> =>
      world.waitFor('an order that nobody else wrote into', 30, async () => {
        const result = await order();
        return result === 'conflict' ? undefined : result;
      });

    const orderTopology = (patch: TopologyPatch): Promise<WriteResult> =>
      untilTaken(async () => {
        await profile.readClusterApi();
        return profile.patchTopology(patch);
      });

    /** KCP says 0 for a moment when it cannot ask etcd, also in a healthy roll; then its Machines with a node are counted. */
    const controlPlanesReady = ({ controlPlane, machines }: ObservedClusterApi): number =>
      controlPlane.ready > 0
        ? controlPlane.ready
        : machines.filter(
            ({ role, nodeName, isDeleting }) => role === 'control-plane' && nodeName !== undefined && !isDeleting,
          ).length;

    const machinesOf = (seen: ObservedClusterApi, role: ObservedMachine['role']): readonly string[] =>
      seen.machines
        .filter((machine) => machine.role === role)
        .map((machine) => machine.name)
        .toSorted();

    const isSettled = (replicas: ObservedReplicas, version: KubernetesVersion): boolean =>
      replicas.isObserved &&
      replicas.specVersion === version &&
      (replicas.statusVersion === undefined || replicas.statusVersion === version) &&
      [replicas.replicas, replicas.ready, replicas.available, replicas.upToDate].every(
        (count) => count === replicas.wanted,
      ) &&
      replicas.isRollingOut === false;

    const areControlPlanesOn = (seen: ObservedClusterApi, version: KubernetesVersion): boolean =>
      seen.isObserved &&
      isSettled(seen.controlPlane, version) &&
      !seen.machines.some((machine) => machine.role === 'control-plane' && machine.isDeleting);

    const areWorkersOn = (seen: ObservedClusterApi, version: KubernetesVersion): boolean =>
      seen.isObserved && seen.isTopologyReconciled && seen.workers.every((workers) => isSettled(workers, version));

    it('is at rest to begin with', async () => {
      const seen = await profile.readClusterApi();
      const { versions, os } = world;
      expect(areControlPlanesOn(seen, versions.from) && areWorkersOn(seen, versions.from)).toBe(true);
      expect(seen).toMatchObject({
        topologyVersion: versions.from,
        isPaused: false,
        isControlPlaneAvailable: true,
        isEtcdHealthy: true,
        controlPlaneOverrides: {},
      });
      expect(seen.topologyVariables[os.variable]).toBe(os.from);
      expect(seen.controlPlane).toMatchObject({ wanted: 3, specOs: os.from });
      expect(seen.machines).toHaveLength(5);
      expect(seen.machines.every((machine) => machine.nodeName !== undefined && !machine.isDeleting)).toBe(true);
      const nodes = await world.cluster.listNodes();
      expect(nodes.map((node) => node.role).toSorted()).toEqual([
        'control-plane',
        'control-plane',
        'control-plane',
        'worker',
        'worker',
      ]);
      expect(nodes.every((node) => node.ready === true && node.kubernetesVersion === versions.from)).toBe(true);
    });

    it('moves one minor up: control planes one by one, then the workers', async () => {
      const { versions } = world;
      const before = await profile.readClusterApi();
      expect(await orderTopology({ version: versions.next })).toBe('written');
      const seen = await watchUntil('the control planes are updated', (now) => areControlPlanesOn(now, versions.next));

      expect(Math.min(...seen.map(controlPlanesReady))).toBeGreaterThanOrEqual(3);
      expect(Math.max(...seen.map(({ controlPlane }) => controlPlane.replicas))).toBe(4);
      expect(seen.some(({ controlPlane }) => controlPlane.isRollingOut === true)).toBe(true);
      // All up to date, and one of the old ones still there: upToDate alone comes too early.
      expect(seen.some(({ controlPlane }) => controlPlane.upToDate === 3 && controlPlane.replicas === 4)).toBe(true);
      const last = seen.at(-1);
      if (last === undefined) throw new Error('nothing was seen');
      expect(machinesOf(last, 'control-plane')).not.toEqual(machinesOf(before, 'control-plane'));
      expect(machinesOf(last, 'worker')).toEqual(machinesOf(before, 'worker'));

      const rest = await watchUntil('the workers are updated', (now) => areWorkersOn(now, versions.next));
      const end = rest.at(-1);
      if (end === undefined) throw new Error('nothing was seen');
      expect(machinesOf(end, 'control-plane')).toEqual(machinesOf(last, 'control-plane'));
      expect(machinesOf(end, 'worker').some((machine) => machinesOf(before, 'worker').includes(machine))).toBe(false);
      await world.waitFor('the nodes say the new version', rollSeconds, async () => {
        const nodes = await world.cluster.listNodes();
        return nodes.length === 5 && nodes.every((node) => node.kubernetesVersion === versions.next) ? true : undefined;
      });
      expect(await world.cluster.readKubernetesVersion()).toBeDefined();
    });

    it('refuses a second version in the middle, a lower one and two minors at once', async () => {
      const { versions } = world;
      expect(await orderTopology({ version: versions.lower })).toMatchObject({ kind: 'refused' });
      expect(await orderTopology({ version: versions.afterNext })).toMatchObject({ kind: 'refused' });
      expect(await orderTopology({ version: versions.next })).toBe('written');
      await watchUntil('it rolls', ({ controlPlane }) => controlPlane.isRollingOut === true);
      await world.waitFor('a patch that saw the last state', 30, async () => {
        await profile.readClusterApi();
        const result = await profile.patchTopology({ version: versions.afterNext });
        expect(result).not.toBe('written');
        return result === 'conflict' ? undefined : true;
      });
      expect((await profile.readClusterApi()).topologyVersion).toBe(versions.next);
    });

    it('takes a patch only when it saw the last one', async () => {
      const { os } = world;
      expect(await orderTopology({ controlPlaneOverrides: { [os.variable]: os.to } })).toBe('written');
      expect(await profile.patchTopology({ controlPlaneOverrides: {} })).toBe('conflict');
      expect((await profile.readClusterApi()).controlPlaneOverrides).toEqual({ [os.variable]: os.to });
    });

    it('moves the OS alone in two patches: first the control planes, then the workers', async () => {
      const { versions, os } = world;
      const before = await profile.readClusterApi();
      expect(await orderTopology({ controlPlaneOverrides: { [os.variable]: os.to } })).toBe('written');
      const first = (
        await watchUntil(
          'the control planes are replaced',
          (now) =>
            areControlPlanesOn(now, versions.from) &&
            now.controlPlane.specOs === os.to &&
            machinesOf(before, 'control-plane').every((machine) => !machinesOf(now, 'control-plane').includes(machine)),
        )
      ).at(-1);
      if (first === undefined) throw new Error('nothing was seen');
      expect(machinesOf(first, 'worker')).toEqual(machinesOf(before, 'worker'));

      await world.waitFor('the second patch', 30, async () => {
        await profile.readClusterApi();
        const result = await profile.patchTopology({ variables: { [os.variable]: os.to }, controlPlaneOverrides: {} });
        return result === 'written' ? true : undefined;
      });
      const second = (
        await watchUntil(
          'the workers are replaced',
          (now) =>
            areWorkersOn(now, versions.from) &&
            machinesOf(before, 'worker').every((machine) => !machinesOf(now, 'worker').includes(machine)),
        )
      ).at(-1);
      if (second === undefined) throw new Error('nothing was seen');
      expect(machinesOf(second, 'control-plane')).toEqual(machinesOf(first, 'control-plane'));
      expect(second.controlPlaneOverrides).toEqual({});
      expect(second.topologyVariables[os.variable]).toBe(os.to);
    });

    it('leaves alone what works when the new machine never starts, and goes on with the next after it was deleted', async () => {
      const { os } = world;
      const before = await profile.readClusterApi();
      expect(await orderTopology({ controlPlaneOverrides: { [os.variable]: os.neverStarts } })).toBe('written');
      const isNew = (machine: ObservedMachine) => !before.machines.some((old) => old.name === machine.name);
      const stuck = await world.waitFor('the new machine', rollSeconds, async () =>
        (await profile.readClusterApi()).machines.find(isNew),
      );
      expect(stuck.nodeName).toBeUndefined();
      const withNode = before.machines.find((machine) => machine.role === 'control-plane');
      expect(await profile.deleteMachine(withNode?.name ?? '')).toMatchObject({ kind: 'refused' });
      expect(await profile.deleteMachine('no-such-machine')).not.toBe('conflict');
      expect(await untilTaken(() => profile.deleteMachine(stuck.name))).toBe('written');
      const next = await world.waitFor('another new machine', rollSeconds, async () =>
        (await profile.readClusterApi()).machines.find((machine) => isNew(machine) && machine.name !== stuck.name),
      );
      expect(next.nodeName).toBeUndefined();
      const now = await profile.readClusterApi();
      expect(machinesOf(before, 'control-plane').every((old) => machinesOf(now, 'control-plane').includes(old))).toBe(
        true,
      );
      expect(controlPlanesReady(now)).toBeGreaterThanOrEqual(3);
    });

    it('begins no new machine while it is paused, and goes on afterwards', async () => {
      const { os } = world;
      const before = await profile.readClusterApi();
      await world.owner.pauseCluster(true);
      await watchUntil('the pause is seen', ({ isPaused }) => isPaused);
      // The controllers still write down the pause themselves.
      expect(await orderTopology({ controlPlaneOverrides: { [os.variable]: os.to } })).toBe('written');
      const paused = await profile.readClusterApi();
      expect(paused.machines.map((machine) => machine.name).toSorted()).toEqual(
        before.machines.map((machine) => machine.name).toSorted(),
      );
      expect(paused.isTopologyReconciled).toBe(false);
      await world.owner.pauseCluster(false);
      await watchUntil('a new machine', (now) => now.machines.length > before.machines.length);
    });

    describe('objects', () => {
      const configMap = (data: Readonly<Record<string, string>>): KubernetesObject => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'expected', namespace: world.namespace },
        data,
      });
      const reference = () => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: world.namespace,
        name: 'expected',
      });

      it('are applied as a whole, read back and deleted, each also twice', async () => {
        expect(await profile.readObject(reference())).toBeUndefined();
        expect(await profile.applyObject(configMap({ a: '1', b: '2' }), { dryRun: false })).toBe('written');
        expect(await profile.applyObject(configMap({ a: '1', b: '2' }), { dryRun: false })).toBe('written');
        expect(await profile.readObject(reference())).toMatchObject({ kind: 'ConfigMap', data: { a: '1', b: '2' } });
        await profile.applyObject(configMap({ a: '3' }), { dryRun: false });
        expect((await profile.readObject(reference()))?.['data']).toEqual({ a: '3' });
        expect(await profile.deleteObject(reference())).toBe('written');
        expect(await profile.deleteObject(reference())).toBe('written');
        expect(await profile.readObject(reference())).toBeUndefined();
      });

      it('are put right when somebody changed or deleted them, and what others set beside ours stays', async () => {
        await profile.applyObject(configMap({ a: '1', b: '2' }), { dryRun: false });
        expect(await profile.keepObject(configMap({ a: '1', b: '2' }))).toEqual({ kind: 'same' });
        await world.owner.editConfigMap('expected', { a: 'other', theirs: 'x' });
        expect(await profile.keepObject(configMap({ a: '1', b: '2' }))).toEqual({
          kind: 'repaired',
          by: ['kubectl-edit'],
        });
        expect((await profile.readObject(reference()))?.['data']).toEqual({ a: '1', b: '2', theirs: 'x' });
        await world.owner.editConfigMap('expected', { theirs: 'y' });
        expect(await profile.keepObject(configMap({ a: '1', b: '2' }))).toEqual({ kind: 'same' });
        expect((await profile.readObject(reference()))?.['data']).toEqual({ a: '1', b: '2', theirs: 'y' });
        await profile.deleteObject(reference());
        expect(await profile.keepObject(configMap({ a: '1' }))).toEqual({ kind: 'made-again' });
        expect((await profile.readObject(reference()))?.['data']).toEqual({ a: '1' });
        await profile.deleteObject(reference());
      });

      it('are not changed by a dry run', async () => {
        expect(await profile.applyObject(configMap({ a: '1' }), { dryRun: true })).toBe('written');
        expect(await profile.readObject(reference())).toBeUndefined();
      });

      it('are refused with a text when they cannot be', async () => {
        const nameless = { ...configMap({}), metadata: { name: 'Not A Name', namespace: world.namespace } };
        const result = await profile.applyObject(nameless, { dryRun: false });
        expect(result).toMatchObject({ kind: 'refused', status: 422 });
      });
    });
  });
}
