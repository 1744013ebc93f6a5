/** A gateway as operators see it. What holds it up is asked of the domain at the moment it is shown. */

import type { Explanation, Gateway, Pause as PauseView } from '@gatehouse/contract/operator-types';
import { attemptReasonText } from '@gatehouse/domain/agent-attempt';
import { explain } from '@gatehouse/domain/explain';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { gatewayStanding } from '@gatehouse/domain/gateway-state';
import { gatewayHealth, gatewayStatus } from '@gatehouse/domain/gateway-status';
import { formatInstant, type Instant } from '@gatehouse/domain/instant';
import { activePauses, isExempt, isPaused } from '@gatehouse/domain/pause';
import { isProfileUpdateAvailable } from '@gatehouse/domain/profile-availability';
import type { Reason as DomainReason } from '@gatehouse/domain/reason';
import { recalledParts, recallOfPlatform } from '@gatehouse/domain/recall';
import type { Timings } from '@gatehouse/domain/timings';
import { plainLine, plainText } from '../http/plain-text.ts';
import { type LoadedGateway, type PauseRow, toPause } from './gateway-facts.store.ts';

/** Reasons carry text that an agent reported. */
export const toReasonView = ({ code, message, nextStep }: DomainReason): Explanation['reasons'][number] => ({
  code,
  message: plainText(message, 4000),
  ...(nextStep === undefined ? {} : { nextStep: plainText(nextStep, 1000) }),
});

export const toPauseView = (row: PauseRow): PauseView => ({
  id: row.id,
  scope: { kind: row.scope_kind, id: row.scope_id, name: row.scope_name },
  by: row.set_by,
  reason: row.reason,
  since: row.since.toISOString(),
  ...(row.until === null ? {} : { until: row.until.toISOString() }),
});

export function toGatewayView(loaded: LoadedGateway, now: Instant, timings: Timings): Gateway {
  const { row, facts } = loaded;
  const { observation, exemption } = facts;
  const why = explain(facts, now, timings);
  const reasons = why.map(toReasonView);
  const available = isProfileUpdateAvailable(facts) ? facts.release?.profile : undefined;
  const pauses = loaded.pauses.filter((pause) => activePauses([toPause(pause)], now).length > 0);
  const attempt = observation?.attempt;
  const recalled = recalledParts(facts).map(({ part, recall }) => ({
    part,
    release: recall.platformVersion,
    reason: plainText(recall.reason),
  }));
  const kubernetes = observation?.kubernetes;
  return {
    id: row.id,
    name: row.name,
    tenant: facts.identity.tenant,
    ...(facts.identity.project === undefined ? {} : { project: facts.identity.project }),
    installation: row.installation,
    provider: row.provider,
    ...(row.registry_prefix === null ? {} : { registryPrefix: row.registry_prefix }),
    isSandbox: row.is_sandbox,
    status: gatewayStatus(facts, now),
    health: gatewayHealth(facts, now, timings),
    ...(observation === undefined ? {} : { agentVersion: observation.agent.version }),
    ...(observation?.appliedProfile === undefined ? {} : { profileVersion: observation.appliedProfile.version }),
    ...(kubernetes === undefined || kubernetes === 'unknown' ? {} : { kubernetesVersion: kubernetes }),
    updatesAvailable: available !== undefined,
    ...(available === undefined ? {} : { availableProfileVersion: available.version }),
    isPaused: isPaused(facts, now),
    pauses: pauses.map(toPauseView),
    ...(exemption === undefined || !isExempt(exemption, now)
      ? {}
      : {
          exemption: {
            by: exemption.by,
            reason: exemption.reason,
            since: formatInstant(exemption.since),
            until: formatInstant(exemption.until),
          },
        }),
    states: [...gatewayStanding(facts, why, now, timings).states],
    isCurrent: reasons.length === 0,
    reasons,
    generation: facts.generation,
    createdAt: row.created_at.toISOString(),
    ...(facts.lastPollAt === undefined ? {} : { lastPollAt: formatInstant(facts.lastPollAt) }),
    ...(facts.nextPollDueAt === undefined ? {} : { nextPollDueAt: formatInstant(facts.nextPollDueAt) }),
    ...(attempt === undefined
      ? {}
      : {
          agentUpdate: {
            attemptId: attempt.id,
            from: attempt.from.version,
            to: attempt.to.version,
            phase: attempt.phase,
            startedAt: formatInstant(attempt.startedAt),
            ...(attempt.endedAt === undefined ? {} : { endedAt: formatInstant(attempt.endedAt) }),
            ...(attempt.reason === undefined
              ? {}
              : {
                  reason: {
                    code: attempt.reason.code,
                    message: plainText(attempt.reason.message),
                    ...(attempt.reason.exitCode === undefined ? {} : { exitCode: attempt.reason.exitCode }),
                    ...(attempt.reason.lastLogLines === undefined
                      ? {}
                      : { lastLogLines: plainText(attempt.reason.lastLogLines, 8000) }),
                  },
                }),
          },
        }),
    takenBack: (observation?.takenBack ?? []).map(({ release, reason, at }) => ({
      version: release.version,
      digest: release.digest,
      at: formatInstant(at),
      reason: plainLine(attemptReasonText(reason)),
      isRetried: facts.retriedAgentDigests.includes(release.digest),
    })),
    nodes:
      observation === undefined || observation.nodes === 'unknown'
        ? []
        : observation.nodes.map((node) => ({
            name: plainLine(node.name, 253),
            role: node.role,
            kubernetesVersion: node.kubernetesVersion,
            ready: String(node.ready),
            createdAt: formatInstant(node.createdAt),
          })),
    controlPlanes: row.control_planes,
    workers: row.workers,
    profileKeptByOwner: row.installation === 'existing-cluster',
    ...(recalled.length === 0 ? {} : { recalled }),
  };
}

export function toExplanation({ facts }: LoadedGateway, now: Instant, timings: Timings): Explanation {
  const reasons = explain(facts, now, timings).map(toReasonView);
  const { observation, release, identity } = facts;
  const wanted = facts.platformRelease ?? release;
  const profile = identity.installation === 'cli' ? wanted?.profile : undefined;
  const recalled = recallOfPlatform(facts);
  const way = toWayView(facts);
  return {
    gateway: identity.name,
    isCurrent: reasons.length === 0,
    runs: {
      ...(observation === undefined ? {} : { agentVersion: observation.agent.version }),
      ...(observation?.appliedProfile === undefined ? {} : { profileVersion: observation.appliedProfile.version }),
    },
    ...(recalled === undefined ? {} : { recalledVersion: recalled.platformVersion }),
    ...(wanted === undefined || recalled !== undefined
      ? {}
      : {
          shouldRun: {
            agentVersion: wanted.agent.version,
            ...(profile === undefined ? {} : { profileVersion: profile.version }),
          },
        }),
    ...(way === undefined ? {} : { way }),
    reasons,
  };
}

/** Absent where the platform's release is all that is left of it. */
export function toWayView({ walk, platformRelease }: GatewayFacts): Explanation['way'] {
  if (walk?.kind !== 'on-way' || platformRelease === undefined) return undefined;
  return { from: walk.from, to: platformRelease.platformVersion, stops: walk.stops.map((stop) => ({ ...stop })) };
}
