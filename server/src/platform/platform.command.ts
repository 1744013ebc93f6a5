/**
 * Starting, continuing and ending a plan of the platform, and the channel it follows. A hop that nothing holds is taken
 * at once, in the same transaction; what follows on the gateways follows with their polls, and the next hops with
 * `advance-plan.task.ts`.
 */

import type { UpgradeRequest } from '@gatehouse/contract/platform-types';
import { formatInstant } from '@gatehouse/domain/instant';
import { hopTopic } from '@gatehouse/domain/notification';
import { timelineRisk } from '@gatehouse/domain/platform-preflight';
import { nextHop } from '@gatehouse/domain/platform-progress';
import type { Reason } from '@gatehouse/domain/reason';
import { buildUpgradeGraph, stepBetween } from '@gatehouse/domain/upgrade-graph';
import { planUpgrade } from '@gatehouse/domain/upgrade-plan';
import type { PlatformVersion } from '@gatehouse/domain/version';
import type { Static } from 'typebox';
import type { AcceptedRisk } from '../database/schema.ts';
import { toReasonView } from '../gateways/gateway-view.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { type Answer, done, type Refusal, refuse } from '../http/answer.ts';
import type { Commands } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import { lockPlatform, type PlatformRow, selectPlatform, updatePlatform } from '../releases/release.store.ts';
import { newId, type Work } from '../work/work.ts';
import { type Advanced, advancePlan } from './advance-plan.command.ts';
import { loadFleet } from './fleet.query.ts';
import { judgePlan, type PlanJudgement } from './plan-judgement.ts';
import { noPlatformVersion, viewPlatform } from './platform.query.ts';
import {
  endPlatformPlan,
  insertPlatformPlan,
  type PlatformPlanRow,
  selectOpenPlatformPlan,
  updateAcceptedRisks,
} from './platform-plan.store.ts';
import { boundedReasons, toKeptHop } from './platform-view.ts';
import { observeTimeline } from './preflight.query.ts';
import { loadPathReleases } from './release-graph.store.ts';

type Request = Static<typeof UpgradeRequest>;

