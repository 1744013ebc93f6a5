/**
 * One poll that may change something: what the agent saw is stored, the domain says what follows, and all of it is one
 * transaction that holds the gateway's row. The same poll repeated, or its reply lost, does no harm.
 */

import type { PollReply, PollRequest, Target } from '@gatehouse/contract/agent-api';
import { openRetries } from '@gatehouse/domain/agent-update';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { gatewayHealth, gatewayStatus } from '@gatehouse/domain/gateway-status';
import { generationJumpMax } from '@gatehouse/domain/generation';
import { addMilliseconds, hours } from '@gatehouse/domain/instant';
import { pollIntervalFor } from '@gatehouse/domain/poll-schedule';
import type { Timings } from '@gatehouse/domain/timings';
import { jsonDigest, jsonDigestIfAny } from '@gatehouse/release/canonical-json';
import { selectAgentIdentity, withdrawRegistrationTokens } from '../agents/agent.store.ts';
import { type AgentSession, identityRefused } from '../agents/session.command.ts';
import { eventSubject, type GatewayRow, lockGateway, updateGateway } from '../gateways/gateway.store.ts';
import { type LoadedGateway, loadGateway } from '../gateways/gateway-facts.store.ts';
import { upsertSummaries } from '../gateways/gateway-summary.store.ts';
import { toSummary } from '../gateways/gateway-summary.ts';
import { type Answer, done, type Refusal, refuse } from '../http/answer.ts';
import { plainTree } from '../http/plain-text.ts';
import { endProfileUpdate, updateProgress } from '../profile-updates/profile-update.store.ts';
import type { Work } from '../work/work.ts';
import { announcedSilence } from './announced-silence.ts';
import { noticeClock } from './gateway-clock.ts';
import { holdIdentity } from './hold-identity.ts';
import { countAgentMilestonesSince, countKnownMilestones, insertMilestones } from './milestone.store.ts';
import { agentNews, type News, profileUpdateNews, recallNews, tooMuchNews } from './observed-events.ts';
import { deleteRetriedAgents, upsertObservation } from './poll.store.ts';
import { retarget } from './retarget.ts';
import { recover } from './set-back.ts';

export interface PollInput {
  readonly request: PollRequest;
  readonly session: AgentSession;
  readonly timings: Timings;
  /** Somebody has the gateway's page or events open. */
  readonly isLookedAt: boolean;
}

/** A refusal that is kept, unlike others: what it rests on has to be known with the next poll. */
export interface HeldPoll {
  readonly refusal: Refusal;
}

/** What may be remembered of the gateway's answer until something changes. */
export interface PollOutcome {
  readonly reply: PollReply;
  /** Absent when the next poll has to be decided anew. */
  readonly remembered?: {
    readonly row: GatewayRow;
    readonly facts: GatewayFacts;
    readonly generation: number;
    readonly targetDigest: string | undefined;
    readonly observationDigest: string;
    readonly handOverNumber: number;
    readonly identityUid: string | undefined;
    readonly isClockOff: boolean;
  };
}

const atOnceSeconds = 0.1;

