/**
 * The steps that move nodes, by patches of the gateway's own Cluster. Kubernetes (with the OS, if that moves too) goes in
 * one patch, and Cluster API lets the workers wait. The OS alone would roll control planes and workers at once, so it
 * first goes to the control planes through an override, then to all with the override removed (agent-protocol §6).
 */

import type { ObservedClusterApi, ObservedReplicas } from './gateway.ts';
import { addMilliseconds, type Instant, millisecondsBetween } from './instant.ts';
import { refuseKubernetesStep } from './kubernetes-step.ts';
import { areControlPlanesUpdated, areWorkersUpdated, movedMark, stuckMessage } from './nodes-updated.ts';
import {
  finished,
  markMoved,
  type ProfileUpdateAction,
  type ProfileUpdateFacts,
  type StepOutcome,
  withRefusal,
} from './profile-update-step.ts';
import type { NodeMove, ProfileUpdateStep, StepProgress } from './profile-update-types.ts';
import type { Reason } from './reason.ts';
import type { Timings } from './timings.ts';
import { compareVersions } from './version.ts';

type NodeStep = Exclude<ProfileUpdateStep, { kind: 'pack' }>;

export function nextOfNodeStep(
  facts: ProfileUpdateFacts,
  step: NodeStep,
  progress: StepProgress,
  now: Instant,
  timings: Timings,
): StepOutcome {
  const cluster = facts.clusterApi;
  if (cluster === 'unknown') {
    const waits = [{ code: 'cluster-unknown', message: "Cluster API's objects could not be read." }];
    return { step: progress, actions: [], waits };
  }
  const { asked: wasAsked, ...before } = progress;
  const isAsked = step.move !== undefined && isAskedFor(cluster, step, facts);
  const known = isAsked ? { ...before, asked: true } : before;
  const outcome = nextOfAskedStep(facts, cluster, step, known, now, timings);
  return wasAsked === true && !isAsked ? { ...outcome, changed: topologyChanged(cluster) } : outcome;
}

function nextOfAskedStep(
  facts: ProfileUpdateFacts,
  cluster: ObservedClusterApi,
  step: NodeStep,
  progress: StepProgress,
  now: Instant,
  timings: Timings,
): StepOutcome {
  const moved = markMoved(withRefusal(progress, facts.refusal, now), movedMark(cluster, roleOf(step)), now);
  const refusal = refuseTarget(cluster, step);
  if (refusal !== undefined) return { step: moved, actions: [], waits: [], failure: refusal };
  const isUpdated = isStepUpdated(cluster, step, facts);
  const areControlPlanesThere = step.kind === 'control-planes' && isUpdated;
  const milestone = areControlPlanesThere ? { areControlPlanesUpdated: true } : {};
  const patch = nextPatch(facts, cluster, step, isUpdated);
  if (isUpdated && patch === undefined) return { step: finished(moved, now), actions: [], waits: [], ...milestone };
  if (cluster.isPaused) {
    const message = `The Cluster ${cluster.clusterName} is paused; nothing moves until it is resumed.`;
    return { step: { ...moved, message }, actions: [], waits: [{ code: 'cluster-paused', message }], ...milestone };
  }
  const failure = overdue(facts, cluster, step, moved, now, timings);
  if (failure !== undefined) return { step: moved, actions: [], waits: [], failure, ...milestone };
  // The patch first, so that the next machine is made from what the Cluster asks for then.
  const doomed = patch === undefined ? machineToDelete(cluster, moved) : undefined;
  if (doomed !== undefined) return { step: moved, actions: [doomed], waits: [], ...milestone };
  const message = stuckMessage(cluster, roleOf(step));
  const waits: readonly Reason[] = [{ code: 'nodes-moving', message }];
  const told = moved.refusedAt === undefined ? { ...moved, message } : moved;
  return { step: told, actions: patch === undefined ? [] : [patch], waits, ...milestone };
}

function roleOf(step: NodeStep): 'control-plane' | 'worker' {
  return step.kind === 'control-planes' ? 'control-plane' : 'worker';
}

/** The plan was made from what the Cluster was on then; it may have moved since by another hand. */
function refuseTarget(cluster: ObservedClusterApi, step: NodeStep): Reason | undefined {
  return refuseKubernetesStep(cluster.topologyVersion, step.to.kubernetes);
}

/**
 * How the step's nodes are moved now. A plan made while nodes were on their way may name a version that the topology
 * has reached meanwhile; what is left of it is the OS, and that alone must not go to all in one patch.
 */
function moveNow(cluster: ObservedClusterApi, step: NodeStep, facts: ProfileUpdateFacts): NodeMove | undefined {
  if (step.move === undefined) return undefined;
  if (cluster.topologyVersion !== step.to.kubernetes) return 'version';
  return isPatched(cluster, step, facts) ? step.move : 'os';
}

function isStepUpdated(cluster: ObservedClusterApi, step: NodeStep, facts: ProfileUpdateFacts): boolean {
  if (step.kind === 'workers') return isPatched(cluster, step, facts) && areWorkersUpdated(cluster, step);
  const move = moveNow(cluster, step, facts);
  if (move === undefined) return areControlPlanesUpdated(cluster, { to: step.to });
  const isAsked = isPatched(cluster, step, facts) || (move === 'os' && controlPlaneOs(cluster, facts) === step.to.os);
  return isAsked && areControlPlanesUpdated(cluster, { to: step.to, move });
}

