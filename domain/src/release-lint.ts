/**
 * What is wrong with a set of releases before anybody is asked to follow it: each by itself, together, and the paths they
 * make, for every channel. It judges the releases alone, without a fleet.
 */

import { lintEdges } from './release-lint-edges.ts';
import { lintPaths } from './release-lint-paths.ts';
import { lintRisks } from './release-lint-risks.ts';
import { type LintFinding, type LintRelease, lintFinding, type SoundRelease } from './release-lint-types.ts';
import { compareVersions, type KubernetesVersion, parseKubernetesVersion, parsePlatformVersion } from './version.ts';

/** Errors first, then in the order of the versions concerned. The same release read twice counts once. */
export function lintReleases(releases: readonly LintRelease[]): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  const sound: SoundRelease[] = [];
  for (const [version, all] of Map.groupBy(releases, (release) => release.version)) {
    const [first, ...others] = all;
    if (first === undefined) continue;
    const differing = others.filter(({ content }) => content !== first.content);
    if (differing.length > 0) {
      const origins = [...new Set([first, ...differing].map(({ origin }) => origin))].join(' and ');
      findings.push(
        lintFinding('release-differs', [version], `${version} is there with different contents, in ${origins}.`, {
          nextStep: 'Give the later one a version of its own; what was published never changes.',
        }),
      );
    }
    findings.push(...versionFaults(first));
    const read = toSound(first);
    if (read !== undefined) sound.push(read);
  }
  const known = sound.toSorted((a, b) => compareVersions(a.graph.version, b.graph.version));
  findings.push(...lintEdges(known), ...lintRisks(known), ...lintPaths(known));
  return findings.toSorted(
    (a, b) => Number(b.severity === 'error') - Number(a.severity === 'error') || compareFirst(a.releases, b.releases),
  );
}

function versionFaults(release: LintRelease): readonly LintFinding[] {
  const { origin, version, agent } = release;
  const profiles = Object.entries(release.profiles);
  const platform: readonly (readonly [string, string])[] = [
    ['platformVersion', version],
    ['agent.version', agent.version],
    ...profiles.map(([provider, profile]) => [`profiles/${provider}, version`, profile.version] as const),
  ];
  const kubernetes: readonly (readonly [string, string | undefined])[] = [
    ['agent.kubernetes.min', agent.kubernetes.min],
    ['agent.kubernetes.max', agent.kubernetes.max],
    ...profiles.map(([provider, profile]) => [`profiles/${provider}, kubernetes`, profile.kubernetes] as const),
  ];
  const malformed = [
    ...platform.filter(([, text]) => parsePlatformVersion(text) === undefined),
    ...kubernetes.filter(([, text]) => text !== undefined && parseKubernetesVersion(text) === undefined),
  ];
  return malformed.map(([field, text]) =>
    lintFinding('version-malformed', [version], `${origin}, ${field}: ${JSON.stringify(text)} is no version.`, {
      nextStep: 'Write three numbers, such as 4.2.7, without a suffix.',
    }),
  );
}

/** Nothing when the versions that the path is made of cannot be read; what is wrong was said. */
function toSound(release: LintRelease): SoundRelease | undefined {
  const version = parsePlatformVersion(release.version);
  const agent = parsePlatformVersion(release.agent.version);
  if (version === undefined || agent === undefined) return undefined;
  const { channels, upgradeFrom, risks, floor, recalled } = release;
  const profiles = Object.entries(release.profiles).flatMap(([provider, profile]) => {
    const own = parsePlatformVersion(profile.version);
    const kubernetes = knownKubernetes(profile.kubernetes);
    if (own === undefined) return [];
    return [
      [
        provider,
        { version: own, digest: profile.digest, ...(kubernetes === undefined ? {} : { kubernetes }) },
      ] as const,
    ];
  });
  return {
    origin: release.origin,
    agentKubernetes: {
      min: knownKubernetes(release.agent.kubernetes.min),
      max: knownKubernetes(release.agent.kubernetes.max),
    },
    graph: {
      version,
      channels,
      ...(upgradeFrom === undefined ? {} : { upgradeFrom }),
      risks,
      ...(floor === undefined ? {} : { floor }),
      ...(recalled === undefined ? {} : { recalled }),
      agent,
      profiles: Object.fromEntries(profiles),
      fixes: [],
    },
  };
}

function knownKubernetes(text: string | undefined): KubernetesVersion | undefined {
  return text === undefined ? undefined : parseKubernetesVersion(text);
}

function compareFirst([a = '']: readonly string[], [b = '']: readonly string[]): number {
  const [left, right] = [parsePlatformVersion(a), parsePlatformVersion(b)];
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  return compareVersions(left, right);
}