export async function poll(input: PollInput, work: Work): Promise<Answer<PollOutcome | HeldPoll>> {
  const { request, session, timings, isLookedAt } = input;
  const { tx } = work;
  const row = await lockGateway(tx, session.gatewayId);
  const identity = await selectAgentIdentity(tx, session.gatewayId);
  if (row === undefined || identity?.id !== session.identityId || row.deleted_at !== null) return identityRefused();
  // Before the hand-over number: of two agents with one identity the one with the lower number would never be known of.
  const held = await holdIdentity({ row, known: identity.use, uid: request.identityUid, timings }, work);
  if (held !== undefined) return done({ refusal: held });
  if (request.handOverNumber < row.hand_over_number) return superseded(row, request.handOverNumber);
  if (request.generation - row.generation > generationJumpMax) {
    const message = `body.generation is ${request.generation}, but the newest target of the gateway ${row.name} has ${row.generation}.`;
    return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
  }
  if (request.handOverNumber > row.hand_over_number) {
    await updateGateway(tx, row.id, { hand_over_number: request.handOverNumber });
  }
  if (row.deletion_requested_at !== null) return finishDeletion(row, work);

  const stored = await loadGateway(tx, row, { withProfiles: false });
  if (request.observation !== undefined && jsonDigestIfAny(request.observation) !== request.observationDigest) {
    const message = 'body.observationDigest is not that of body.observation in canonical JSON (RFC 8785).';
    return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
  }
  if (request.observation === undefined && request.observationDigest !== stored.observation?.digest) {
    return done({ reply: { isObservationWanted: true, pollAgainSeconds: atOnceSeconds } });
  }
  const { observation } = request;
  const isNews = observation !== undefined && request.observationDigest !== stored.observation?.digest;
  if (isNews) {
    const body = plainTree(observation);
    await upsertObservation(tx, row.id, { digest: request.observationDigest, body, receivedAt: work.now });
  }
  const isClockOff = await noticeClock(row, request, work);
  const load = async (): Promise<LoadedGateway> => withPoll(await loadGateway(tx, row, { withProfiles: true }), work);
  const recovered = await recover(row, request, { seen: await load(), load }, work);
  const { seen } = recovered;
  const settled = await settle(stored, seen, work);
  await tellOnce(row, recallNews(settled.facts), work);
  if (recovered.isTargetKept) {
    await announce(row, settled.facts, work, timings);
    const pollAgainSeconds = pollIntervalFor(settled.facts, isLookedAt, timings) / 1000;
    return done({ reply: { isObservationWanted: false, pollAgainSeconds } });
  }
  const { target, plan } = await retarget(work, {
    loaded: settled,
    timings,
    reason: isNews ? 'observation' : 'poll',
    reportedGeneration: request.generation,
    reportedDigest: request.targetDigest,
  });
  if (plan !== undefined) await tellAvailable(row, plan.to, work);
  const silence = announcedSilence(settled.facts, work.now, timings);
  if (silence !== undefined || row.silence_expected_until !== null) {
    await updateGateway(tx, row.id, { silence_expected_until: silence === undefined ? null : new Date(silence) });
  }
  const { silenceExpectedUntil: _before, ...known } = settled.facts;
  const facts: GatewayFacts = {
    ...known,
    ...(silence === undefined ? {} : { silenceExpectedUntil: silence }),
    ...(target === undefined ? {} : { generation: target.generation }),
    ...targetAgentOf(target, settled.facts),
  };
  await announce(row, facts, work, timings);
  await upsertSummaries(tx, [toSummary(facts, work.now, timings)], { keepsMark: true });
  const isTargetNew = target !== undefined && target.generation > request.generation;
  return done({
    reply: {
      ...(isTargetNew ? { target } : {}),
      isObservationWanted: false,
      pollAgainSeconds: pollIntervalFor(facts, isLookedAt, timings) / 1000,
    },
    remembered: {
      row,
      facts,
      generation: target?.generation ?? row.generation,
      targetDigest: target && jsonDigest(target),
      observationDigest: request.observationDigest,
      handOverNumber: request.handOverNumber,
      identityUid: request.identityUid,
      isClockOff,
    },
  });
}

function superseded(row: GatewayRow, handOverNumber: number) {
  return refuse(
    'hand-over-superseded',
    `Another agent of the gateway ${row.name} has taken over (its hand-over number is ${row.hand_over_number}, this one's ` +
      `${handOverNumber}). If no update runs, two agents use one identity: stop one of them.`,
  );
}

/** The agent is told that it has no gateway any more; host clusters go on, and the row stays for its events. */
async function finishDeletion(row: GatewayRow, work: Work): Promise<Answer<PollOutcome>> {
  await markDeleted(row, work);
  // A poll's answer, not a refusal, so that the deletion is committed; the next poll finds the identity refused.
  return done({ reply: { isObservationWanted: false, pollAgainSeconds: 1 } });
}

export async function markDeleted(row: GatewayRow, work: Work): Promise<void> {
  await updateGateway(work.tx, row.id, { deleted_at: new Date(work.now), announced_status: 'Deleted' });
  await withdrawRegistrationTokens(work.tx, row.id, work.now);
  work.changed({ kind: 'gateway', gatewayId: row.id });
  work.event(eventSubject(row), {
    type: 'status-changed',
    message: 'The gateway is Deleted; its host clusters go on.',
    severity: 'normal',
  });
}

/** This poll counts as heard in whatever is decided now; its time is written with the others'. */
function withPoll(loaded: LoadedGateway, { now }: Work): LoadedGateway {
  return { ...loaded, facts: { ...loaded.facts, lastPollAt: now, nextPollDueAt: now } };
}

