/**
 * What somebody else changed or deleted, in the middle of a profile update, of what the update has already done, and what
 * is done about it: own fields are set again, and that is told; what belongs to others is never touched. From the order,
 * the progress and what is observed. When no update is on its way nothing is put right by itself: that is drift.
 */

import { addMilliseconds, type Instant, toInstant } from './instant.ts';
import { isAskedFor, topologyChanged } from './profile-update-nodes.ts';
import type { ProfileUpdateAction, ProfileUpdateFacts } from './profile-update-step.ts';
import type { ProfileUpdateProgress, ProfileUpdateStep, Repair, StepProgress } from './profile-update-types.ts';
import type { Reason } from './reason.ts';
import type { Timings } from './timings.ts';

const repairsMax = 50;

/** Each once; the newest ones when they are too many. */
export function withRepairs(progress: ProfileUpdateProgress, found: readonly Repair[]): ProfileUpdateProgress {
  const known = progress.repairs ?? [];
  const news = found.filter(({ at, what }) => !known.some((one) => one.at === at && one.what === what));
  return news.length === 0 ? progress : { ...progress, repairs: [...known, ...news].slice(-repairsMax) };
}

/** The first step of nodes that was done and no longer is, since the topology asks for something else now. */
export function undoneStep(
  facts: ProfileUpdateFacts,
  progress: ProfileUpdateProgress,
  now: Instant,
): { readonly steps: readonly StepProgress[]; readonly repair: Repair } | undefined {
  const { clusterApi } = facts;
  if (clusterApi === 'unknown') return undefined;
  for (const done of progress.steps) {
    const step = facts.order.steps.find(({ id }) => id === done.id);
    const isOfNodes = done.state === 'done' && step !== undefined && step.kind !== 'pack' && step.move !== undefined;
    if (!isOfNodes || isAskedFor(clusterApi, step, facts)) continue;
    const repair = { at: now, what: topologyChanged(clusterApi) };
    return { steps: progress.steps.map((one) => (one === done ? again(one, now) : unasked(one))), repair };
  }
  return undefined;
}

function again(step: StepProgress, now: Instant): StepProgress {
  const { finishedAt: _end, ...rest } = unasked(step);
  return { ...rest, state: 'running', movedAt: now };
}

/** What one change undid is told once. */
function unasked({ asked: _asked, ...step }: StepProgress): StepProgress {
  return step;
}

type PackStep = Extract<ProfileUpdateStep, { kind: 'pack' }>;

function donePacks({ order }: ProfileUpdateFacts, { steps }: ProfileUpdateProgress): readonly PackStep[] {
  const done = new Set(steps.filter(({ state }) => state === 'done').map(({ id }) => id));
  return order.steps.filter((step): step is PackStep => step.kind === 'pack' && done.has(step.id));
}

const toAction = (packs: readonly PackStep[]): ProfileUpdateAction => ({
  kind: 'keepPacks',
  packs: packs.map(({ layer, pack }) => ({ layer, pack })),
});

/** Looks, every now and then, whether the packs that are done are still as they were applied. */
export function keepPacks(
  facts: ProfileUpdateFacts,
  progress: ProfileUpdateProgress,
  now: Instant,
  timings: Timings,
): readonly ProfileUpdateAction[] {
  const packs = donePacks(facts, progress);
  if (packs.length === 0) return [];
  const last = facts.kept?.at;
  const isDue = last === undefined || now >= addMilliseconds(last, timings.profileUpdate.keepEvery);
  return isDue ? [toAction(packs)] : [];
}

type LastLook =
  | { readonly kind: 'look'; readonly action: ProfileUpdateAction }
  | { readonly kind: 'wait'; readonly reason: Reason }
  | { readonly kind: 'stop'; readonly failure: Reason }
  | { readonly kind: 'kept' };

/** After everything is done and before it counts as applied: whether all of it still is. */
export function lastLookAtPacks(
  facts: ProfileUpdateFacts,
  progress: ProfileUpdateProgress,
  now: Instant,
  timings: Timings,
): LastLook {
  const packs = donePacks(facts, progress);
  if (packs.length === 0) return { kind: 'kept' };
  const lastDone = toInstant(Math.max(...progress.steps.map(({ finishedAt }) => finishedAt ?? 0)));
  const { kept } = facts;
  const isOld = kept === undefined || kept.at < lastDone;
  const isDueAgain = kept?.refusal !== undefined && now >= addMilliseconds(kept.at, timings.profileUpdate.keepEvery);
  if (isOld || isDueAgain) return { kind: 'look', action: toAction(packs) };
  if (kept.refusal === undefined) return { kind: 'kept' };
  const message = `What was applied has been changed since and could not be put right: ${kept.refusal}`;
  if (now < addMilliseconds(lastDone, timings.profileUpdate.writeRefusedMax)) {
    return { kind: 'wait', reason: { code: 'pack-not-kept', message } };
  }
  return { kind: 'stop', failure: { code: 'pack-not-kept', message, nextStep: 'Remove the cause and retry.' } };
}

/** No progress is known, and yet the Cluster is on its way to what the plan asks for: what was known of it was lost. */
export function isUnderWayUnknown({ order, clusterApi, osVariable }: ProfileUpdateFacts): boolean {
  if (clusterApi === 'unknown') return false;
  return order.steps.some((step) => {
    if (step.kind === 'pack' || step.move === undefined) return false;
    const variables = { ...clusterApi.topologyVariables, ...clusterApi.controlPlaneOverrides };
    const isOs = Object.hasOwn(variables, osVariable) && variables[osVariable] === step.to.os;
    return clusterApi.topologyVersion === step.to.kubernetes && isOs;
  });
}

export const stateLost = (now: Instant): Repair => ({
  at: now,
  what: 'The ConfigMap gatehouse-agent-state was deleted or emptied in the middle; the update goes on from what is on the gateway.',
});
