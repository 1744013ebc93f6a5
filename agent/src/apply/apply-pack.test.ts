import { toInstant } from '@gatehouse/domain/instant';
import type { KubernetesObject, Pack } from '@gatehouse/domain/profile';
import type { ObjectReference } from '@gatehouse/domain/profile-update-types';
import { parseKubernetesVersion } from '@gatehouse/domain/version';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Cluster, ProfileCluster, WriteResult } from '../cluster/cluster.ts';
import { createFunctionPods } from '../cluster/simulated/function-pods.ts';
import {
  createSimulatedCluster,
  newSimulatedState,
  type SimulatedCluster,
} from '../cluster/simulated/simulated-cluster.ts';
import { createVirtualClock } from '../cluster/simulated/virtual-clock.ts';
import { applyPack, type PackResult, packDigest } from './apply-pack.ts';
import { readInventory } from './inventory.ts';

const configMap = (name: string, data: Readonly<Record<string, string>> = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'kube-system' },
  data,
});
const object = (apiVersion: string, kind: string, name: string): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name },
});
const referenceTo = ({ apiVersion, kind, metadata: { name, namespace } }: KubernetesObject): ObjectReference => ({
  apiVersion,
  kind,
  name,
  ...(namespace === undefined ? {} : { namespace }),
});
const pack = (...objects: readonly KubernetesObject[]): Pack => ({
  name: 'cilium',
  version: '1.0.0',
  values: {},
  secretPaths: [],
  objects,
  beforeNodes: false,
});

