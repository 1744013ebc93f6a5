import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lintReleases } from './release-lint.ts';
import { type LintCase as Case, floor, found, from, lintRelease, recalled } from './testing/lint-releases.ts';
import { graphRelease, risk, sorted } from './testing/upgrade-releases.ts';
import { buildUpgradeGraph } from './upgrade-graph.ts';
import { planUpgrade } from './upgrade-plan.ts';
import { parsePlatformVersion } from './version.ts';

const chain = [lintRelease('4.1.0'), lintRelease('4.2.0'), lintRelease('4.3.0')];
const edges: readonly Case[] = [
  { name: 'nothing', releases: [], found: [] },
  { name: 'one release', releases: [lintRelease('4.1.0')], found: [] },
  { name: 'a chain by the rule of thumb', releases: chain, found: [] },
  {
    name: 'a chain of edges, given in any order',
    releases: [lintRelease('4.2.0', from('4.1.x')), lintRelease('4.1.1', from('4.1.0')), lintRelease('4.1.0', from())],
    found: [],
  },
  {
    name: 'the same release twice is once',
    releases: [lintRelease('4.1.0'), { ...lintRelease('4.1.0'), origin: './elsewhere' }],
    found: [],
  },
  {
    name: 'one version with two contents',
    releases: [lintRelease('4.1.0'), lintRelease('4.1.0', { content: 'other' })],
    found: ['release-differs 4.1.0'],
  },
  {
    name: 'a version that is none',
    releases: [lintRelease('4.1')],
    found: ['version-malformed 4.1', 'version-malformed 4.1'],
  },
  {
    name: 'every other version that is none',
    releases: [
      lintRelease('4.1.0', {
        agent: { version: 'v4.1.0', kubernetes: { min: '1.20', max: '1.x' } },
        profiles: { maas: { version: '1', digest: 'd', kubernetes: '1.26' } },
      }),
    ],
    found: Array.from({ length: 5 }, () => 'version-malformed 4.1.0'),
  },
  {
    name: 'Kubernetes may be written with a v',
    releases: [lintRelease('4.1.0', { kubernetes: 'v1.26.8' })],
    found: [],
  },
  {
    name: 'edges that are no patterns',
    releases: [lintRelease('4.1.0'), lintRelease('4.2.0', from('4.1.0', '4.1', '>=4.0', '4.*', 'x.1.0'))],
    found: Array.from({ length: 4 }, () => 'edge-malformed 4.2.0'),
  },
  {
    name: 'edges that lead back',
    releases: [lintRelease('4.1.0'), lintRelease('4.2.0', from('4.1.0', '4.2.0', '4.3.0', '4.4.x', '5.x'))],
    found: Array.from({ length: 4 }, () => 'edge-not-older 4.2.0'),
  },
  {
    name: 'two releases that name each other',
    releases: [lintRelease('4.1.0', from('4.2.0')), lintRelease('4.2.0', from('4.1.0'))],
    found: ['edge-not-older 4.1.0'],
  },
  {
    name: 'an edge twice',
    releases: [lintRelease('4.1.0'), lintRelease('4.2.0', from('4.1.0', '4.1.0'))],
    found: ['edge-twice 4.2.0'],
  },
  {
    name: 'an edge twice, also by a wildcard',
    releases: [lintRelease('4.1.0'), lintRelease('4.2.0', from('4.1.0', '4.1.0', '4.1.x'))],
    found: ['edge-twice 4.2.0', 'edge-twice 4.2.0'],
  },
  {
    name: 'a wildcard and a version that match nothing',
    releases: [lintRelease('4.1.0'), lintRelease('4.2.0', from('4.1.x', '4.0.x', '3.9.1'))],
    found: ['edge-matches-nothing 4.2.0', 'edge-matches-nothing 4.2.0'],
  },
  {
    name: 'a wildcard matches only what is older',
    releases: [lintRelease('4.1.0'), lintRelease('4.2.1', from('4.1.0', '4.2.x')), lintRelease('4.2.3')],
    found: ['edge-matches-nothing 4.2.1'],
  },
  {
    name: 'an edge that passes a floor, also from a release that is not there',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', floor),
      lintRelease('4.3.0', from('4.1.0', '4.1.9', '4.1.x', '4.2.0', '4.x')),
    ],
    found: [
      'edge-passes-floor 4.3.0 4.2.0',
      'edge-passes-floor 4.3.0 4.2.0',
      'edge-passes-floor 4.3.0 4.2.0',
      'edge-matches-nothing 4.3.0',
      'edge-twice 4.3.0',
      'edge-twice 4.3.0',
      'edge-twice 4.3.0',
    ],
  },
];

