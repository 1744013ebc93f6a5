/**
 * What an observation tells that has to be said once. Each item carries the marks under which it is remembered; it is
 * news if and only if none of them is known yet. An observation may come twice, late, or with steps left out between.
 */

import { attemptReasonText, isSameAgent } from '@gatehouse/domain/agent-attempt';
import type { AgentAttempt } from '@gatehouse/domain/agent-update-types';
import type { ConfirmedProfileUpdate, GatewayFacts, ObservationFacts } from '@gatehouse/domain/gateway-facts';
import { hasBegun } from '@gatehouse/domain/gateway-status';
import { formatInstant, type Instant } from '@gatehouse/domain/instant';
import type { ProfileUpdateProgress, ProfileUpdateStep } from '@gatehouse/domain/profile-update-types';
import { recalledParts } from '@gatehouse/domain/recall';
import type { Recall } from '@gatehouse/domain/recall-types';
import { isTargetRefusal } from '@gatehouse/domain/target-refusal';
import { jsonDigest } from '@gatehouse/release/canonical-json';
import type { NewEvent } from '../events/event.store.ts';

export interface Mark {
  readonly subject: string;
  readonly milestone: string;
}

export interface News {
  readonly marks: readonly [Mark, ...Mark[]];
  readonly event: NewEvent;
}

const normal = (type: string, message: string): NewEvent => ({ type, message, severity: 'normal' });
const warning = (type: string, message: string): NewEvent => ({ type, message, severity: 'warning' });

export function agentNews(observation: ObservationFacts): readonly News[] {
  return [...attemptNews(observation), ...takenBackNews(observation), ...refusalNews(observation)];
}

/** It stands for one recall of the version: after a withdrawal another one is told again. */
export const recallMark = ({ platformVersion, isSigned, at }: Recall): Mark => ({
  subject: `recall:${platformVersion}:${isSigned ? 'signed' : formatInstant(at)}`,
  milestone: 'told',
});

/** The gateway has come to run what was recalled before: an attempt or a profile update that was past stopping. */
export function recallNews(facts: GatewayFacts): readonly News[] {
  const parts = recalledParts(facts);
  const recalls = [...new Set(parts.map(({ recall }) => recall))];
  return recalls.map((recall): News => {
    const own = parts.filter((part) => part.recall === recall).map(({ part }) => `its ${part}`);
    return { marks: [recallMark(recall)], event: recalledEvent(recall, own) };
  });
}

export function recalledEvent(
  { platformVersion: version, by, isSigned, reason }: Recall,
  runs: readonly string[],
  more: readonly string[] = [],
): NewEvent {
  const end = /[.!?]$/.test(reason) ? '' : '.';
  const what = runs.length === 0 ? [] : [`The gateway runs ${runs.join(' and ')}.`];
  const who = isSigned ? 'its publisher' : by;
  return warning(
    'release-recalled',
    [`Release ${version} was recalled by ${who}: ${reason}${end}`, ...what, ...more].join(' '),
  );
}

/** Once a day: what an agent tells of itself is more than is kept. */
export function tooMuchNews(now: Instant): News {
  return {
    marks: [{ subject: 'reports', milestone: formatInstant(now).slice(0, 10) }],
    event: warning(
      'agent-reports-too-much',
      'The agent reports more attempts and refusals than any agent makes; what goes beyond is not kept. ' +
        'Look into its log, and create new install commands for the gateway if somebody else may use its key.',
    ),
  };
}

/** Once a day for each text: that it goes on is for `explain` to say, that it came back is worth another event. */
function refusalNews({ agentHolds, receivedAt }: ObservationFacts): readonly News[] {
  const day = formatInstant(receivedAt).slice(0, 10);
  return agentHolds.filter(isTargetRefusal).map(({ code, message }): News => {
    const subject = `refusal:${jsonDigest([code, message])}`;
    return {
      marks: [{ subject, milestone: day }],
      event: warning('target-refused', `The agent refuses what it was told (${code}): ${message}`),
    };
  });
}