describe('a pack', () => {
  let simulated: SimulatedCluster;
  let cluster: Cluster;
  let door: ProfileCluster;
  let mayAct: () => boolean;

  beforeEach(() => {
    const version = parseKubernetesVersion('1.33.5');
    if (version === undefined) throw new Error('not a version');
    const clock = createVirtualClock(toInstant(0));
    simulated = createSimulatedCluster({
      clock,
      runtime: createFunctionPods(() => undefined),
      state: newSimulatedState(
        {
          kind: 'cluster-api',
          cluster: { clusterName: 'site-a', version, osVariable: 'osImage', os: 'os-1', controlPlanes: 1, workers: 0 },
        },
        toInstant(0),
      ),
    });
    cluster = simulated.connect();
    if (cluster.profile === undefined) throw new Error('no profile');
    door = cluster.profile;
    mayAct = () => true;
  });
  afterEach(() => simulated.stop());

  const apply = (
    wanted: Pack | undefined,
    more: {
      readonly deletes?: readonly KubernetesObject[];
      readonly stillWanted?: readonly string[];
      readonly name?: string;
    } = {},
  ): Promise<PackResult> =>
    applyPack(
      { cluster, profile: door, mayAct: () => mayAct() },
      {
        layer: 'network',
        name: more.name ?? 'cilium',
        pack: wanted,
        deletes: (more.deletes ?? []).map(referenceTo),
        stillWanted: new Set(more.stillWanted),
      },
    );
  const exists = async (one: KubernetesObject): Promise<boolean> =>
    (await door.readObject(referenceTo(one))) !== undefined;
  const inventory = async (name = 'network.cilium') => (await readInventory(cluster)).packs[name];

  test('is applied and stands in the inventory with its digest', async () => {
    const wanted = pack(configMap('a'), configMap('b'));
    expect(await apply(wanted)).toEqual({ kind: 'applied' });
    expect(await Promise.all([exists(configMap('a')), exists(configMap('b'))])).toEqual([true, true]);
    expect(await inventory()).toEqual({
      digest: packDigest(wanted),
      objects: [referenceTo(configMap('a')), referenceTo(configMap('b'))],
    });
  });

  test('loses what the plan deletes, and forgets it', async () => {
    await apply(pack(configMap('a'), configMap('b')));
    expect(await apply(pack(configMap('a')), { deletes: [configMap('b')] })).toEqual({ kind: 'applied' });
    expect(await exists(configMap('b'))).toBe(false);
    expect((await inventory())?.objects).toEqual([referenceTo(configMap('a'))]);
  });

  test('that the profile no longer has goes with its objects', async () => {
    await apply(pack(configMap('a')));
    await apply(undefined, { deletes: [configMap('a')] });
    expect([await exists(configMap('a')), await inventory()]).toEqual([false, undefined]);
  });

  test.each([
    ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'things.example.com'],
    ['v1', 'Namespace', 'storage'],
    ['v1', 'PersistentVolume', 'disk'],
    ['v1', 'PersistentVolumeClaim', 'disk'],
    ['other.example.com/v1', 'Namespace', 'namesake'],
  ])('never deletes a %s %s, whatever the plan says', async (apiVersion, kind, name) => {
    const kept = object(apiVersion, kind, name);
    await apply(pack(configMap('a'), kept));
    await apply(pack(configMap('a')), { deletes: [kept] });
    expect(await exists(kept)).toBe(true);
  });

  test('never deletes what it did not apply', async () => {
    await door.applyObject(configMap('of-somebody-else'), { dryRun: false });
    await apply(pack(configMap('a')));
    await apply(pack(configMap('a', { changed: 'yes' })), { deletes: [configMap('of-somebody-else')] });
    expect(await exists(configMap('of-somebody-else'))).toBe(true);
  });

  test('never deletes what it still has, in another version of its API too', async () => {
    const old = object('policy/v1beta1', 'PodDisruptionBudget', 'budget');
    const fresh = object('policy/v1', 'PodDisruptionBudget', 'budget');
    await apply(pack(old));
    await apply(pack(fresh), { deletes: [old] });
    expect(await exists(fresh)).toBe(true);
  });

  test('never deletes what another pack has, or will have', async () => {
    await apply(pack(configMap('moved'), configMap('shared')));
    await apply(pack(configMap('shared')), { name: 'other' });
    await apply(pack(), {
      deletes: [configMap('moved'), configMap('shared')],
      stillWanted: ['/ConfigMap/kube-system/moved'],
    });
    expect([await exists(configMap('moved')), await exists(configMap('shared'))]).toEqual([true, true]);
  });

  test('that breaks off in the middle goes on, and forgets nothing it has put there', async () => {
    await apply(pack(configMap('gone')));
    const wanted = pack(configMap('a'), configMap('b'));
    let writes = 0;
    mayAct = () => {
      writes += 1;
      return writes <= 2;
    };
    expect(await apply(wanted, { deletes: [configMap('gone')] })).toEqual({ kind: 'conflict', writes: 1 });
    expect((await inventory())?.digest).toBeUndefined();
    expect((await inventory())?.objects).toHaveLength(3);
    mayAct = () => true;
    expect(await apply(wanted, { deletes: [configMap('gone')] })).toEqual({ kind: 'applied' });
    expect([await exists(configMap('gone')), await exists(configMap('b'))]).toEqual([false, true]);
    expect((await inventory())?.objects).toHaveLength(2);
  });

  test('that is refused says which object and why, and stops there', async () => {
    const refused: WriteResult = { kind: 'refused', status: 403, message: 'is forbidden' };
    const whole = door;
    door = {
      ...whole,
      applyObject: (one, options) =>
        one.metadata.name === 'b' ? Promise.resolve(refused) : whole.applyObject(one, options),
    };
    const result = await apply(pack(configMap('a'), configMap('b'), configMap('c')));
    expect(result).toEqual({
      kind: 'refused',
      message: 'ConfigMap kube-system/b could not be applied: is forbidden',
      writes: 1,
    });
    expect([await exists(configMap('a')), await exists(configMap('c'))]).toEqual([true, false]);
  });

  test('is not written again when it stands as it should', async () => {
    const wanted = pack(configMap('a'));
    await apply(wanted);
    await door.deleteObject(referenceTo(configMap('a')));
    expect(await apply(wanted)).toEqual({ kind: 'applied' });
    expect(await exists(configMap('a'))).toBe(false);
  });
});
