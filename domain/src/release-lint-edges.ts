/** The edges that a release names, one by one: malformed ones, those that can never be taken, and those in vain. */

import { type LintFinding, lintFinding, type SoundRelease } from './release-lint-types.ts';
import { buildUpgradeGraph, type GraphNode, isBarred, leastOfPattern, patternMatches } from './upgrade-graph.ts';
import { compareVersions, type PlatformVersion } from './version.ts';

export function lintEdges(releases: readonly SoundRelease[]): readonly LintFinding[] {
  const graph = buildUpgradeGraph(releases.map((release) => release.graph));
  return releases.flatMap(({ graph: { version, upgradeFrom = [] } }) => {
    const node = graph.nodes.get(version);
    return node === undefined
      ? []
      : upgradeFrom.flatMap((pattern, index) => [
          ...lintEdge(node, pattern, releases),
          ...lintDouble(node, pattern, upgradeFrom.slice(0, index), upgradeFrom.slice(index + 1)),
        ]);
  });
}

function lintEdge(node: GraphNode, pattern: string, releases: readonly SoundRelease[]): readonly LintFinding[] {
  const { version } = node.release;
  const least = leastOfPattern(pattern);
  if (least === undefined) {
    return [
      lintFinding('edge-malformed', [version], `${version} names ${JSON.stringify(pattern)}, which matches nothing.`, {
        nextStep: 'Write a version such as 4.1.12, or a wildcard such as 4.1.x.',
      }),
    ];
  }
  if (compareVersions(least, version) >= 0) {
    return [
      lintFinding('edge-not-older', [version], `${version} may be upgraded from ${pattern}, which is not older.`, {
        nextStep: 'Name older versions only; the platform never goes back.',
      }),
    ];
  }
  const known = releases
    .map(({ graph }) => graph.version)
    .filter((other) => patternMatches(pattern, other) && compareVersions(other, version) < 0);
  const sources: readonly PlatformVersion[] = known.length === 0 && pattern === least ? [least] : known;
  const findings: LintFinding[] = [];
  if (known.length === 0) {
    findings.push(
      lintFinding(
        'edge-matches-nothing',
        [version],
        `${version} may be upgraded from ${pattern}, and there is no such release.`,
        {
          nextStep: 'Check the version, or add the release that is missing.',
        },
      ),
    );
  }
  const { floorBefore } = node;
  if (floorBefore !== undefined && sources.length > 0 && sources.every((source) => passes(node, source))) {
    findings.push(
      lintFinding(
        'edge-passes-floor',
        [version, floorBefore],
        `${version} may be upgraded from ${pattern}, but everybody has to stop at ${floorBefore} in between, so nobody takes that edge.`,
        { nextStep: `Name ${floorBefore} or a later version, or leave the edge out.` },
      ),
    );
  }
  return findings;
}

const passes = (node: GraphNode, source: PlatformVersion): boolean => isBarred({ ...node, isOffered: true }, source);

function lintDouble(
  { release: { version } }: GraphNode,
  pattern: string,
  before: readonly string[],
  after: readonly string[],
): readonly LintFinding[] {
  const least = leastOfPattern(pattern);
  const isWildcard = pattern !== least;
  const others = [...before, ...after];
  const double = before.includes(pattern)
    ? pattern
    : others.find((other) => !isWildcard && least !== undefined && other !== pattern && patternMatches(other, least));
  if (double === undefined) return [];
  return [
    lintFinding(
      'edge-twice',
      [version],
      `${version} names ${pattern} twice${double === pattern ? '' : `, once by ${double}`}.`,
      {
        nextStep: 'Leave one of the two out.',
      },
    ),
  ];
}
