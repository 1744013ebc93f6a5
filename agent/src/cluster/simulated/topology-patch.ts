/**
 * Which changes of the gateway's own Cluster its admission webhook takes (agent-protocol.md §6): one minor up at a
 * time, never down, and no second version before the first one is everywhere. Also a new Cluster at rest, and the
 * owner's pause. Pure.
 */

import type { Instant } from '@gatehouse/domain/instant';
import { compareVersions, type KubernetesVersion, versionParts } from '@gatehouse/domain/version';
import type { Refused, TopologyPatch } from '../cluster.ts';
import { deleted } from './cluster-api.ts';
import type { ClusterApiState, ReplicasState } from './cluster-api-state.ts';
import { without } from './store.ts';

export interface NewCluster {
  readonly clusterName: string;
  readonly version: KubernetesVersion;
  readonly osVariable: string;
  readonly os: string;
  readonly controlPlanes: number;
  readonly workers: number;
}

export function newClusterApi(cluster: NewCluster, now: Instant): ClusterApiState {
  const { clusterName, version, os, osVariable } = cluster;
  let made = 0;
  const set = (name: string, wanted: number): ReplicasState => ({
    name,
    wanted,
    version,
    os,
    changedAt: now,
    isObserved: true,
    isRollingOut: false,
    actedAt: now,
    machines: Array.from({ length: wanted }, () => {
      made += 1;
      const machine = `${name}-${made.toString(36).padStart(3, '0')}`;
      return { name: machine, version, os, phase: 'Running', phaseSince: now, createdAt: now, nodeName: machine };
    }),
  });
  const controlPlane = set(`${clusterName}-control-plane`, cluster.controlPlanes);
  const workers = cluster.workers === 0 ? [] : [set(`${clusterName}-workers`, cluster.workers)];
  return {
    clusterName,
    resourceVersion: '1',
    osVariable,
    topology: { version, variables: { [osVariable]: os }, controlPlaneOverrides: {} },
    isPaused: false,
    patchedAt: now,
    isObserved: true,
    isTopologyReconciled: true,
    etcdUnsettledUntil: now,
    controlPlane,
    workers,
    made,
  };
}

export function patchTopology(
  state: ClusterApiState,
  patch: TopologyPatch,
  now: Instant,
): { readonly kind: 'patched'; readonly state: ClusterApiState } | Refused {
  const refusal = refusalOf(state, patch);
  if (refusal !== undefined) {
    const message = `admission webhook "validation.cluster.cluster.x-k8s.io" denied the request: Cluster ${state.clusterName} is invalid: ${refusal}`;
    return { kind: 'refused', status: 422, message };
  }
  const topology = {
    version: patch.version ?? state.topology.version,
    variables: { ...state.topology.variables, ...patch.variables },
    controlPlaneOverrides: patch.controlPlaneOverrides ?? state.topology.controlPlaneOverrides,
  };
  const patched = { ...state, topology, patchedAt: now, isObserved: false, isTopologyReconciled: false };
  return { kind: 'patched', state: without(patched, 'topologySetBy') };
}

function refusalOf(state: ClusterApiState, patch: TopologyPatch): string | undefined {
  const named = { ...patch.variables, ...patch.controlPlaneOverrides };
  const unknown = Object.keys(named).find((name) => !Object.hasOwn(state.topology.variables, name));
  if (unknown !== undefined) return `spec.topology.variables: Invalid value: "${unknown}": variable is not defined`;
  const { version } = patch;
  if (version === undefined || version === state.topology.version) return undefined;
  const from = state.topology.version;
  const where = `spec.topology.version: Invalid value: "v${version}"`;
  if (compareVersions(version, from) < 0) {
    return `${where}: version cannot be decreased from "v${from}" to "v${version}"`;
  }
  const [before, after] = [versionParts(from), versionParts(version)];
  if (after.major !== before.major || after.minor > before.minor + 1) {
    return `${where}: version cannot be increased from "v${from}" to "v${version}": one minor at a time`;
  }
  const machineVersions = [state.controlPlane, ...state.workers].flatMap((set) => [
    set.version,
    ...set.machines.map((machine) => machine.version),
  ]);
  if (machineVersions.some((one) => one !== from)) {
    return `${where}: version cannot be changed from "v${from}" to "v${version}": the cluster is still completing a previous upgrade`;
  }
  return undefined;
}

/** Only a machine that has no node: whatever works is left alone. */
export function deleteMachine(
  state: ClusterApiState,
  name: string,
  now: Instant,
): { readonly kind: 'deleted'; readonly state: ClusterApiState } | Refused {
  const sets = [state.controlPlane, ...state.workers];
  const machine = sets.flatMap((set) => set.machines).find((one) => one.name === name);
  if (machine?.nodeName !== undefined) {
    return { kind: 'refused', status: 422, message: `Machine ${name} has the node ${machine.nodeName}` };
  }
  const change = (set: ReplicasState): ReplicasState => ({
    ...set,
    machines: set.machines.map((one) => (one.name === name && one.phase !== 'Deleting' ? deleted(one, now) : one)),
  });
  return {
    kind: 'deleted',
    state: { ...state, controlPlane: change(state.controlPlane), workers: state.workers.map(change) },
  };
}

export function pauseCluster(state: ClusterApiState, isPaused: boolean, now: Instant): ClusterApiState {
  return state.isPaused === isPaused ? state : { ...state, isPaused, patchedAt: now, isObserved: false };
}
