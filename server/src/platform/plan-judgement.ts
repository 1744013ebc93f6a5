/** What a plan under way would do now: its facts, loaded and put to the domain. It changes nothing. */

import type { Instant } from '@gatehouse/domain/instant';
import { type Gate, gatesOf } from '@gatehouse/domain/platform-gates';
import { failuresOf, type PreflightFinding } from '@gatehouse/domain/platform-preflight';
import { decideProgress, nextHop, type ProgressDecision } from '@gatehouse/domain/platform-progress';
import type { Reason } from '@gatehouse/domain/reason';
import { type StartedPlan, stepObstacles } from '@gatehouse/domain/step-obstacles';
import type { Timings } from '@gatehouse/domain/timings';
import type { RiskGateway } from '@gatehouse/domain/upgrade-risk';
import type { PlatformVersion } from '@gatehouse/domain/version';
import type { Queryable } from '../database/connection.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import type { Services } from '../http/services.ts';
import { type FleetGateway, type FleetPart, loadFleet } from './fleet.query.ts';
import type { PlatformPlanRow } from './platform-plan.store.ts';
import { preflight } from './preflight.query.ts';
import { loadPathReleases } from './release-graph.store.ts';

export interface PlanJudgement {
  readonly decision: ProgressDecision;
  /** What stands before the next hop besides gates and preflight: a recall, a floor, a risk. */
  readonly obstacles: readonly Reason[];
  readonly gates: readonly Gate[];
  readonly preflight: readonly PreflightFinding[];
  readonly fleet: readonly FleetGateway[];
}

export const startedPlan = (plan: PlatformPlanRow): StartedPlan => ({
  hops: plan.hops.map(({ from, to }) => ({ from: platformVersion(from), to: platformVersion(to) })),
  channel: plan.channel ?? undefined,
  acceptedRisks: plan.accepted_risks.map(({ name }) => name),
});

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
  plan: StartedPlan,
  now: Instant,
  { timings }: Services,
  known?: readonly FleetGateway[],
): Promise<PlanJudgement> {
  const { fleet, gates } = gatesOfFleet(known ?? (await loadFleet(db, {}, now, timings)), platform, now, timings);
  const risks = async () => Promise.resolve(fleet.map(({ risk }) => risk));
  return { ...(await judgeGates(db, platform, plan, { gates, risks })), fleet };
}

/** `risks`: asked for only where the next hop has one that nobody accepted. */
export async function judgeGates(
  db: Queryable,
  platform: PlatformVersion,
  plan: StartedPlan,
  { gates, risks }: { readonly gates: readonly Gate[]; readonly risks: () => Promise<readonly RiskGateway[]> },
): Promise<Omit<PlanJudgement, 'fleet'>> {
  const next = nextHop({ version: platform, hops: plan.hops })?.hop;
  const releases = next === undefined ? [] : await loadPathReleases(db);
  const release = releases.find(({ version }) => version === next?.to);
  const findings = await preflight(db, release === undefined ? {} : { release });
  const isAsked = release?.risks.some(({ name }) => !plan.acceptedRisks.includes(name)) ?? false;
  const obstacles = next === undefined ? [] : stepObstacles(next, releases, plan, isAsked ? await risks() : []);
  const decision = decideProgress({
    version: platform,
    hops: plan.hops,
    gates,
    obstacles: [...obstacles, ...failuresOf(findings)],
  });
  return { decision, obstacles, gates, preflight: findings };
}
