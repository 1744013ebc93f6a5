import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidePlatformUpgrade, edgeMatches, reachableVersions, type ReleaseEdges } from './platform-upgrade.ts';
import { platform } from './testing/facts.ts';
import { compareVersions, versionParts } from './version.ts';

const known = (...versions: readonly (string | readonly [string, readonly string[]])[]): readonly ReleaseEdges[] =>
  versions.map((entry) =>
    typeof entry === 'string' ? { version: platform(entry) } : { version: platform(entry[0]), upgradeFrom: entry[1] },
  );

interface Case {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly releases: readonly ReleaseEdges[];
  /** The basis of the step, or the code it is refused with. */
  readonly outcome: string;
}
const cases: readonly Case[] = [
  {
    name: 'an edge names the version',
    from: '4.1.12',
    to: '4.2.7',
    releases: known('4.1.12', ['4.2.7', ['4.1.12']]),
    outcome: 'edge',
  },
  {
    name: 'an edge names the minor',
    from: '4.1.12',
    to: '4.2.7',
    releases: known(['4.2.7', ['4.1.x']]),
    outcome: 'edge',
  },
  {
    name: 'edges alone count, even against the rule of thumb',
    from: '4.1.12',
    to: '4.1.13',
    releases: known(['4.1.13', ['4.1.11']]),
    outcome: 'no-supported-step',
  },
  {
    name: 'no edge at all: new installations only',
    from: '4.1.12',
    to: '4.1.13',
    releases: known(['4.1.13', []]),
    outcome: 'new-installations-only',
  },
  {
    name: 'without edges a later patch is always a step',
    from: '4.1.3',
    to: '4.1.12',
    releases: known('4.1.3', '4.1.4', '4.1.12'),
    outcome: 'rule-of-thumb',
  },
  {
    name: 'without edges the latest patch reaches any patch of the next minor',
    from: '4.1.12',
    to: '4.2.3',
    releases: known('4.1.12', '4.2.3', '4.2.7'),
    outcome: 'rule-of-thumb',
  },
  {
    name: 'without edges an older patch does not',
    from: '4.1.11',
    to: '4.2.3',
    releases: known('4.1.11', '4.1.12', '4.2.3'),
    outcome: 'no-supported-step',
  },
  {
    name: 'without edges no minor is skipped',
    from: '4.1.12',
    to: '4.3.0',
    releases: known('4.1.12', '4.2.7', '4.3.0'),
    outcome: 'no-supported-step',
  },
  {
    name: 'the latest of the latest minor reaches the next major',
    from: '4.9.2',
    to: '5.0.4',
    releases: known('4.8.1', '4.9.2', '5.0.4'),
    outcome: 'rule-of-thumb',
  },
  {
    name: 'an earlier minor does not reach the next major',
    from: '4.8.1',
    to: '5.0.4',
    releases: known('4.8.1', '4.9.2', '5.0.4'),
    outcome: 'no-supported-step',
  },
  {
    name: 'the second minor of the next major is too far',
    from: '4.9.2',
    to: '5.1.0',
    releases: known('4.9.2', '5.1.0'),
    outcome: 'no-supported-step',
  },
  {
    name: 'two majors are too far',
    from: '4.9.2',
    to: '6.0.0',
    releases: known('4.9.2', '6.0.0'),
    outcome: 'no-supported-step',
  },
  {
    name: 'the same version is none',
    from: '4.1.12',
    to: '4.1.12',
    releases: known('4.1.12'),
    outcome: 'same-version',
  },
  { name: 'never back', from: '4.2.7', to: '4.1.12', releases: known('4.1.12', '4.2.7'), outcome: 'downgrade' },
  {
    name: 'never back, not even along an edge',
    from: '4.2.7',
    to: '4.1.12',
    releases: known(['4.1.12', ['4.2.7']]),
    outcome: 'downgrade',
  },
  {
    name: 'what was not imported is unknown',
    from: '4.1.12',
    to: '4.2.7',
    releases: known('4.1.12'),
    outcome: 'release-unknown',
  },
];