export function platformCommands(
  services: Services,
): Pick<Commands, 'upgradePlatform' | 'cancelPlatformPlan' | 'setPlatformChannel' | 'clearPlatformChannel'> {
  return {
    async upgradePlatform({ body }, { work, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      const platform = await lockPlatform(work.tx);
      if (platform.version === undefined) return noPlatformVersion();
      const upgrade: Upgrade = {
        work,
        services,
        request: body,
        by: access.principal.name,
        platform,
        version: platformVersion(platform.version),
      };
      await acceptTimeline(upgrade);
      const open = await selectOpenPlatformPlan(work.tx);
      const taken =
        open !== undefined && isContinued(open, body) ? await goOn(upgrade, open) : await start(upgrade, open);
      if (taken.kind === 'refused') return taken;
      return done(
        await viewPlatform(work.tx, access.principal, work.now, services, { kind: 'loaded', known: taken.reply.fleet }),
      );
    },

    async cancelPlatformPlan(_call, { work, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      const { tx, now } = work;
      const { version } = await lockPlatform(tx);
      const plan = await selectOpenPlatformPlan(tx);
      if (plan === undefined) {
        const detail =
          'The platform has no plan under way, so there is none to cancel; see `gatehouse platform status`.';
        return refuse('no-platform-plan', detail, { reasons: [{ code: 'no-platform-plan', message: detail }] });
      }
      const { name: by } = access.principal;
      await endPlatformPlan(tx, plan.id, { outcome: 'cancelled', by, now });
      work.over(hopTopic(plan.id));
      work.changed({ kind: 'everything' });
      audit(work, by, 'platform.cancel', {
        name: plan.to_version,
        message: `The plan from ${plan.from_version} to ${plan.to_version} was cancelled by ${by}; the platform stays on ${version ?? 'none'}.`,
      });
      return done(await viewPlatform(tx, access.principal, now, services, { kind: 'loaded' }));
    },

    async setPlatformChannel({ body: { channel } }, { work, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      const { tx, now } = work;
      await lockPlatform(tx);
      const known = [...new Set((await loadPathReleases(tx)).flatMap(({ channels }) => channels))].toSorted();
      if (!known.includes(channel)) {
        const detail = `No imported release is in the channel ${channel}; there ${known.length === 0 ? 'is none' : `are ${known.join(', ')}`}.`;
        return refuse('not-found', detail, { reasons: [{ code: 'channel-unknown', message: detail }] });
      }
      const { name: by } = access.principal;
      await updatePlatform(tx, { channel, now });
      audit(work, by, 'platform.channel', {
        name: channel,
        message: `The platform follows the channel ${channel} since ${by} said so; a plan under way keeps its edges.`,
      });
      return done(await viewPlatform(tx, access.principal, now, services, { kind: 'loaded' }));
    },

    async clearPlatformChannel(_call, { work, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      const { tx, now } = work;
      const { channel } = await lockPlatform(tx);
      const { name: by } = access.principal;
      if (channel !== undefined) {
        await updatePlatform(tx, { channel: null, now });
        audit(work, by, 'platform.channel', {
          name: 'none',
          message: `The platform follows no channel any more since ${by} said so; before it was ${channel}.`,
        });
      }
      return done(await viewPlatform(tx, access.principal, now, services, { kind: 'loaded' }));
    },
  };
}

/** One request, with what it found locked. */
interface Upgrade {
  readonly work: Work;
  readonly services: Services;
  readonly request: Request;
  readonly by: string;
  readonly platform: PlatformRow;
  readonly version: PlatformVersion;
}

function isContinued(plan: PlatformPlanRow, { to, channel }: Request): boolean {
  return plan.to_version === to && (channel === undefined || channel === plan.channel);
}

/** The fleet as it was found last, which is as it is shown. */
type Taken = Pick<PlanJudgement, 'fleet'>;

async function start(upgrade: Upgrade, open: PlatformPlanRow | undefined): Promise<Answer<Taken>> {
  const { work, services, request, by, platform, version } = upgrade;
  const { tx, now } = work;
  // A plan whose hops were all taken only waits for its gateways, as the first hop of this one will.
  if (open !== undefined && open.to_version !== version) return otherPlan(open, version, request);
  const channel = request.channel ?? platform.channel;
  const acceptedRisks = newlyAccepted(upgrade, []);
  const fleet = await loadFleet(tx, {}, now, services.timings);
  const planned = planUpgrade({
    graph: buildUpgradeGraph(await loadPathReleases(tx), { channel }),
    from: version,
    to: platformVersion(request.to),
    fleet: fleet.map(({ risk }) => risk),
    acceptedRisks: acceptedRisks.map(({ name }) => name),
  });
  const hops = planned.kind === 'none' ? [] : planned.hops.map(toKeptHop);
  const impossible: readonly Reason[] =
    planned.kind === 'none' ? planned.reasons : hops.length === 0 ? [alreadyThere(version)] : [];
  if (impossible.length > 0) {
    const held = await judgePlan(tx, version, { hops: [], channel, acceptedRisks: [] }, now, services, fleet);
    return stay(version, [...impossible, ...(held.decision.kind === 'hold' ? held.decision.reasons : [])]);
  }
  if (open !== undefined) {
    await endPlatformPlan(tx, open.id, { outcome: 'superseded', by, now });
    work.over(hopTopic(open.id));
  }
  const plan = await insertPlatformPlan(tx, {
    id: newId(),
    from: version,
    to: request.to,
    channel,
    hops,
    acceptedRisks,
    startedBy: by,
    now,
  });
  work.changed({ kind: 'everything' });
  const way = [version, ...hops.map(({ to }) => to)].join(' → ');
  audit(work, by, 'platform.upgrade', {
    name: request.to,
    message: `An upgrade of the platform from ${version} to ${request.to} was started by ${by}: ${way}.${accepting(acceptedRisks)}`,
  });
  const advanced = await advancePlan(work, plan, version, services, fleet);
  return isTaken(upgrade, advanced)
    ? done(advanced.judgement)
    : held(advanced, 'Nothing was started; with --wait the plan starts now and goes on by itself.');
}

async function goOn(upgrade: Upgrade, plan: PlatformPlanRow): Promise<Answer<Taken>> {
  const { work, services, request, by, version } = upgrade;
  const { tx, now } = work;
  if (version === plan.to_version) {
    const judged = await judgePlan(tx, version, { hops: [], channel: undefined, acceptedRisks: [] }, now, services);
    if (request.wait === true) return done(judged);
    return stay(version, [alreadyThere(version), ...(judged.decision.kind === 'hold' ? judged.decision.reasons : [])]);
  }
  const accepted = newlyAccepted(upgrade, plan.accepted_risks);
  const acceptedRisks = [...plan.accepted_risks, ...accepted];
  if (accepted.length > 0) {
    await updateAcceptedRisks(tx, plan.id, acceptedRisks);
    audit(work, by, 'platform.accept-risk', {
      name: request.to,
      message: `${by} accepts for the plan to ${request.to}:${accepting(accepted)}`,
    });
  }
  const replanned = await replan(upgrade, { ...plan, accepted_risks: acceptedRisks });
  if (replanned.kind === 'refused') return replanned;
  const advanced = await advancePlan(work, replanned.reply, version, services);
  const isChanged = accepted.length > 0 || replanned.reply.id !== plan.id;
  return isChanged || isTaken(upgrade, advanced)
    ? done(advanced.judgement)
    : held(advanced, `The plan to ${plan.to_version} goes on by itself as soon as nothing holds it.`);
}

/**
 * The plan as it is, unless one of its hops cannot be taken any more (a release was recalled, a floor appeared): then a
 * new one from where the platform is, with the edges that the old one keeps.
 */
async function replan(upgrade: Upgrade, plan: PlatformPlanRow): Promise<Answer<PlatformPlanRow>> {
  const { work, services, by, version } = upgrade;
  const { tx, now } = work;
  const channel = plan.channel ?? undefined;
  const keptEdges = plan.hops.map(({ from, to }) => ({ from: platformVersion(from), to: platformVersion(to) }));
  const graph = buildUpgradeGraph(await loadPathReleases(tx), { channel, keptEdges });
  const next = nextHop({ version, hops: keptEdges });
  const left = next === undefined ? [] : keptEdges.slice(next.number - 1);
  const closed = left.some(({ from, to }) => stepBetween(graph, from, to).kind === 'refused');
  if (next !== undefined && !closed) return done(plan);
  const fleet = await loadFleet(tx, {}, now, services.timings);
  const planned = planUpgrade({
    graph,
    from: version,
    to: platformVersion(plan.to_version),
    fleet: fleet.map(({ risk }) => risk),
    acceptedRisks: plan.accepted_risks.map(({ name }) => name),
  });
  if (planned.kind === 'none') return stay(version, planned.reasons);
  await endPlatformPlan(tx, plan.id, { outcome: 'superseded', by, now });
  work.over(hopTopic(plan.id));
  const hops = planned.hops.map(toKeptHop);
  const way = [version, ...hops.map(({ to }) => to)].join(' → ');
  audit(work, by, 'platform.replan', {
    name: plan.to_version,
    message: `The upgrade to ${plan.to_version} was planned anew by ${by}: ${way}.`,
  });
  return done(
    await insertPlatformPlan(tx, {
      id: newId(),
      from: version,
      to: plan.to_version,
      channel,
      hops,
      acceptedRisks: plan.accepted_risks,
      startedBy: by,
      now,
    }),
  );
}

/** A hop was taken, or the plan waits for nothing but time, or whoever asks said that it may wait. */
function isTaken({ request }: Upgrade, { hopsTaken, judgement: { decision } }: Advanced): boolean {
  if (hopsTaken > 0 || request.wait === true || decision.kind !== 'hold') return true;
  return decision.opensAt !== undefined;
}

function held({ version, judgement: { decision } }: Advanced, outlook: string): Refusal {
  if (decision.kind !== 'hold') throw new TypeError('what is not held is taken');
  return stay(version, decision.reasons, outlook);
}

function stay(version: PlatformVersion, reasons: readonly Reason[], outlook?: string): Refusal {
  const [first] = reasons;
  const code = first?.code === 'release-unknown' ? 'release-unknown' : 'upgrade-refused';
  return refuse(code, `The platform stays on ${version}. ${outlook ?? first?.message ?? ''}`, {
    reasons: boundedReasons(reasons).map(toReasonView),
  });
}

function alreadyThere(version: PlatformVersion): Reason {
  return { code: 'same-version', message: `The platform is on ${version} already.` };
}

function otherPlan(open: PlatformPlanRow, version: PlatformVersion, { to }: Request): Refusal {
  return stay(version, [
    {
      code: 'other-plan-under-way',
      message: `A plan to ${open.to_version} is under way, which ${open.started_by} started at ${open.started_at.toISOString()}.`,
      nextStep: `To go to ${to} instead, end it first with \`gatehouse platform cancel\`.`,
    },
  ]);
}

/** Those of the request that were not accepted before. */
function newlyAccepted({ request, by, work }: Upgrade, before: readonly AcceptedRisk[]): readonly AcceptedRisk[] {
  const known = new Set(before.map(({ name }) => name));
  return [...new Set(request.acceptRisks)]
    .filter((name) => !known.has(name))
    .map((name) => ({ name, by, at: formatInstant(work.now) }));
}

function accepting(risks: readonly AcceptedRisk[]): string {
  return risks.length === 0 ? '' : ` Accepted risks: ${risks.map(({ name }) => name).join(', ')}.`;
}

/** A person says by its name that nothing is missing since the database moved to another timeline. */
async function acceptTimeline({ work, request, by }: Upgrade): Promise<void> {
  const { tx, now } = work;
  const named = (request.acceptRisks ?? []).filter((name) => name.startsWith(timelineRisk('')));
  if (named.length === 0) return;
  const timeline = await observeTimeline(tx);
  if (timeline === 'unknown' || !named.includes(timelineRisk(timeline))) return;
  await updatePlatform(tx, { databaseTimeline: timeline, now });
  audit(work, by, 'platform.accept-timeline', {
    name: String(timeline),
    message: `${by} says that nothing is missing in the database since it is on timeline ${timeline}.`,
  });
}

function audit(
  work: Work,
  actor: string,
  action: string,
  about: { readonly name: string; readonly message: string },
): void {
  work.audit({ actor, action, subjectKind: 'platform', subjectName: about.name, message: about.message });
}

/** Remembers on which timeline the database is when it is first looked at. */
export async function rememberTimeline({ db, now }: Services): Promise<void> {
  const timeline = await observeTimeline(db);
  if (timeline === 'unknown') return;
  await db.transaction().execute(async (tx) => {
    const { databaseTimeline } = await selectPlatform(tx);
    if (databaseTimeline === undefined) await updatePlatform(tx, { databaseTimeline: timeline, now: now() });
  });
}
