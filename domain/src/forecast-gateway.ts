/**
 * One gateway on a forecast's virtual clock: it polls when its polls are due, and what the server would offer it (by the
 * same decisions) takes effect after a while. What a person would have to do does not happen, but for confirming profile
 * updates where that is assumed. What is stuck stays stuck, and who is silent stays silent.
 */

import { decideAgentUpdate } from './agent-update.ts';
import type { AgentRelease } from './agent-update-types.ts';
import { hopReasons } from './explain.ts';
import type { Known } from './gateway.ts';
import type { GatewayFacts, ObservationFacts } from './gateway-facts.ts';
import { confirmedProgress, gatewayHealth, gatewayStatus, silenceExpectedUntil } from './gateway-status.ts';
import { addMilliseconds, type Instant, type Milliseconds, toInstant } from './instant.ts';
import type { GatewayReadiness, Waiver } from './platform-gates.ts';
import { pollIntervalFor } from './poll-schedule.ts';
import type { ProfileReference } from './profile.ts';
import { isProfileUpdateAvailable } from './profile-availability.ts';
import { profileAgentHolds } from './profile-hold.ts';
import { repaveHolds } from './recall.ts';
import type { Timings } from './timings.ts';
import type { KubernetesVersion } from './version.ts';
import type { WalkedFacts } from './walk-facts.ts';

export interface ForecastGateway {
  readonly facts: GatewayFacts;
  readonly lastUpdateAt?: Instant;
  readonly waiver?: Waiver;
}

/** How long things take, and what people do. */
export interface ForecastPace {
  /** From the poll that brings an agent until its update is settled. */
  readonly agentUpdate: Milliseconds;
  /** From the poll that brings a confirmed profile update until it is completed, for each node that is replaced. */
  readonly profileUpdatePerNode: Milliseconds;
  /** A person confirms a profile update so long after it may be confirmed. Absent: nobody does. */
  readonly confirmAfter?: Milliseconds;
}

export interface GatewayWorld {
  readonly timings: Timings;
  readonly pace: ForecastPace;
  /** What the platform's version makes of the gateway as it is. */
  readonly walked: (facts: GatewayFacts) => WalkedFacts;
  /** Of a profile, by its digest. */
  readonly kubernetesOf: (digest: string) => Known<KubernetesVersion>;
}

export interface VirtualGateway {
  readonly facts: GatewayFacts;
  readonly lastUpdateAt?: Instant;
  readonly waiver?: Waiver;
  /** It was never heard, or was silent for too long when the forecast began. */
  readonly isLost: boolean;
  readonly busy?: Busy;
  /** The next poll brings something to begin with. */
  readonly waitsForPoll: boolean;
  /** Since when a person may confirm what is available. */
  readonly confirmableSince?: Instant;
  /** So many profile updates a person has confirmed, or would have to. */
  readonly confirmations: number;
}

/** What has begun goes on to what it began with, also when the platform moves meanwhile. */
type Busy =
  | { readonly with: 'agent'; readonly to: AgentRelease; readonly until: Instant }
  | { readonly with: 'profile'; readonly to: ProfileReference; readonly until: Instant };

export function beginGateway(gateway: ForecastGateway, now: Instant, timings: Timings): VirtualGateway {
  const { facts, ...rest } = gateway;
  const isLost = facts.observation === undefined || gatewayHealth(facts, now, timings) === 'unhealthy';
  const due = facts.nextPollDueAt;
  // One that is late and not lost is taken to poll now.
  const isLate = !isLost && (due === undefined || due < now) && silenceExpectedUntil(facts, now) === undefined;
  return {
    ...rest,
    facts: isLate ? { ...facts, nextPollDueAt: now } : facts,
    isLost,
    waitsForPoll: false,
    confirmations: 0,
  };
}

