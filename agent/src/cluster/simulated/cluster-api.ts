/**
 * What the controllers of Cluster API make of the gateway's own cluster as time goes by, as it was seen on a real one
 * (agent-protocol.md §6): each controller sees a change a moment later; control planes are replaced one by one with one
 * machine more; workers wait for them when the version moves, and roll at once when only a variable does; a machine
 * that never starts stops its set and nothing else. Pure: a state and a time in, a state out.
 */

import type { ObservedClusterApi, ObservedMachine, ObservedNode, ObservedReplicas } from '@gatehouse/domain/gateway';
import { addMilliseconds, type Instant, type Milliseconds } from '@gatehouse/domain/instant';
import { compareVersions } from '@gatehouse/domain/version';
import type { ClusterApiState, MachineState, ReplicasState } from './cluster-api-state.ts';
import type { Troubles } from './state.ts';

/** How long things take, in seconds of a real cluster with quick machines. */
const lasts = {
  clusterSeesPatch: 0.3,
  topologySeesPatch: 1,
  controllerSeesSpec: 0.5,
  betweenActs: 1,
  pending: 0.5,
  provisioning: 4,
  provisioned: 4,
  deleting: 5,
  etcdUnsettled: 2,
} as const;

export interface Passage {
  readonly now: Instant;
  /** How much of the clock's time a second of the simulated machines takes. */
  readonly second: Milliseconds;
  readonly troubles: Troubles;
}

/** The state at `passage.now`; the same value when nothing is due. */
export function moveClusterApi(state: ClusterApiState, passage: Passage): ClusterApiState {
  const seen =
    !state.isObserved && isDue(state.patchedAt, lasts.clusterSeesPatch, passage)
      ? { ...state, isObserved: true }
      : state;
  if (seen.isPaused) return seen;
  const reconciled = reconcileTopology(seen, passage);
  const controlPlane = moveReplicas(reconciled.controlPlane, reconciled.made, passage);
  let { made } = controlPlane;
  const workers = reconciled.workers.map((set) => {
    const moved = moveReplicas(set, made, passage);
    made = moved.made;
    return moved.set;
  });
  const isChanged =
    controlPlane.set !== reconciled.controlPlane || workers.some((set, index) => set !== reconciled.workers[index]);
  if (!isChanged) return reconciled;
  return {
    ...reconciled,
    made,
    controlPlane: controlPlane.set,
    workers,
    etcdUnsettledUntil: membersChanged(reconciled.controlPlane, controlPlane.set)
      ? later(passage, lasts.etcdUnsettled)
      : reconciled.etcdUnsettledUntil,
  };
}

/** False when time alone changes nothing any more. */
export function isMoving(state: ClusterApiState): boolean {
  if (!state.isObserved) return true;
  if (state.isPaused) return false;
  const isSetMoving = (set: ReplicasState): boolean =>
    !set.isObserved ||
    set.isRollingOut ||
    set.machines.length !== set.wanted ||
    set.machines.some((machine) => machine.phase !== 'Running' || !isUpToDate(set, machine));
  const isTopologyBehind = !state.isTopologyReconciled || !isSpecOf(state, state.controlPlane, controlPlaneOs(state));
  const areWorkersBehind = state.workers.some((set) => !isSpecOf(state, set, workerOs(state)));
  return isTopologyBehind || areWorkersBehind || [state.controlPlane, ...state.workers].some(isSetMoving);
}

function isDue(since: Instant, span: number, { now, second }: Passage): boolean {
  return now - since >= span * second;
}

const later = ({ now, second }: Passage, span: number): Instant => addMilliseconds(now, span * second);

const workerOs = (state: ClusterApiState): string => state.topology.variables[state.osVariable] ?? '';
const controlPlaneOs = (state: ClusterApiState): string =>
  state.topology.controlPlaneOverrides[state.osVariable] ?? workerOs(state);
const isSpecOf = (state: ClusterApiState, set: ReplicasState, os: string): boolean =>
  set.version === state.topology.version && set.os === os;
const isUpToDate = (set: ReplicasState, machine: MachineState): boolean =>
  machine.version === set.version && machine.os === set.os;

/** As `isSettled` of a set, whatever its controller has noticed so far. */
function isRolledOut(set: ReplicasState): boolean {
  return (
    set.isObserved &&
    set.machines.length === set.wanted &&
    set.machines.every((machine) => machine.phase === 'Running' && isUpToDate(set, machine))
  );
}

