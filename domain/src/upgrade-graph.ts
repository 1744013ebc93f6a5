/**
 * Which single steps the platform may take, from the known releases: their edges or, without any, the rule of thumb; their
 * floors, recalls and channels. It says nothing of the gateways, and never lets the platform go back.
 */

import type { Reason, Reasons } from './reason.ts';
import type { UpgradeRisk } from './upgrade-risk.ts';
import {
  compareVersions,
  type KubernetesVersion,
  type PlatformVersion,
  parsePlatformVersion,
  type VersionParts,
  versionParts,
} from './version.ts';

/** One known release, with what a step to it brings. */
export interface GraphRelease {
  readonly version: PlatformVersion;
  readonly channels: readonly string[];
  /**
   * Versions such as `4.1.12`, or wildcards such as `4.1.x` or `4.x`, from which it may be reached. Present: they alone
   * count. Empty: new installations only. Absent: the rule of thumb.
   */
  readonly upgradeFrom?: readonly string[];
  readonly risks: readonly UpgradeRisk[];
  /** Nobody passes it without stopping at it. */
  readonly floor?: { readonly reason: string };
  /** Offered to nobody; whoever is on it may leave it. */
  readonly recalled?: { readonly reason: string };
  readonly agent: PlatformVersion;
  /** By provider. `kubernetes` is absent where it is not known. */
  readonly profiles: Readonly<Record<string, GraphProfile>>;
  readonly fixes: readonly string[];
}

export interface GraphProfile {
  readonly version: PlatformVersion;
  readonly digest: string;
  readonly kubernetes?: KubernetesVersion;
}

/** By what a step is supported. The rule of thumb is marked wherever it is shown. */
export type StepBasis = 'edge' | 'rule-of-thumb';

export interface KeptEdge {
  readonly from: PlatformVersion;
  readonly to: PlatformVersion;
}

/** A known release in its place, with the edges that lead to it from other known releases, whether barred or not. */
export interface GraphNode {
  readonly release: GraphRelease;
  /** Rises with the version. */
  readonly place: number;
  readonly edges: readonly GraphEdge[];
  /** Neither recalled nor outside the channel. */
  readonly isOffered: boolean;
  /** The newest floor before it that has to be stopped at on the way to it. */
  readonly floorBefore?: PlatformVersion;
}

export interface GraphEdge {
  readonly from: PlatformVersion;
  readonly basis: StepBasis;
}

export interface UpgradeGraph {
  readonly channel?: string;
  /** By version, oldest first. */
  readonly nodes: ReadonlyMap<PlatformVersion, GraphNode>;
  /** The edge from any version, known or not, whether barred or not; nothing when there is none. */
  readonly basisOf: (from: PlatformVersion, to: GraphRelease) => StepBasis | undefined;
}

export type StepRefusal =
  | 'same-version'
  | 'downgrade'
  | 'release-unknown'
  | 'release-recalled'
  | 'not-in-channel'
  | 'new-installations-only'
  | 'no-supported-step'
  | 'floor-skipped';

export type UpgradeStep =
  /** `risks`: those of this very edge; whether they apply depends on the fleet. */
  | { readonly kind: 'step'; readonly basis: StepBasis; readonly risks: readonly UpgradeRisk[] }
  | { readonly kind: 'refused'; readonly reasons: Reasons<StepRefusal> };

interface GraphChoice {
  /** Only its releases are offered. Absent: all are. */
  readonly channel?: string | undefined;
  /**
   * Edges of a plan that has started: they stay although a newer patch has appeared since, which would take them away by
   * the rule of thumb. They outdo neither a release's own edges, nor floors, nor recalls.
   */
  readonly keptEdges?: readonly KeptEdge[] | undefined;
}

