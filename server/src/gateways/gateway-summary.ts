/**
 * A gateway as it is found and counted by: what the domain says of its facts, as columns. Never what is shown of it, and
 * never what is decided from.
 */

import { explain, hopReasons } from '@gatehouse/domain/explain';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import type { GatewayState } from '@gatehouse/domain/gateway-state';
import { gatewayStanding, standingUntil } from '@gatehouse/domain/gateway-state';
import { gatewayHealth, gatewayStatus } from '@gatehouse/domain/gateway-status';
import { addMilliseconds, type Instant, minutes } from '@gatehouse/domain/instant';
import { isPaused } from '@gatehouse/domain/pause';
import { isProfileUpdateAvailable } from '@gatehouse/domain/profile-availability';
import type { Timings } from '@gatehouse/domain/timings';
import type { PlatformVersion } from '@gatehouse/domain/version';
import { versionParts } from '@gatehouse/domain/version';

export interface GatewaySummary {
  readonly gatewayId: string;
  readonly status: string;
  readonly health: string;
  readonly states: readonly GatewayState[];
  /** Of every reason why it is not current. */
  readonly reasonCodes: readonly string[];
  readonly heldBy: readonly string[];
  readonly agentVersion?: PlatformVersion;
  readonly profileVersion?: PlatformVersion;
  readonly updatesAvailable: boolean;
  readonly isPaused: boolean;
  /** Something of it keeps the platform from leaving its version. */
  readonly holdsHop: boolean;
  /** From then on it may be out of date by time alone. */
  readonly dueAt: Instant;
}

/** Even where nothing is known to change it: so a change that nobody announced is found for all that. */
const lifeMax = minutes(5);

export function toSummary(facts: GatewayFacts, now: Instant, timings: Timings): GatewaySummary {
  const { identity, observation } = facts;
  const reasons = explain(facts, now, timings);
  const { states, heldBy } = gatewayStanding(facts, reasons, now, timings);
  const latest = addMilliseconds(now, lifeMax);
  const until = standingUntil(facts, now, timings) ?? latest;
  return {
    gatewayId: identity.id,
    status: gatewayStatus(facts, now),
    health: gatewayHealth(facts, now, timings),
    states,
    reasonCodes: [...new Set(reasons.map(({ code }) => code))],
    heldBy,
    ...(observation === undefined ? {} : { agentVersion: observation.agent.version }),
    ...(observation?.appliedProfile === undefined ? {} : { profileVersion: observation.appliedProfile.version }),
    updatesAvailable: isProfileUpdateAvailable(facts),
    isPaused: isPaused(facts, now),
    holdsHop: hopReasons(facts, now, timings).length > 0,
    dueAt: until < latest ? until : latest,
  };
}

/** Sorts as text in the order of versions: each part has at most six digits. */
export function versionOrder(version: PlatformVersion | undefined): string {
  if (version === undefined) return '';
  const { major, minor, patch } = versionParts(version);
  return [major, minor, patch].map((part) => String(part).padStart(6, '0')).join('.');
}
