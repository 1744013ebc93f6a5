/**
 * How what is kept about attempts changes. Each change is a plain value that says what it means and is applied to the
 * state as it stands when it is written; one that no longer fits, because somebody else went on, changes nothing.
 */

import { isAttemptRunning, isSameAgent } from './agent-attempt.ts';
import type {
  AgentAttempt,
  AgentRelease,
  AgentState,
  AttemptReason,
  TakenBack,
  TakingBack,
} from './agent-update-types.ts';
import type { Instant } from './instant.ts';
import { unreachable } from './unreachable.ts';

export type AgentStateChange =
  /** `forget`: a person asked for the version again, so that it was taken back no longer counts. */
  | { readonly kind: 'begin'; readonly attempt: AgentAttempt; readonly forget: boolean }
  | { readonly kind: 'pull-error'; readonly attemptId: string; readonly at: Instant }
  | {
      readonly kind: 'rehearsal-failed';
      readonly attemptId: string;
      readonly reason: AttemptReason;
      readonly at: Instant;
    }
  | { readonly kind: 'swapping'; readonly attemptId: string }
  | { readonly kind: 'watching'; readonly attemptId: string; readonly swappedAt: Instant }
  | { readonly kind: 'ready'; readonly attemptId: string; readonly at: Instant }
  /** `end`: when a container ended that is nobody's fault. */
  | { readonly kind: 'excused-end'; readonly attemptId: string; readonly end: Instant }
  | { readonly kind: 'settled'; readonly attemptId: string; readonly at: Instant }
  | { readonly kind: 'interrupted'; readonly attemptId: string; readonly reason: AttemptReason; readonly at: Instant }
  | { readonly kind: 'good'; readonly release: AgentRelease }
  | { readonly kind: 'taking-back'; readonly takingBack: TakingBack }
  /** The take-back in the state is done: the Deployment names another agent. */
  | { readonly kind: 'taken-back'; readonly release: AgentRelease; readonly at: Instant };

const goodMax = 2;
const takenBackMax = 20;
const excusedEndsMax = 10;

export function changeState(state: AgentState, change: AgentStateChange): AgentState {
  switch (change.kind) {
    case 'begin':
      return isAttemptRunning(state.attempt) || state.takingBack !== undefined ? state : begin(state, change);
    case 'pull-error':
      return onAttempt(state, change.attemptId, (attempt) => ({
        ...attempt,
        pullErrorSince: attempt.pullErrorSince ?? change.at,
      }));
    case 'rehearsal-failed':
      return rehearsalFailed(state, change);
    case 'swapping':
      return onAttempt(state, change.attemptId, (attempt) => ({ ...attempt, phase: 'swapping' }));
    case 'watching':
      return onAttempt(state, change.attemptId, (attempt) => ({
        ...attempt,
        phase: 'watching',
        swappedAt: attempt.swappedAt ?? change.swappedAt,
      }));
    case 'ready':
      return onAttempt(state, change.attemptId, (attempt) => ({ ...attempt, readyAt: attempt.readyAt ?? change.at }));
    case 'excused-end':
      return onAttempt(state, change.attemptId, (attempt) => ({
        ...attempt,
        excusedEnds: [...(attempt.excusedEnds ?? []), change.end].slice(-excusedEndsMax),
      }));
    case 'settled':
      return settle(state, change.attemptId, change.at);
    case 'interrupted':
      return onAttempt(state, change.attemptId, (attempt) => interrupt(attempt, change.reason, change.at));
    case 'good':
      return withGood(state, change.release);
    case 'taking-back':
      return state.takingBack === undefined ? { ...state, takingBack: change.takingBack } : state;
    case 'taken-back':
      return takenBack(state, change.release, change.at);
    default:
      return unreachable(change);
  }
}

function onAttempt(state: AgentState, attemptId: string, next: (attempt: AgentAttempt) => AgentAttempt): AgentState {
  const { attempt } = state;
  return isAttemptRunning(attempt) && attempt.id === attemptId ? { ...state, attempt: next(attempt) } : state;
}

function begin(state: AgentState, change: Extract<AgentStateChange, { kind: 'begin' }>): AgentState {
  const takenBack = change.forget
    ? state.takenBack.filter(({ release }) => !isSameAgent(release, change.attempt.to))
    : state.takenBack;
  const { trialFailure: _old, ...rest } = state;
  return { ...rest, takenBack, attempt: change.attempt };
}

function rehearsalFailed(
  state: AgentState,
  change: Extract<AgentStateChange, { kind: 'rehearsal-failed' }>,
): AgentState {
  const { attempt } = state;
  if (!isAttemptRunning(attempt) || attempt.id !== change.attemptId) return state;
  const { reason, at } = change;
  return {
    ...state,
    attempt: { ...attempt, phase: 'rehearsal-failed', endedAt: at, reason },
    takenBack: withTakenBack(state, attempt.to, reason, at),
  };
}

function interrupt(attempt: AgentAttempt, reason: AttemptReason, at: Instant): AgentAttempt {
  return { ...attempt, phase: 'interrupted', interruptions: attempt.interruptions + 1, endedAt: at, reason };
}

function settle(state: AgentState, attemptId: string, at: Instant): AgentState {
  const { attempt } = state;
  if (!isAttemptRunning(attempt) || attempt.id !== attemptId || state.takingBack !== undefined) return state;
  return withGood({ ...state, attempt: { ...attempt, phase: 'settled', endedAt: at } }, attempt.to);
}

function withGood(state: AgentState, release: AgentRelease): AgentState {
  if (state.good[0] !== undefined && isSameAgent(state.good[0], release)) return state;
  const others = state.good.filter((known) => !isSameAgent(known, release));
  return { ...state, good: [release, ...others].slice(0, goodMax) };
}

function withTakenBack(
  state: AgentState,
  release: AgentRelease,
  reason: AttemptReason,
  at: Instant,
): readonly TakenBack[] {
  const { attempt } = state;
  const generation = attempt !== undefined && isSameAgent(attempt.to, release) ? attempt.generation : undefined;
  const entry: TakenBack = { release, reason, at, ...(generation === undefined ? {} : { generation }) };
  return [...state.takenBack.filter((known) => !isSameAgent(known.release, release)), entry].slice(-takenBackMax);
}

function takenBack(state: AgentState, release: AgentRelease, at: Instant): AgentState {
  const { takingBack, ...rest } = state;
  if (takingBack === undefined || !isSameAgent(takingBack.release, release)) return state;
  const { reason, isBlamed } = takingBack;
  const { attempt } = state;
  const isOfAttempt = attempt !== undefined && isSameAgent(attempt.to, release);
  if (!isBlamed) return isOfAttempt ? { ...rest, attempt: interrupt(attempt, reason, at) } : rest;
  return {
    ...rest,
    ...(isOfAttempt ? { attempt: { ...attempt, phase: 'taken-back', endedAt: at, reason } } : {}),
    good: state.good.filter((known) => !isSameAgent(known, release)),
    takenBack: withTakenBack(state, release, reason, at),
  };
}
