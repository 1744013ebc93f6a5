/** Walks over releases of any shape, taken one poll after the other as the server takes them. */

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWithinKubernetesRange } from './agent-update.ts';
import type { ReleaseFacts } from './gateway.ts';
import { type WalkGateway, walksOver } from './gateway-walk.ts';
import type { WalkMap } from './gateway-walk-step.ts';
import { kubernetes } from './testing/facts.ts';
import { ownersWalker, type SmallRelease, walker, walkMap } from './testing/walk-map.ts';
import { compareVersions, type KubernetesVersion, type PlatformVersion, versionParts } from './version.ts';

const versions = ['3.4.1', '3.4.2', '4.0.3', '4.0.5', '4.1.9', '4.2.0', '4.2.7'];

/** Edges, Kubernetes minors, ranges, recalls, and agents and profiles that several releases share. */
const lines = fc
  .tuple(
    ...versions.map((version, index) =>
      fc.record({
        version: fc.constant(version),
        minor: fc.integer({ min: -1, max: 1 }),
        sharesAgent: fc.boolean(),
        sharesProfile: fc.boolean(),
        range: fc.constantFrom<readonly [number, number]>([20, 40], [20, 40], [25, 27], [26, 29]),
        upgradeFrom: fc.option(fc.subarray(versions.slice(0, index)), { nil: undefined }),
        isRecalled: fc.integer({ min: 0, max: 5 }).map((n) => n === 0 && index < versions.length - 1),
      }),
    ),
  )
  .map((drawn) => {
    const releases: SmallRelease[] = [];
    for (const [
      index,
      { version, minor, sharesAgent, sharesProfile, range, upgradeFrom, isRecalled },
    ] of drawn.entries()) {
      const before = releases.at(-1);
      const isShared = before !== undefined && sharesProfile;
      const profile = isShared
        ? { kubernetes: before.kubernetes ?? '', profileOf: before.profileOf ?? before.version }
        : { kubernetes: `1.${24 + Math.floor(index / 1.5) + minor}.${index}` };
      const agent =
        before !== undefined && sharesAgent
          ? { agentOf: before.agentOf ?? before.version, range: before.range ?? (['1.20', '1.40'] as const) }
          : { range: [`1.${range[0]}`, `1.${range[1]}`] as const };
      releases.push({
        version,
        isRecalled,
        ...profile,
        ...agent,
        ...(upgradeFrom === undefined ? {} : { upgradeFrom }),
      });
    }
    return releases;
  });

const starts = fc.record({
  releases: lines,
  agentAt: fc.integer({ min: 0, max: versions.length - 1 }),
  profileBehind: fc.integer({ min: 0, max: 2 }),
  isOwners: fc.boolean(),
});

function gatewayOf(releases: readonly SmallRelease[], at: { agent: number; profile: number; isOwners: boolean }) {
  const agent = releases[at.agent];
  const profile = releases[Math.max(0, at.profile)];
  if (agent === undefined || profile === undefined) throw new TypeError('no such release');
  const on = { profileOf: profile.profileOf ?? profile.version, kubernetes: profile.kubernetes ?? '1.25.0' };
  const agentOf = agent.agentOf ?? agent.version;
  return at.isOwners ? ownersWalker(agentOf, on) : walker(agentOf, on);
}

/** By the documents alone, apart from how the walk finds its way. */
function hasEdge(releases: readonly SmallRelease[], map: WalkMap, from: PlatformVersion, to: PlatformVersion): boolean {
  const release = releases.find(({ version }) => version === to);
  if (release?.upgradeFrom !== undefined) return release.upgradeFrom.includes(from);
  const node = map.graph.nodes.get(to);
  return node?.edges.some((edge) => edge.from === from) ?? false;
}

const withAgent = (map: WalkMap, digest: string) =>
  [...map.releases.values()].filter(({ agent }) => agent.digest === digest).map((each) => each.platformVersion);
const withProfile = (map: WalkMap, digest: string | undefined) =>
  [...map.releases.values()].filter(({ profile }) => profile?.digest === digest).map((each) => each.platformVersion);
const kubernetesOf = (releases: readonly SmallRelease[], version: PlatformVersion): KubernetesVersion =>
  kubernetes(releases.find((release) => release.version === version)?.kubernetes ?? '');

/** One thing at a time, as it happens on a gateway: the agent, then its profile. */
function take(releases: readonly SmallRelease[], gateway: WalkGateway, next: ReleaseFacts): WalkGateway {
  if (gateway.agent.digest !== next.agent.digest) return { ...gateway, agent: next.agent };
  if (gateway.profile === undefined || next.profile === undefined) throw new TypeError('a stop that brings nothing');
  return { ...gateway, profile: next.profile, kubernetes: kubernetesOf(releases, next.platformVersion) };
}

