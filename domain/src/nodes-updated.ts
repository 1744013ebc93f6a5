/**
 * When control planes or workers count as updated, and what tells that something moved: agent-protocol §6. "Done" is
 * never read from the Cluster, whose `RollingOut` lags behind the patch.
 */

import type { ObservedClusterApi, ObservedMachine, ObservedReplicas } from './gateway.ts';
import type { NodeMove, NodeTarget } from './profile-update-types.ts';

export type NodeRole = ObservedMachine['role'];

/** `move` absent: no node had to be repaved, and the OS is as it was. */
export interface NodesWanted {
  readonly to: NodeTarget;
  readonly move?: NodeMove;
}

function isRolledOut(set: ObservedReplicas, { to, move }: NodesWanted): boolean {
  const { wanted, replicas, ready, available, upToDate } = set;
  return (
    set.isObserved &&
    set.specVersion === to.kubernetes &&
    (set.statusVersion === undefined || set.statusVersion === to.kubernetes) &&
    (move === undefined || set.specOs === undefined || set.specOs === to.os) &&
    replicas === wanted &&
    ready === wanted &&
    available === wanted &&
    upToDate === wanted &&
    set.isRollingOut === false
  );
}

function isDeletingAny(cluster: ObservedClusterApi, role: NodeRole): boolean {
  return cluster.machines.some((machine) => machine.role === role && machine.isDeleting);
}

/**
 * With a version on its way the topology is not reconciled while the workers wait. So it is only asked for an OS, as the sign
 * that the new value has reached the control plane's spec; and where that spec is known to ask for it, not even then: workers
 * that a plan before this one has left with an OS that never starts keep the topology from being reconciled for good.
 */
export function areControlPlanesUpdated(cluster: ObservedClusterApi, wanted: NodesWanted): boolean {
  return (
    cluster.isObserved &&
    (wanted.move !== 'os' || cluster.isTopologyReconciled || cluster.controlPlane.specOs === wanted.to.os) &&
    cluster.controlPlane.statusVersion !== undefined &&
    isRolledOut(cluster.controlPlane, wanted) &&
    !isDeletingAny(cluster, 'control-plane')
  );
}

/**
 * A MachineDeployment says for some 100 ms after its change that it has observed it and that all is up to date: it counts
 * by what its Machines said before. So each Machine is asked, and must be younger than the change that replaces it.
 */
function isOld(machine: ObservedMachine, cluster: ObservedClusterApi, { move }: NodesWanted): boolean {
  if (machine.isUpToDate === false) return true;
  const { topologyChangedAt } = cluster;
  return move !== undefined && topologyChangedAt !== undefined && machine.createdAt < topologyChangedAt;
}

export function areWorkersUpdated(cluster: ObservedClusterApi, wanted: NodesWanted): boolean {
  return (
    cluster.isObserved &&
    cluster.isTopologyReconciled &&
    cluster.workers.every((set) => isRolledOut(set, wanted)) &&
    !cluster.machines.some((machine) => machine.role === 'worker' && isOld(machine, cluster, wanted)) &&
    !isDeletingAny(cluster, 'worker')
  );
}

function newestMachine(cluster: ObservedClusterApi, role: NodeRole): ObservedMachine | undefined {
  return cluster.machines
    .filter((machine) => machine.role === role)
    .toSorted((a, b) => b.createdAt - a.createdAt || (a.name < b.name ? -1 : 1))[0];
}

/**
 * Changes when something moved: counts of replicas, the newest Machine and its phase. A change of being paused is one
 * too, so that the time in which nothing may move does not count.
 */
export function movedMark(cluster: ObservedClusterApi, role: NodeRole): string {
  const sets = role === 'control-plane' ? [cluster.controlPlane] : cluster.workers;
  const counts = sets.map(({ replicas, upToDate, specVersion }) => `${replicas}/${upToDate}/${specVersion}`);
  const newest = newestMachine(cluster, role);
  const machine = newest === undefined ? 'none' : `${newest.name} ${newest.phase}`;
  return `${cluster.isPaused ? 'paused ' : ''}${counts.join(' ')} ${machine}`.slice(0, 500);
}

/** What the newest Machine says of itself, or which counts are short. */
export function stuckMessage(cluster: ObservedClusterApi, role: NodeRole): string {
  const newest = newestMachine(cluster, role);
  const sets = role === 'control-plane' ? [cluster.controlPlane] : cluster.workers;
  const counts = sets
    .map(({ name, wanted, ready, upToDate }) => `${name}: ${ready} of ${wanted} ready, ${upToDate} up to date`)
    .join('; ');
  if (newest === undefined) return counts;
  const says = newest.message === undefined ? '' : `: ${newest.message}`;
  return `${counts}; the newest machine ${newest.name} is ${newest.phase}${says}`;
}

/** The one new Machine that never got a node. Undefined when there is none, or more than one to choose from. */
export function machineWithoutNode(cluster: ObservedClusterApi, role: NodeRole): ObservedMachine | undefined {
  const candidates = cluster.machines.filter(
    (machine) => machine.role === role && machine.nodeName === undefined && !machine.isDeleting,
  );
  return candidates.length === 1 ? candidates[0] : undefined;
}