describe('one step of the platform, every gateway ready', () => {
  test.each(cases)('$name', ({ from, to, releases, outcome }) => {
    const decision = decidePlatformUpgrade({ from: platform(from), to: platform(to), releases, gateways: [] });
    expect(decision.kind === 'accepted' ? decision.basis : decision.reasons[0].code).toBe(outcome);
  });
});

test('every gateway that is not current is named with its reasons, beside the missing step', () => {
  const decision = decidePlatformUpgrade({
    from: platform('4.1.12'),
    to: platform('4.3.0'),
    releases: known('4.1.12', '4.3.0', '4.2.7'),
    gateways: [
      { name: 'site-a', reasons: [{ code: 'paused', message: 'Paused by ann.' }] },
      { name: 'site-b', reasons: [] },
      {
        name: 'site-c',
        reasons: [
          { code: 'a', message: 'One.' },
          { code: 'b', message: 'Two.' },
        ],
      },
    ],
  });
  expect(decision).toMatchObject({
    kind: 'refused',
    reasons: [
      { code: 'no-supported-step', nextStep: 'From 4.1.12 the next step may be 4.2.7.' },
      { code: 'gateway-not-current', message: 'The gateway site-a is not current for 4.1.12: Paused by ann.' },
      { code: 'gateway-not-current', message: 'The gateway site-c is not current for 4.1.12: One. Two.' },
    ],
  });
});

test('a supported step waits for the gateways alone', () => {
  const decision = decidePlatformUpgrade({
    from: platform('4.1.12'),
    to: platform('4.2.7'),
    releases: known(['4.2.7', ['4.1.12']]),
    gateways: [{ name: 'site-a', reasons: [{ code: 'paused', message: 'Paused.' }] }],
  });
  expect(decision.kind === 'refused' && decision.reasons.map(({ code }) => code)).toEqual(['gateway-not-current']);
});

test.each([
  ['4.1.12', true],
  ['4.1.x', true],
  ['4.x', true],
  ['4.1', false],
  ['4.1.1', false],
  ['4.2.x', false],
  ['*', false],
  ['4.1.12.x', false],
])('the edge %s matches 4.1.12: %s', (edge, matches) => {
  expect(edgeMatches(edge, platform('4.1.12'))).toBe(matches);
});

const anyVersion = fc
  .tuple(fc.integer({ min: 4, max: 5 }), fc.nat(3), fc.nat(3))
  .map((parts) => platform(parts.join('.')));
const anyReleases: fc.Arbitrary<readonly ReleaseEdges[]> = fc.uniqueArray(
  fc
    .record({ version: anyVersion, edges: fc.option(fc.array(anyVersion, { maxLength: 3 }), { nil: undefined }) })
    .map(({ version, edges }) => ({ version, ...(edges === undefined ? {} : { upgradeFrom: edges }) })),
  { selector: ({ version }) => version, maxLength: 12 },
);

test('what is reachable is exactly what is accepted, oldest first, and always newer', () => {
  fc.assert(
    fc.property(anyVersion, anyReleases, (from, releases) => {
      const reachable = reachableVersions({ from, releases });
      const accepted = releases.filter(
        ({ version }) => decidePlatformUpgrade({ from, to: version, releases, gateways: [] }).kind === 'accepted',
      );
      expect(new Set(reachable.map(({ version }) => version))).toEqual(new Set(accepted.map(({ version }) => version)));
      let before = from;
      for (const { version } of reachable) {
        expect(compareVersions(version, before)).toBeGreaterThan(0);
        before = version;
      }
    }),
  );
});

test('the rule of thumb never skips a minor of a major', () => {
  fc.assert(
    fc.property(anyVersion, anyReleases, (from, releases) => {
      for (const { version, basis } of reachableVersions({ from, releases })) {
        const [a, b] = [versionParts(from), versionParts(version)];
        const isWithinMajor = a.major === b.major && b.minor - a.minor <= 1;
        const isNextMajor = b.major === a.major + 1 && b.minor === 0;
        expect(basis === 'edge' || isWithinMajor || isNextMajor).toBe(true);
      }
    }),
  );
});
