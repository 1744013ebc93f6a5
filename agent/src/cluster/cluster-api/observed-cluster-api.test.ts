import { parseInstant } from '@gatehouse/domain/instant';
import { describe, expect, it } from 'vitest';
import { ClusterUnreachable } from '../cluster.ts';
import { type ClusterApiObjects, toObservedClusterApi } from './observed-cluster-api.ts';
import { topologyPatch } from './profile-cluster.ts';
// Read from real controllers (Cluster API 1.12.1) during one roll from 1.33.5 to 1.34.1.
import recorded from './recorded/version-roll.json' with { type: 'json' };

type Moment = keyof typeof recorded;
const observed = (moment: Moment) => toObservedClusterApi(recorded[moment], 'osImage');

/** A copy in which one thing is other. */
function changed(moment: Moment, change: (objects: Mutable) => void): ClusterApiObjects {
  const copy: Mutable = structuredClone(recorded[moment]);
  change(copy);
  return copy;
}
interface Mutable {
  cluster: Record<string, unknown>;
  controlPlane: Record<string, unknown>;
  machineDeployments: Record<string, unknown>[];
  machines: Record<string, unknown>[];
}

describe('a Cluster at rest', () => {
  it('has everything observed, on its version and OS', () => {
    expect(observed('atRest')).toMatchObject({
      clusterName: 'site-b',
      topologyVersion: '1.33.5',
      topologyVariables: { osImage: 'ubuntu-1' },
      controlPlaneOverrides: {},
      isTopologyReconciled: true,
      isObserved: true,
      isPaused: false,
      controlPlane: {
        wanted: 3,
        replicas: 3,
        ready: 3,
        available: 3,
        upToDate: 3,
        isObserved: true,
        isRollingOut: false,
        specVersion: '1.33.5',
        statusVersion: '1.33.5',
        specOs: 'ubuntu-1',
      },
      isControlPlaneAvailable: true,
      isEtcdHealthy: true,
      workers: [{ wanted: 2, upToDate: 2, isRollingOut: false, specVersion: '1.33.5', specOs: 'ubuntu-1' }],
    });
  });

  it('tells when we last changed its topology, whatever others changed since', () => {
    const topology = { 'f:spec': { 'f:topology': { 'f:version': {} } } };
    const objects = changed('atRest', ({ cluster }) => {
      const managedFields = [
        { manager: 'gatehouse', operation: 'Apply', time: '2026-11-23T09:00:00Z', fieldsV1: topology },
        { manager: 'gatehouse', operation: 'Update', time: '2026-11-23T09:46:55Z', fieldsV1: topology },
        { manager: 'gatehouse', operation: 'Update', time: '2026-11-23T09:50:00Z', fieldsV1: { 'f:metadata': {} } },
        { manager: 'capi-topology', operation: 'Apply', time: '2026-11-23T09:51:00Z', fieldsV1: topology },
      ];
      const metadata = typeof cluster['metadata'] === 'object' ? cluster['metadata'] : {};
      cluster['metadata'] = { ...metadata, managedFields };
    });
    expect(toObservedClusterApi(objects, 'osImage').topologyChangedAt).toBe(parseInstant('2026-11-23T09:46:55Z'));
    expect(observed('atRest')).not.toHaveProperty('topologyChangedAt');
  });

  it('has its machines by role, each with its node', () => {
    const { machines } = observed('atRest');
    expect(machines.map(({ role }) => role).toSorted()).toEqual([
      'control-plane',
      'control-plane',
      'control-plane',
      'worker',
      'worker',
    ]);
    expect(
      machines.every(
        ({ nodeName, isUpToDate, message }) => nodeName !== undefined && isUpToDate === true && message === undefined,
      ),
    ).toBe(true);
  });
});