const risky = (version: string, ...risks: readonly ReturnType<typeof risk>[]) => lintRelease(version, { risks });
/** As a newer publisher might write them. */
const newer: object = { storage: [] };
const risks: readonly Case[] = [
  { name: 'one name, one text', releases: [risky('4.1.0', risk('r')), risky('4.2.0', risk('r'))], found: [] },
  {
    name: 'one name, two texts or two addresses',
    releases: [
      risky('4.1.0', risk('r')),
      risky('4.2.0', risk('r', { message: 'Other.' })),
      risky('4.3.0', risk('r', { url: 'https://example.org' })),
    ],
    found: ['risk-text-differs 4.1.0 4.2.0 4.3.0'],
  },
  {
    name: 'one text at two addresses',
    releases: [risky('4.1.0', risk('r')), risky('4.2.0', risk('r', { url: 'https://example.org' }))],
    found: ['risk-text-differs 4.1.0 4.2.0'],
  },
  {
    name: 'other conditions are no other text',
    releases: [
      risky('4.1.0', risk('r')),
      risky('4.2.0', risk('r', { appliesTo: [{}], fixedIn: '4.3.0' })),
      lintRelease('4.3.0'),
    ],
    found: [],
  },
  {
    name: 'past what mends it',
    releases: [risky('4.1.0', risk('r', { fixedIn: '4.1.0' })), risky('4.2.0', risk('r', { fixedIn: '4.1.9' }))],
    found: ['risk-past-its-fix 4.1.0', 'risk-past-its-fix 4.2.0'],
  },
  {
    name: 'between one that carries it and what mends it',
    releases: [
      lintRelease('4.1.0'),
      risky('4.1.1', risk('r', { fixedIn: '4.1.5' })),
      lintRelease('4.1.2'),
      lintRelease('4.1.3', recalled),
      risky('4.1.4', risk('r')),
      lintRelease('4.1.5'),
    ],
    found: ['risk-gap 4.1.2'],
  },
  {
    name: 'on edges that are not there',
    releases: [lintRelease('4.1.0'), risky('4.2.0', risk('r', { from: ['4.1.x', '4.1.0', '4.0.x'] }))],
    found: ['risk-matches-nothing 4.2.0'],
  },
  {
    name: 'on an edge whose release is not there',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', { ...from('4.1.0', '4.1.9'), risks: [risk('r', { from: ['4.1.9'] })] }),
    ],
    found: ['edge-matches-nothing 4.2.0'],
  },
  {
    name: 'a test that nobody knows, once',
    releases: [risky('4.1.0', risk('r', { appliesTo: [newer, newer, { provider: ['maas'] }] }))],
    found: ['risk-test-unknown 4.1.0'],
  },
  {
    name: 'versions that are none',
    releases: [
      lintRelease('4.0.0'),
      risky(
        '4.1.0',
        risk('r', {
          from: ['4.0'],
          fixedIn: '4.2',
          appliesTo: [{ agent: { min: '4' } }, { kubernetes: { max: '1.2' }, profile: { min: 'x' } }],
        }),
      ),
    ],
    found: Array.from({ length: 5 }, () => 'version-malformed 4.1.0'),
  },
];

describe.each([
  ['single releases and edges', edges],
  ['risks', risks],
])('%s', (_title, cases) => {
  test.each(cases)('$name', (each) => {
    expect(found(each.releases)).toEqual(each.found);
  });
});

test('a finding says what, where, and what to do; errors come first', () => {
  const releases = [
    lintRelease('4.1.0', { kubernetes: '1.26.8' }),
    lintRelease('4.2.0', { kubernetes: '1.28.0', ...from('4.1.0', '4.0.x') }),
  ];
  expect(lintReleases(releases)).toEqual([
    {
      code: 'kubernetes-skips-minor',
      severity: 'error',
      releases: ['4.2.0', '4.1.0'],
      message:
        'From 4.1.0 to 4.2.0: on vsphere, Kubernetes would go from 1.26.8 to 1.28.0; it moves one minor at a time.',
      nextStep: 'Take the edge out, or publish a release with the Kubernetes between.',
    },
    {
      code: 'edge-matches-nothing',
      severity: 'warning',
      releases: ['4.2.0'],
      message: '4.2.0 may be upgraded from 4.0.x, and there is no such release.',
      nextStep: 'Check the version, or add the release that is missing.',
    },
  ]);
});