/** What is wrong with one thing that the walk brings to the gateway; empty when it is legal. */
function faultsOf(releases: readonly SmallRelease[], map: WalkMap, gateway: WalkGateway, next: ReleaseFacts): string[] {
  const to = next.platformVersion;
  const after = take(releases, gateway, next);
  const [before, then] = [gateway.kubernetes, after.kubernetes];
  if (before === 'unknown' || then === 'unknown') throw new TypeError('known here');
  const isAgent = after.agent.digest !== gateway.agent.digest;
  const from = isAgent ? withAgent(map, gateway.agent.digest) : withProfile(map, gateway.profile?.digest);
  const isOffered = to === map.platform || map.graph.nodes.get(to)?.isOffered === true;
  return [
    ...(isOffered ? [] : [`${to} is recalled`]),
    ...(from.some((version) => hasEdge(releases, map, version, to)) ? [] : [`no edge from ${from.join()} to ${to}`]),
    ...(compareVersions(after.agent.version, gateway.agent.version) < 0 ? ['the agent goes back'] : []),
    ...(compareVersions(then, before) < 0 ? ['Kubernetes goes down'] : []),
    ...(versionParts(then).minor - versionParts(before).minor > 1 ? ['Kubernetes skips a minor'] : []),
    ...(isAgent || isWithinKubernetesRange(then, next.agent) ? [] : ['the agent does not support that Kubernetes']),
  ];
}

/** Polls until nothing is brought any more, and says everything that was wrong on the way. */
function walkFaults(releases: readonly SmallRelease[], map: WalkMap, start: WalkGateway): readonly string[] {
  const decide = walksOver(map);
  const faults: string[] = [];
  let gateway = start;
  let stopsLeft: number | undefined;
  for (let polls = 0; polls <= 2 * versions.length; polls += 1) {
    const decision = decide(gateway);
    if (decision.kind !== 'walk') {
      // Whoever set out arrives: no step leads to where there is no way on.
      if (stopsLeft !== undefined && decision.kind !== 'arrived') faults.push(`set out and ended ${decision.kind}`);
      return faults;
    }
    if (stopsLeft !== undefined && decision.stops.length > stopsLeft) faults.push('it became longer');
    stopsLeft = decision.stops.length;
    faults.push(...faultsOf(releases, map, gateway, decision.next));
    gateway = take(releases, gateway, decision.next);
  }
  return [...faults, 'it does not end'];
}

test('every step of a walk is legal, Kubernetes skips no minor, and it ends on the platform version or in a hold', () => {
  fc.assert(
    fc.property(starts, ({ releases, agentAt, profileBehind, isOwners }) => {
      const map = walkMap(releases, { platform: '4.2.7' });
      const gateway = gatewayOf(releases, { agent: agentAt, profile: agentAt - profileBehind, isOwners });
      expect(walkFaults(releases, map, gateway)).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test('it is held only where no order of legal steps leads to the platform version', () => {
  fc.assert(
    fc.property(starts, ({ releases, agentAt, isOwners }) => {
      const map = walkMap(releases, { platform: '4.2.7' });
      const gateway = gatewayOf(releases, { agent: agentAt, profile: agentAt, isOwners });
      const isHeld = walksOver(map)(gateway).kind === 'hold';
      expect(isHeld && canWalk(releases, map, gateway)).toBe(false);
    }),
    { numRuns: 1000 },
  );
});

/** Tries everything: each newer release, agent and profile together. */
function canWalk(
  releases: readonly SmallRelease[],
  map: WalkMap,
  gateway: WalkGateway,
  after?: PlatformVersion,
): boolean {
  const isStart = after === undefined;
  const end = map.releases.get(map.platform);
  const isThere =
    gateway.agent.digest === end?.agent.digest &&
    (gateway.profile?.digest ?? end.profile?.digest) === end.profile?.digest;
  if (isThere) return true;
  return [...map.releases.values()].some((next) => {
    const { platformVersion: to, agent, profile } = next;
    const isOffered = to === map.platform || map.graph.nodes.get(to)?.isOffered === true;
    const movesAgent = agent.digest !== gateway.agent.digest;
    const movesProfile = gateway.profile !== undefined && profile?.digest !== gateway.profile.digest;
    const then = gateway.profile === undefined ? gateway.kubernetes : kubernetesOf(releases, to);
    const isNewer = after === undefined || compareVersions(to, after) > 0;
    if (
      !isOffered ||
      !isNewer ||
      then === 'unknown' ||
      gateway.kubernetes === 'unknown' ||
      (!movesAgent && !movesProfile)
    )
      return false;
    const minors = versionParts(then).minor - versionParts(gateway.kubernetes).minor;
    const isLegal =
      (!movesAgent || withAgent(map, gateway.agent.digest).some((from) => hasEdge(releases, map, from, to))) &&
      (!movesAgent || gateway.profile === undefined || isStart || isWithinKubernetesRange(gateway.kubernetes, agent)) &&
      (!movesProfile ||
        (withProfile(map, gateway.profile?.digest).some((from) => hasEdge(releases, map, from, to)) &&
          minors <= 1 &&
          compareVersions(then, gateway.kubernetes) >= 0 &&
          isWithinKubernetesRange(then, agent)));
    if (!isLegal) return false;
    const there = gateway.profile === undefined || profile === undefined ? {} : { profile };
    return canWalk(releases, map, { ...gateway, agent, kubernetes: then, ...there }, to);
  });
}
