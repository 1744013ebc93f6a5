/**
 * The way on which a gateway that is one or several releases behind is brought to the platform's version, and the release
 * it is brought to next: from what it runs (by digest), the known releases with their supported steps, and the steps that
 * the platform itself took. At each stop the agent goes first, then the profile. What is a legal step says
 * `gateway-walk-step.ts`; where no such way is known it says where the way ends and why, and the gateway stays as it is.
 *
 * Of several ways it takes the one on which the agent waits least often for another Kubernetes, then the one with the
 * fewest stops that the platform did not make, then the shortest, since a stop with a profile asks for a person and
 * replaces nodes; then the one with the newest next stop. So the same facts always give the same way.
 */

import type { Installation, Known, ReleaseFacts, WalkStop } from './gateway.ts';
import {
  isWaitingForKubernetes,
  moveTo,
  obstacleTo,
  type Standing,
  standingAfter,
  type Terrain,
  type WalkMap,
  type WalkMove,
  type WalkRelease,
  type WalkStepRefusal,
} from './gateway-walk-step.ts';
import type { Reason, Reasons } from './reason.ts';
import { compareVersions, type KubernetesVersion, type PlatformVersion } from './version.ts';

/** What the gateway runs. */
export interface WalkGateway {
  readonly name: string;
  readonly installation: Installation;
  readonly agent: { readonly version: PlatformVersion; readonly digest: string };
  /** What was last applied. Absent on an existing cluster, and until the first profile is on the gateway. */
  readonly profile?: { readonly version: PlatformVersion; readonly digest: string };
  readonly kubernetes: Known<KubernetesVersion>;
  readonly controlPlanes: number;
}

export type WalkDecision =
  /** Agent and profile are those of the platform's version. */
  | { readonly kind: 'arrived' }
  /** Agent or profile is newer than the platform's: there is nothing to walk, and nothing ever goes back. */
  | { readonly kind: 'beyond' }
  | {
      readonly kind: 'walk';
      /** The release it is on; while agent and profile are of two, that of the profile. */
      readonly from: PlatformVersion;
      /** What is still to come; the last brings what the platform's version has. */
      readonly stops: readonly [WalkStop, ...WalkStop[]];
      /** The first stop as it concerns this gateway: an agent that is newer already stays. */
      readonly next: ReleaseFacts;
    }
  | { readonly kind: 'hold'; readonly from: PlatformVersion; readonly reasons: Reasons<WalkHoldCode> };

export type WalkHoldCode = 'no-way-to-platform-version' | WalkStepRefusal;

/** The decision for each gateway of the map's provider. What they have in common is worked out once. */
export function walksOver(map: WalkMap): (gateway: WalkGateway) => WalkDecision {
  const terrain = survey(map);
  const restOf = restsOver(terrain);
  return (gateway) => decide(terrain, standingNow(terrain, gateway), restOf);
}

function survey(map: WalkMap): Terrain {
  const known = [...map.graph.nodes.values()].flatMap((node) => {
    const facts = map.releases.get(node.release.version);
    return facts === undefined || compareVersions(facts.platformVersion, map.platform) > 0 ? [] : [{ node, facts }];
  });
  const withAgent = versionsBy(known, ({ facts }) => facts.agent.digest);
  const withProfile = versionsBy(known, ({ facts }) => facts.profile?.digest);
  const all = known.map(({ node, facts }): WalkRelease => {
    const { version, profiles } = node.release;
    const profile = Object.hasOwn(profiles, map.provider) ? profiles[map.provider] : undefined;
    return {
      version,
      facts,
      node,
      into: new Set(node.edges.map(({ from }) => from)),
      kubernetes: profile?.kubernetes ?? 'unknown',
      sameAgent: withAgent.get(facts.agent.digest) ?? [version],
      // One without a profile for the provider moves none: whoever was brought there is there.
      sameProfile: (facts.profile && withProfile.get(facts.profile.digest)) ?? [version],
    };
  });
  return {
    ...map,
    all,
    takenSteps: new Set(map.taken.map(({ from, to }) => `${from} ${to}`)),
    visited: new Set([map.platform, ...map.taken.flatMap(({ from, to }) => [from, to])]),
  };
}

function versionsBy<Item extends { readonly facts: ReleaseFacts }>(
  items: readonly Item[],
  keyOfItem: (item: Item) => string | undefined,
): ReadonlyMap<string | undefined, readonly PlatformVersion[]> {
  const grouped = Map.groupBy(items, keyOfItem);
  return new Map([...grouped].map(([key, own]) => [key, own.map(({ facts }) => facts.platformVersion)]));
}

