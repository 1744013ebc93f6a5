/**
 * What the agent does next about a confirmed profile update: preflight, packs before the nodes, control planes, the
 * milestone, workers, packs in order, done. From the order, the progress that is kept in the gateway's cluster, and
 * what is observed now. It resumes from any progress after a crash, never asks for two things that roll nodes at once,
 * stops at the first failure with its reason, and takes what could not be read for neither good nor bad.
 */

import { addMilliseconds, type Instant, millisecondsBetween } from './instant.ts';
import { machineWithoutNode } from './nodes-updated.ts';
import { preflightOutcome } from './preflight.ts';
import { isUnderWayUnknown, keepPacks, lastLookAtPacks, stateLost, undoneStep, withRepairs } from './profile-keep.ts';
import { nextOfNodeStep } from './profile-update-nodes.ts';
import {
  finished,
  isPastCancel,
  markMoved,
  type ProfileUpdateAction,
  type ProfileUpdateFacts,
  type StepOutcome,
  stepHolds,
  withRefusal,
} from './profile-update-step.ts';
import type { ProfileUpdateProgress, ProfileUpdateStep, StepProgress } from './profile-update-types.ts';
import type { Reason } from './reason.ts';
import { productionTimings, type Timings } from './timings.ts';

export interface ProfileUpdateDecision {
  /** To be stored before any action is carried out. */
  readonly progress: ProfileUpdateProgress;
  readonly actions: readonly ProfileUpdateAction[];
  /** Why nothing is done now although it is not finished. */
  readonly waits: readonly Reason[];
}

export function nextProfileUpdateActions(
  facts: ProfileUpdateFacts,
  now: Instant,
  timings: Timings = productionTimings,
): ProfileUpdateDecision {
  const known = progressOf(facts, now);
  const progress = known.phase === 'running' ? withRepairs(known, facts.kept?.repairs ?? []) : known;
  switch (progress.phase) {
    case 'completed':
    case 'cancelled':
      return { progress, actions: [], waits: [] };
    case 'preflight':
    case 'running':
    case 'stopped':
      break;
  }
  if (facts.order.isCancelled && !isPastCancel(facts.order.steps, progress)) {
    const { stopped: _ended, ...rest } = progress;
    return { progress: { ...rest, phase: 'cancelled' }, actions: [], waits: [] };
  }
  if (progress.phase === 'stopped') {
    if (facts.order.retry <= progress.retry) return { progress, actions: [], waits: [] };
    const holds = stepHolds(facts, progress);
    if (holds.length > 0) return { progress, actions: [], waits: holds };
    return resume(facts, progress, now);
  }
  return progress.phase === 'preflight'
    ? nextOfPreflight(facts, progress, now, timings)
    : run(facts, progress, now, timings);
}

/**
 * Progress on another plan is of no use for this one, nor is that of the same one when it was cancelled and confirmed
 * again; what was done is observed.
 */
function progressOf(facts: ProfileUpdateFacts, now: Instant): ProfileUpdateProgress {
  const { order, progress: known } = facts;
  const isConfirmedAgain = known?.phase === 'cancelled' && order.retry > known.retry;
  // An honest plan id leads to one profile; under another one nothing of what was begun may be taken for done.
  const isOwn = known?.planId === order.planId && (known.to === undefined || known.to === order.to.digest);
  if (known !== undefined && isOwn && !isConfirmedAgain) return known;
  return {
    planId: order.planId,
    to: order.to.digest,
    phase: order.isInitial === true ? 'running' : 'preflight',
    startedAt: now,
    steps: order.steps.map(({ id }) => ({ id, state: 'waiting' })),
    retry: order.retry,
    ...(known !== undefined && isUnderWay(known) ? { continues: known.planId } : {}),
    ...(known === undefined && isUnderWayUnknown(facts) ? { continues: order.planId, repairs: [stateLost(now)] } : {}),
  };
}

/** Its nodes were on their way when it stopped, or when the one before it did. */
function isUnderWay(progress: ProfileUpdateProgress): boolean {
  const hasBegunNodes = progress.steps.some(({ id, state }) => roleOfStep(id) !== undefined && state !== 'waiting');
  return progress.phase === 'stopped' && (hasBegunNodes || progress.continues !== undefined);
}

/** What cannot hold while nodes are under way, and need not when a newer plan takes over from a stopped one. */
const checksOfRest: readonly string[] = ['replicas-ready', 'nothing-rolling', 'no-machine-deleting'];

/** Of a plan whose memory was lost nothing is known to be stuck. */
function takesOver({ planId, continues }: ProfileUpdateProgress): boolean {
  return continues !== undefined && continues !== planId;
}

