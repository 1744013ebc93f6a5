/** The gateway's own cluster as the simulated Cluster API keeps it. Shapes only; `cluster-api.ts` moves them. */

import type { Instant } from '@gatehouse/domain/instant';
import type { KubernetesVersion } from '@gatehouse/domain/version';

export type MachinePhase = 'Pending' | 'Provisioning' | 'Provisioned' | 'Running' | 'Deleting';

export interface MachineState {
  readonly name: string;
  readonly version: KubernetesVersion;
  readonly os: string;
  readonly phase: MachinePhase;
  readonly phaseSince: Instant;
  readonly createdAt: Instant;
  readonly nodeName?: string;
  /** Why it never starts. Mending the cause does not start it; deleting it makes room for the next. */
  readonly stuck?: string;
}

/** KubeadmControlPlane, or one MachineDeployment. */
export interface ReplicasState {
  readonly name: string;
  readonly wanted: number;
  readonly version: KubernetesVersion;
  readonly os: string;
  /** When its spec last changed; its controller sees that a moment later. */
  readonly changedAt: Instant;
  /** The last `status` its controller wrote saw that spec. */
  readonly isObserved: boolean;
  readonly isRollingOut: boolean;
  /** When its controller last made or deleted a machine. */
  readonly actedAt: Instant;
  readonly machines: readonly MachineState[];
}

export interface ClusterApiState {
  readonly clusterName: string;
  readonly resourceVersion: string;
  /** The release's OS variable: the one by which machines differ. */
  readonly osVariable: string;
  readonly topology: {
    readonly version: KubernetesVersion;
    readonly variables: Readonly<Record<string, string>>;
    readonly controlPlaneOverrides: Readonly<Record<string, string>>;
  };
  /** Who set version or OS, when it was not the agent. */
  readonly topologySetBy?: string;
  readonly isPaused: boolean;
  /** When the Cluster's spec last changed. */
  readonly patchedAt: Instant;
  readonly isObserved: boolean;
  /** The topology controller has seen the newest spec and waits for nothing. */
  readonly isTopologyReconciled: boolean;
  /** A joining or leaving member makes etcd report itself unhealthy for a moment in each step; no fault. */
  readonly etcdUnsettledUntil: Instant;
  readonly controlPlane: ReplicasState;
  readonly workers: readonly ReplicasState[];
  /** Counts the machines ever made, for their names. */
  readonly made: number;
}