/** The gateway at `now`, after all that has happened to it until then and begins then. */
export function advanceGateway(before: VirtualGateway, now: Instant, world: GatewayWorld): VirtualGateway {
  const heard = hear(before, now, world.timings);
  // A poll brings what was decided before it; whatever changes at the same instant comes with the next one.
  const isPolling = heard !== before && heard.facts.lastPollAt === now;
  const finished = finish(heard, now, world);
  return finished.busy === undefined ? begin(finished, { now, isPolling }, world) : finished;
}

/** With what the platform's version makes of it now: before the first instant, and after each hop. */
export function withWalk(gateway: VirtualGateway, { walked }: GatewayWorld): VirtualGateway {
  const { release: _release, platformRelease: _platform, walk: _walk, ...facts } = gateway.facts;
  return { ...gateway, facts: { ...facts, ...walked(gateway.facts) } };
}

export function readinessOf(gateway: VirtualGateway, now: Instant, timings: Timings): GatewayReadiness {
  const { facts, lastUpdateAt, waiver } = gateway;
  return {
    id: facts.identity.id,
    name: facts.identity.name,
    tenant: facts.identity.tenant.name,
    reasons: hopReasons(facts, now, timings),
    health: gatewayHealth(facts, now, timings),
    ...(lastUpdateAt === undefined ? {} : { lastUpdateAt }),
    ...(waiver === undefined ? {} : { waiver }),
  };
}

/** When anything of it may be otherwise by itself; absent when only somebody's act changes it. `opensAt`: of its gate. */
export function nextChange(
  gateway: VirtualGateway,
  opensAt: Instant | undefined,
  now: Instant,
  { pace }: GatewayWorld,
): Instant | undefined {
  const { facts, busy, confirmableSince, waiver, waitsForPoll } = gateway;
  const confirmAt =
    confirmableSince === undefined || pace.confirmAfter === undefined
      ? undefined
      : addMilliseconds(confirmableSince, pace.confirmAfter);
  const moments = [
    opensAt,
    busy?.until,
    waiver?.until,
    ...facts.pauses.flatMap(({ since, until }) => [since, until]),
    facts.exemption?.since,
    facts.exemption?.until,
    facts.silenceExpectedUntil,
    ...(busy === undefined ? [confirmAt] : []),
    ...(busy === undefined && waitsForPoll ? [facts.nextPollDueAt] : []),
  ];
  let next: Instant | undefined;
  for (const moment of moments) {
    if (moment !== undefined && moment > now && (next === undefined || moment < next)) next = moment;
  }
  return next;
}

/** By an act that nobody is assumed to do, nothing more comes of it: that is what waits for a person to confirm. */
export function waitsForConfirmation({ facts, busy, confirmableSince }: VirtualGateway): boolean {
  return busy === undefined && confirmableSince !== undefined && facts.profileUpdate === undefined;
}

/** With the polls that came until `now`. */
export function hear(gateway: VirtualGateway, now: Instant, timings: Timings): VirtualGateway {
  const { facts, isLost } = gateway;
  const due = facts.nextPollDueAt;
  if (isLost || due === undefined || due > now) return gateway;
  const interval = Math.max(1, pollIntervalFor(facts, false, timings));
  const polls = Math.floor((now - due) / interval);
  const lastPollAt = addMilliseconds(due, polls * interval);
  return { ...gateway, facts: { ...facts, lastPollAt, nextPollDueAt: addMilliseconds(lastPollAt, interval) } };
}

function finish(gateway: VirtualGateway, now: Instant, world: GatewayWorld): VirtualGateway {
  const { facts, busy } = gateway;
  const { observation } = facts;
  if (busy === undefined || busy.until > now || observation === undefined) return gateway;
  const { busy: _over, confirmableSince: _confirmed, ...rest } = gateway;
  const updated =
    busy.with === 'agent'
      ? withNewAgent(facts, observation, busy.to)
      : withNewProfile(facts, observation, busy.to, world);
  return withWalk({ ...rest, lastUpdateAt: busy.until, facts: updated }, world);
}

function withNewAgent(facts: GatewayFacts, observation: ObservationFacts, to: AgentRelease): GatewayFacts {
  const { attempt: _over, ...seen } = observation;
  return { ...facts, observation: { ...seen, agent: to }, targetAgent: to };
}

