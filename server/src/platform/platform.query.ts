/** The platform's version, its plan and what holds it; and what a plan to another version would be. */

import type { Platform } from '@gatehouse/contract/operator-types';
import type { UpgradePlan } from '@gatehouse/contract/platform-types';
import type { Instant } from '@gatehouse/domain/instant';
import { type Gate, gatesOf } from '@gatehouse/domain/platform-gates';
import type { PreflightFinding } from '@gatehouse/domain/platform-preflight';
import type { ProgressDecision } from '@gatehouse/domain/platform-progress';
import type { Reason } from '@gatehouse/domain/reason';
import type { StartedPlan } from '@gatehouse/domain/step-obstacles';
import { buildUpgradeGraph, stepsFrom } from '@gatehouse/domain/upgrade-graph';
import { planUpgrade } from '@gatehouse/domain/upgrade-plan';
import type { PlatformVersion } from '@gatehouse/domain/version';
import type { Queryable } from '../database/connection.ts';
import { bringUpToDate, type RefreshSummaries } from '../gateways/gateway.query.ts';
import { toReasonView } from '../gateways/gateway-view.ts';
import { installRefusal } from '../gateways/install.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { type Answer, done, type Refusal, refuse } from '../http/answer.ts';
import type { Queries } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import { type Principal, visiblePart } from '../identity/principal.ts';
import { selectPlatform } from '../releases/release.store.ts';
import { type FleetGateway, loadFleet, loadRiskGateways } from './fleet.query.ts';
import { forecastUpgrade } from './forecast.query.ts';
import { type CountedGateway, countedOf, findFleet } from './found-fleet.query.ts';
import { judgeGates, judgePlan, startedPlan } from './plan-judgement.ts';
import { type PlatformPlanRow, selectPlatformPlan, selectTakenHops } from './platform-plan.store.ts';
import {
  boundedReasons,
  shownGatewaysMax,
  toGateViews,
  toHopView,
  toPlanView,
  toPreflightViews,
  toWaiverView,
} from './platform-view.ts';
import { preflight } from './preflight.query.ts';
import { loadPathReleases } from './release-graph.store.ts';
import { selectWaivers } from './waiver.store.ts';

