import { describe, expect, it } from 'vitest';
import type { ObservedClusterApi, ObservedMachine, ObservedReplicas } from './gateway.ts';
import { toInstant } from './instant.ts';
import { areControlPlanesUpdated, areWorkersUpdated } from './nodes-updated.ts';
import { parseKubernetesVersion } from './version.ts';

const version = parseKubernetesVersion('1.34.1');
if (version === undefined) throw new Error('1.34.1 is a Kubernetes version');
const to = { kubernetes: version, os: 'ubuntu-2' };
const changedAt = toInstant(1_000_000);

const done: ObservedReplicas = {
  name: 'workers',
  wanted: 1,
  replicas: 1,
  ready: 1,
  available: 1,
  upToDate: 1,
  isObserved: true,
  isRollingOut: false,
  specVersion: version,
  specOs: 'ubuntu-2',
};

const young: ObservedMachine = {
  name: 'worker',
  role: 'worker',
  phase: 'Running',
  version,
  nodeName: 'worker',
  isDeleting: false,
  isUpToDate: true,
  createdAt: changedAt,
};

function clusterWith(worker: Partial<ObservedMachine>): ObservedClusterApi {
  return {
    clusterName: 'site-b',
    topologyVersion: version ?? done.specVersion,
    topologyVariables: { osImage: 'ubuntu-2' },
    controlPlaneOverrides: {},
    topologyChangedAt: changedAt,
    isTopologyReconciled: true,
    isObserved: true,
    isPaused: false,
    controlPlane: done,
    isControlPlaneAvailable: true,
    isEtcdHealthy: true,
    workers: [done],
    machines: [{ ...young, ...worker }],
  };
}

// Each as real controllers said it within half a second after the OS of the workers was changed.
describe('workers whose set says that all is done', () => {
  it.each([
    ['are updated when their machines were made after the change', {}, 'os', true],
    ['are updated when nobody says yet whether their machines are up to date', { isUpToDate: 'unknown' }, 'os', true],
    ['are not while a machine says that it is not up to date', { isUpToDate: false }, 'os', false],
    ['are not while a machine is from before the change', { createdAt: toInstant(999_000) }, 'os', false],
    ['are not with Kubernetes either', { createdAt: toInstant(999_000) }, 'version', false],
    ['are not while a machine is on its way out', { isDeleting: true }, 'os', false],
    ['may be as old as they are when none had to be repaved', { createdAt: toInstant(1) }, undefined, true],
  ] as const)('%s', (_sentence, worker, move, expected) => {
    expect(areWorkersUpdated(clusterWith(worker), { to, ...(move === undefined ? {} : { move }) })).toBe(expected);
  });
});

describe('control planes of which all are ready', () => {
  const asked = { to, move: 'os' } as const;
  const { specOs: _os, ...ofUnknownOs } = { ...done, ...(version === undefined ? {} : { statusVersion: version }) };
  const isUpdated = (controlPlane: ObservedReplicas, isTopologyReconciled: boolean): boolean =>
    areControlPlanesUpdated({ ...clusterWith({}), controlPlane, isTopologyReconciled }, asked);

  it('are updated to an OS when they are known to be asked for it, though workers never come to rest', () => {
    expect(isUpdated({ ...ofUnknownOs, specOs: 'ubuntu-2' }, false)).toBe(true);
  });

  it('are not updated while it is not known what they are asked for and the topology is on its way', () => {
    expect(isUpdated(ofUnknownOs, false)).toBe(false);
    expect(isUpdated(ofUnknownOs, true)).toBe(true);
  });

  it('are not updated while they are asked for another OS', () => {
    expect(isUpdated({ ...ofUnknownOs, specOs: 'ubuntu-1' }, true)).toBe(false);
  });
});
