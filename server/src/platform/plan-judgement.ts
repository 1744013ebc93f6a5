/** What a plan under way would do now: its facts, loaded and put to the domain. It changes nothing. */

import type { Instant } from '@gatehouse/domain/instant';
import { type Gate, gatesOf } from '@gatehouse/domain/platform-gates';
import { failuresOf, type PreflightFinding } from '@gatehouse/domain/platform-preflight';
import { decideProgress, type Hop, nextHop, type ProgressDecision } from '@gatehouse/domain/platform-progress';
import type { Reason } from '@gatehouse/domain/reason';
import type { Timings } from '@gatehouse/domain/timings';
import { buildUpgradeGraph, stepBetween } from '@gatehouse/domain/upgrade-graph';
import { judgeRisk, type RiskGateway, type UpgradeRisk } from '@gatehouse/domain/upgrade-risk';
import type { PlatformVersion } from '@gatehouse/domain/version';
import type { Queryable } from '../database/connection.ts';
import type { KeptHop } from '../database/schema.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import type { Services } from '../http/services.ts';
import { type FleetGateway, type FleetPart, loadFleet } from './fleet.query.ts';
import type { PlatformPlanRow } from './platform-plan.store.ts';
import { preflight } from './preflight.query.ts';
import { loadPathReleases, type PathRelease } from './release-graph.store.ts';

export interface PlanOutline {
  readonly hops: readonly KeptHop[];
  readonly channel: string | undefined;
  readonly acceptedRisks: readonly string[];
}

export interface PlanJudgement {
  readonly decision: ProgressDecision;
  /** What stands before the next hop besides gates and preflight: a recall, a floor, a risk. */
  readonly obstacles: readonly Reason[];
  readonly gates: readonly Gate[];
  readonly preflight: readonly PreflightFinding[];
  readonly fleet: readonly FleetGateway[];
}

export const outlineOf = (plan: PlatformPlanRow): PlanOutline => ({
  hops: plan.hops,
  channel: plan.channel ?? undefined,
  acceptedRisks: plan.accepted_risks.map(({ name }) => name),
});

const toHop = ({ from, to }: KeptHop): Hop => ({ from: platformVersion(from), to: platformVersion(to) });

interface FleetAndGates {
  readonly fleet: readonly FleetGateway[];
  readonly gates: readonly Gate[];
}

/** Of a part of the fleet: what is known of each gateway, and its gate. */
export async function gatesFor(
  db: Queryable,
  { version, part }: { readonly version: PlatformVersion; readonly part: FleetPart },
  now: Instant,
  timings: Timings,
): Promise<FleetAndGates> {
  return gatesOfFleet(await loadFleet(db, part, now, timings), version, now, timings);
}

function gatesOfFleet(
  fleet: readonly FleetGateway[],
  version: PlatformVersion,
  now: Instant,
  timings: Timings,
): FleetAndGates {
  const gateways = fleet.map(({ readiness }) => readiness);
  return { fleet, gates: gatesOf({ version, gateways, settle: timings.platform.settle }, now) };
}

/** `known`: the whole fleet, where it was loaded since the platform moved; to load it again takes long. */
export async function judgePlan(
  db: Queryable,
  platform: PlatformVersion,
  outline: PlanOutline,
  now: Instant,
  { timings }: Services,
  known?: readonly FleetGateway[],
): Promise<PlanJudgement> {
  const hops = outline.hops.map(toHop);
  const next = nextHop({ version: platform, hops })?.hop;
  const releases = next === undefined ? [] : await loadPathReleases(db);
  const release = releases.find(({ version }) => version === next?.to);
  const findings = await preflight(db, release === undefined ? {} : { release });
  const { fleet, gates } = gatesOfFleet(known ?? (await loadFleet(db, {}, now, timings)), platform, now, timings);
  const obstacles =
    next === undefined
      ? []
      : stepObstacles(
          next,
          releases,
          outline,
          fleet.map(({ risk }) => risk),
        );
  const decision = decideProgress({
    version: platform,
    hops,
    gates,
    obstacles: [...obstacles, ...failuresOf(findings)],
  });
  return { decision, obstacles, gates, preflight: findings, fleet };
}

/** What stands before a hop besides gates and preflight. A kept edge outlives newer patches, but neither a recall nor a floor; its risks are judged for the fleet as it is. */
export function stepObstacles(
  { from, to }: Hop,
  releases: readonly PathRelease[],
  { hops, channel, acceptedRisks }: PlanOutline,
  fleet: readonly RiskGateway[],
): readonly Reason[] {
  const graph = buildUpgradeGraph(releases, { channel, keptEdges: hops.map(toHop) });
  const step = stepBetween(graph, from, to);
  if (step.kind === 'refused') return step.reasons;
  return step.risks
    .filter(({ name }) => !acceptedRisks.includes(name))
    .flatMap((risk): readonly Reason[] => {
      const { verdict, gateways } = judgeRisk(risk, fleet);
      return verdict === 'does-not-apply' ? [] : [riskReason(risk, verdict, gateways, to)];
    });
}

const gatewaysNamedMax = 20;

function riskReason(
  risk: UpgradeRisk,
  verdict: 'applies' | 'cannot-be-judged',
  gateways: readonly string[],
  to: PlatformVersion,
): Reason<'risk-applies' | 'risk-not-judged'> {
  const named = gateways.slice(0, gatewaysNamedMax).join(', ');
  const more = gateways.length > gatewaysNamedMax ? ` and ${gateways.length - gatewaysNamedMax} more` : '';
  const whom = gateways.length === 0 ? '' : ` (${named}${more})`;
  const how = verdict === 'applies' ? `applies${whom}` : `cannot be judged${whom}, so it counts as applying`;
  const url = risk.url === undefined ? '' : ` ${risk.url}`;
  return {
    code: verdict === 'applies' ? 'risk-applies' : 'risk-not-judged',
    message: `The risk ${risk.name} of the step to ${to} ${how}: ${risk.message}${url}`,
    nextStep:
      `Accept it by name with \`gatehouse platform upgrade <version> --accept-risk ${risk.name}\`` +
      (risk.fixedIn === undefined ? '.' : `, or go to ${risk.fixedIn}, which does not have it.`),
  };
}