function standingNow({ all }: Terrain, gateway: WalkGateway): Standing {
  const { agent, profile, installation } = gateway;
  const withAgent = all.find(({ facts }) => facts.agent.digest === agent.digest);
  const withProfile = profile && all.find(({ facts }) => facts.profile?.digest === profile.digest);
  const agentAt = withAgent?.sameAgent ?? [agent.version];
  // A release that has no profile for the provider moves none: whoever is on its agent is on it.
  const withoutProfile = all.filter(({ facts, version }) => facts.profile === undefined && agentAt.includes(version));
  const profileAt = [...(withProfile?.sameProfile ?? []), ...withoutProfile.map(({ version }) => version)];
  const applied = withProfile?.kubernetes ?? 'unknown';
  return {
    name: gateway.name,
    installation,
    controlPlanes: gateway.controlPlanes,
    agent,
    agentAt,
    ...(withAgent === undefined ? {} : { agentRange: withAgent.facts.agent }),
    ...(installation === 'existing-cluster' || profile === undefined ? {} : { profile }),
    profileAt: profileAt.length > 0 || profile === undefined ? profileAt.toSorted(compareVersions) : [profile.version],
    profileKubernetes: applied === 'unknown' ? gateway.kubernetes : applied,
    kubernetes: gateway.kubernetes,
    isNow: true,
  };
}

function decide(terrain: Terrain, standing: Standing, restOf: RestOf): WalkDecision {
  const end = terrain.all.at(-1);
  if (end?.version !== terrain.platform)
    throw new TypeError(`the release ${terrain.platform} of the platform is not known`);
  const move = moveTo(standing, end);
  if (move.agent === 'same' && move.profile === 'same') return { kind: 'arrived' };
  const from = placeOf(standing);
  const [first, ...others] = bestRest(terrain, standing, terrain.all, restOf)?.stops ?? [];
  if (first !== undefined) {
    const next = nextOf(terrain, standing, first);
    return { kind: 'walk', from, stops: [first, ...others], next };
  }
  if (isBeyond(standing, end, move)) return { kind: 'beyond' };
  return { kind: 'hold', from, reasons: whyNoWay(terrain, standing, from) };
}

/** The newest release that has both, or has the profile. */
function placeOf({ agent, agentAt, profile, profileAt }: Standing): PlatformVersion {
  if (profile === undefined) return agentAt.at(-1) ?? agent.version;
  return profileAt.findLast((version) => agentAt.includes(version)) ?? profileAt.at(-1) ?? profile.version;
}

function nextOf(terrain: Terrain, { agentRange, agentAt }: Standing, stop: WalkStop): ReleaseFacts {
  const facts = terrain.releases.get(stop.release);
  if (facts === undefined) throw new TypeError(`the walk stops at ${stop.release}, which is not known`);
  const agentRelease = agentAt.at(-1);
  const isKept = agentRange !== undefined && compareVersions(agentRange.version, facts.agent.version) > 0;
  if (!isKept || agentRelease === undefined || stop.release === terrain.platform) return facts;
  return { ...facts, agent: agentRange, agentRelease };
}

/** What the platform's own release says of it then is enough: an agent or a profile never goes back. */
function isBeyond({ profile }: Standing, { facts }: WalkRelease, move: WalkMove): boolean {
  const isProfileNewer =
    profile !== undefined && facts.profile !== undefined && compareVersions(profile.version, facts.profile.version) > 0;
  return move.agent === 'stays-newer' || (move.profile === 'moves' && isProfileNewer);
}

/** Compared from the left: waits for another Kubernetes, stops that the platform did not make, stops. */
type Cost = readonly [number, number, number];

/** The best rest of a way. */
interface Rest {
  readonly cost: Cost;
  readonly stops: readonly WalkStop[];
}

/** After a stop, for where the gateway stands then; nothing when no way leads on. */
type RestOf = (stop: WalkRelease, after: Standing) => Rest | undefined;

/** Owners' clusters come with as many versions of Kubernetes as there are. */
const restsMax = 100_000;

