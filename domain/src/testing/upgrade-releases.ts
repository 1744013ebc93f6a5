/** Releases for tests of the upgrade path: a builder, and the rules of the path once more, written apart from the product's. */

import type { GraphRelease, KeptEdge } from '../upgrade-graph.ts';
import type { RiskGateway, UpgradeRisk } from '../upgrade-risk.ts';
import type { PlatformVersion } from '../version.ts';
import { platform } from './facts.ts';

export function graphRelease(version: string, more: Partial<GraphRelease> = {}): GraphRelease {
  return {
    version: platform(version),
    channels: ['stable'],
    risks: [],
    agent: platform(version),
    profiles: {},
    fixes: [],
    ...more,
  };
}

export const graphReleases = (...versions: readonly string[]): readonly GraphRelease[] =>
  versions.map((version) => graphRelease(version));

export function risk(name: string, more: Partial<UpgradeRisk> = {}): UpgradeRisk {
  return { name, message: `What ${name} does.`, ...more };
}

export function riskGateway(name: string, more: Partial<RiskGateway> = {}): RiskGateway {
  return { name, provider: 'vsphere', installation: 'cli', ...more };
}

export const sorted = <Value>(values: readonly Value[], compare: (a: Value, b: Value) => number): readonly Value[] =>
  values.toSorted(compare);

interface Known {
  readonly releases: readonly GraphRelease[];
  readonly channel?: string | undefined;
  readonly keptEdges?: readonly KeptEdge[] | undefined;
}

const numbers = (version: string): readonly [number, number, number] => {
  const [major = -1, minor = -1, patch = -1] = version.split('.').map(Number);
  return [major, minor, patch];
};
const rank = (version: string): number => {
  const [major, minor, patch] = numbers(version);
  return (major * 1000 + minor) * 1000 + patch;
};

/** Whether the step is legal, and by what, as design §3 says it; small numbers only. */
export function naiveStep(known: Known, from: string, to: string): 'edge' | 'rule-of-thumb' | undefined {
  const { releases, channel, keptEdges = [] } = known;
  const target = releases.find(({ version }) => version === to);
  const isOffered = (release: GraphRelease) => !release.recalled && (!channel || release.channels.includes(channel));
  if (!target || !isOffered(target) || rank(from) >= rank(to)) return undefined;

  const [major, minor] = numbers(to);
  const floors = releases.filter(
    ({ version, floor }) => floor && rank(from) < rank(version) && rank(version) < rank(to),
  );
  for (const floor of floors) {
    if (isOffered(floor)) return undefined;
    const sameMinor = numbers(floor.version)[0] === major && numbers(floor.version)[1] === minor;
    if (!target.floor || !sameMinor) return undefined;
  }

  if (target.upgradeFrom) {
    const named = target.upgradeFrom.some((pattern) => {
      const expression = pattern.replaceAll('.', '\\.').replace(/(\\\.x)+$/, '\\..*');
      return new RegExp(`^${expression}$`).test(from);
    });
    return named ? 'edge' : undefined;
  }
  if (keptEdges.some((edge) => edge.from === from && edge.to === to)) return 'rule-of-thumb';
  const [fromMajor, fromMinor, fromPatch] = numbers(from);
  if (fromMajor === major && fromMinor === minor) return 'rule-of-thumb';
  const offered = releases.filter(isOffered).map(({ version }) => numbers(version));
  const newer = offered.filter(([a, b, c]) => a === fromMajor && b === fromMinor && c > fromPatch);
  if (newer.length > 0) return undefined;
  if (fromMajor === major) return fromMinor + 1 === minor ? 'rule-of-thumb' : undefined;
  const newerMinors = offered.filter(([a, b]) => a === fromMajor && b > fromMinor);
  return newerMinors.length === 0 && fromMajor + 1 === major && minor === 0 ? 'rule-of-thumb' : undefined;
}

/** How few hops lead from one version to the other, breadth first; nothing when none do. */
export function fewestHops(
  versions: readonly PlatformVersion[],
  isLegal: (from: PlatformVersion, to: PlatformVersion) => boolean,
  { from, to }: { readonly from: PlatformVersion; readonly to: PlatformVersion },
): number | undefined {
  let frontier: readonly PlatformVersion[] = [from];
  const seen = new Set(frontier);
  for (let hops = 0; frontier.length > 0; hops += 1) {
    if (frontier.includes(to)) return hops;
    const next = versions.filter(
      (version) => !seen.has(version) && frontier.some((source) => isLegal(source, version)),
    );
    for (const version of next) seen.add(version);
    frontier = next;
  }
  return undefined;
}