/** Each version at most once among `releases`; throws otherwise. */
export function buildUpgradeGraph(releases: readonly GraphRelease[], choice: GraphChoice = {}): UpgradeGraph {
  const { channel, keptEdges = [] } = choice;
  const placed = placeReleases(releases, channel);
  const basisOf = basisFinder(placed, keptEdges);
  const edgesInto = edgeFinder(placed, keptEdges, basisOf);
  const nodes = new Map<PlatformVersion, GraphNode>();
  const floors: Placed[] = [];
  for (const each of placed) {
    const { release, place, isOffered } = each;
    const isFloor = release.floor !== undefined;
    const takesThePlaceOf = (floor: Placed) =>
      isFloor && isOffered && !floor.isOffered && isSameMinor(floor.parts, each.parts);
    const before = floors.findLast((floor) => !takesThePlaceOf(floor));
    const floorBefore = before === undefined ? {} : { floorBefore: before.release.version };
    nodes.set(release.version, { release, place, edges: edgesInto(each), isOffered, ...floorBefore });
    if (isFloor) floors.push(each);
  }
  return { ...(channel === undefined ? {} : { channel }), nodes, basisOf };
}

interface Placed {
  readonly release: GraphRelease;
  readonly parts: VersionParts;
  readonly place: number;
  readonly isOffered: boolean;
}

function placeReleases(releases: readonly GraphRelease[], channel: string | undefined): readonly Placed[] {
  const placed = releases
    .map((release) => ({ release, parts: versionParts(release.version) }))
    .toSorted((a, b) => compareParts(a.parts, b.parts))
    .map(({ release, parts }, place) => ({
      release,
      parts,
      place,
      isOffered: release.recalled === undefined && (channel === undefined || release.channels.includes(channel)),
    }));
  const versions = new Set(releases.map(({ version }) => version));
  if (versions.size < releases.length) throw new TypeError('two releases have the same version');
  return placed;
}

function basisFinder(placed: readonly Placed[], keptEdges: readonly KeptEdge[]): UpgradeGraph['basisOf'] {
  const thumb = ruleOfThumb(placed.filter(({ isOffered }) => isOffered).map(({ parts }) => parts));
  const kept = new Set(keptEdges.map(({ from, to }) => `${from} ${to}`));
  return (from, { version, upgradeFrom }) => {
    if (compareVersions(from, version) >= 0) return undefined;
    if (upgradeFrom !== undefined) {
      return patternsOf(versionParts(from)).some((pattern) => upgradeFrom.includes(pattern)) ? 'edge' : undefined;
    }
    const isKept = kept.has(`${from} ${version}`);
    return isKept || thumb(versionParts(from), versionParts(version)) ? 'rule-of-thumb' : undefined;
  };
}

/** The same edges from the other end: all into one release, without asking every other one. */
function edgeFinder(
  placed: readonly Placed[],
  keptEdges: readonly KeptEdge[],
  basisOf: UpgradeGraph['basisOf'],
): (to: Placed) => readonly GraphEdge[] {
  const placeOf = new Map(placed.map(({ release, place }) => [release.version, place]));
  const keptInto = Map.groupBy(keptEdges, ({ to }) => to);
  const byPattern = new Map<string, PlatformVersion[]>();
  for (const { release, parts } of placed) {
    for (const pattern of patternsOf(parts)) {
      const matching = byPattern.get(pattern);
      if (matching === undefined) byPattern.set(pattern, [release.version]);
      else matching.push(release.version);
    }
  }
  return ({ release, parts, place }) => {
    const { version, upgradeFrom } = release;
    const kept = (keptInto.get(version) ?? []).map((edge) => edge.from);
    const patterns = upgradeFrom ?? [...rangesOfThumb(parts), ...kept];
    const sources = new Set(patterns.flatMap((pattern) => byPattern.get(pattern) ?? []));
    const older = [...sources].filter((from) => (placeOf.get(from) ?? place) < place);
    if (upgradeFrom !== undefined) return older.map((from) => ({ from, basis: 'edge' }));
    return older.flatMap((from) => {
      const basis = basisOf(from, release);
      return basis === undefined ? [] : [{ from, basis }];
    });
  };
}