describe('a roll', () => {
  it('is not taken for done just after the patch, when no controller has seen it', () => {
    expect(observed('justPatched')).toMatchObject({
      topologyVersion: '1.34.1',
      isObserved: false,
      isTopologyReconciled: false,
      controlPlane: { specVersion: '1.34.1', statusVersion: '1.33.5', isObserved: false, isRollingOut: 'unknown' },
      isEtcdHealthy: 'unknown',
    });
    expect(observed('justPatched').controlPlane.specOs).toBeUndefined();
  });

  it('shows one more control plane while it rolls, and workers that still wait', () => {
    const { controlPlane, workers, machines, isTopologyReconciled } = observed('rolling');
    expect(controlPlane).toMatchObject({ wanted: 3, replicas: 4, isRollingOut: true, specOs: 'ubuntu-1' });
    expect(workers).toMatchObject([{ specVersion: '1.33.5', isRollingOut: false }]);
    expect(workers[0]?.specOs).toBeUndefined();
    expect(machines.filter(({ version }) => version === '1.34.1').length).toBeGreaterThan(0);
    expect(isTopologyReconciled).toBe(false);
  });

  it('shows updated control planes before the workers have begun', () => {
    expect(observed('controlPlanesUpdated')).toMatchObject({
      isObserved: true,
      isTopologyReconciled: false,
      controlPlane: { replicas: 3, upToDate: 3, isRollingOut: false, statusVersion: '1.34.1' },
      workers: [{ specVersion: '1.33.5' }],
    });
  });

  it('is done when all say so', () => {
    expect(observed('done')).toMatchObject({
      isTopologyReconciled: true,
      controlPlane: { statusVersion: '1.34.1', isRollingOut: false },
      workers: [{ specVersion: '1.34.1', upToDate: 2, isRollingOut: false }],
    });
  });
});

describe('what is not plain', () => {
  it('is paused by spec, annotation or a control plane that says so', () => {
    const bySpec = changed('atRest', ({ cluster }) => Object.assign(cluster['spec'] ?? {}, { paused: true }));
    const byAnnotation = changed('atRest', ({ controlPlane }) =>
      Object.assign(controlPlane['metadata'] ?? {}, { annotations: { 'cluster.x-k8s.io/paused': '' } }),
    );
    for (const objects of [bySpec, byAnnotation]) expect(toObservedClusterApi(objects, 'osImage').isPaused).toBe(true);
  });

  it('has nothing of another variable than the release’s', () => {
    expect(toObservedClusterApi(recorded.atRest, 'image')).toMatchObject({ topologyVariables: {}, controlPlane: {} });
    expect(toObservedClusterApi(recorded.atRest, 'image').controlPlane.specOs).toBeUndefined();
  });

  it('says with which object a version is missing', () => {
    const objects = changed('atRest', ({ controlPlane }) =>
      Object.assign(controlPlane['spec'] ?? {}, { version: 'latest' }),
    );
    expect(() => toObservedClusterApi(objects, 'osImage')).toThrow(ClusterUnreachable);
    expect(() => toObservedClusterApi(objects, 'osImage')).toThrow(/KubeadmControlPlane site-b-.* has latest/);
  });

  it('hands out why a machine is not ready, within what an observation may carry', () => {
    const objects = changed('atRest', ({ machines }) =>
      Object.assign(machines[0]?.['status'] ?? {}, {
        conditions: [{ type: 'Ready', status: 'False', message: 'x'.repeat(5_000) }],
      }),
    );
    const { machines } = toObservedClusterApi(objects, 'osImage');
    expect(machines.flatMap(({ message }) => message?.length ?? [])).toEqual([2_000]);
  });
});

describe('topologyPatch', () => {
  const cluster = {
    metadata: { resourceVersion: '7' },
    spec: {
      topology: {
        version: 'v1.33.5',
        variables: [
          { name: 'proxy', value: { http: 'http://proxy.example' } },
          { name: 'osImage', value: 'old' },
        ],
      },
    },
  };

  it('sets the version alone', () => {
    const version = observed('done').topologyVersion;
    expect(topologyPatch(cluster, { version })).toEqual({
      metadata: { resourceVersion: '7' },
      spec: { topology: { version: 'v1.34.1' } },
    });
  });

  it('keeps the variables that are not ours, since a list is replaced whole', () => {
    expect(topologyPatch(cluster, { variables: { osImage: 'new' } })['spec']).toEqual({
      topology: {
        variables: [
          { name: 'proxy', value: { http: 'http://proxy.example' } },
          { name: 'osImage', value: 'new' },
        ],
      },
    });
  });

  it('sets the control planes’ override, and removes it together with the new value', () => {
    expect(topologyPatch(cluster, { controlPlaneOverrides: { osImage: 'new' } })['spec']).toEqual({
      topology: { controlPlane: { variables: { overrides: [{ name: 'osImage', value: 'new' }] } } },
    });
    expect(topologyPatch(cluster, { variables: { osImage: 'new' }, controlPlaneOverrides: {} })['spec']).toMatchObject({
      topology: { controlPlane: { variables: null } },
    });
  });
});