/** A step that failed starts its time anew, and the machine that never came up makes room for another. */
function resume(facts: ProfileUpdateFacts, progress: ProfileUpdateProgress, now: Instant): ProfileUpdateDecision {
  const failedNodes = progress.steps.some(({ state, id }) => state === 'failed' && roleOfStep(id) !== undefined);
  if (failedNodes && facts.clusterApi === 'unknown') {
    const message = "Cluster API's objects could not be read, so it is not known which machine to replace.";
    return { progress, actions: [], waits: [{ code: 'cluster-unknown', message }] };
  }
  const { stopped: _over, ...rest } = progress;
  const hasBegun = progress.steps.some(({ state }) => state !== 'waiting');
  const steps = progress.steps.map((step) => (step.state === 'failed' ? restarted(facts, step, now) : step));
  const next: ProfileUpdateProgress = {
    ...rest,
    // Before the first step the preflight has its time anew.
    ...(hasBegun ? { phase: 'running' } : { phase: 'preflight', startedAt: now }),
    retry: facts.order.retry,
    steps,
  };
  return { progress: next, actions: [], waits: [] };
}

function roleOfStep(id: string): 'control-plane' | 'worker' | undefined {
  if (id === 'control-planes') return 'control-plane';
  return id === 'workers' ? 'worker' : undefined;
}

function restarted(facts: ProfileUpdateFacts, step: StepProgress, now: Instant): StepProgress {
  const { finishedAt: _end, message: _why, refusedAt: _refused, deletesMachine: _old, ...rest } = step;
  return { ...rest, state: 'running', movedAt: now, ...doomed(facts, step.id) };
}

/** The machine that never got a node, to be deleted once the Cluster asks for the target. */
function doomed({ clusterApi }: ProfileUpdateFacts, stepId: string): Pick<StepProgress, 'deletesMachine'> {
  const role = roleOfStep(stepId);
  const machine = role === undefined || clusterApi === 'unknown' ? undefined : machineWithoutNode(clusterApi, role);
  return machine === undefined ? {} : { deletesMachine: machine.name };
}

function nextOfPreflight(
  facts: ProfileUpdateFacts,
  progress: ProfileUpdateProgress,
  now: Instant,
  timings: Timings,
): ProfileUpdateDecision {
  const oldest = Math.max(progress.startedAt, now - timings.profileUpdate.preflightAgeMax);
  const isFresh = facts.preflight !== undefined && facts.preflight.at >= oldest;
  const results = (isFresh ? (facts.preflight?.results ?? []) : []).filter(
    ({ check }) => progress.continues === undefined || !checksOfRest.includes(check),
  );
  const holds = stepHolds(facts, progress);
  if (preflightOutcome(results) === 'passed' && !facts.isAgentUpdateRunning && holds.length === 0) {
    return run(facts, { ...progress, phase: 'running' }, now, timings);
  }
  const waits: readonly Reason[] = [
    ...holds,
    ...(facts.isAgentUpdateRunning
      ? [{ code: 'agent-update-in-progress', message: 'The agent is being updated; only one update runs at a time.' }]
      : []),
    ...results
      .filter(({ outcome }) => outcome !== 'passed')
      .map(({ check, message }) => ({ code: `preflight-${check}`, message })),
    ...(isFresh ? [] : [{ code: 'preflight-not-checked', message: 'The preflight was not checked yet.' }]),
  ];
  if (holds.length > 0) return { progress: withTimeLeft(progress, now, timings), actions: [], waits };
  if (now < addMilliseconds(progress.startedAt, timings.profileUpdate.preflightMax)) {
    return { progress, actions: [{ kind: 'checkPreflight' }], waits };
  }
  const span = Math.round(millisecondsBetween(progress.startedAt, now) / 60_000);
  const stopped: Reason = {
    code: 'preflight-failed',
    message: `The preflight has not passed for ${span} min: ${waits.map(({ message }) => message).join(' ')}`,
    nextStep: 'Remove the cause and retry, or cancel the update; nothing has been changed.',
  };
  return { progress: { ...progress, phase: 'stopped', stopped }, actions: [], waits: [] };
}

/** What is held from outside does not run out of time: at least half of it is left when the hold ends. Written rarely. */
function withTimeLeft(progress: ProfileUpdateProgress, now: Instant, timings: Timings): ProfileUpdateProgress {
  const half = timings.profileUpdate.preflightMax / 2;
  return now < addMilliseconds(progress.startedAt, half) ? progress : { ...progress, startedAt: now };
}

