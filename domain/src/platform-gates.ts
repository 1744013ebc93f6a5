/**
 * What each gateway asks of the platform before its next hop, and before a plan counts as done: to be current for the
 * version the platform is on, to be heard, and to have been quiet for a while since its last update. A waiver leaves one
 * gateway out, by name and until an end. It decides nothing about steps; that is `upgrade-plan.ts`.
 */

import type { GatewayHealth } from './gateway.ts';
import { addMilliseconds, formatInstant, type Instant, type Milliseconds } from './instant.ts';
import type { Reason } from './reason.ts';
import type { PlatformVersion } from './version.ts';

export interface Waiver {
  readonly by: string;
  readonly reason: string;
  readonly since: Instant;
  /** It does not hold any more from this moment on. */
  readonly until: Instant;
}

/** One gateway that counts: neither deleted nor being deleted. */
export interface GatewayReadiness {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  /** What `explain` says of it; empty if and only if it is current. */
  readonly reasons: readonly Reason[];
  readonly health: GatewayHealth;
  /** When something of an update on it was last heard, by the server's clock. Absent: it was never updated. */
  readonly lastUpdateAt?: Instant;
  readonly waiver?: Waiver;
}

export type GateCode = 'gateway-not-current' | 'gateway-unhealthy' | 'gateway-settling';

export interface Gate {
  readonly gatewayId: string;
  readonly gateway: string;
  readonly tenant: string;
  /** `waived`: it would be closed, and a waiver leaves the gateway out. */
  readonly state: 'open' | 'closed' | 'waived';
  /** Empty if and only if it is open. */
  readonly reasons: readonly Reason<GateCode>[];
  /** When time alone opens it; absent when something else has to happen first. */
  readonly opensAt?: Instant;
  /** If one holds. */
  readonly waiver?: Waiver;
}

export interface GateFacts {
  /** The version the platform is on. */
  readonly version: PlatformVersion;
  readonly gateways: readonly GatewayReadiness[];
  /** So long a gateway has to be quiet after an update of it. */
  readonly settle: Milliseconds;
}

/** One for each gateway, in their order. */
export function gatesOf(facts: GateFacts, now: Instant): readonly Gate[] {
  const shared = namesInSeveralTenants(facts.gateways);
  return facts.gateways.map((gateway): Gate => {
    const shown = shared.has(gateway.name) ? `${gateway.name} (tenant ${gateway.tenant})` : gateway.name;
    const { reasons, opensAt } = gateReasons(gateway, shown, facts, now);
    const waiver = holdingWaiver(gateway.waiver, now);
    const place = { gatewayId: gateway.id, gateway: gateway.name, tenant: gateway.tenant };
    const given = waiver === undefined ? {} : { waiver };
    if (reasons.length === 0) return { ...place, state: 'open', reasons, ...given };
    if (waiver !== undefined) return { ...place, state: 'waived', reasons, waiver };
    return { ...place, state: 'closed', reasons, ...(opensAt === undefined ? {} : { opensAt }) };
  });
}

export function holdingWaiver(waiver: Waiver | undefined, now: Instant): Waiver | undefined {
  return waiver !== undefined && now < waiver.until ? waiver : undefined;
}

interface Closed {
  readonly reasons: readonly Reason<GateCode>[];
  readonly opensAt?: Instant;
}

function gateReasons(gateway: GatewayReadiness, shown: string, facts: GateFacts, now: Instant): Closed {
  const { name } = gateway;
  const explained = `See \`gatehouse gateway explain ${name}\`.`;
  const reasons: Reason<GateCode>[] = [];
  if (gateway.reasons.length > 0) {
    const why = gateway.reasons.map(({ message }) => message).join(' ');
    const message = `The gateway ${shown} is not current for ${facts.version}: ${why}`;
    reasons.push({ code: 'gateway-not-current', message, nextStep: explained });
  }
  if (gateway.health === 'unhealthy') {
    reasons.push({
      code: 'gateway-unhealthy',
      message: `The gateway ${shown} is unhealthy: it has not been heard for too long.`,
      nextStep: `${explained} To go on without it, \`gatehouse platform waive ${name} --reason …\`.`,
    });
  }
  const settledAt =
    gateway.lastUpdateAt === undefined ? undefined : addMilliseconds(gateway.lastUpdateAt, facts.settle);
  if (settledAt === undefined || now >= settledAt) return { reasons };
  // Until it is current its update is not over, so there is nothing to settle yet.
  if (reasons.length > 0) return { reasons };
  const message = `The gateway ${shown} is current and has to be quiet until ${formatInstant(settledAt)} before it counts as settled.`;
  return { reasons: [{ code: 'gateway-settling', message }], opensAt: settledAt };
}

function namesInSeveralTenants(gateways: readonly GatewayReadiness[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const several = new Set<string>();
  for (const { name } of gateways) {
    if (seen.has(name)) several.add(name);
    seen.add(name);
  }
  return several;
}
