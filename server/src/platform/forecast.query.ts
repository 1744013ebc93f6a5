/** A forecast of a plan over the real fleet: its facts, loaded and put to the domain. It changes nothing. */

import type { Forecast as ForecastView } from '@gatehouse/contract/platform-types';
import { type Forecast, type ForecastFacts, type ForecastStage, forecastSteps } from '@gatehouse/domain/forecast';
import { paceOf } from '@gatehouse/domain/forecast-pace';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { formatInstant, type Instant } from '@gatehouse/domain/instant';
import { failuresOf } from '@gatehouse/domain/platform-preflight';
import type { Hop } from '@gatehouse/domain/platform-progress';
import type { Reason } from '@gatehouse/domain/reason';
import { type StartedPlan, stepObstacles } from '@gatehouse/domain/step-obstacles';
import type { RiskGateway } from '@gatehouse/domain/upgrade-risk';
import type { PlatformVersion } from '@gatehouse/domain/version';
import type { Queryable } from '../database/connection.ts';
import { toReasonView } from '../gateways/gateway-view.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import type { Services } from '../http/services.ts';
import { selectReleaseDocuments, toReleaseFacts } from '../releases/release.store.ts';
import { type FleetGateway, toRiskGateway } from './fleet.query.ts';
import { startedPlan } from './plan-judgement.ts';
import { selectOpenPlatformPlan } from './platform-plan.store.ts';
import { boundedReasons } from './platform-view.ts';
import { preflight } from './preflight.query.ts';
import { loadPathReleases } from './release-graph.store.ts';

export interface ForecastQuestion {
  /** The version the platform is on. */
  readonly from: PlatformVersion;
  readonly to: PlatformVersion;
  /** As it would be started now. A plan under way to the same version is taken instead. */
  readonly outline: StartedPlan;
  /** Of the whole platform. */
  readonly fleet: readonly FleetGateway[];
  /** The ids of the gateways that the reader may know of. */
  readonly seen: ReadonlySet<string>;
  /** Stands where the name of another would be. */
  readonly unseenGateway: string;
  readonly confirmAfterSeconds?: number;
}

export async function forecastUpgrade(
  db: Queryable,
  question: ForecastQuestion,
  now: Instant,
  { timings }: Services,
): Promise<ForecastView> {
  const { from: version, to, fleet, seen, unseenGateway, confirmAfterSeconds } = question;
  const open = await selectOpenPlatformPlan(db);
  const outline = open !== undefined && open.to_version === to ? startedPlan(open) : question.outline;
  const { hops } = outline;
  const releases = await loadPathReleases(db);
  const documents = await selectReleaseDocuments(db);
  const taken = await db.selectFrom('platform_hops as h').select(['h.from_version', 'h.to_version']).execute();
  const unfit = await unfitBefore(db, hops, releases);
  const gateways = fleet.map(({ facts, readiness: { lastUpdateAt, waiver } }) => ({
    facts,
    ...(lastUpdateAt === undefined ? {} : { lastUpdateAt }),
    ...(waiver === undefined ? {} : { waiver }),
  }));
  const { pace, assumptions } = paceOf(
    fleet.map(({ facts }) => facts),
    timings,
    confirmAfterSeconds === undefined ? {} : { confirmAfter: confirmAfterSeconds * 1000 },
  );
  const toRisk = (facts: GatewayFacts): RiskGateway =>
    seen.has(facts.identity.id) ? toRiskGateway(facts) : { ...toRiskGateway(facts), name: unseenGateway };
  const forecast = await run(
    {
      version,
      hops,
      gateways,
      releases,
      releasesFor: (provider) => documents.map((document) => toReleaseFacts(document, provider)),
      taken: taken.map((hop) => ({ from: platformVersion(hop.from_version), to: platformVersion(hop.to_version) })),
      acceptedRisks: outline.acceptedRisks,
      obstacles: (hop, facts) => [
        ...stepObstacles(hop, releases, outline, facts.map(toRisk)),
        ...(unfit.get(hop.to) ?? []),
      ],
      pace,
      timings,
    },
    now,
  );
  return toView(forecast, { hops, seen, assumptions });
}

/** By the version that the hop leads to: each release may ask for another server program. */
async function unfitBefore(
  db: Queryable,
  hops: readonly Hop[],
  releases: Awaited<ReturnType<typeof loadPathReleases>>,
): Promise<ReadonlyMap<PlatformVersion, readonly Reason[]>> {
  const unfit = new Map<PlatformVersion, readonly Reason[]>();
  for (const { to } of hops) {
    const release = releases.find((each) => each.version === to);
    unfit.set(to, failuresOf(await preflight(db, release === undefined ? {} : { release })));
  }
  return unfit;
}

const stepsAtOnce = 500;

/** A large fleet takes a while, and nobody else waits for it. */
async function run(facts: ForecastFacts, now: Instant): Promise<Forecast> {
  const steps = forecastSteps(facts, now);
  for (let count = 1; ; count += 1) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (count % stepsAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

const holdersMax = 20;

interface Shown {
  readonly hops: readonly Hop[];
  readonly seen: ReadonlySet<string>;
  readonly assumptions: readonly string[];
}

function toView({ from, stages, end }: Forecast, shown: Shown): ForecastView {
  return {
    from: formatInstant(from),
    assumptions: [...shown.assumptions],
    stages: stages.map((stage) => toStageView(stage, shown)),
    outcome: end.kind,
    ...(end.kind === 'done' ? { doneAt: formatInstant(end.at) } : {}),
    waitingForPerson: end.kind === 'held' ? end.waitsForPerson : 0,
  };
}

function toStageView(stage: ForecastStage, { hops, seen }: Shown): ForecastView['stages'][number] {
  const { hop, opensAt, holders, obstacles, confirmations } = stage;
  const number = hops.findIndex(({ to }) => to === hop?.to) + 1;
  return {
    ...(hop === undefined ? {} : { number, from: hop.from, to: hop.to }),
    ...(opensAt === undefined ? {} : { opensAt: formatInstant(opensAt) }),
    heldBy: holders
      .filter(({ gatewayId }) => seen.has(gatewayId))
      .slice(0, holdersMax)
      .map(({ gateway, tenant, until, reasons }) => ({
        gateway,
        tenant,
        ...(until === undefined ? {} : { until: formatInstant(until) }),
        reasons: boundedReasons(reasons).map(toReasonView),
      })),
    heldByTotal: holders.length,
    obstacles: boundedReasons(obstacles).map(toReasonView),
    confirmations,
  };
}