function run(
  facts: ProfileUpdateFacts,
  progress: ProfileUpdateProgress,
  now: Instant,
  timings: Timings,
): ProfileUpdateDecision {
  const undone = undoneStep(facts, progress, now);
  if (undone !== undefined) {
    return run(facts, withRepairs({ ...progress, steps: undone.steps }, [undone.repair]), now, timings);
  }
  const index = progress.steps.findIndex(({ state }) => state !== 'done');
  const current = progress.steps[index];
  if (current === undefined) return finish(facts, progress, now, timings);
  const step = facts.order.steps.find(({ id }) => id === current.id);
  if (step === undefined) {
    throw new TypeError(
      `The progress of the plan ${progress.planId} names a step ${current.id} that the plan has not.`,
    );
  }
  if (current.state === 'waiting') {
    const holds = stepHolds(facts, progress);
    if (holds.length > 0) return { progress, actions: [], waits: holds };
    const begun: StepProgress = {
      id: current.id,
      state: 'running',
      startedAt: now,
      movedAt: now,
      ...(takesOver(progress) ? doomed(facts, current.id) : {}),
    };
    return run(facts, withStep(progress, begun), now, timings);
  }
  const outcome =
    step.kind === 'pack'
      ? nextOfPack(facts, step, current, now, timings)
      : nextOfNodeStep(facts, step, current, now, timings);
  const changed = outcome.changed === undefined ? [] : [{ at: now, what: outcome.changed }];
  const next = withRepairs(withMilestone(withStep(progress, outcome.step), outcome, now), changed);
  if (outcome.failure !== undefined) return stop(next, outcome, outcome.failure, now);
  if (outcome.step.state === 'done') return run(facts, next, now, timings);
  return {
    progress: next,
    actions: [...outcome.actions, ...keepPacks(facts, next, now, timings)],
    waits: outcome.waits,
  };
}

/** Exactly once, and kept: the event is written when this first appears. */
function withMilestone(progress: ProfileUpdateProgress, outcome: StepOutcome, now: Instant): ProfileUpdateProgress {
  if (outcome.areControlPlanesUpdated !== true || progress.controlPlanesUpdatedAt !== undefined) return progress;
  return { ...progress, controlPlanesUpdatedAt: now };
}

function withStep(progress: ProfileUpdateProgress, step: StepProgress): ProfileUpdateProgress {
  return { ...progress, steps: progress.steps.map((known) => (known.id === step.id ? step : known)) };
}

function stop(
  progress: ProfileUpdateProgress,
  { step }: StepOutcome,
  failure: Reason,
  now: Instant,
): ProfileUpdateDecision {
  const failed: StepProgress = { ...step, state: 'failed', finishedAt: now, message: failure.message };
  return { progress: { ...withStep(progress, failed), phase: 'stopped', stopped: failure }, actions: [], waits: [] };
}

function finish(
  facts: ProfileUpdateFacts,
  progress: ProfileUpdateProgress,
  now: Instant,
  timings: Timings,
): ProfileUpdateDecision {
  const last = lastLookAtPacks(facts, progress, now, timings);
  if (last.kind === 'look') return { progress, actions: [last.action], waits: [] };
  if (last.kind === 'wait') return { progress, actions: [], waits: [last.reason] };
  if (last.kind === 'stop') {
    return { progress: { ...progress, phase: 'stopped', stopped: last.failure }, actions: [], waits: [] };
  }
  if (facts.appliedProfile?.digest !== facts.order.to.digest) {
    return { progress, actions: [{ kind: 'recordAppliedProfile', profile: facts.order.to }], waits: [] };
  }
  return { progress: { ...progress, phase: 'completed', completedAt: now }, actions: [], waits: [] };
}

type PackStep = Extract<ProfileUpdateStep, { kind: 'pack' }>;

function nextOfPack(
  facts: ProfileUpdateFacts,
  step: PackStep,
  progress: StepProgress,
  now: Instant,
  timings: Timings,
): StepOutcome {
  const pack = Object.hasOwn(facts.packs, step.id) ? facts.packs[step.id] : undefined;
  const apply: ProfileUpdateAction = {
    kind: 'applyPack',
    stepId: step.id,
    layer: step.layer,
    pack: step.pack,
    deletes: step.deletes,
  };
  if (pack === undefined) return { step: progress, actions: [apply], waits: [] };
  if (pack === 'unknown') {
    return {
      step: progress,
      actions: [apply],
      waits: [{ code: 'cluster-unknown', message: `What the pack ${step.pack} has on the gateway could not be read.` }],
    };
  }
  if (pack.isApplied) return { step: finished(progress, now), actions: [], waits: [] };
  const moved = markMoved(withRefusal(progress, pack.refusal, now), pack.movedMark, now);
  const isRefusedTooLong =
    moved.refusedAt !== undefined && now >= addMilliseconds(moved.refusedAt, timings.profileUpdate.writeRefusedMax);
  const isLate = now >= addMilliseconds(moved.movedAt ?? now, timings.profileUpdate.packMax);
  if (isRefusedTooLong || isLate) {
    const why = pack.refusal ?? 'its objects were not applied in time.';
    return {
      step: moved,
      actions: [],
      waits: [],
      failure: {
        code: 'pack-not-applied',
        message: `The pack ${step.pack} of the layer ${step.layer} could not be applied: ${why}`,
        nextStep: 'Remove the cause and retry.',
      },
    };
  }
  const waits = pack.refusal === undefined ? [] : [{ code: 'pack-refused', message: pack.refusal }];
  return { step: moved, actions: [apply], waits };
}