export function platformQueries(
  services: Services,
  { summaries }: { readonly summaries: RefreshSummaries },
): Pick<Queries, 'getPlatform' | 'planPlatform' | 'listWaivers'> {
  return {
    async getPlatform(_call, { db, now, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      await bringUpToDate(summaries);
      return done(await viewPlatform(db, access.principal, now, services, { kind: 'found' }));
    },

    async planPlatform({ query }, { db, now, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      // The address names one; its schema says so too.
      if (query === undefined) throw new TypeError('a plan was asked for without a version');
      const acceptedRisks = query.acceptRisks?.split(',') ?? [];
      return previewPlan(db, { ...query, acceptedRisks }, { principal: access.principal, now }, services);
    },

    async listWaivers(_call, { db, now, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      return done({ items: (await selectWaivers(db, visiblePart(access.principal), now)).map(toWaiverView) });
    },
  };
}

export function noPlatformVersion(): Refusal {
  const detail =
    'No release was imported yet, so there is nothing to upgrade; import one with `gatehouse release import`.';
  return refuse('no-platform-version', detail, { reasons: [{ code: 'no-platform-version', message: detail }] });
}

const seesAll = ({ grant }: Principal): boolean => grant.scope.kind === 'platform';

/** Whether the reader may know of a gateway. */
function seeing(principal: Principal): (gateway: Pick<CountedGateway, 'tenantId' | 'projectId'>) => boolean {
  const part = visiblePart(principal);
  return ({ tenantId, projectId }) =>
    (part.tenantId === undefined || tenantId === part.tenantId) &&
    (part.projectId === undefined || projectId === part.projectId);
}

/** The ids of those that the reader may know of. */
function seenBy(principal: Principal, fleet: readonly FleetGateway[]): ReadonlySet<string> {
  const isSeen = seeing(principal);
  const seen = fleet.filter(({ facts: { identity } }) =>
    isSeen({ tenantId: identity.tenant.id, projectId: identity.project?.id }),
  );
  return new Set(seen.map(({ readiness }) => readiness.id));
}

/** By its summaries, which follow a change by moments; or from the facts, of all that are `known` since the platform moved. */
export type FleetSource =
  | { readonly kind: 'found' }
  | { readonly kind: 'loaded'; readonly known?: readonly FleetGateway[] | undefined };

export async function viewPlatform(
  db: Queryable,
  principal: Principal,
  now: Instant,
  services: Services,
  source: FleetSource,
): Promise<Platform> {
  const platform = await selectPlatform(db);
  const { version, rootFingerprint, channel } = platform;
  const plan = await selectPlatformPlan(db);
  const seen = await look(db, { plan, version, principal, now, source }, services);
  return {
    ...(version === undefined ? {} : { version }),
    programVersion: services.programVersion,
    isSandbox: platform.isSandbox,
    ...(rootFingerprint === undefined ? {} : { rootFingerprint }),
    ...(channel === undefined ? {} : { channel }),
    reachable: version === undefined ? [] : await reachable(db, version, channel),
    gateways: { total: seen.fleet.length, current: seen.fleet.filter(({ isCurrent }) => isCurrent).length },
    waitingFor: seen.fleet
      .filter(({ readiness }) => readiness.reasons.length > 0)
      .slice(0, shownGatewaysMax)
      .map(({ readiness: { name, reasons } }) => ({ gateway: name, reasons: reasons.map(toReasonView) })),
    ...(plan === undefined
      ? {}
      : {
          plan: toPlanView({
            plan,
            taken: await selectTakenHops(db, plan.id),
            ...(seen.decision === undefined ? {} : { decision: seen.decision }),
            reasons: seen.reasons,
          }),
        }),
    gates: toGateViews(seen.gates),
    waivers: (await selectWaivers(db, visiblePart(principal), now)).map(toWaiverView),
    createReasons: (await installRefusal(db, platform))?.reasons.map(toReasonView) ?? [],
    preflight: seesAll(principal) ? toPreflightViews(seen.preflight) : [],
  };
}

async function reachable(db: Queryable, version: string, channel: string | undefined): Promise<string[]> {
  const graph = buildUpgradeGraph(await loadPathReleases(db), { channel });
  return stepsFrom(graph, platformVersion(version)).map((step) => step.version);
}

interface Look {
  /** What the reader may see. */
  readonly fleet: readonly CountedGateway[];
  readonly gates: readonly Gate[];
  readonly preflight: readonly PreflightFinding[];
  readonly decision?: ProgressDecision;
  readonly reasons: readonly Reason[];
}

async function look(
  db: Queryable,
  of: {
    readonly plan: PlatformPlanRow | undefined;
    readonly version: string | undefined;
    readonly principal: Principal;
    readonly now: Instant;
    readonly source: FleetSource;
  },
  services: Services,
): Promise<Look> {
  const { plan, principal, now, source } = of;
  const version = of.version === undefined ? undefined : platformVersion(of.version);
  const hasPlan = version !== undefined && plan?.outcome === null;
  const isSeen = seeing(principal);
  // What holds a plan may be anybody's gateway, so all of them are asked, and what is shown is chosen afterwards.
  const part = hasPlan ? {} : visiblePart(principal);
  const fleet =
    source.kind === 'found'
      ? await findFleet(db, { part, version, isShown: isSeen }, now, services.timings)
      : countedOf(source.known ?? (await loadFleet(db, part, now, services.timings)), now);
  const seenFleet = fleet.filter(isSeen);
  const gateways = fleet.map(({ readiness }) => readiness);
  const gates =
    version === undefined ? [] : gatesOf({ version, gateways, settle: services.timings.platform.settle }, now);
  const seen = new Set(seenFleet.map(({ readiness }) => readiness.id));
  const seenGates = gates.filter(({ gatewayId }) => seen.has(gatewayId));
  if (!hasPlan) {
    const findings = seesAll(principal) ? await preflight(db, {}) : [];
    return { fleet: seenFleet, gates: seenGates, preflight: findings, reasons: [] };
  }
  const risks = async () => loadRiskGateways(db);
  const { decision, preflight: findings } = await judgeGates(db, version, startedPlan(plan), { gates, risks });
  return {
    fleet: seenFleet,
    gates: seenGates,
    preflight: findings,
    decision,
    reasons: decision.kind === 'hold' ? seenReasons(decision.reasons, gates, seen, principal) : [],
  };
}

/** Whoever does not see the whole platform learns what holds it on their own gateways, and that there is more. */
function seenReasons(
  all: readonly Reason[],
  gates: readonly Gate[],
  seen: ReadonlySet<string>,
  principal: Principal,
): readonly Reason[] {
  if (seesAll(principal)) return all;
  const own = gates
    .filter(({ state, gatewayId }) => state === 'closed' && seen.has(gatewayId))
    .flatMap(({ reasons }) => reasons);
  if (own.length === all.length) return own;
  return [...own, { code: 'held-elsewhere', message: 'Something that you do not see holds it.' }];
}

interface Reader {
  readonly principal: Principal;
  readonly now: Instant;
}

interface PreviewQuestion {
  readonly to: string;
  readonly from?: string;
  readonly channel?: string;
  readonly acceptedRisks: readonly string[];
  readonly forecast?: boolean;
  readonly confirmAfterSeconds?: number;
}

async function previewPlan(
  db: Queryable,
  question: PreviewQuestion,
  of: Reader,
  services: Services,
): Promise<Answer<UpgradePlan>> {
  const { principal, now } = of;
  const platform = await selectPlatform(db);
  const start = question.from ?? platform.version;
  if (start === undefined) return noPlatformVersion();
  const from = platformVersion(start);
  const to = platformVersion(question.to);
  const channel = question.channel ?? platform.channel;
  const fleet = await loadFleet(db, {}, now, services.timings);
  const seen = seenBy(principal, fleet);
  const { acceptedRisks } = question;
  const planned = planUpgrade({
    graph: buildUpgradeGraph(await loadPathReleases(db), { channel }),
    from,
    to,
    fleet: fleet.map(({ risk, readiness }) => (seen.has(readiness.id) ? risk : { ...risk, name: unseenGateway })),
    acceptedRisks,
  });
  const place = { from, to, ...(channel === undefined ? {} : { channel }) };
  if (planned.kind === 'none') {
    const { reasons, nearest, deadEnd } = planned;
    const [first] = reasons;
    if (first.code === 'release-unknown') return refuse('release-unknown', first.message, { reasons });
    return done({
      ...place,
      isPossible: false,
      hops: [],
      reasons: boundedReasons(reasons).map(toReasonView),
      ...(nearest === undefined ? {} : { nearest }),
      ...(deadEnd === undefined ? {} : { deadEnd }),
    });
  }
  const { hops } = planned;
  const outline: StartedPlan = { hops, channel, acceptedRisks };
  return done({
    ...place,
    isPossible: true,
    hops: hops.map((hop) => toHopView(hop, (gateway) => gateway !== unseenGateway)),
    reasons: [],
    ...(from === platform.version && hops.length > 0
      ? { heldBy: await heldBy(db, { from, fleet, ...outline }, of, services) }
      : {}),
    ...(from === platform.version && question.forecast === true
      ? {
          forecast: await forecastUpgrade(
            db,
            { ...question, from, to, outline, fleet, seen, unseenGateway },
            now,
            services,
          ),
        }
      : {}),
  });
}

/** Stands in a reason where a name would be that the reader may not know. */
const unseenGateway = 'a gateway that you do not see';

/** What would hold the first hop if the plan were started now. */
async function heldBy(
  db: Queryable,
  {
    from,
    fleet,
    ...outline
  }: StartedPlan & { readonly from: PlatformVersion; readonly fleet: readonly FleetGateway[] },
  { principal, now }: Reader,
  services: Services,
) {
  const { decision, gates } = await judgePlan(db, from, outline, now, services, fleet);
  if (decision.kind !== 'hold') return [];
  const reasons = seenReasons(decision.reasons, gates, seenBy(principal, fleet), principal);
  return boundedReasons(reasons).map(toReasonView);
}
