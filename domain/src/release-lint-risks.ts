/** Named risks across all releases: one name, one text, on edges that exist, until the release that mends it. */

import { type LintFinding, lintFinding, type SoundRelease } from './release-lint-types.ts';
import { buildUpgradeGraph, leastOfPattern, patternMatches } from './upgrade-graph.ts';
import { isTestName, type RiskRange, type UpgradeRisk } from './upgrade-risk.ts';
import { compareVersions, type PlatformVersion, parsePlatformVersion } from './version.ts';

interface Carrier {
  readonly version: PlatformVersion;
  readonly risk: UpgradeRisk;
}

export function lintRisks(releases: readonly SoundRelease[]): readonly LintFinding[] {
  const carriers = releases.flatMap(({ graph: { version, risks } }) => risks.map((risk) => ({ version, risk })));
  const byName = Map.groupBy(carriers, ({ risk }) => risk.name);
  return [
    ...carriers.flatMap((carrier) => [...lintForm(carrier), ...lintFix(carrier)]),
    ...lintFrom(releases),
    ...[...byName].flatMap(([name, all]) => [...lintText(name, all), ...lintGap(name, all, releases)]),
  ];
}

function lintForm({ version, risk }: Carrier): readonly LintFinding[] {
  const tests = (risk.appliesTo ?? []).flatMap((entry) => Object.entries(entry));
  const unknown = [...new Set(tests.map(([name]) => name).filter((name) => !isTestName(name)))];
  const ranges = (risk.appliesTo ?? []).flatMap(({ kubernetes, agent, profile }) =>
    [kubernetes, agent, profile].filter((range): range is RiskRange => range !== undefined),
  );
  const texts = [risk.fixedIn, ...ranges.flatMap(({ min, max }) => [min, max])];
  const malformed = [
    ...texts.filter((text) => text !== undefined && parsePlatformVersion(text) === undefined),
    ...(risk.from ?? []).filter((pattern) => leastOfPattern(pattern) === undefined),
  ];
  return [
    ...unknown.map((name) =>
      lintFinding(
        'risk-test-unknown',
        [version],
        `The risk ${risk.name} of ${version} tests ${JSON.stringify(name)}, which this program cannot judge, so for it the risk always counts as applying.`,
        {
          nextStep: 'Check the name, or lint with the newest program.',
        },
      ),
    ),
    ...malformed.map((text) =>
      lintFinding(
        'version-malformed',
        [version],
        `The risk ${risk.name} of ${version} names ${JSON.stringify(text)}, which is no version.`,
        {
          nextStep: 'Write three numbers, such as 4.2.7, or in `from` a wildcard such as 4.1.x.',
        },
      ),
    ),
  ];
}

function lintFix({ version, risk }: Carrier): readonly LintFinding[] {
  const fixedIn = parsePlatformVersion(risk.fixedIn ?? '');
  if (fixedIn === undefined || compareVersions(version, fixedIn) < 0) return [];
  return [
    lintFinding(
      'risk-past-its-fix',
      [version],
      `${version} carries the risk ${risk.name}, and says that ${fixedIn} is without it.`,
      {
        nextStep: 'Take the risk out, or name the later release that mends it.',
      },
    ),
  ];
}

function lintFrom(releases: readonly SoundRelease[]): readonly LintFinding[] {
  const graph = buildUpgradeGraph(releases.map((release) => release.graph));
  return [...graph.nodes.values()].flatMap(({ release: { version, risks, upgradeFrom = [] }, edges }) =>
    risks.flatMap(({ name, from = [] }) =>
      from
        .filter((pattern) => leastOfPattern(pattern) !== undefined)
        .filter((pattern) => !upgradeFrom.includes(pattern))
        .filter((pattern) => !edges.some((edge) => patternMatches(pattern, edge.from)))
        .map((pattern) =>
          lintFinding(
            'risk-matches-nothing',
            [version],
            `The risk ${name} is on the edges from ${pattern} to ${version}, and there is none.`,
            {
              nextStep: 'Check the version, or leave it out.',
            },
          ),
        ),
    ),
  );
}

function lintText(name: string, carriers: readonly Carrier[]): readonly LintFinding[] {
  const texts = Map.groupBy(carriers, ({ risk: { message, url = '' } }) => `${message}\n${url}`);
  if (texts.size < 2) return [];
  const groups = [...texts.values()].map((all) => all.map(({ version }) => version).join(', '));
  return [
    lintFinding(
      'risk-text-differs',
      carriers.map(({ version }) => version),
      `The risk ${name} has different texts: one in ${groups.join('; another in ')}.`,
      {
        nextStep:
          'Give the same text and address everywhere, or another name: whoever accepts a name has read one text.',
      },
    ),
  ];
}

/** A release between one that carries a risk and the one that mends it should carry it as well. */
function lintGap(
  name: string,
  carriers: readonly Carrier[],
  releases: readonly SoundRelease[],
): readonly LintFinding[] {
  const carrying = new Set(carriers.map(({ version }) => version));
  const missing = releases
    .map(({ graph }) => graph)
    .filter(({ version, recalled }) => {
      if (carrying.has(version) || recalled !== undefined) return false;
      return carriers.some(({ version: from, risk }) => {
        const fixedIn = parsePlatformVersion(risk.fixedIn ?? '');
        return fixedIn !== undefined && compareVersions(from, version) < 0 && compareVersions(version, fixedIn) < 0;
      });
    })
    .map(({ version }) => version);
  if (missing.length === 0) return [];
  return [
    lintFinding(
      'risk-gap',
      missing,
      `${missing.join(', ')} came before what mends the risk ${name}, after a release that carries it, and does not carry it.`,
      {
        nextStep: 'Name the risk there too, or the release that was the first without it.',
      },
    ),
  ];
}
