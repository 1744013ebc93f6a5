/**
 * When each hop of a plan would begin, and who would hold it: the same decisions that move the real platform
 * (`platform-gates.ts`, `platform-progress.ts`, `agent-update.ts`, `explain.ts`, `gateway-walk.ts`) on a virtual clock,
 * over the facts of the real fleet. It goes from one instant at which something may change to the next, until the plan is
 * done, until nothing changes any more without an act of somebody, or until its bound. It says what it assumes.
 */

import {
  advanceGateway,
  beginGateway,
  type ForecastGateway,
  type ForecastPace,
  type GatewayWorld,
  hear,
  nextChange,
  readinessOf,
  type VirtualGateway,
  waitsForConfirmation,
  withWalk,
} from './forecast-gateway.ts';
import type { ReleaseFacts } from './gateway.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { walksOver } from './gateway-walk.ts';
import { addMilliseconds, hours, type Instant, type Milliseconds } from './instant.ts';
import { createInstantQueue } from './instant-queue.ts';
import { type Gate, gatesOf } from './platform-gates.ts';
import { decideProgress, type Hop, nextHop } from './platform-progress.ts';
import type { Reason } from './reason.ts';
import type { Timings } from './timings.ts';
import { buildUpgradeGraph, type GraphRelease } from './upgrade-graph.ts';
import type { PlatformVersion } from './version.ts';
import { type WalkedFacts, walkFacts } from './walk-facts.ts';

export interface ForecastFacts {
  /** The version the platform is on. */
  readonly version: PlatformVersion;
  /** Of the plan, as it was started or would be. */
  readonly hops: readonly Hop[];
  readonly gateways: readonly ForecastGateway[];
  readonly releases: readonly GraphRelease[];
  /** What each known release says for a provider. */
  readonly releasesFor: (provider: string) => readonly ReleaseFacts[];
  /** The steps that the platform took until now. */
  readonly taken: readonly Hop[];
  readonly acceptedRisks: readonly string[];
  /** What else stands before a hop, for the fleet as it is then. */
  readonly obstacles: (hop: Hop, fleet: readonly GatewayFacts[]) => readonly Reason[];
  readonly pace: ForecastPace;
  readonly timings: Timings;
}

/** One gateway that held a hop. */
export interface ForecastHolder {
  readonly gatewayId: string;
  readonly gateway: string;
  readonly tenant: string;
  /** When it lets the hop begin; absent: not without an act. */
  readonly until?: Instant;
  /** Everything that held it, each once. */
  readonly reasons: readonly Reason[];
}

/** One hop of the plan; the last entry, without a hop, is the plan's end. */
export interface ForecastStage {
  readonly hop?: Hop;
  /** Absent: not before somebody acts, or not within the forecast's bound. */
  readonly opensAt?: Instant;
  /** Whoever held it longest comes first; without those for whom nothing had to happen. */
  readonly holders: readonly ForecastHolder[];
  /** What else held it: a recall, a risk, the control plane itself. */
  readonly obstacles: readonly Reason[];
  /** Profile updates that a person has to confirm before it begins. */
  readonly confirmations: number;
}

export type ForecastEnd =
  | { readonly kind: 'done'; readonly at: Instant }
  /** Nothing changes any more without an act. `waitsForPerson`: so many profile updates wait to be confirmed. */
  | { readonly kind: 'held'; readonly waitsForPerson: number }
  | { readonly kind: 'too-far'; readonly until: Instant };

export interface Forecast {
  readonly from: Instant;
  /** As far as they were reached: the last one is not open, unless the plan is done. */
  readonly stages: readonly ForecastStage[];
  readonly end: ForecastEnd;
}

const horizon: Milliseconds = hours(24 * 366);
/** Of the whole fleet, for each gateway and hop. */
const changesMax = 1000;

