/**
 * As much of Cluster API as the decisions of a profile update meet: control planes replaced one at a time, workers that
 * wait while the version moves and do not when only the OS does, a machine that never starts. One `step` is one change.
 */

import type { ObservedClusterApi, ObservedMachine, ObservedReplicas } from '../gateway.ts';
import type { ProfileUpdateAction } from '../profile-update-step.ts';
import type { KubernetesVersion } from '../version.ts';
import { at } from './facts.ts';

interface Machine {
  readonly name: string;
  readonly version: KubernetesVersion;
  readonly os: string;
  readonly age: number;
  hasNode: boolean;
}

export interface SmallClusterApi {
  readonly observe: () => ObservedClusterApi;
  readonly apply: (action: ProfileUpdateAction) => void;
  /** Nothing changes while it is paused. */
  readonly step: () => void;
  readonly setPaused: (isPaused: boolean) => void;
  /** What must never be: control planes and workers rolled at once, or fewer ready than wanted. */
  readonly violations: readonly string[];
  readonly replaced: () => number;
}

/** Machines with the OS `broken` never get a node. */
export function startSmallClusterApi(start: {
  readonly version: KubernetesVersion;
  readonly os: string;
  readonly controlPlanes: number;
  readonly workers: number;
}): SmallClusterApi {
  let version = start.version;
  let os = start.os;
  let override: string | undefined;
  let isPaused = false;
  let count = 0;
  let replaced = 0;
  const violations: string[] = [];
  const make = (prefix: string, wantedVersion: KubernetesVersion, wantedOs: string): Machine => {
    count += 1;
    return { name: `${prefix}-${count}`, version: wantedVersion, os: wantedOs, age: count, hasNode: false };
  };
  const started = (machine: Machine): Machine => ({ ...machine, hasNode: true });
  const initial = (prefix: string, size: number) =>
    Array.from({ length: size }, () => started(make(prefix, start.version, start.os)));
  let controlPlanes = initial('cp', start.controlPlanes);
  let workers = initial('w', start.workers);

  const controlPlaneOs = () => override ?? os;
  const isOld = (machine: Machine, wantedVersion: KubernetesVersion, wantedOs: string) =>
    machine.version !== wantedVersion || machine.os !== wantedOs;
  const isControlPlaneRolling = () =>
    controlPlanes.length !== start.controlPlanes || controlPlanes.some((one) => isOld(one, version, controlPlaneOs()));
  /** While a version is on its way the topology controller hands the workers nothing new, their OS included. */
  let workerVersion = start.version;
  let heldWorkerOs = start.os;
  const workerOs = () => (workerVersion === version ? os : heldWorkerOs);
  const isWorkerRolling = () =>
    workers.length !== start.workers || workers.some((one) => isOld(one, workerVersion, workerOs()));

  const roll = (prefix: string, machines: Machine[], wanted: number, toVersion: KubernetesVersion, toOs: string) => {
    const pending = machines.find(({ hasNode }) => !hasNode);
    if (pending !== undefined) {
      if (pending.os !== 'broken') pending.hasNode = true;
      return machines;
    }
    const old = machines.find((one) => isOld(one, toVersion, toOs));
    if (machines.length > wanted && old !== undefined) {
      replaced += 1;
      return machines.filter((one) => one !== old);
    }
    return old === undefined && machines.length >= wanted ? machines : [...machines, make(prefix, toVersion, toOs)];
  };

  const check = () => {
    if (isControlPlaneRolling() && isWorkerRolling()) violations.push('control planes and workers rolled at once');
    const ready = controlPlanes.filter(({ hasNode }) => hasNode).length;
    if (ready < start.controlPlanes) violations.push('fewer control planes ready than wanted');
  };

  return {
    violations,
    replaced: () => replaced,
    setPaused: (next) => {
      isPaused = next;
    },
    step: () => {
      if (isPaused) return;
      if (!isControlPlaneRolling()) workerVersion = version;
      controlPlanes = roll('cp', controlPlanes, start.controlPlanes, version, controlPlaneOs());
      workers = roll('w', workers, start.workers, workerVersion, workerOs());
      check();
    },
    apply: (action) => {
      switch (action.kind) {
        case 'setVersionAndOs':
          heldWorkerOs = workerOs();
          version = action.to.kubernetes;
          os = action.to.os;
          override = undefined;
          break;
        case 'overrideControlPlaneOs':
          override = action.os;
          break;
        case 'setOs':
          os = action.os;
          override = undefined;
          break;
        case 'deleteMachine':
          controlPlanes = controlPlanes.filter(({ name, hasNode }) => hasNode || name !== action.name);
          workers = workers.filter(({ name, hasNode }) => hasNode || name !== action.name);
          break;
        default:
          throw new Error(`not for Cluster API: ${action.kind}`);
      }
    },
    observe: () => ({
      clusterName: 'site-b',
      topologyVersion: version,
      topologyVariables: { osImage: os },
      controlPlaneOverrides: override === undefined ? {} : { osImage: override },
      isTopologyReconciled: workerVersion === version,
      isObserved: true,
      isPaused,
      controlPlane: {
        ...replicasOf('cp', controlPlanes, start.controlPlanes, version, controlPlaneOs(), isControlPlaneRolling()),
        statusVersion: lowest(controlPlanes),
      },
      isControlPlaneAvailable: true,
      isEtcdHealthy: true,
      workers:
        start.workers === 0
          ? []
          : [replicasOf('md', workers, start.workers, workerVersion, workerOs(), isWorkerRolling())],
      machines: [
        ...controlPlanes.map((machine) => observed(machine, 'control-plane')),
        ...workers.map((machine) => observed(machine, 'worker')),
      ],
    }),
  };
}

function lowest(machines: readonly Machine[]): KubernetesVersion {
  const [first] = machines.map((machine) => machine.version).toSorted();
  if (first === undefined) throw new Error('a cluster has a control plane');
  return first;
}

function replicasOf(
  name: string,
  machines: readonly Machine[],
  wanted: number,
  specVersion: KubernetesVersion,
  specOs: string,
  isRollingOut: boolean,
): ObservedReplicas {
  const ready = machines.filter(({ hasNode }) => hasNode).length;
  const upToDate = machines.filter((machine) => machine.version === specVersion && machine.os === specOs).length;
  return {
    name,
    wanted,
    replicas: machines.length,
    ready,
    available: ready,
    upToDate,
    isObserved: true,
    isRollingOut,
    specVersion,
    specOs,
  };
}

function observed(machine: Machine, role: ObservedMachine['role']): ObservedMachine {
  return {
    name: machine.name,
    role,
    phase: machine.hasNode ? 'Running' : 'Provisioning',
    version: machine.version,
    ...(machine.hasNode ? { nodeName: machine.name } : { message: 'Waiting for a node.' }),
    isDeleting: false,
    isUpToDate: true,
    createdAt: at(machine.age),
  };
}
