/** The shapes and small parts that the steps of a profile update share. */

import type { Known, ObservedClusterApi } from './gateway.ts';
import type { Instant } from './instant.ts';
import type { LayerKind, ProfileReference } from './profile.ts';
import type {
  NodeTarget,
  ObjectReference,
  PreflightResult,
  ProfileUpdateProgress,
  ProfileUpdateStep,
  Repair,
  StepProgress,
} from './profile-update-types.ts';
import type { Reason, Reasons } from './reason.ts';

/** At most one of a call rolls nodes. Each can be repeated without harm. */
export type ProfileUpdateAction =
  /** Looks at everything `preflight` needs; the results come with the next facts. */
  | { readonly kind: 'checkPreflight' }
  /** Applies the pack's objects in order, then deletes `deletes`; the outcome comes with the next facts. */
  | {
      readonly kind: 'applyPack';
      readonly stepId: string;
      readonly layer: LayerKind;
      readonly pack: string;
      readonly deletes: readonly ObjectReference[];
    }
  /** Looks whether the objects of these packs, all applied before, are still so, and puts right what is not. */
  | { readonly kind: 'keepPacks'; readonly packs: readonly { readonly layer: LayerKind; readonly pack: string }[] }
  /** One patch: version and OS variable, and no override of the control planes' OS. */
  | { readonly kind: 'setVersionAndOs'; readonly to: NodeTarget }
  /** `controlPlane.variables.overrides`: the OS of the control planes alone. */
  | { readonly kind: 'overrideControlPlaneOs'; readonly os: string }
  /** One patch: the OS variable, and the override removed. */
  | { readonly kind: 'setOs'; readonly os: string }
  /** A Machine of the own Cluster that has no node. */
  | { readonly kind: 'deleteMachine'; readonly name: string }
  | { readonly kind: 'recordAppliedProfile'; readonly profile: ProfileReference };

export interface ProfileUpdateOrder {
  readonly planId: string;
  readonly to: ProfileReference;
  readonly steps: readonly ProfileUpdateStep[];
  readonly retry: number;
  readonly isCancelled: boolean;
  /** Why no further step may begin; counts until one that replaces nodes has begun, from where there is only forward. */
  readonly held?: Reasons;
  /** The first profile of a new gateway: it has no preflight, since there is nothing yet to put at risk. */
  readonly isInitial?: boolean;
}

export interface PackObservation {
  /** All objects of the pack are applied and what goes is gone, by the inventory. */
  readonly isApplied: boolean;
  /** The last write that the API server refused, in its words; absent once one was taken. */
  readonly refusal?: string;
  /** Changes when one more object was applied. */
  readonly movedMark?: string;
}

export interface ProfileUpdateFacts {
  readonly order: ProfileUpdateOrder;
  readonly progress?: ProfileUpdateProgress;
  readonly clusterApi: Known<ObservedClusterApi>;
  /** The name of the Cluster's variable that holds the OS, such as `osImage`. */
  readonly osVariable: string;
  /** By step id; a step that is not in it was not looked at yet. */
  readonly packs: Readonly<Record<string, Known<PackObservation>>>;
  readonly preflight?: { readonly at: Instant; readonly results: readonly PreflightResult[] };
  /** What was last applied whole, by the inventory. */
  readonly appliedProfile?: ProfileReference;
  readonly isAgentUpdateRunning: boolean;
  /** The last look at packs that are done, by this process: when it began, and what was put right in it. */
  readonly kept?: { readonly at: Instant; readonly repairs: readonly Repair[]; readonly refusal?: string };
  /** The API server refused the last patch of the Cluster, in its words; absent once one was taken. */
  readonly refusal?: string;
}

/** What one step came to in this look. */
export interface StepOutcome {
  readonly step: StepProgress;
  readonly actions: readonly ProfileUpdateAction[];
  readonly waits: readonly Reason[];
  readonly failure?: Reason;
  /** What somebody else changed, in words; it is set again. */
  readonly changed?: string;
  /** All control planes are on the target now. */
  readonly areControlPlanesUpdated?: boolean;
}

/** True once a step that replaces nodes has begun, or everything is done. */
export function isPastCancel(steps: readonly ProfileUpdateStep[], progress: ProfileUpdateProgress): boolean {
  if (progress.phase === 'completed') return true;
  const moving = new Set<string>(
    steps.flatMap((step) => (step.kind !== 'pack' && step.move !== undefined ? [step.id] : [])),
  );
  return progress.steps.some((step) => moving.has(step.id) && step.state !== 'waiting');
}

/** Why no further step begins now; none once there is only forward. */
export function stepHolds({ order }: ProfileUpdateFacts, progress: ProfileUpdateProgress): readonly Reason[] {
  return isPastCancel(order.steps, progress) ? [] : (order.held ?? []);
}

export function finished(step: StepProgress, now: Instant): StepProgress {
  const { message: _over, refusedAt: _taken, deletesMachine: _gone, ...rest } = step;
  return { ...rest, state: 'done', finishedAt: now };
}

export function markMoved(step: StepProgress, mark: string | undefined, now: Instant): StepProgress {
  if (mark === undefined || mark === step.movedMark) return step;
  return { ...step, movedMark: mark, movedAt: now };
}

export function withRefusal(step: StepProgress, refusal: string | undefined, now: Instant): StepProgress {
  const { refusedAt, message: _old, ...rest } = step;
  return refusal === undefined ? rest : { ...rest, message: refusal, refusedAt: refusedAt ?? now };
}
