/**
 * The true reason why a new agent does not run, read from its pod: container states and the Deployment's condition,
 * never logs. Also whose fault it is: what the version did counts against it, what its surroundings did does not.
 */

import type { ContainerEnd, ObservedAgentDeployment, ObservedAgentPod } from './agent-cluster.ts';
import type { AttemptReason } from './agent-update-types.ts';

export interface Fault {
  readonly reason: AttemptReason;
  readonly isBlamed: boolean;
}

/** Longer texts are cut at their start: the last lines say what happened. */
const logCharactersMax = 4_000;
const messageCharactersMax = 1_000;

const pullErrors: readonly string[] = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
];
const configurationErrors: readonly string[] = [
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
];

export function isPullError(pod: ObservedAgentPod): boolean {
  return pod.waiting !== undefined && pullErrors.includes(pod.waiting.reason);
}

function cut(text: string): string {
  return text.length > messageCharactersMax ? `${text.slice(0, messageCharactersMax)}…` : text;
}

export function pullFault(pod: ObservedAgentPod): Fault {
  const { reason = 'ErrImagePull', message } = pod.waiting ?? {};
  return {
    isBlamed: true,
    reason: {
      code: 'image-pull-failed',
      message: `The image cannot be pulled (${reason})${message === undefined ? '' : `: ${cut(message)}`}`,
    },
  };
}

/** The container ended. `when` completes "The new agent exited …". */
export function endReason(end: ContainerEnd, when: string): AttemptReason {
  const isOutOfMemory = end.reason === 'OOMKilled';
  const lines = end.message?.trim();
  return {
    code: isOutOfMemory ? 'out-of-memory' : 'exited',
    message: isOutOfMemory
      ? `The new agent was killed for its memory (OOMKilled) ${when}`
      : `The new agent exited ${when}`,
    exitCode: end.exitCode,
    ...(lines ? { lastLogLines: lines.slice(-logCharactersMax) } : {}),
  };
}

/** Killed from outside (SIGKILL, SIGTERM) and not for its memory: eviction, reboot, deletion. */
export function isKilledFromOutside(end: ContainerEnd): boolean {
  return end.reason !== 'OOMKilled' && (end.exitCode === 137 || end.exitCode === 143);
}

export function nobodysFault(code: string, message: string): Fault {
  return { isBlamed: false, reason: { code, message: cut(message) } };
}

/** By its field manager's name, such as `kubectl-rollout`. */
export function pauserOf({ pausedBy }: ObservedAgentDeployment): string {
  return pausedBy ?? 'its owner';
}

export function serverUnreachable(): Fault {
  return nobodysFault(
    'server-unreachable',
    'The new agent could not reach the control plane, and neither could the old one',
  );
}

/** `isReachable`: for the old one; the guard does not know. */
export function unreachableForNewOne(why: string, isReachable: true | 'unknown'): Fault {
  const old = isReachable === true ? ', which the old one can reach' : '';
  return nobodysFault('server-unreachable', `The new agent could not reach the control plane${old}: ${why}`);
}

/** Why a pod that should be there does not run, when that has nothing to do with what is in its image. */
export function surroundingsFault(
  deployment: ObservedAgentDeployment,
  pods: readonly ObservedAgentPod[],
): Fault | undefined {
  if (deployment.isPaused) {
    return nobodysFault(
      'deployment-paused',
      `The agent's Deployment is paused by ${pauserOf(deployment)}, so no new pod is made`,
    );
  }
  if (pods.length === 0) {
    return nobodysFault(
      'no-room',
      deployment.replicaFailure === undefined
        ? 'No pod was made for the new agent'
        : `No pod could be made for the new agent: ${deployment.replicaFailure}`,
    );
  }
  const unschedulable = pods.find((pod) => pod.unschedulable !== undefined)?.unschedulable;
  if (unschedulable !== undefined) {
    return nobodysFault('no-room', `There is no room for the pod of the new agent: ${unschedulable}`);
  }
  return undefined;
}

/** Of one pod that has been given all its time and is not Ready. */
export function notReadyFault(pod: ObservedAgentPod): Fault {
  if (isPullError(pod)) return pullFault(pod);
  if (pod.lastEnd !== undefined) return { isBlamed: true, reason: endReason(pod.lastEnd, 'again and again') };
  if (pod.waiting !== undefined && configurationErrors.includes(pod.waiting.reason)) {
    return {
      isBlamed: true,
      reason: {
        code: 'container-not-created',
        message: `The container cannot be created (${pod.waiting.reason})${pod.waiting.message === undefined ? '' : `: ${cut(pod.waiting.message)}`}`,
      },
    };
  }
  if (pod.runningSince === undefined) {
    return nobodysFault(
      'pod-not-started',
      `The container of the new agent was not started in time${pod.waiting ? ` (${pod.waiting.reason})` : ''}`,
    );
  }
  return {
    isBlamed: true,
    reason: { code: 'not-ready', message: 'The new agent runs and did not become Ready in time' },
  };
}