function topologyOs(cluster: ObservedClusterApi, { osVariable }: ProfileUpdateFacts): string | undefined {
  return Object.hasOwn(cluster.topologyVariables, osVariable) ? cluster.topologyVariables[osVariable] : undefined;
}

function overriddenOs(cluster: ObservedClusterApi, { osVariable }: ProfileUpdateFacts): string | undefined {
  return Object.hasOwn(cluster.controlPlaneOverrides, osVariable)
    ? cluster.controlPlaneOverrides[osVariable]
    : undefined;
}

/** What the topology asks of the control planes: the override, else the variable. */
function controlPlaneOs(cluster: ObservedClusterApi, facts: ProfileUpdateFacts): string | undefined {
  return overriddenOs(cluster, facts) ?? topologyOs(cluster, facts);
}

/** The topology asks for the target as a whole, and no override is left. */
function isPatched(cluster: ObservedClusterApi, step: NodeStep, facts: ProfileUpdateFacts): boolean {
  return (
    cluster.topologyVersion === step.to.kubernetes &&
    topologyOs(cluster, facts) === step.to.os &&
    overriddenOs(cluster, facts) === undefined
  );
}

/** The topology asks for what the step is about; of a step that moves nothing, always. */
export function isAskedFor(cluster: ObservedClusterApi, step: NodeStep, facts: ProfileUpdateFacts): boolean {
  if (step.move === undefined || isPatched(cluster, step, facts)) return true;
  if (step.kind === 'workers') return false;
  return cluster.topologyVersion === step.to.kubernetes && controlPlaneOs(cluster, facts) === step.to.os;
}

export function topologyChanged({ clusterName, topologySetBy }: ObservedClusterApi): string {
  const who = topologySetBy ?? 'somebody else';
  return `The topology of the Cluster ${clusterName} was changed by ${who}, and is set as the plan says again.`;
}

/** At most one, and none that would roll a second set while a first one still rolls. */
function nextPatch(
  facts: ProfileUpdateFacts,
  cluster: ObservedClusterApi,
  step: NodeStep,
  isUpdated: boolean,
): ProfileUpdateAction | undefined {
  if (step.move === undefined || isPatched(cluster, step, facts)) return undefined;
  if (moveNow(cluster, step, facts) === 'version') {
    // A second version in the middle of a first one is refused by Cluster API's webhook.
    return isQuiet(cluster) ? { kind: 'setVersionAndOs', to: step.to } : undefined;
  }
  if (step.kind === 'workers') {
    return isAtRest(cluster.controlPlane) ? { kind: 'setOs', os: step.to.os } : undefined;
  }
  if (controlPlaneOs(cluster, facts) !== step.to.os) {
    // In the middle of a roll of the control planes it is taken: that is how a value that never starts is replaced.
    return cluster.workers.every(isAtRest) ? { kind: 'overrideControlPlaneOs', os: step.to.os } : undefined;
  }
  // Without a step for workers the value still goes where it belongs; the control planes have it, so none moves.
  const hasWorkerStep = facts.order.steps.some(({ kind }) => kind === 'workers');
  return isUpdated && !hasWorkerStep ? { kind: 'setOs', os: step.to.os } : undefined;
}

function isAtRest({ isObserved, isRollingOut }: ObservedReplicas): boolean {
  return isObserved && isRollingOut === false;
}

function isQuiet(cluster: ObservedClusterApi): boolean {
  const sets = [cluster.controlPlane, ...cluster.workers];
  return (
    cluster.isObserved &&
    sets.every(isAtRest) &&
    sets.every(({ specVersion }) => compareVersions(specVersion, cluster.topologyVersion) === 0)
  );
}

function overdue(
  facts: ProfileUpdateFacts,
  cluster: ObservedClusterApi,
  step: NodeStep,
  progress: StepProgress,
  now: Instant,
  timings: Timings,
): Reason | undefined {
  const what = step.kind === 'control-planes' ? 'The control planes' : 'The workers';
  const { refusedAt, movedAt = now } = progress;
  if (refusedAt !== undefined && now >= addMilliseconds(refusedAt, timings.profileUpdate.writeRefusedMax)) {
    return {
      code: 'patch-refused',
      message: `The API server refuses the change of the Cluster ${cluster.clusterName}: ${facts.refusal ?? ''}`,
      nextStep: 'Remove the cause and retry.',
    };
  }
  if (now < addMilliseconds(movedAt, timings.profileUpdate.stuckAfter)) return undefined;
  const still = Math.round(millisecondsBetween(movedAt, now) / 1000);
  const span = still < 120 ? `${still} s` : `${Math.round(still / 60)} min`;
  return {
    code: 'nodes-stuck',
    message: `${what} have not moved for ${span}. ${stuckMessage(cluster, roleOf(step))}`,
    nextStep: 'Remove the cause and retry: the one new machine without a node is then replaced.',
  };
}

/** Named by a retry or a newer plan; only while it is still there, has no node, and is not on its way out. */
function machineToDelete(cluster: ObservedClusterApi, progress: StepProgress): ProfileUpdateAction | undefined {
  const machine = cluster.machines.find(({ name }) => name === progress.deletesMachine);
  const isDoomed = machine !== undefined && machine.nodeName === undefined && !machine.isDeleting;
  return isDoomed ? { kind: 'deleteMachine', name: machine.name } : undefined;
}