function attemptNews({ attempt }: ObservationFacts): readonly News[] {
  if (attempt === undefined) return [];
  const subject = `attempt:${attempt.id}`;
  const { from, to } = attempt;
  const started: News = {
    marks: [{ subject, milestone: 'started' }],
    event: normal('agent-update-started', `The agent update from ${from.version} to ${to.version} has begun.`),
  };
  const why = attempt.reason === undefined ? '' : `: ${attemptReasonText(attempt.reason)}`;
  switch (attempt.phase) {
    case 'rehearsing':
    case 'swapping':
    case 'watching':
      return [started];
    case 'settled': {
      const event = normal('agent-update-settled', `Agent ${to.version} has proved itself and is the agent now.`);
      return [started, { marks: [{ subject, milestone: 'settled' }], event }];
    }
    case 'interrupted': {
      const event = warning(
        'agent-update-interrupted',
        `The update to agent ${to.version} was interrupted, and the version is not to blame${why}`,
      );
      return [started, { marks: [{ subject, milestone: `interrupted-${attempt.interruptions}` }], event }];
    }
    case 'taken-back':
    case 'rehearsal-failed':
      return [started, blamed(attempt, why, [{ subject, milestone: 'blamed' }])];
  }
}

function blamed(attempt: AgentAttempt, why: string, marks: News['marks']): News {
  const { to } = attempt;
  const event =
    attempt.phase === 'rehearsal-failed'
      ? warning('agent-rehearsal-failed', `Agent ${to.version} failed its rehearsal and was not put in place${why}`)
      : warning('agent-update-taken-back', `Agent ${to.version} was taken back${why}`);
  return { marks, event };
}

/** A version may also be taken back long after its attempt, by the guard. */
function takenBackNews({ attempt, takenBack }: ObservationFacts): readonly News[] {
  return takenBack.map((entry): News => {
    const mark = { subject: `taken-back:${entry.release.digest}`, milestone: String(entry.at) };
    const isOfAttempt =
      attempt !== undefined &&
      isSameAgent(attempt.to, entry.release) &&
      (attempt.phase === 'taken-back' || attempt.phase === 'rehearsal-failed');
    const why = `: ${attemptReasonText(entry.reason)}`;
    if (isOfAttempt) return blamed(attempt, why, [mark, { subject: `attempt:${attempt.id}`, milestone: 'blamed' }]);
    return {
      marks: [mark],
      event: warning('agent-update-taken-back', `Agent ${entry.release.version} was taken back${why}`),
    };
  });
}

/** `updateId` is ours, so that a plan confirmed again after a cancellation is told of again. */
export function profileUpdateNews(
  updateId: string,
  confirmed: ConfirmedProfileUpdate,
  progress: ProfileUpdateProgress,
): readonly News[] {
  const { plan } = confirmed;
  const news = (milestone: string, event: NewEvent): News => ({
    marks: [{ subject: `profile-update:${updateId}`, milestone }],
    event,
  });
  const found: News[] = [];
  if (hasBegun(progress)) {
    found.push(news('begun', normal('profile-update-started', `The profile update to ${plan.to.version} has begun.`)));
  }
  for (const step of plan.steps) {
    const isDone = progress.steps.some(({ id, state }) => id === step.id && state === 'done');
    const isTold = step.kind === 'control-planes' ? progress.controlPlanesUpdatedAt !== undefined || isDone : isDone;
    const event = isTold ? stepEvent(step) : undefined;
    if (event !== undefined) found.push(news(`step-${step.id}`, event));
  }
  for (const { at, what } of progress.repairs ?? []) {
    found.push(news(`repair-${jsonDigest([at, what])}`, warning('profile-update-repaired', what)));
  }
  if (progress.phase === 'stopped') {
    const why = progress.stopped === undefined ? '' : `: ${progress.stopped.message}`;
    const event = warning('profile-update-stopped', `The profile update to ${plan.to.version} has stopped${why}`);
    // A retry that nobody has asked for is not a new one.
    found.push(news(`stopped-${Math.min(progress.retry, confirmed.retry)}`, event));
  }
  if (progress.phase === 'completed')
    found.push(news('completed', normal('profile-update-completed', 'profile update completed')));
  if (progress.phase === 'cancelled')
    found.push(news('cancelled', normal('profile-update-cancelled', 'profile update cancelled')));
  return found;
}

function stepEvent(step: ProfileUpdateStep): NewEvent | undefined {
  switch (step.kind) {
    case 'control-planes':
      return normal('control-planes-updated', 'all control planes are updated');
    case 'workers':
      return step.nodes.length === 0 ? undefined : normal('workers-updated', 'all workers are updated');
    case 'pack':
      return normal('pack-applied', `the pack ${step.pack} is applied`);
  }
}