/** Carries the Cluster's topology into the spec of its sets. */
function reconcileTopology(state: ClusterApiState, passage: Passage): ClusterApiState {
  if (!state.isObserved || !isDue(state.patchedAt, lasts.topologySeesPatch, passage)) return state;
  const { version } = state.topology;
  const controlPlane = respec(state.controlPlane, version, controlPlaneOs(state), passage);
  const isControlPlaneDone = controlPlane.version === version && isRolledOut(controlPlane);
  const workers = state.workers.map((set) =>
    // A set that waits for its version takes no other change either: that would roll it twice.
    set.version === version || isControlPlaneDone ? respec(set, version, workerOs(state), passage) : set,
  );
  const lowest = [controlPlane, ...workers].flatMap((set) => [set.version, ...set.machines.map((one) => one.version)]);
  const isTopologyReconciled = lowest.every((one) => one === version);
  const isSame =
    isTopologyReconciled === state.isTopologyReconciled &&
    controlPlane === state.controlPlane &&
    workers.every((set, index) => set === state.workers[index]);
  return isSame ? state : { ...state, controlPlane, workers, isTopologyReconciled };
}

function respec(set: ReplicasState, version: ReplicasState['version'], os: string, { now }: Passage): ReplicasState {
  if (set.version === version && set.os === os) return set;
  return { ...set, version, os, changedAt: now, isObserved: false };
}

type Role = ObservedMachine['role'];

function moveReplicas(
  before: ReplicasState,
  made: number,
  passage: Passage,
): { readonly set: ReplicasState; readonly made: number } {
  const machines = before.machines
    .filter((machine) => !(machine.phase === 'Deleting' && isDue(machine.phaseSince, lasts.deleting, passage)))
    .map((machine) => moveMachine(machine, passage));
  const isObserved = before.isObserved || isDue(before.changedAt, lasts.controllerSeesSpec, passage);
  const isSame =
    isObserved === before.isObserved &&
    machines.length === before.machines.length &&
    machines.every((machine, index) => machine === before.machines[index]);
  const set = isSame ? before : { ...before, machines, isObserved };
  if (!isObserved) return { set, made };
  const acted = actOn(set, made, passage);
  const isRollingOut = acted.set.machines.some((machine) => !isUpToDate(acted.set, machine));
  return isRollingOut === acted.set.isRollingOut ? acted : { ...acted, set: { ...acted.set, isRollingOut } };
}

/** One act at a time: one machine more, then one old one less, and only while every other machine is well. */
function actOn(
  set: ReplicasState,
  made: number,
  passage: Passage,
): { readonly set: ReplicasState; readonly made: number } {
  const still = { set, made };
  if (!isDue(set.actedAt, lasts.betweenActs, passage)) return still;
  if (set.machines.some((machine) => machine.phase !== 'Running')) return still;
  const outdated = set.machines.filter((machine) => !isUpToDate(set, machine));
  const spare = set.machines.length - set.wanted;
  if (spare > 0) {
    const leaves = (outdated.length > 0 ? outdated : set.machines).toSorted((a, b) => a.createdAt - b.createdAt)[0];
    if (leaves === undefined) return still;
    return {
      made,
      set: {
        ...set,
        actedAt: passage.now,
        machines: set.machines.map((one) => (one === leaves ? deleted(one, passage.now) : one)),
      },
    };
  }
  if (spare === 0 && outdated.length === 0) return still;
  const machine: MachineState = {
    name: `${set.name}-${(made + 1).toString(36).padStart(3, '0')}`,
    version: set.version,
    os: set.os,
    phase: 'Pending',
    phaseSince: passage.now,
    createdAt: passage.now,
  };
  return { made: made + 1, set: { ...set, actedAt: passage.now, machines: [...set.machines, machine] } };
}

export function deleted(machine: MachineState, now: Instant): MachineState {
  return { ...machine, phase: 'Deleting', phaseSince: now };
}

function moveMachine(machine: MachineState, passage: Passage): MachineState {
  const to = (phase: MachineState['phase']): MachineState => ({ ...machine, phase, phaseSince: passage.now });
  if (machine.stuck !== undefined) return machine;
  switch (machine.phase) {
    case 'Pending': {
      if (!isDue(machine.phaseSince, lasts.pending, passage)) return machine;
      const stuck = whyItNeverStarts(machine, passage.troubles);
      return stuck === undefined ? to('Provisioning') : { ...to('Provisioning'), stuck };
    }
    case 'Provisioning':
      return isDue(machine.phaseSince, lasts.provisioning, passage) ? to('Provisioned') : machine;
    case 'Provisioned':
      return isDue(machine.phaseSince, lasts.provisioned, passage)
        ? { ...to('Running'), nodeName: machine.name }
        : machine;
    case 'Running':
    case 'Deleting':
      return machine;
  }
}