/** Whether a supported step leads from one version to the other, or every reason why not. */
export function stepBetween(graph: UpgradeGraph, from: PlatformVersion, to: PlatformVersion): UpgradeStep {
  const order = compareVersions(to, from);
  if (order === 0) return refused({ code: 'same-version', message: `The platform is on ${from} already.` });
  if (order < 0) {
    return refused({ code: 'downgrade', message: `${to} is older than ${from}; the platform never goes back.` });
  }
  const node = graph.nodes.get(to);
  if (node === undefined) {
    return refused({
      code: 'release-unknown',
      message: `No release ${to} was imported.`,
      nextStep: 'Import it with `gatehouse release import`; `gatehouse release list` shows what is there.',
    });
  }
  const basis = graph.basisOf(from, node.release);
  const [first, ...others] = [
    ...refuseTarget(graph, node),
    ...(basis === undefined ? [refuseEdge(graph, from, node.release)] : []),
    ...refuseFloors(graph, from, node),
  ];
  if (first !== undefined) return { kind: 'refused', reasons: [first, ...others] };
  if (basis === undefined) throw new TypeError('a step that is not supported has a reason');
  return { kind: 'step', basis, risks: risksBetween(node.release, from) };
}

/** The versions that one supported step leads to, oldest first. */
export function stepsFrom(
  graph: UpgradeGraph,
  from: PlatformVersion,
): readonly { readonly version: PlatformVersion; readonly basis: StepBasis }[] {
  return [...graph.nodes.values()].flatMap((node) => {
    const basis = isBarred(node, from) ? undefined : graph.basisOf(from, node.release);
    return basis === undefined ? [] : [{ version: node.release.version, basis }];
  });
}

/** Whether a step to the release is out of the question from that version, whatever edges there are. */
export function isBarred({ isOffered, floorBefore }: GraphNode, from: PlatformVersion): boolean {
  return !isOffered || (floorBefore !== undefined && compareVersions(from, floorBefore) < 0);
}

/** The risks of the edge from that version to the release; also one whose edges are given in a way we cannot read. */
export function risksBetween(release: GraphRelease, from: PlatformVersion): readonly UpgradeRisk[] {
  const isOn = (pattern: string) => patternMatches(pattern, from) || leastOfPattern(pattern) === undefined;
  return release.risks.filter((risk) => risk.from?.some(isOn) ?? true);
}

/** `4.1.12` is that version, `4.1.x` each patch of 4.1, `4.x` each version of 4. Anything else matches nothing. */
export function patternMatches(pattern: string, version: PlatformVersion): boolean {
  return patternsOf(versionParts(version)).includes(pattern);
}

/** The least version that a pattern stands for; nothing when it is no pattern. */
export function leastOfPattern(pattern: string): PlatformVersion | undefined {
  return parsePlatformVersion(pattern.replace(/^(\d+\.\d+)\.x$/, '$1.0').replace(/^(\d+)\.x(\.x)?$/, '$1.0.0'));
}

function patternsOf({ major, minor, patch }: VersionParts): readonly string[] {
  return [`${major}.${minor}.${patch}`, `${major}.${minor}.x`, `${major}.x`, `${major}.x.x`];
}

/** Where the rule of thumb may begin on the way to a version, as wildcards. */
function rangesOfThumb({ major, minor }: VersionParts): readonly string[] {
  return [`${major}.${minor}.x`, minor === 0 ? `${major - 1}.x` : `${major}.${minor - 1}.x`];
}

/**
 * A later patch of the same minor always; the latest known patch → any patch of the next minor; the latest patch of the
 * latest minor → any patch of the next major's first minor. Known is what is offered: whoever could reach the latest
 * patch only if it were not recalled would have no way on.
 */