describe('of any releases', () => {
  const word = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(fc.integer({ min: 3, max: 4 }), fc.nat(2), fc.nat(2)).map((parts) => parts.join('.')),
    },
    { weight: 1, arbitrary: fc.constantFrom('4.1.x', '4.x', '4.x.x', '', 'x', 'v4.1.0', '__proto__', '4.1') },
  );
  const anyRelease = fc
    .record({
      version: word,
      upgradeFrom: fc.option(fc.array(word, { maxLength: 4 }), { nil: undefined }),
      isFloor: fc.boolean(),
      isRecalled: fc.boolean(),
      channels: fc.subarray(['stable', 'candidate', '__proto__']),
      provider: fc.constantFrom('vsphere', '__proto__', 'constructor'),
      kubernetes: fc.constantFrom('1.26.0', '1.27.0', '1.29.0', 'x'),
      fixedIn: word,
    })
    .map(({ version, upgradeFrom, isFloor, isRecalled, channels, provider, kubernetes, fixedIn }) =>
      lintRelease(version, {
        channels,
        profiles: Object.fromEntries([[provider, { version: '1.0.0', digest: 'd', kubernetes }]]),
        risks: [risk('r', { fixedIn, from: [fixedIn] })],
        ...(upgradeFrom === undefined ? {} : { upgradeFrom }),
        ...(isFloor ? floor : {}),
        ...(isRecalled ? recalled : {}),
      }),
    );

  test('it answers, the same in any order, every finding with a version that is there', () => {
    fc.assert(
      fc.property(fc.array(anyRelease, { maxLength: 8 }), (releases) => {
        const findings = lintReleases(releases);
        const versions = new Set(releases.map(({ version }) => version));
        for (const finding of findings) {
          expect(finding.releases.length).toBeGreaterThan(0);
          expect(finding.releases.every((version) => versions.has(version))).toBe(true);
          expect(finding.message).toMatch(/[.:]$/);
        }
        const unique = [...new Map(releases.map((each) => [each.version, each])).values()];
        const once = lintReleases(unique).map(({ code, message }) => `${code} ${message}`);
        const turned = lintReleases(sorted(unique, (a, b) => (a.version < b.version ? 1 : -1))).map(
          ({ code, message }) => `${code} ${message}`,
        );
        expect(new Set(turned)).toEqual(new Set(once));
      }),
      { numRuns: 500 },
    );
  });

  test('there is no dead end if and only if the newest can be planned to from every release before it', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyRelease, { selector: ({ version }) => version, minLength: 2, maxLength: 8 }),
        (any) => {
          const releases = any
            .filter(({ version }) => parsePlatformVersion(version) !== undefined)
            .map((each) => ({ ...each, channels: [], risks: [] }));
          const graph = buildUpgradeGraph(
            releases.map(({ version, upgradeFrom, floor: stop, recalled: bad }) =>
              graphRelease(version, {
                ...(upgradeFrom === undefined ? {} : { upgradeFrom }),
                ...(stop === undefined ? {} : { floor: stop }),
                ...(bad === undefined ? {} : { recalled: bad }),
              }),
            ),
          );
          const versions = [...graph.nodes.keys()];
          const open = [...graph.nodes.values()].filter(
            ({ isOffered, release }) => isOffered && release.upgradeFrom?.length !== 0,
          );
          const newest = open.at(-1);
          const before = versions.slice(0, newest?.place ?? 0);
          const stuck = before.filter((from) => {
            const to = newest?.release.version ?? from;
            return planUpgrade({ graph, from, to, fleet: [], acceptedRisks: [] }).kind === 'none';
          });
          const deadEnds = lintReleases(releases).filter(({ code }) => code === 'dead-end');
          expect(deadEnds.length > 0).toBe(stuck.length > 0);
          expect(stuck).toEqual(expect.arrayContaining(deadEnds.flatMap((finding) => finding.releases)));
        },
      ),
      { numRuns: 500 },
    );
  });
});
