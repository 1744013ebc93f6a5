/**
 * Everything a simulated cluster is, as one JSON value: what is stored when the sandbox stops and read when it starts
 * again. Shapes only; `workload.ts` and `cluster-api.ts` say how it moves. Formats are only ever added to, since a
 * newer sandbox reads what an older one left.
 */

import type { ContainerEnd } from '@gatehouse/domain/agent-cluster';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { ObservedNode } from '@gatehouse/domain/gateway';
import type { Instant } from '@gatehouse/domain/instant';
import type { KubernetesObject } from '@gatehouse/domain/profile';
import type { KubernetesVersion } from '@gatehouse/domain/version';
import type { AgentTemplate, MapName, StoredMap } from '../cluster.ts';
import type { ClusterApiState } from './cluster-api-state.ts';

export interface LeaseState {
  readonly resourceVersion: string;
  readonly holder?: string;
  readonly renewedAt: Instant;
}

export interface DeploymentState {
  readonly resourceVersion: string;
  readonly generation: number;
  readonly template: AgentTemplate;
  readonly attemptId?: string;
  readonly minReadySeconds: number;
  readonly isPaused: boolean;
  readonly pausedBy?: string;
  /** Who set the image, when it was not the agent or its guard. */
  readonly imageSetBy?: string;
  /** What the controller last wrote about it. */
  readonly status: {
    readonly observedGeneration: number;
    readonly replicas: number;
    readonly updatedReplicas: number;
    readonly availableReplicas: number;
    readonly replicaFailure?: string;
  };
}

export interface ReplicaSetState {
  /** From the template; the same template finds its ReplicaSet again. */
  readonly hash: string;
  readonly template: AgentTemplate;
  readonly replicas: number;
  /** As it was when the Deployment last made this one the newest: an old one keeps its own. */
  readonly minReadySeconds: number;
}

/** Whose pod it is: of the agent's Deployment, of the rehearsal, or of the guard, which the installation brings. */
export type PodOwner =
  | { readonly kind: 'replica-set'; readonly hash: string }
  | { readonly kind: 'rehearsal'; readonly attemptId: string }
  | { readonly kind: 'guard' };

export interface PodState {
  readonly name: string;
  readonly owner: PodOwner;
  readonly release: AgentRelease;
  /** Of its image, without the digest. */
  readonly repository?: string;
  readonly createdAt: Instant;
  /** The node it is on, where the cluster has nodes of its own. */
  readonly nodeName?: string;
  readonly isReady: boolean;
  readonly readySince?: Instant;
  /** Marked not Ready since its node no longer reports. */
  readonly nodeSilentSince?: Instant;
  readonly isDeleting: boolean;
  readonly restarts: number;
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly runningSince?: Instant;
  readonly lastEnd?: ContainerEnd;
  /** Only a rehearsal's pod ends. */
  readonly phase: 'running' | 'succeeded' | 'failed';
}

export interface RehearsalState {
  readonly attemptId: string;
  readonly template: AgentTemplate;
  readonly startedAt: Instant;
}

/** What is wrong on purpose, so that there is something to explain. */
export interface Troubles {
  /** Every agent but the ones named here ends as soon as it starts. */
  readonly badAgent?: { readonly except: readonly string[] };
  /** A new machine gets no address and never starts. */
  readonly noAddress?: true;
}

export interface SimulatedState {
  readonly schema: 1;
  /** Counts writes; the next resource version. */
  readonly writes: number;
  readonly maps: Readonly<Partial<Record<MapName, StoredMap>>>;
  readonly lease?: LeaseState;
  readonly deployment?: DeploymentState;
  readonly replicaSets: readonly ReplicaSetState[];
  readonly pods: readonly PodState[];
  readonly rehearsal?: RehearsalState;
  /** The Deployment of the guard, which the install manifest brings. */
  readonly guard?: AgentTemplate;
  /** No more pods of the agent than this fit. */
  readonly podsMax?: number;
  /** By `apiVersion|kind|namespace|name`. */
  readonly objects: Readonly<Record<string, KubernetesObject>>;
  /** By the same key: as the agent applied it last, and who has set fields of it otherwise since. */
  readonly applied?: Readonly<Record<string, { readonly object: KubernetesObject; readonly setBy?: string }>>;
  /** On a gateway that Gatehouse installed. */
  readonly clusterApi?: ClusterApiState;
  /** Of the pool the nodes take theirs from; absent: no pool is known. */
  readonly freeAddresses?: number;
  /** On an existing cluster, whose owner keeps nodes and version. */
  readonly ownersNodes?: readonly ObservedNode[];
  readonly ownersKubernetes?: KubernetesVersion;
  readonly troubles: Troubles;
}
