/**
 * What agent and guard see of themselves in the gateway's cluster: the Deployment that runs the agent, its pods, the
 * Lease that says who acts, the rehearsal. Shapes only; what follows is decided in `agent-update.ts` and `guard.ts`.
 * All stamps are the API server's.
 */

import type { AgentRelease } from './agent-update-types.ts';
import type { Instant } from './instant.ts';

export interface ObservedAgentDeployment {
  readonly resourceVersion: string;
  /** What the template names now. `version` is unknown to Kubernetes; it is read from an annotation written with the image. */
  readonly release: AgentRelease;
  readonly attemptId?: string;
  readonly minReadySeconds: number;
  /** `spec.paused`: its owner has stopped the rollout. */
  readonly isPaused: boolean;
  /** The field manager that did it, where Kubernetes tells. */
  readonly pausedBy?: string;
  /** `status.observedGeneration` has reached `metadata.generation`. */
  readonly isObserved: boolean;
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly availableReplicas: number;
  /** Message of the condition `ReplicaFailure`: why a pod cannot even be made, such as a quota. */
  readonly replicaFailure?: string;
  /** The field manager of the container image when it is not ours. */
  readonly imageSetBy?: string;
}

export interface ContainerEnd {
  readonly exitCode: number;
  readonly reason?: string;
  /** With `FallbackToLogsOnError`: the last log lines. */
  readonly message?: string;
  readonly finishedAt: Instant;
}

export interface ObservedAgentPod {
  readonly name: string;
  readonly release: AgentRelease;
  readonly createdAt: Instant;
  readonly isReady: boolean;
  readonly readySince?: Instant;
  /** Since then not Ready only because its node has stopped reporting; the container was Ready when last heard of. */
  readonly nodeSilentSince?: Instant;
  readonly isDeleting: boolean;
  readonly restarts: number;
  /** Why the container is not running yet, such as `ImagePullBackOff` with its message. */
  readonly waiting?: { readonly reason: string; readonly message?: string };
  /** When the running container started. */
  readonly runningSince?: Instant;
  /** The container's present end, or its last one. */
  readonly lastEnd?: ContainerEnd;
  /** Message of `PodScheduled=False`. */
  readonly unschedulable?: string;
}

export interface ObservedLease {
  readonly resourceVersion: string;
  /** Pod name and a random id per process; absent when it was emptied. */
  readonly holder?: string;
  readonly renewedAt?: Instant;
}

export interface ObservedRehearsal {
  readonly attemptId: string;
  readonly state: 'running' | 'succeeded' | 'failed';
  readonly startedAt: Instant;
  /** Its pod, if there is one yet. */
  readonly pod?: ObservedAgentPod;
  /** How often a pull error was seen by this agent. */
  readonly message?: string;
}
