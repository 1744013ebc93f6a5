/** The words for a gateway that every decision shares. Shapes only; what follows from them is decided elsewhere. */

import type { Instant } from './instant.ts';
import type { Reasons } from './reason.ts';
import type { KubernetesVersion, PlatformVersion } from './version.ts';

/** How a gateway came to be: our CLI made its cluster through Cluster API, or its owner did. */
export type Installation = 'cli' | 'existing-cluster';

/**
 * `Updating` means that a profile update has begun; an agent update does not change the status.
 */
export type GatewayStatus = 'Pending' | 'Provisioning' | 'Running' | 'Updating' | 'Deleting' | 'Deleted' | 'Error';

export type GatewayHealth = 'healthy' | 'unhealthy' | 'unknown';

export interface NamedScope {
  readonly id: string;
  readonly name: string;
}

export interface GatewayIdentity {
  readonly id: string;
  readonly name: string;
  readonly tenant: NamedScope;
  readonly project?: NamedScope;
  readonly installation: Installation;
  readonly provider: string;
}

/** The closed list of what may differ per gateway. None of it can carry an image, a command or a manifest. */
export interface GatewaySettings {
  readonly controlPlanes: 1 | 3;
  readonly workers: number;
}

/** What could not be read is `unknown`, which is not the same as absent. */
export type Known<T> = T | 'unknown';

export interface ObservedNode {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  readonly kubernetesVersion: Known<KubernetesVersion>;
  readonly ready: Known<boolean>;
  readonly createdAt: Instant;
}

/** One Cluster API Machine of the gateway's own cluster. `version` is its Kubernetes version. */
export interface ObservedMachine {
  readonly name: string;
  readonly role: 'control-plane' | 'worker';
  readonly phase: string;
  readonly version: KubernetesVersion;
  readonly nodeName?: string;
  readonly isDeleting: boolean;
  readonly isUpToDate: Known<boolean>;
  readonly createdAt: Instant;
  /** The Ready condition's message, when it is not ready. */
  readonly message?: string;
}

/**
 * The gateway's own control plane or one set of workers as Cluster API reports it.
 * Source of the fields: KubeadmControlPlane and MachineDeployment of `cluster.x-k8s.io/v1beta2`.
 */
export interface ObservedReplicas {
  readonly name: string;
  readonly wanted: number;
  readonly replicas: number;
  readonly ready: number;
  readonly available: number;
  readonly upToDate: number;
  /** The controller has seen the newest spec (`status.observedGeneration = metadata.generation`). */
  readonly isObserved: boolean;
  readonly isRollingOut: Known<boolean>;
  readonly specVersion: KubernetesVersion;
  /** The lowest version that runs; only control planes report it. */
  readonly statusVersion?: KubernetesVersion;
  /** The OS that the spec asks for, as the release's variable has it. */
  readonly specOs?: string;
}

/** The gateway's own cluster as Cluster API reports it. */
export interface ObservedClusterApi {
  readonly clusterName: string;
  readonly topologyVersion: KubernetesVersion;
  /** Variables of `spec.topology.variables` that a release may set, for example `osImage`. */
  readonly topologyVariables: Readonly<Record<string, string>>;
  /** `spec.topology.controlPlane.variables.overrides`, for an OS change that moves control planes first. */
  /** Another field manager than ours that set the version or the OS, where Kubernetes tells; the one that wrote last. */
  readonly topologySetBy?: string;
  readonly controlPlaneOverrides: Readonly<Record<string, string>>;
  /** When we last changed the topology, in whole seconds by the API server's clock. Absent where it cannot be read. */
  readonly topologyChangedAt?: Instant;
  /** `TopologyReconciled` is true for the newest generation. */
  readonly isTopologyReconciled: boolean;
  /** The Cluster controller has seen the newest spec. */
  readonly isObserved: boolean;
  readonly isPaused: boolean;
  readonly controlPlane: ObservedReplicas;
  /** KCP's `Available` condition. */
  readonly isControlPlaneAvailable: Known<boolean>;
  /** KCP's `EtcdClusterHealthy` condition. */
  readonly isEtcdHealthy: Known<boolean>;
  readonly workers: readonly ObservedReplicas[];
  readonly machines: readonly ObservedMachine[];
}

/** What a release says that a decision about one gateway needs. */
export interface ReleaseFacts {
  readonly platformVersion: PlatformVersion;
  readonly agent: {
    readonly version: PlatformVersion;
    /** `sha256:…` of the image or, in the sandbox, of the bundle. The identity of an agent for taking back. */
    readonly digest: string;
    readonly kubernetesMin: KubernetesVersion;
    readonly kubernetesMax: KubernetesVersion;
  };
  /** The release that has the agent; absent: this one. Another's where the gateway's agent is ahead of its profile. */
  readonly agentRelease?: PlatformVersion;
  /** The least agent version with which this release's profile update may begin. */
  readonly profileNeedsAgent: PlatformVersion;
  /** The profile for the gateway's provider; absent when the release has none for it. */
  readonly profile?: { readonly version: PlatformVersion; readonly digest: string };
}

/** One stop of the way to the platform's version, with what it brings to this gateway. */
export interface WalkStop {
  readonly release: PlatformVersion;
  readonly bringsAgent: boolean;
  readonly bringsProfile: boolean;
}

/** How a gateway comes to the platform's version: along several stops, or not at all as long as no legal way is known. */
export type GatewayWalk =
  | {
      readonly kind: 'on-way';
      /** The release it is on; while agent and profile are of two, that of the profile. */
      readonly from: PlatformVersion;
      /** What is still to come, in order. */
      readonly stops: readonly [WalkStop, ...WalkStop[]];
    }
  | { readonly kind: 'held'; readonly reasons: Reasons };