function withNewProfile(
  facts: GatewayFacts,
  observation: ObservationFacts,
  to: ProfileReference,
  world: GatewayWorld,
): GatewayFacts {
  const { profileUpdate: _confirmed, silenceExpectedUntil: _silence, ...rest } = facts;
  const { profileUpdate: _progress, preflight: _preflight, ...seen } = observation;
  const kubernetes = world.kubernetesOf(to.digest);
  return {
    ...rest,
    observation: { ...seen, appliedProfile: to, ...(kubernetes === 'unknown' ? {} : { kubernetes }) },
  };
}

function begin(
  before: VirtualGateway,
  { now, isPolling }: { readonly now: Instant; readonly isPolling: boolean },
  { timings, pace }: GatewayWorld,
): VirtualGateway {
  const { facts } = before;
  if (before.isLost) return before;
  const gateway = before.waitsForPoll ? { ...before, waitsForPoll: false } : before;
  const onPoll = (busy: Busy): VirtualGateway =>
    isPolling ? { ...gateway, busy } : { ...gateway, waitsForPoll: true };
  const decision = decideAgentUpdate(facts, now, timings);
  if (decision.kind === 'continue' || (decision.kind === 'update' && isAgentFree(facts))) {
    const { version, digest } = decision.to;
    const busy: Busy = { with: 'agent', to: { version, digest }, until: addMilliseconds(now, pace.agentUpdate) };
    return decision.kind === 'continue' ? { ...gateway, busy } : onPoll(busy);
  }
  const until = profileUpdateEnd(facts, now, pace);
  if (facts.profileUpdate !== undefined) {
    if (!isProfileUpdateMoving(facts)) return gateway;
    const busy: Busy = { with: 'profile', to: facts.profileUpdate.plan.to, until };
    return gatewayStatus(facts, now) === 'Updating' ? { ...gateway, busy } : onPoll(busy);
  }
  const to = facts.release?.profile;
  if (to === undefined || !isConfirmable(facts, now)) return gateway;
  const confirmableSince = gateway.confirmableSince ?? now;
  const isNew = gateway.confirmableSince === undefined;
  const waiting = { confirmableSince, confirmations: gateway.confirmations + (isNew ? 1 : 0) };
  const isConfirmed = pace.confirmAfter !== undefined && now >= addMilliseconds(confirmableSince, pace.confirmAfter);
  return { ...(isConfirmed ? onPoll({ with: 'profile', to, until }) : gateway), ...waiting };
}

/** What the agent itself waits for, such as a Deployment that its owner paused, stays. */
function isAgentFree({ observation }: GatewayFacts): boolean {
  return observation === undefined || observation.agentHolds.length === 0;
}

/** Neither stopped, nor cancelled, nor held by its preflight or by a recall. */
function isProfileUpdateMoving(facts: GatewayFacts): boolean {
  const phase = confirmedProgress(facts)?.phase;
  if (facts.profileUpdate?.isCancelled === true || phase === 'stopped' || phase === 'cancelled') return false;
  const { preflight } = facts.observation ?? {};
  const isRefused =
    phase === 'preflight' &&
    preflight?.planId === facts.profileUpdate?.plan.planId &&
    preflight?.results.some(({ outcome }) => outcome !== 'passed') === true;
  return !isRefused && repaveHolds(facts).length === 0;
}

function isConfirmable(facts: GatewayFacts, now: Instant): boolean {
  return (
    isProfileUpdateAvailable(facts) &&
    gatewayStatus(facts, now) === 'Running' &&
    profileAgentHolds(facts).length === 0 &&
    facts.observation?.clusterApi !== 'unknown'
  );
}

function profileUpdateEnd({ settings }: GatewayFacts, now: Instant, pace: ForecastPace): Instant {
  return toInstant(now + pace.profileUpdatePerNode * (settings.controlPlanes + settings.workers));
}