/** What the observation settles: told events, used-up retries, ended updates. Returns the facts as they are after it. */
async function settle(before: LoadedGateway, loaded: LoadedGateway, work: Work): Promise<LoadedGateway> {
  const { row, facts, openUpdate } = loaded;
  const { observation } = facts;
  if (observation === undefined) return loaded;
  await tellAgentNews(row, agentNews(observation), work);

  const open = openRetries(facts.retriedAgentDigests, before.facts.observation ?? { takenBack: [] }, observation);
  const used = facts.retriedAgentDigests.filter((digest) => !open.includes(digest));
  await deleteRetriedAgents(work.tx, row.id, used);
  const settled: LoadedGateway = { ...loaded, facts: { ...facts, retriedAgentDigests: open } };

  const confirmed = facts.profileUpdate;
  const progress = observation.profileUpdate;
  if (openUpdate === undefined || confirmed === undefined || progress?.planId !== confirmed.plan.planId) return settled;
  await tellOnce(row, profileUpdateNews(openUpdate.id, confirmed, progress), work);
  const reported = loaded.observation?.body.profileUpdate;
  if (reported !== undefined) await updateProgress(work.tx, openUpdate.id, reported);
  // An end that was reported before a person's retry or new confirmation says nothing about it.
  const isEnded = progress.phase === 'completed' || (progress.phase === 'cancelled' && confirmed.isCancelled);
  if (!isEnded || progress.retry < confirmed.retry) return settled;
  await endProfileUpdate(work.tx, openUpdate.id, {
    outcome: progress.phase === 'completed' ? 'completed' : 'cancelled',
    now: work.now,
  });
  const { profileUpdate: _ended, ...withoutUpdate } = settled.facts;
  const { openUpdate: _endedRow, ...rest } = settled;
  return { ...rest, facts: withoutUpdate };
}

/** More than any agent has to tell, though it may be told again what was held back before. */
const agentMilestonesPerHourMax = 60;

/**
 * What an agent says of itself it can invent anew with each poll, and every event is kept. Beyond a bound nothing of it is
 * told or remembered, but that there is more; what is still so an hour later is told then.
 */
async function tellAgentNews(row: GatewayRow, news: readonly News[], work: Work): Promise<void> {
  if (news.length === 0) return;
  const { tx, now } = work;
  const marks = news.flatMap((item) => item.marks);
  const added = marks.length - (await countKnownMilestones(tx, row.id, marks));
  if (added === 0) return;
  const since = addMilliseconds(now, -hours(1));
  const count = await countAgentMilestonesSince(tx, row.id, { since, countMax: agentMilestonesPerHourMax });
  await tellOnce(row, count + added > agentMilestonesPerHourMax ? [tooMuchNews(now)] : news, work);
}

async function tellOnce(row: GatewayRow, news: readonly News[], work: Work): Promise<void> {
  if (news.length === 0) return;
  const marks = news.flatMap((item) => item.marks);
  const inserted = await insertMilestones(work.tx, row.id, marks, work.now);
  const isNew = (mark: News['marks'][number]) =>
    inserted.some(({ subject, milestone }) => subject === mark.subject && milestone === mark.milestone);
  const told = new Set<string>();
  for (const { marks: own, event } of news) {
    if (!own.every(isNew) || own.some((mark) => told.has(JSON.stringify(mark)))) continue;
    for (const mark of own) told.add(JSON.stringify(mark));
    work.event(eventSubject(row), event);
  }
}

/** Once for each profile: with the first poll after it became available, or with its confirmation, whichever comes first. */
export function tellAvailable(
  row: GatewayRow,
  to: { readonly version: string; readonly digest: string },
  work: Work,
): Promise<void> {
  const news: News = {
    marks: [{ subject: `profile:${to.digest}`, milestone: 'available' }],
    event: { type: 'profile-available', message: `Profile ${to.version} is available`, severity: 'normal' },
  };
  return tellOnce(row, [news], work);
}

function targetAgentOf(target: Target | undefined, facts: GatewayFacts): Pick<GatewayFacts, 'targetAgent'> {
  const digest = target?.agent?.digest;
  const known = [facts.release?.agent, facts.observation?.agent, facts.observation?.attempt?.to];
  const agent = known.find((each) => each !== undefined && each.digest === digest);
  return agent === undefined ? {} : { targetAgent: { version: agent.version, digest: agent.digest } };
}

/** Status and health as events, each change once. */
export async function announce(row: GatewayRow, facts: GatewayFacts, work: Work, timings: Timings): Promise<void> {
  const status = gatewayStatus(facts, work.now);
  const health = gatewayHealth(facts, work.now, timings);
  const subject = eventSubject(row);
  if (status !== row.announced_status) {
    const severity = status === 'Error' ? 'warning' : 'normal';
    work.event(subject, { type: 'status-changed', message: `Status: ${row.announced_status} → ${status}`, severity });
  }
  if (health !== row.announced_health && health === 'unhealthy') {
    work.event(subject, {
      type: 'gateway-silent',
      message: 'The gateway has not been heard for too long: unhealthy.',
      severity: 'warning',
    });
  }
  if (row.announced_health === 'unhealthy' && health === 'healthy') {
    work.event(subject, { type: 'gateway-heard', message: 'The gateway is heard again: healthy.', severity: 'normal' });
  }
  if (status === row.announced_status && health === row.announced_health) return;
  await updateGateway(work.tx, row.id, { announced_status: status, announced_health: health });
}
