/** The platform, its plan and its gates as operators see them. A tenant sees its own gateways in it and no others. */

import type { Platform } from '@gatehouse/contract/operator-types';
import type {
  Gate as GateView,
  PlannedHop,
  PlatformPlan,
  Waiver as WaiverView,
} from '@gatehouse/contract/platform-types';
import { formatInstant } from '@gatehouse/domain/instant';
import type { Gate } from '@gatehouse/domain/platform-gates';
import type { PreflightFinding } from '@gatehouse/domain/platform-preflight';
import type { ProgressDecision } from '@gatehouse/domain/platform-progress';
import type { Reason } from '@gatehouse/domain/reason';
import type { UpgradeHop } from '@gatehouse/domain/upgrade-plan';
import type { KeptHop } from '../database/schema.ts';
import { toReasonView } from '../gateways/gateway-view.ts';
import type { PlatformPlanRow } from './platform-plan.store.ts';
import type { WaiverRow } from './waiver.store.ts';

const reasonsMax = 100;
/** Of the gates of a page, and of the gateways that it waits for; of no others are the facts loaded (`found-fleet.query.ts`). */
export const shownGatewaysMax = 100;
const riskGatewaysMax = 20;

/** At most 100, the last of which says how many there are besides. */
export function boundedReasons(reasons: readonly Reason[]): readonly Reason[] {
  if (reasons.length <= reasonsMax) return reasons;
  const left = reasons.length - reasonsMax + 1;
  return [...reasons.slice(0, reasonsMax - 1), { code: 'more-reasons', message: `And ${left} more.` }];
}

const isShut = (gate: Gate): gate is Gate & { readonly state: 'closed' | 'waived' } => gate.state !== 'open';

export function toGateViews(gates: readonly Gate[]): GateView[] {
  return gates
    .filter(isShut)
    .slice(0, shownGatewaysMax)
    .map(({ gateway, tenant, state, reasons, opensAt }) => ({
      gateway,
      tenant,
      state,
      reasons: reasons.map(toReasonView),
      ...(opensAt === undefined ? {} : { opensAt: formatInstant(opensAt) }),
    }));
}

export const toWaiverView = (row: WaiverRow): WaiverView => ({
  gateway: row.gateway_name,
  tenant: row.tenant_name,
  by: row.set_by,
  reason: row.reason,
  since: row.since.toISOString(),
  until: row.until.toISOString(),
});

export function toPreflightViews(findings: readonly PreflightFinding[]): Platform['preflight'] {
  return findings.map((finding) => {
    if (finding.outcome === 'passed') return { ...finding };
    const { message, nextStep } = finding.reason;
    return { check: finding.check, outcome: finding.outcome, message, ...(nextStep === undefined ? {} : { nextStep }) };
  });
}

export interface PlanViewInput {
  readonly plan: PlatformPlanRow;
  readonly taken: readonly { readonly number: number; readonly taken_at: Date }[];
  /** Of a plan under way. */
  readonly decision?: ProgressDecision;
  /** What the reader may see of what holds it. */
  readonly reasons: readonly Reason[];
}

export function toPlanView({ plan, taken, decision, reasons }: PlanViewInput): PlatformPlan {
  const takenAt = new Map(taken.map((hop) => [hop.number, hop.taken_at.toISOString()]));
  const next = plan.hops.findIndex((_hop, index) => !takenAt.has(index + 1));
  const opensAt = decision?.kind === 'hold' ? decision.opensAt : undefined;
  return {
    id: plan.id,
    from: plan.from_version,
    to: plan.to_version,
    ...(plan.channel === null ? {} : { channel: plan.channel }),
    state: plan.outcome ?? (decision?.kind === 'hold' ? 'held' : 'moving'),
    hops: plan.hops.map(({ from, to, basis, floor }, index) => {
      const at = takenAt.get(index + 1);
      return {
        number: index + 1,
        from,
        to,
        basis,
        ...(floor === undefined ? {} : { floor }),
        ...(at === undefined ? {} : { takenAt: at }),
      };
    }),
    ...(next === -1 || plan.outcome !== null ? {} : { nextHop: next + 1 }),
    reasons: boundedReasons(reasons).map(toReasonView),
    ...(opensAt === undefined ? {} : { opensAt: formatInstant(opensAt) }),
    acceptedRisks: plan.accepted_risks.map(({ name, by, at }) => ({ name, by, at })),
    startedBy: plan.started_by,
    startedAt: plan.started_at.toISOString(),
    ...(plan.ended_at === null ? {} : { endedAt: plan.ended_at.toISOString() }),
    ...(plan.ended_by === null ? {} : { endedBy: plan.ended_by }),
  };
}

/** What of a hop is kept with a plan that starts. */
export const toKeptHop = ({ from, to, basis, floor }: UpgradeHop): KeptHop => ({
  from,
  to,
  basis,
  ...(floor === undefined ? {} : { floor: floor.reason }),
});

/** `isSeen`: whether the reader may know of the gateway. */
export function toHopView(hop: UpgradeHop, isSeen: (gateway: string) => boolean): PlannedHop {
  return {
    from: hop.from,
    to: hop.to,
    basis: hop.basis,
    ...(hop.floor === undefined ? {} : { floor: hop.floor.reason }),
    agent: { ...hop.agent },
    providers: hop.providers.map(({ kubernetesRefusal, ...provider }) => ({
      ...provider,
      kubernetes: { ...provider.kubernetes },
      ...(kubernetesRefusal === undefined ? {} : { kubernetesRefusal: toReasonView(kubernetesRefusal) }),
    })),
    risks: hop.risks.map(({ risk, verdict, isAccepted, gateways }) => ({
      name: risk.name,
      message: risk.message,
      ...(risk.url === undefined ? {} : { url: risk.url }),
      ...(risk.fixedIn === undefined ? {} : { fixedIn: risk.fixedIn }),
      verdict,
      isAccepted,
      gateways: gateways.filter(isSeen).slice(0, riskGatewaysMax),
    })),
    fixes: [...hop.fixes],
  };
}