function ruleOfThumb(known: readonly VersionParts[]): (from: VersionParts, to: VersionParts) => boolean {
  const latestPatch = new Map<string, number>();
  const latestMinor = new Map<number, number>();
  for (const { major, minor, patch } of known) {
    const key = `${major}.${minor}`;
    latestPatch.set(key, Math.max(patch, latestPatch.get(key) ?? 0));
    latestMinor.set(major, Math.max(minor, latestMinor.get(major) ?? 0));
  }
  return (from, to) => {
    if (isSameMinor(from, to)) return from.patch < to.patch;
    if (from.patch < (latestPatch.get(`${from.major}.${from.minor}`) ?? 0)) return false;
    if (from.major === to.major) return to.minor === from.minor + 1;
    return from.minor >= (latestMinor.get(from.major) ?? 0) && to.major === from.major + 1 && to.minor === 0;
  };
}

function isSameMinor(a: VersionParts, b: VersionParts): boolean {
  return a.major === b.major && a.minor === b.minor;
}

function compareParts(a: VersionParts, b: VersionParts): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch;
}

function refused(reason: Reason<StepRefusal>): UpgradeStep {
  return { kind: 'refused', reasons: [reason] };
}

function refuseTarget({ channel }: UpgradeGraph, { release }: GraphNode): readonly Reason<StepRefusal>[] {
  const { version, channels, recalled } = release;
  const reasons: Reason<StepRefusal>[] = [];
  if (recalled !== undefined) {
    reasons.push({
      code: 'release-recalled',
      message: `${version} was recalled: ${recalled.reason}`,
      nextStep: 'Choose a release that was not recalled; `gatehouse release list` shows them.',
    });
  }
  if (channel !== undefined && !channels.includes(channel)) {
    reasons.push({
      code: 'not-in-channel',
      message: `${version} is not in the channel ${channel}, but in ${channels.length === 0 ? 'none' : channels.join(', ')}.`,
      nextStep: 'Choose a release of the channel, or follow another one with `gatehouse platform channel`.',
    });
  }
  return reasons;
}

function refuseEdge(graph: UpgradeGraph, from: PlatformVersion, to: GraphRelease): Reason<StepRefusal> {
  const { version, upgradeFrom } = to;
  const nextStep = otherSteps(graph, from);
  if (upgradeFrom === undefined) {
    return {
      code: 'no-supported-step',
      message: `${version} names no versions it may be upgraded from, and by the rule of thumb ${from} is not one of them.`,
      nextStep,
    };
  }
  if (upgradeFrom.length === 0) {
    return {
      code: 'new-installations-only',
      message: `${version} is for new installations only; no version may be upgraded to it.`,
      nextStep,
    };
  }
  return {
    code: 'no-supported-step',
    message: `${version} may be upgraded from ${upgradeFrom.join(', ')} only, and the platform is on ${from}.`,
    nextStep,
  };
}

/** Of every floor in between that has to be stopped at. */
function refuseFloors(graph: UpgradeGraph, from: PlatformVersion, to: GraphNode): readonly Reason<StepRefusal>[] {
  return floorsBetween(graph, from, to).map(({ release: { version, floor } }) => ({
    code: 'floor-skipped',
    message: `Nobody passes ${version} without stopping at it: ${floor?.reason ?? ''}`,
    nextStep: `Go to ${version} first.`,
  }));
}

/** The floors that a step from one version to the other would pass, oldest first. */
export function floorsBetween(graph: UpgradeGraph, from: PlatformVersion, to: GraphNode): readonly GraphNode[] {
  const floors: GraphNode[] = [];
  let barrier = to.floorBefore;
  while (barrier !== undefined && compareVersions(from, barrier) < 0) {
    const floor = graph.nodes.get(barrier);
    if (floor === undefined) throw new TypeError(`the floor ${barrier} is no node`);
    floors.unshift(floor);
    barrier = floor.floorBefore;
  }
  return floors;
}

const stepsNamedMax = 10;

function otherSteps(graph: UpgradeGraph, from: PlatformVersion): string {
  const versions = stepsFrom(graph, from).map(({ version }) => version);
  if (versions.length === 0) return `Import a release that may be upgraded from ${from}.`;
  const left = versions.length - stepsNamedMax;
  const others = left > 0 ? `, or one of ${left} older ones` : '';
  return `From ${from} the next step may be ${versions.slice(-stepsNamedMax).join(', ')}${others}.`;
}
