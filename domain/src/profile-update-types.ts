/**
 * The shapes of a profile update: the immutable plan a person confirms, and how far it got. The plan is made by
 * `profile-plan.ts`, carried out by `profile-update.ts`.
 */

import type { GatewaySettings } from './gateway.ts';
import type { Instant, Milliseconds } from './instant.ts';
import type { LayerKind, ProfileReference } from './profile.ts';
import type { Reason } from './reason.ts';
import type { KubernetesVersion } from './version.ts';

export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Kubernetes and OS as they are set on the gateway's own Cluster. `os` is the value of the release's OS variable. */
export interface NodeTarget {
  readonly kubernetes: KubernetesVersion;
  readonly os: string;
}

/**
 * How the nodes move. `version`: Kubernetes (and the OS, if it moves too) in one patch; Cluster API lets the workers
 * wait. `os`: only the OS moves, first the control planes through an override, then the workers (agent-protocol.md §6).
 */
export type NodeMove = 'version' | 'os';

export type ProfileUpdateStep =
  | {
      readonly id: string;
      readonly kind: 'pack';
      readonly layer: LayerKind;
      readonly pack: string;
      /** What the pack no longer has and will be deleted. Never a CRD, namespace, volume or claim. */
      readonly deletes: readonly ObjectReference[];
      /** What it no longer has and is left, since pruning never deletes that kind. */
      readonly keeps: readonly ObjectReference[];
    }
  | {
      readonly id: 'control-planes';
      readonly kind: 'control-planes';
      readonly move?: NodeMove;
      readonly to: NodeTarget;
      readonly nodes: readonly string[];
    }
  | {
      readonly id: 'workers';
      readonly kind: 'workers';
      readonly move?: NodeMove;
      readonly to: NodeTarget;
      readonly nodes: readonly string[];
    };

export type DowntimeClass = 'yes' | 'possible' | 'not-expected';

/**
 * The immutable proposal of one profile update. `planId` is a digest over everything here but `summary`: gateway,
 * profile before and after, settings, and the ordered steps with the nodes they touch; not health, not heartbeats.
 * The step `control-planes` is always there (its `move` is absent when no node is repaved), so that the event
 * `all control planes are updated` has its place in every update.
 */
export interface ProfileUpdatePlan {
  readonly planId: string;
  readonly gatewayId: string;
  readonly from: ProfileReference;
  readonly to: ProfileReference;
  readonly settings: GatewaySettings;
  readonly steps: readonly ProfileUpdateStep[];
  readonly summary: ProfileUpdateSummary;
}

/** What the review says in words. Times in milliseconds. */
export interface ProfileUpdateSummary {
  readonly layersMoved: readonly LayerKind[];
  readonly deletes: readonly ObjectReference[];
  /** Nodes in the order in which they are repaved. */
  readonly repaves: readonly string[];
  readonly usualDuration: Milliseconds;
  readonly downtime: DowntimeClass;
  readonly sentences: readonly string[];
}

export interface PreflightResult {
  readonly check: string;
  readonly outcome: 'passed' | 'failed' | 'unknown';
  readonly message: string;
}

export type StepState = 'waiting' | 'running' | 'done' | 'failed';

export interface StepProgress {
  readonly id: string;
  readonly state: StepState;
  readonly startedAt?: Instant;
  readonly finishedAt?: Instant;
  /** What was last seen to move, for "nothing moved for 20 min"; an opaque text that changes when something does. */
  readonly movedMark?: string;
  readonly movedAt?: Instant;
  readonly message?: string;
  /** A Machine without a node that a retry deletes, so that a new one is made. */
  readonly deletesMachine?: string;
  /** Since when the step's writes are refused. */
  readonly refusedAt?: Instant;
  /** The topology was seen to ask for what the step is about: if it no longer does, somebody has changed it. */
  readonly asked?: boolean;
}

/** What somebody else changed or deleted in the middle, and was put right; told as an event. */
export interface Repair {
  readonly at: Instant;
  /** A whole sentence that names the thing and, where Kubernetes tells, who did it. */
  readonly what: string;
}

/** How far a confirmed update is; kept in the gateway's cluster, reported with each observation. */
export interface ProfileUpdateProgress {
  readonly planId: string;
  /** Digest of the profile it leads to, as it was when it began. Absent in what an older agent wrote. */
  readonly to?: string;
  readonly phase: 'preflight' | 'running' | 'stopped' | 'completed' | 'cancelled';
  readonly startedAt: Instant;
  readonly steps: readonly StepProgress[];
  /** The first failure. The update stops there and leaves alone what works, until retry, supersede or cancel. */
  readonly stopped?: Reason;
  /** Number of the last retry carried out; a person's retry raises it in the target. */
  readonly retry: number;
  /** The stopped plan whose nodes were on their way when this one took its place. */
  readonly continues?: string;
  /** Set once, as soon as all control planes were observed on the target. */
  readonly controlPlanesUpdatedAt?: Instant;
  readonly completedAt?: Instant;
  /** Oldest first. */
  readonly repairs?: readonly Repair[];
}
