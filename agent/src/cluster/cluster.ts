/**
 * What an agent can stand on: the door to its cluster. Two things stand behind it, a real Kubernetes and a simulated
 * cluster, and one suite (`cluster-expectations.ts`) says what both must do. Reads return what was seen and throw
 * `ClusterUnreachable` when nothing could be seen; a caller turns that into `unknown`. Writes are conditional where two
 * writers are possible and answer `conflict` instead of throwing. Nothing here decides.
 */

import type {
  ObservedAgentDeployment,
  ObservedAgentPod,
  ObservedLease,
  ObservedRehearsal,
} from '@gatehouse/domain/agent-cluster';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { ObservedClusterApi, ObservedNode } from '@gatehouse/domain/gateway';
import type { Instant } from '@gatehouse/domain/instant';
import type { KubernetesObject } from '@gatehouse/domain/profile';
import type { ObjectReference } from '@gatehouse/domain/profile-update-types';
import type { KubernetesVersion } from '@gatehouse/domain/version';

/** The API server did not answer, or answered that it cannot now. Says nothing about the gateway. */
export class ClusterUnreachable extends Error {
  override readonly name = 'ClusterUnreachable';
}

/** The API server refused a write; `message` is its own text. */
export interface Refused {
  readonly kind: 'refused';
  readonly status: number;
  readonly message: string;
}
export type WriteResult = 'written' | 'conflict' | Refused;

/**
 * The objects that outlive the agent. Their names are fixed from the first release on: ConfigMaps
 * `gatehouse-agent-state`, `-settings`, `-target`, `-trust`, `-inventory`, and the Secret `gatehouse-agent-identity`.
 */
export const mapNames = ['state', 'settings', 'target', 'trust', 'inventory', 'identity'] as const;
export type MapName = (typeof mapNames)[number];

export interface StoredMap {
  readonly data: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
  /** Of the object: no copy of it has the same, and no other that takes its place. */
  readonly uid?: string;
}

/** An opaque pod template, as rendered from a release or read back from an old ReplicaSet. */
export interface AgentTemplate {
  readonly release: AgentRelease;
  readonly template: unknown;
}

export interface ApplyAgentDeployment {
  readonly template: AgentTemplate;
  readonly attemptId?: string;
  readonly minReadySeconds: number;
  /** Absent: it must not exist yet. */
  readonly resourceVersion?: string;
}

/** Everything that guard and agent need to run and replace the agent itself. */
export interface AgentCluster {
  /** The API server's clock, from its last answer. */
  now(): Promise<Instant>;

  readMap(name: MapName): Promise<StoredMap | undefined>;
  /** Sets the given keys, removes those given as null, leaves the rest. `resourceVersion` undefined: must not exist yet. */
  writeMap(
    name: MapName,
    data: Readonly<Record<string, string | null>>,
    resourceVersion: string | undefined,
  ): Promise<StoredMap | 'conflict'>;

  readLease(): Promise<ObservedLease | undefined>;
  /** `holder` undefined empties it. `resourceVersion` undefined: must not exist yet. Renewal time is set to now. */
  writeLease(holder: string | undefined, resourceVersion: string | undefined): Promise<ObservedLease | 'conflict'>;

  readDeployment(): Promise<ObservedAgentDeployment | undefined>;
  applyDeployment(order: ApplyAgentDeployment): Promise<WriteResult>;
  /** With `dryRun=All`: whether that order would be taken. */
  dryRunDeployment(order: ApplyAgentDeployment): Promise<WriteResult>;
  listPods(): Promise<readonly ObservedAgentPod[]>;
  /** The template of a release as an existing ReplicaSet of the agent has it; undefined when there is none. */
  readTemplate(digest: string): Promise<AgentTemplate | undefined>;
  /** The template a release's agent runs with on this cluster (image by digest, registry prefix, settings). */
  renderTemplate(release: AgentRelease, image: { readonly repository: string }): AgentTemplate;

  startRehearsal(attemptId: string, template: AgentTemplate): Promise<WriteResult>;
  readRehearsal(): Promise<ObservedRehearsal | undefined>;
  deleteRehearsal(): Promise<void>;
}

/** `by`: the field managers that had set our fields otherwise. */
export type KeepResult =
  | { readonly kind: 'same' }
  | { readonly kind: 'made-again' }
  | { readonly kind: 'repaired'; readonly by: readonly string[] }
  | 'conflict'
  | Refused;

export interface TopologyPatch {
  readonly version?: KubernetesVersion;
  /** Sets `spec.topology.variables` entries by name. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Replaces `spec.topology.controlPlane.variables.overrides`; empty removes it. */
  readonly controlPlaneOverrides?: Readonly<Record<string, string>>;
}

/** What a profile needs: reads of the gateway, and the few writes that roll it. */
export interface GatewayCluster {
  readKubernetesVersion(): Promise<KubernetesVersion>;
  listNodes(): Promise<readonly ObservedNode[]>;
}

export interface ProfileCluster {
  readClusterApi(): Promise<ObservedClusterApi>;
  /** One patch, conditional on the resourceVersion that the last `readClusterApi` saw. */
  patchTopology(patch: TopologyPatch): Promise<WriteResult>;
  /** Only a Machine of the own Cluster that has no node. */
  deleteMachine(name: string): Promise<WriteResult>;

  /** Server-side apply with our field manager; `dryRun` changes nothing. */
  applyObject(object: KubernetesObject, options: { readonly dryRun: boolean }): Promise<WriteResult>;
  /** Applies an object that was applied before, and says whether that put anything right. */
  keepObject(object: KubernetesObject): Promise<KeepResult>;
  readObject(reference: ObjectReference): Promise<KubernetesObject | undefined>;
  /** Deletes it, and answers `written` also when it was gone. */
  deleteObject(reference: ObjectReference): Promise<WriteResult>;

  /** Names of disruption budgets that allow no disruption now, with their namespace. */
  listBlockingBudgets(): Promise<readonly string[]>;
  /** Whether each image can be had from the registry by its digest. `unknown`: the registry did not answer. */
  checkImages(
    images: readonly string[],
  ): Promise<
    readonly { readonly image: string; readonly isReachable: boolean | 'unknown'; readonly message: string }[]
  >;
  /** Free addresses of the pool the nodes are taken from; `unknown` where no pool is known. */
  countFreeAddresses(): Promise<number | 'unknown'>;
  /** API groups and versions in use (by objects of the inventory and the cluster's stored objects) that the Kubernetes version no longer serves. */
  listRemovedApis(target: KubernetesVersion): Promise<readonly string[]>;
}

/** `profile` is absent on an existing cluster: its owner keeps it. */
export interface Cluster extends AgentCluster, GatewayCluster {
  readonly kind: 'kubernetes' | 'simulated';
  readonly profile?: ProfileCluster;
}
