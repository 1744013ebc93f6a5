/**
 * What the agent saw as the message that the control plane gets. Bounded here, at the door: a text or a list that grew
 * beyond the contract would cost the whole observation.
 */

import type { Observation } from '@gatehouse/contract/agent-api';
import type { AgentAttempt, AttemptReason } from '@gatehouse/domain/agent-update-types';
import type { Known, ObservedClusterApi, ObservedNode, ObservedReplicas } from '@gatehouse/domain/gateway';
import type { ObservationFacts } from '@gatehouse/domain/gateway-facts';
import { formatInstant, type Instant } from '@gatehouse/domain/instant';
import type { ProfileUpdateProgress } from '@gatehouse/domain/profile-update-types';
import type { Reason } from '@gatehouse/domain/reason';
import { defined } from '../defined.ts';

export type Seen = Omit<ObservationFacts, 'receivedAt'>;

/** The control plane takes bodies of 1 MiB; what else a poll says needs little. */
const observationBytesMax = 900_000;
/** Texts are cut to these lengths, one after the other, until the observation fits. */
const shorterTexts = [500, 100] as const;

export function toObservationMessage(seen: Seen): Observation {
  let message = toMessage(seen);
  for (const lengthMax of shorterTexts) {
    if (Buffer.byteLength(JSON.stringify(message)) <= observationBytesMax) break;
    message = withShorterTexts(message, lengthMax);
  }
  return message;
}

/** Nothing that is checked by its form is longer than the shortest limit: a digest has 71 characters. */
function withShorterTexts<T>(message: T, lengthMax: number): T;
function withShorterTexts(message: unknown, lengthMax: number): unknown {
  if (typeof message === 'string') return clip(message, lengthMax);
  if (Array.isArray(message)) return message.map((item: unknown) => withShorterTexts(item, lengthMax));
  if (typeof message !== 'object' || message === null) return message;
  return Object.fromEntries(
    Object.entries(message).map(([key, member]: [string, unknown]) => [
      key,
      key === 'lastLogLines' && typeof member === 'string'
        ? lastOf(member, lengthMax)
        : withShorterTexts(member, lengthMax),
    ]),
  );
}

function toMessage(seen: Seen): Observation {
  return {
    agent: seen.agent,
    ...(seen.attempt === undefined ? {} : { attempt: toAttempt(seen.attempt) }),
    takenBack: seen.takenBack
      .slice(-50)
      .map(({ release, reason, at }) => ({ release, reason: toAttemptReason(reason), at: formatInstant(at) })),
    agentHolds: seen.agentHolds.slice(0, 20).map(toReason),
    kubernetes: seen.kubernetes,
    nodes: seen.nodes === 'unknown' ? 'unknown' : seen.nodes.slice(0, 500).map(toNode),
    ...(seen.clusterApi === undefined ? {} : { clusterApi: toClusterApi(seen.clusterApi) }),
    ...(seen.appliedProfile === undefined ? {} : { appliedProfile: seen.appliedProfile }),
    drift: seen.drift.slice(0, 100).map((line) => clip(line, 500)),
    ...(seen.preflight === undefined
      ? {}
      : {
          preflight: {
            planId: seen.preflight.planId,
            results: seen.preflight.results
              .slice(0, 50)
              .map((result) => ({ ...result, message: clip(result.message, 2000) })),
          },
        }),
    ...(seen.profileUpdate === undefined ? {} : { profileUpdate: toProgress(seen.profileUpdate) }),
  };
}

const clip = (text: string, lengthMax: number): string =>
  text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1).toWellFormed()}…`;

/** Of a log, what it ended with. */
const lastOf = (text: string, lengthMax: number): string => text.slice(-lengthMax).toWellFormed();

const toReason = (reason: Reason): Reason => ({
  code: clip(reason.code, 100),
  message: clip(reason.message, 4000),
  ...(reason.nextStep === undefined ? {} : { nextStep: clip(reason.nextStep, 1000) }),
});

const toAttemptReason = (reason: AttemptReason): AttemptReason => ({
  ...reason,
  code: clip(reason.code, 100),
  message: clip(reason.message, 2000),
  ...(reason.lastLogLines === undefined ? {} : { lastLogLines: lastOf(reason.lastLogLines, 8000) }),
});

function toAttempt(attempt: AgentAttempt): NonNullable<Observation['attempt']> {
  const { id, from, to, phase, interruptions, startedAt, swappedAt, endedAt, reason } = attempt;
  return {
    id,
    from,
    to,
    phase,
    interruptions,
    startedAt: formatInstant(startedAt),
    ...defined({
      swappedAt: stamp(swappedAt),
      endedAt: stamp(endedAt),
      reason: reason && toAttemptReason(reason),
    }),
  };
}

const stamp = (at: Instant | undefined): string | undefined => (at === undefined ? undefined : formatInstant(at));

const toNode = (node: ObservedNode) => ({ ...node, createdAt: formatInstant(node.createdAt) });

function toClusterApi(seen: Known<ObservedClusterApi>): NonNullable<Observation['clusterApi']> {
  if (seen === 'unknown') return 'unknown';
  return {
    ...seen,
    topologyVariables: { ...seen.topologyVariables },
    controlPlaneOverrides: { ...seen.controlPlaneOverrides },
    controlPlane: toReplicas(seen.controlPlane),
    workers: seen.workers.slice(0, 50).map(toReplicas),
    machines: seen.machines.slice(0, 500).map((machine) => ({
      ...machine,
      phase: clip(machine.phase, 60),
      createdAt: formatInstant(machine.createdAt),
      ...(machine.message === undefined ? {} : { message: clip(machine.message, 2000) }),
    })),
  };
}

const toReplicas = (replicas: ObservedReplicas) => ({ ...replicas });

function toProgress(progress: ProfileUpdateProgress): NonNullable<Observation['profileUpdate']> {
  // What it leads to is the agent's own memory; the control plane knows its plans.
  const { to: _to, startedAt, stopped, controlPlanesUpdatedAt, completedAt, steps, repairs, ...rest } = progress;
  return {
    ...rest,
    startedAt: formatInstant(startedAt),
    steps: steps.slice(0, 300).map(({ id, state, movedMark, message, ...times }) => ({
      id,
      state,
      ...defined({
        startedAt: stamp(times.startedAt),
        finishedAt: stamp(times.finishedAt),
        movedAt: stamp(times.movedAt),
        movedMark: movedMark && clip(movedMark, 500),
        message: message && clip(message, 2000),
      }),
    })),
    ...defined({
      stopped: stopped && toReason(stopped),
      controlPlanesUpdatedAt: stamp(controlPlanesUpdatedAt),
      completedAt: stamp(completedAt),
      repairs: repairs?.slice(-50).map(({ at, what }) => ({ at: formatInstant(at), what: clip(what, 1000) })),
    }),
  };
}
