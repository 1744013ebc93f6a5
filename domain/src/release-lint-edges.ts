/** The edges that a release names, one by one: malformed ones, those that can never be taken, and those in vain. */

import { type LintFinding, lintFinding, type SoundRelease } from './release-lint-types.ts';
import { buildUpgradeGraph, type GraphNode, isBarred, leastOfPattern, patternMatches } from './upgrade-graph.ts';
import { compareVersions, type PlatformVersion, parsePlatformVersion } from './version.ts';

export function lintEdges(releases: readonly SoundRelease[]): readonly LintFinding[] {
  const graph = buildUpgradeGraph(releases.map((release) => release.graph));
  return [...graph.nodes.values()].flatMap((node) => {
    const { version, upgradeFrom = [] } = node.release;
    return [...upgradeFrom.flatMap((pattern) => lintEdge(node, pattern)), ...lintDoubles(version, upgradeFrom)];
  });
}

function lintEdge(node: GraphNode, pattern: string): readonly LintFinding[] {
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
  const known = node.edges.map((edge) => edge.from).filter((source) => patternMatches(pattern, source));
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

function lintDoubles(version: PlatformVersion, patterns: readonly string[]): readonly LintFinding[] {
  const wildcards = new Set(patterns.filter((pattern) => pattern.endsWith('x')));
  const seen = new Set<string>();
  return patterns.flatMap((pattern) => {
    const isAgain = seen.has(pattern);
    seen.add(pattern);
    const exact = parsePlatformVersion(pattern);
    const wider = exact === undefined ? undefined : [...wildcards].find((other) => patternMatches(other, exact));
    if (!isAgain && wider === undefined) return [];
    const how = isAgain ? '' : `, once by ${wider}`;
    return [
      lintFinding('edge-twice', [version], `${version} names ${pattern} twice${how}.`, {
        nextStep: 'Leave one of the two out.',
      }),
    ];
  });
}
