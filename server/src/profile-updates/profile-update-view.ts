/** A profile update as a person reviews it: what would change, in which steps, and what holds it up. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { cancelReasons, confirmReasons, retryReasons } from '@gatehouse/domain/confirm';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { confirmedProgress } from '@gatehouse/domain/gateway-status';
import { formatInstant, type Instant } from '@gatehouse/domain/instant';
import { objectText } from '@gatehouse/domain/object-reference';
import { isPaused } from '@gatehouse/domain/pause';
import type { Profile } from '@gatehouse/domain/profile';
import { reviewProfiles } from '@gatehouse/domain/profile-review';
import type {
  ProfileUpdatePlan,
  ProfileUpdateProgress,
  ProfileUpdateStep,
} from '@gatehouse/domain/profile-update-types';
import { repaveHolds } from '@gatehouse/domain/recall';
import { profileStepSentence } from '@gatehouse/domain/walk-text';
import type { ProfileUpdateRow } from '../gateways/gateway-facts.store.ts';
import { toReasonView, toWayView } from '../gateways/gateway-view.ts';
import { plainLine } from '../http/plain-text.ts';

export interface ProfileUpdateViewInput {
  readonly facts: GatewayFacts;
  readonly plan: ProfileUpdatePlan;
  /** Absent: the plan waits for a person. */
  readonly update?: ProfileUpdateRow & { readonly lastProgress?: ProfileUpdateProgress };
  /** Stopped; the plan takes its place when it is confirmed. */
  readonly supersedes?: ProfileUpdateRow & { readonly plan: ProfileUpdatePlan };
  readonly from?: Profile;
  readonly to?: Profile;
  readonly now: Instant;
}

export function toProfileUpdateView(input: ProfileUpdateViewInput): ProfileUpdate {
  const { facts, plan, update, supersedes, from, to, now } = input;
  const progress = progressOf(input);
  const preflight = facts.observation?.preflight;
  const isOpen = update !== undefined && update.ended_at === null;
  const held = isOpen ? repaveHolds(facts).map(toReasonView) : [];
  const isOfPlan = preflight?.planId === plan.planId;
  // What was confirmed before may lead elsewhere than what comes next now.
  const isNext = facts.release?.profile?.digest === plan.to.digest;
  const sentence = isNext ? profileStepSentence(facts) : undefined;
  const way = isNext ? toWayView(facts) : undefined;
  return {
    planId: plan.planId,
    gateway: { id: facts.identity.id, name: facts.identity.name },
    phase: phaseOf(input, progress),
    from: plan.from,
    to: plan.to,
    summary: {
      sentences: [...(sentence === undefined ? [] : [sentence]), ...plan.summary.sentences],
      layersMoved: [...plan.summary.layersMoved],
      deletes: plan.summary.deletes.map(objectText),
      repaves: [...plan.summary.repaves],
      usualDurationSeconds: Math.round(plan.summary.usualDuration / 1000),
      downtime: plan.summary.downtime,
    },
    layers: from === undefined || to === undefined ? [] : layersOf(from, to),
    drift: (facts.observation?.drift ?? []).map((line) => plainLine(line, 500)),
    preflight: {
      // An observation is sent only when it changed; a poll since then has said that it still holds.
      ...(isOfPlan && facts.observation ? { at: formatInstant(facts.lastPollAt ?? facts.observation.receivedAt) } : {}),
      results: isOfPlan
        ? preflight.results.map(({ check, outcome, message }) => ({
            check: plainLine(check, 100),
            outcome,
            message: plainLine(message),
          }))
        : [],
    },
    confirmReasons: update === undefined ? confirmReasons({ facts, plan, now }).map(toReasonView) : [],
    retryReasons: retryReasons(facts).map(toReasonView),
    cancelReasons: cancelReasons(facts).map(toReasonView),
    ...(supersedes === undefined ? {} : { supersedes: toSupersededView(supersedes, facts) }),
    isPaused: isPaused(facts, now),
    ...(way === undefined ? {} : { way }),
    steps: plan.steps.map((step) => toStepView(step, progress)),
    ...(update === undefined
      ? {}
      : { confirmedAt: update.confirmed_at.toISOString(), confirmedBy: update.confirmed_by }),
    ...(update?.starts_by ? { startsBy: update.starts_by.toISOString() } : {}),
    ...(progress?.completedAt === undefined ? {} : { completedAt: formatInstant(progress.completedAt) }),
    ...(progress?.stopped === undefined ? {} : { stopped: toReasonView(progress.stopped) }),
    ...(held.length === 0 ? {} : { held }),
  };
}

function toSupersededView(
  update: NonNullable<ProfileUpdateViewInput['supersedes']>,
  facts: GatewayFacts,
): NonNullable<ProfileUpdate['supersedes']> {
  const stopped = confirmedProgress(facts)?.stopped;
  return {
    planId: update.plan_id,
    to: update.plan.to,
    confirmedBy: update.confirmed_by,
    confirmedAt: update.confirmed_at.toISOString(),
    ...(stopped === undefined ? {} : { stopped: toReasonView(stopped) }),
  };
}

function progressOf({ facts, update }: ProfileUpdateViewInput): ProfileUpdateProgress | undefined {
  if (update === undefined) return undefined;
  return update.ended_at === null ? confirmedProgress(facts) : update.lastProgress;
}

function phaseOf(
  { update }: ProfileUpdateViewInput,
  progress: ProfileUpdateProgress | undefined,
): ProfileUpdate['phase'] {
  if (update === undefined) return 'available';
  if (update.outcome !== null) return update.outcome;
  // Until the gateway has taken up a retry it still reports the stop before it.
  return progress === undefined || progress.retry < update.retry ? 'confirmed' : progress.phase;
}

/** The contract's lists are mutable, the domain's are not. */
function layersOf(from: Profile, to: Profile): ProfileUpdate['layers'] {
  return reviewProfiles(from, to).map((layer) => ({
    layer: layer.layer,
    isMoved: layer.isMoved,
    packs: layer.packs.map((pack) => ({ ...pack, lines: [...pack.lines], deletes: [...pack.deletes] })),
  }));
}

function toStepView(
  step: ProfileUpdateStep,
  progress: ProfileUpdateProgress | undefined,
): ProfileUpdate['steps'][number] {
  const own = progress?.steps.find(({ id }) => id === step.id);
  return {
    id: step.id,
    title: titleOf(step),
    nodes: step.kind === 'pack' ? [] : [...step.nodes],
    state: own?.state ?? 'waiting',
    ...(own?.startedAt === undefined ? {} : { startedAt: formatInstant(own.startedAt) }),
    ...(own?.finishedAt === undefined ? {} : { finishedAt: formatInstant(own.finishedAt) }),
    ...(own?.message === undefined ? {} : { message: plainLine(own.message) }),
  };
}

function titleOf(step: ProfileUpdateStep): string {
  switch (step.kind) {
    case 'pack':
      return `Apply the pack ${step.pack} (${step.layer})`;
    case 'control-planes':
      return step.move === undefined
        ? 'Control planes: none is replaced'
        : `Replace control planes, one at a time (${step.to.kubernetes}, ${step.to.os})`;
    case 'workers':
      return step.move === undefined
        ? 'Workers: none is replaced'
        : `Replace workers (${step.to.kubernetes}, ${step.to.os})`;
  }
}