/** Every step of a walk leads to a newer release, so that this ends. */
function restsOver(terrain: Terrain): RestOf {
  const known = new Map<string, Rest | undefined>();
  const restOf: RestOf = (stop, after) => {
    if (stop.version === terrain.platform) return { cost: [0, 0, 0], stops: [] };
    const key = keyOf(stop, after);
    if (known.has(key)) return known.get(key);
    const later = terrain.all.slice(terrain.all.indexOf(stop) + 1);
    const rest = bestRest(terrain, after, later, restOf);
    if (known.size >= restsMax) known.clear();
    known.set(key, rest);
    return rest;
  };
  return restOf;
}

/** All that is left after a stop of where the gateway came from. */
function keyOf({ version }: WalkRelease, after: Standing): string {
  const { installation, controlPlanes, agent, profile, kubernetes, profileKubernetes } = after;
  return [version, installation, controlPlanes, agent.digest, profile?.digest, kubernetes, profileKubernetes].join(' ');
}

function bestRest(
  terrain: Terrain,
  standing: Standing,
  stops: readonly WalkRelease[],
  restOf: RestOf,
): Rest | undefined {
  let best: Rest | undefined;
  // From the newest on: an older stop is taken only when that is cheaper.
  for (const stop of stops.toReversed()) {
    const move = moveTo(standing, stop);
    if (obstacleTo(terrain, standing, stop, move) !== undefined) continue;
    const rest = restOf(stop, standingAfter(standing, stop, move));
    if (rest === undefined) continue;
    const own = { release: stop.version, bringsAgent: move.agent === 'moves', bringsProfile: move.profile === 'moves' };
    const isEmpty = !own.bringsAgent && !own.bringsProfile;
    const cost: Cost = [
      rest.cost[0] + (isWaitingForKubernetes(standing, stop, move) ? 1 : 0),
      rest.cost[1] + (isEmpty || terrain.visited.has(stop.version) ? 0 : 1),
      rest.cost[2] + (isEmpty ? 0 : 1),
    ];
    if (best === undefined || isCheaper(cost, best.cost)) {
      best = { cost, stops: isEmpty ? rest.stops : [own, ...rest.stops] };
    }
  }
  return best;
}

function isCheaper(a: Cost, b: Cost): boolean {
  return (a[0] - b[0] || a[1] - b[1] || a[2] - b[2]) < 0;
}

const obstaclesNamedMax = 5;

/** Where the way ends, and what stands before the platform's version and the releases next to there. */
function whyNoWay(terrain: Terrain, standing: Standing, from: PlatformVersion): Reasons<WalkHoldCode> {
  const { version: reached, standing: end } = furthest(terrain, standing) ?? { version: from, standing };
  const beyond = terrain.all.filter(({ version }) => compareVersions(version, reached) > 0);
  const obstacles = [...beyond.slice(-1), ...beyond.slice(0, -1)].flatMap((stop): readonly Reason<WalkHoldCode>[] => {
    const obstacle = obstacleTo(terrain, end, stop);
    return obstacle === undefined ? [] : [obstacle()];
  });
  const atMost = reached === from ? '' : `; it could be brought to ${reached} at most, and stays as it is`;
  return [
    {
      code: 'no-way-to-platform-version',
      message: `No supported way leads the gateway ${standing.name} from ${from} to ${terrain.platform}, the platform's version${atMost}.`,
      nextStep:
        'Import the releases in between with `gatehouse release import`; `gatehouse release list` shows what is there.',
    },
    ...obstacles.slice(0, obstaclesNamedMax),
  ];
}

/** The newest release before the platform's that could be reached. */
function furthest(
  terrain: Terrain,
  start: Standing,
): { readonly version: PlatformVersion; readonly standing: Standing } | undefined {
  const reached = new Map<PlatformVersion, Standing>();
  const places: { readonly standing: Standing; readonly later: readonly WalkRelease[] }[] = [
    { standing: start, later: terrain.all },
  ];
  for (const { standing, later } of places) {
    for (const stop of later) {
      const move = moveTo(standing, stop);
      if (reached.has(stop.version) || obstacleTo(terrain, standing, stop, move) !== undefined) continue;
      const after = standingAfter(standing, stop, move);
      reached.set(stop.version, after);
      places.push({ standing: after, later: terrain.all.slice(terrain.all.indexOf(stop) + 1) });
    }
  }
  const newest = [...reached.keys()].toSorted(compareVersions).at(-1);
  const standing = newest === undefined ? undefined : reached.get(newest);
  return newest === undefined || standing === undefined ? undefined : { version: newest, standing };
}