export function forecastPlan(facts: ForecastFacts, now: Instant): Forecast {
  const steps = forecastSteps(facts, now);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in small steps, so that whoever has other things to do meanwhile can do them. */
export function* forecastSteps(facts: ForecastFacts, now: Instant): Generator<undefined, Forecast> {
  const run = createRun(facts, now);
  const stages: ForecastStage[] = [];
  const bound = addMilliseconds(now, horizon);
  let left = changesMax * (facts.gateways.length + 1) * (facts.hops.length + 1);
  let at = now;
  for (;;) {
    yield;
    const isOpen = run.closed() === 0;
    const decision = isOpen ? run.decide(at) : undefined;
    if (decision?.kind === 'advance') {
      stages.push({ ...run.stage(decision.hop), opensAt: at });
      run.takeHop(decision.hop, at);
      continue;
    }
    if (decision?.kind === 'done') {
      stages.push({ ...run.stage(undefined), opensAt: at });
      return { from: now, stages, end: { kind: 'done', at } };
    }
    const next = run.nextAt();
    left -= 1;
    if (next !== undefined && next <= bound && left > 0) {
      at = next;
      run.advanceTo(at);
      continue;
    }
    stages.push(run.stage(nextHop({ version: run.version(), hops: facts.hops })?.hop));
    const end: ForecastEnd =
      next === undefined ? { kind: 'held', waitsForPerson: run.waitingForPerson() } : { kind: 'too-far', until: at };
    return { from: now, stages, end };
  }
}

/** A gateway with its gate, and what has held it since the hop before. */
interface Place {
  gateway: VirtualGateway;
  gate: Gate;
  /** Only the newest change that was planned for it counts. */
  changeAt: Instant | undefined;
  held: Map<string, Reason>;
  heldUntil: Instant | undefined;
  confirmationsBefore: number;
}

function createRun(facts: ForecastFacts, start: Instant) {
  const { timings, pace } = facts;
  const queue = createInstantQueue();
  const taken = [...facts.taken];
  let version = facts.version;
  let walked = walkedOn(facts, version, taken);
  let closed = 0;

  const kubernetesOf = kubernetesByProfile(facts.releases);
  const world: GatewayWorld = {
    timings,
    pace,
    kubernetesOf: (digest) => kubernetesOf.get(digest) ?? 'unknown',
    walked: (gateway) => walked(gateway),
  };
  const gateOf = (gateway: VirtualGateway, at: Instant): { gate: Gate; reasons: readonly Reason[] } => {
    const readiness = readinessOf(gateway, at, timings);
    const [gate] = gatesOf({ version, gateways: [readiness], settle: timings.platform.settle }, at);
    if (gate === undefined) throw new TypeError('a gateway without a gate');
    // What explain says tells more than the gate's one sentence.
    const reasons = gate.state !== 'closed' ? [] : readiness.reasons.length > 0 ? readiness.reasons : gate.reasons;
    return { gate, reasons };
  };

  function look(place: Place, item: number, at: Instant): void {
    const wasClosed = place.gate.state === 'closed';
    const { gate, reasons } = gateOf(place.gateway, at);
    place.gate = gate;
    const isClosed = gate.state === 'closed';
    closed += Number(isClosed) - Number(wasClosed);
    for (const reason of reasons) if (!place.held.has(reason.code)) place.held.set(reason.code, reason);
    if (isClosed) place.heldUntil = undefined;
    else if (wasClosed) place.heldUntil = at;
    const changeAt = nextChange(place.gateway, gate.opensAt, at, world);
    place.changeAt = changeAt;
    if (changeAt !== undefined) queue.add(changeAt, item);
  }

  const places = facts.gateways.map((each): Place => {
    const gateway = beginGateway(each, start, timings);
    const { identity } = each.facts;
    const gate: Gate = {
      gatewayId: identity.id,
      gateway: identity.name,
      tenant: identity.tenant.name,
      state: 'open',
      reasons: [],
    };
    return { gateway, gate, changeAt: undefined, held: new Map(), heldUntil: undefined, confirmationsBefore: 0 };
  });
  function advanceAll(at: Instant): void {
    places.forEach((place, item) => {
      place.gateway = advanceGateway(withWalk(place.gateway, world), at, world);
      look(place, item, at);
    });
  }
  advanceAll(start);

  return {
    version: () => version,
    closed: () => closed,
    nextAt(): Instant | undefined {
      return queue.nextAt();
    },
    advanceTo(at: Instant): void {
      while (queue.nextAt() === at) {
        const item = queue.take()?.item;
        const place = item === undefined ? undefined : places[item];
        if (item === undefined || place?.changeAt !== at) continue;
        place.gateway = advanceGateway(place.gateway, at, world);
        look(place, item, at);
      }
    },
    decide(at: Instant) {
      const readiness = places.map(({ gateway }) => readinessOf(hear(gateway, at, timings), at, timings));
      const gates = gatesOf({ version, gateways: readiness, settle: timings.platform.settle }, at);
      return decideProgress({ version, hops: facts.hops, gates, obstacles: obstaclesNow() });
    },
    takeHop(hop: Hop, at: Instant): void {
      taken.push(hop);
      version = hop.to;
      walked = walkedOn(facts, version, taken);
      for (const place of places) {
        place.held = new Map();
        place.heldUntil = undefined;
        place.confirmationsBefore = place.gateway.confirmations;
      }
      advanceAll(at);
    },
    stage(hop: Hop | undefined): ForecastStage {
      return {
        ...(hop === undefined ? {} : { hop }),
        holders: holdersOf(places),
        obstacles: hop === undefined ? [] : obstaclesNow(),
        confirmations: places
          .filter(({ held }) => held.size > 0)
          .reduce((sum, { gateway, confirmationsBefore }) => sum + gateway.confirmations - confirmationsBefore, 0),
      };
    },
    waitingForPerson: () =>
      places.filter(({ gateway, gate }) => gate.state === 'closed' && waitsForConfirmation(gateway)).length,
  };

  function obstaclesNow(): readonly Reason[] {
    const next = nextHop({ version, hops: facts.hops });
    return next === undefined
      ? []
      : facts.obstacles(
          next.hop,
          places.map(({ gateway }) => gateway.facts),
        );
  }
}

function holdersOf(places: readonly Place[]): readonly ForecastHolder[] {
  const last = (until: Instant | undefined): number => until ?? Number.POSITIVE_INFINITY;
  return places
    .filter(({ held, gate, heldUntil }) => held.size > 0 && (gate.state === 'closed' || heldUntil !== undefined))
    .toSorted((a, b) => compare(last(b.heldUntil), last(a.heldUntil)) || compareText(a.gate.gateway, b.gate.gateway))
    .map(({ gate, held, heldUntil }) => ({
      gatewayId: gate.gatewayId,
      gateway: gate.gateway,
      tenant: gate.tenant,
      ...(heldUntil === undefined ? {} : { until: heldUntil }),
      reasons: [...held.values()],
    }));
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

function walkedOn(
  facts: ForecastFacts,
  platform: PlatformVersion,
  taken: readonly Hop[],
): (gateway: GatewayFacts) => WalkedFacts {
  const graph = buildUpgradeGraph(facts.releases, { keptEdges: taken });
  const byProvider = new Map<string, (gateway: GatewayFacts) => WalkedFacts>();
  return (gateway) => {
    const { provider } = gateway.identity;
    const known = byProvider.get(provider);
    if (known !== undefined) return known(gateway);
    const releases = new Map(facts.releasesFor(provider).map((release) => [release.platformVersion, release]));
    const release = releases.get(platform);
    if (release === undefined) throw new TypeError(`the release ${platform} of the platform is not known`);
    const decide = walksOver({ graph, platform, provider, releases, taken, acceptedRisks: facts.acceptedRisks });
    const walkedHere = (each: GatewayFacts) => walkFacts(each, release, decide);
    byProvider.set(provider, walkedHere);
    return walkedHere(gateway);
  };
}

function kubernetesByProfile(releases: readonly GraphRelease[]) {
  return new Map(
    releases.flatMap(({ profiles }) =>
      Object.values(profiles).flatMap(({ digest, kubernetes }) =>
        kubernetes === undefined ? [] : [[digest, kubernetes] as const],
      ),
    ),
  );
}