function whyItNeverStarts(machine: MachineState, troubles: Troubles): string | undefined {
  if (troubles.noAddress) return 'InfrastructureReady: no free address in pool sandbox-nodes';
  // The same word as in the lab's ClusterClass.
  if (machine.os.includes('unbootable')) return `InfrastructureReady: ${machine.os} does not boot`;
  return undefined;
}

function membersChanged(before: ReplicasState, after: ReplicasState): boolean {
  const members = (set: ReplicasState): string =>
    set.machines
      .filter((machine) => machine.phase === 'Running')
      .map((machine) => machine.name)
      .join();
  return members(before) !== members(after);
}

/** As the agent reads it. */
export function observeClusterApi(state: ClusterApiState, now: Instant): ObservedClusterApi {
  const sets = [
    { set: state.controlPlane, role: 'control-plane' as const },
    ...state.workers.map((set) => ({ set, role: 'worker' as const })),
  ];
  return {
    clusterName: state.clusterName,
    topologyVersion: state.topology.version,
    topologyVariables: state.topology.variables,
    ...(state.topologySetBy === undefined ? {} : { topologySetBy: state.topologySetBy }),
    controlPlaneOverrides: state.topology.controlPlaneOverrides,
    isTopologyReconciled: state.isTopologyReconciled && !state.isPaused,
    isObserved: state.isObserved,
    isPaused: state.isPaused,
    controlPlane: { ...observeReplicas(state.controlPlane), ...statusVersion(state.controlPlane) },
    isControlPlaneAvailable: state.controlPlane.machines.some((machine) => machine.phase === 'Running'),
    isEtcdHealthy: now >= state.etcdUnsettledUntil,
    workers: state.workers.map(observeReplicas),
    machines: sets.flatMap(({ set, role }) => set.machines.map((machine) => observeMachine(set, role, machine))),
  };
}

function observeReplicas(set: ReplicasState): ObservedReplicas {
  const ready = set.machines.filter((machine) => machine.phase === 'Running').length;
  return {
    name: set.name,
    wanted: set.wanted,
    replicas: set.machines.length,
    ready,
    available: ready,
    upToDate: set.machines.filter((machine) => isUpToDate(set, machine)).length,
    isObserved: set.isObserved,
    isRollingOut: set.isRollingOut,
    specVersion: set.version,
    specOs: set.os,
  };
}

function statusVersion(set: ReplicasState): Pick<ObservedReplicas, 'statusVersion'> {
  const [lowest] = set.machines
    .filter((machine) => machine.nodeName !== undefined)
    .map((machine) => machine.version)
    .toSorted(compareVersions);
  return lowest === undefined ? {} : { statusVersion: lowest };
}

function observeMachine(set: ReplicasState, role: Role, machine: MachineState): ObservedMachine {
  return {
    name: machine.name,
    role,
    phase: machine.phase,
    version: machine.version,
    ...(machine.nodeName === undefined ? {} : { nodeName: machine.nodeName }),
    isDeleting: machine.phase === 'Deleting',
    isUpToDate: isUpToDate(set, machine),
    createdAt: machine.createdAt,
    ...(machine.phase === 'Running' ? {} : { message: machine.stuck ?? waitingMessages[machine.phase] }),
  };
}

const waitingMessages = {
  Pending: 'BootstrapConfigReady: waiting for the bootstrap data',
  Provisioning: 'InfrastructureReady: the machine is being made',
  Provisioned: 'NodeHealthy: waiting for the node to join',
  Deleting: 'Deleting: the node is being drained',
} as const;

export function observeNodes(state: ClusterApiState): readonly ObservedNode[] {
  const nodesOf = (set: ReplicasState, role: Role): readonly ObservedNode[] =>
    set.machines.flatMap((machine) =>
      machine.nodeName === undefined
        ? []
        : [
            {
              name: machine.nodeName,
              role,
              kubernetesVersion: machine.version,
              ready: machine.phase === 'Running',
              createdAt: machine.createdAt,
            },
          ],
    );
  return [...nodesOf(state.controlPlane, 'control-plane'), ...state.workers.flatMap((set) => nodesOf(set, 'worker'))];
}
