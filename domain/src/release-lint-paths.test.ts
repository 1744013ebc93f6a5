import { describe, expect, test } from 'vitest';
import { type LintCase as Case, floor, found, from, lintRelease, recalled } from './testing/lint-releases.ts';
import published from './testing/published-upgrade-paths.json' with { type: 'json' };

const paths: readonly Case[] = [
  {
    name: 'a dead end',
    releases: [lintRelease('4.1.0', from()), lintRelease('4.1.1', from('4.1.0')), lintRelease('4.2.0', from('4.1.0'))],
    found: ['dead-end 4.1.1'],
  },
  {
    name: 'a recalled release may be a dead end too',
    releases: [
      lintRelease('4.1.0', from()),
      lintRelease('4.1.1', { ...from('4.1.0'), ...recalled }),
      lintRelease('4.2.0', from('4.1.0')),
    ],
    found: ['dead-end 4.1.1'],
  },
  {
    name: 'the newest is none, nor the one before a release for new installations',
    releases: [lintRelease('4.1.0', from()), lintRelease('4.2.0', from())],
    found: [],
  },
  {
    name: 'the newest is none when a newer one was recalled',
    releases: [lintRelease('4.1.0', from()), lintRelease('4.2.0', { ...from('4.1.0'), ...recalled })],
    found: [],
  },
  {
    name: 'a dead end by the rule of thumb: the later patch leads nowhere, and this one is not the latest',
    releases: [lintRelease('4.1.0'), lintRelease('4.1.1', from()), lintRelease('4.2.0')],
    found: ['dead-end 4.1.0'],
  },
  {
    name: 'a dead end in one channel',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', { channels: ['candidate'] }),
      lintRelease('4.3.0', from('4.2.0')),
    ],
    found: ['dead-end 4.1.0'],
  },
  {
    name: 'a way through one channel is nothing to the others',
    releases: [
      lintRelease('4.1.0', { ...from(), channels: ['stable', 'candidate'] }),
      lintRelease('4.1.1', { ...from('4.1.0'), channels: ['candidate'] }),
      lintRelease('4.1.2', { ...from('4.1.1'), channels: ['candidate'] }),
      lintRelease('4.2.0', { ...from('4.1.0', '4.1.2'), channels: ['stable', 'candidate'] }),
    ],
    found: [],
  },
  {
    name: 'no way in',
    releases: [lintRelease('4.1.0'), lintRelease('4.3.0'), lintRelease('4.4.0', from('4.1.0', '4.3.0'))],
    found: ['no-way-in 4.3.0'],
  },
  {
    name: 'no way in by edges, and what can be reached only from there',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', from('4.1.9')),
      lintRelease('4.3.0', from('4.2.0')),
      lintRelease('4.4.0', from('4.3.0')),
      lintRelease('4.5.0', from('4.1.0', '4.4.0')),
    ],
    found: ['no-way-in 4.2.0', 'unreachable 4.3.0 4.4.0', 'edge-matches-nothing 4.2.0'],
  },
  {
    name: 'no way in, since every edge passes a floor',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', floor),
      lintRelease('4.3.0', from('4.1.x')),
      lintRelease('4.4.0', from('4.2.0', '4.3.0')),
    ],
    found: ['edge-passes-floor 4.3.0 4.2.0', 'no-way-in 4.3.0'],
  },
  {
    name: 'only through a recalled release',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', recalled),
      lintRelease('4.3.0', from('4.2.0')),
      lintRelease('4.4.0', from('4.1.0', '4.3.0')),
    ],
    found: ['unreachable 4.3.0'],
  },
  {
    name: 'into a channel one may come from outside',
    releases: [
      lintRelease('4.1.0', { channels: ['candidate'] }),
      lintRelease('4.2.0'),
      lintRelease('4.3.0', { channels: ['candidate'] }),
    ],
    found: ['dead-end 4.1.0'],
  },
];

const floors: readonly Case[] = [
  {
    name: 'a floor that everybody stops at',
    releases: [lintRelease('4.1.0'), lintRelease('4.2.0', floor), lintRelease('4.3.0')],
    found: [],
  },
  {
    name: 'the oldest release as floor',
    releases: [lintRelease('4.1.0', { ...floor, ...from() }), lintRelease('4.2.0')],
    found: [],
  },
  {
    name: 'a floor that no step leads to',
    releases: [lintRelease('4.1.0'), lintRelease('4.3.0', floor), lintRelease('4.4.0')],
    found: ['dead-end 4.1.0', 'floor-unreachable 4.3.0', 'unreachable 4.4.0'],
  },
  {
    name: 'a floor for new installations only',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', { ...floor, ...from() }),
      lintRelease('4.3.0', from('4.2.0')),
    ],
    found: ['dead-end 4.1.0', 'floor-unreachable 4.2.0'],
  },
  {
    name: 'a recalled floor',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', { ...floor, ...recalled }),
      lintRelease('4.3.0', from('4.1.0', '4.2.0')),
    ],
    found: ['dead-end 4.1.0', 'floor-unreachable 4.2.0', 'edge-passes-floor 4.3.0 4.2.0', 'unreachable 4.3.0'],
  },
  {
    name: 'a recalled floor with another in its place',
    releases: [
      lintRelease('4.1.0'),
      lintRelease('4.2.0', { ...floor, ...recalled }),
      lintRelease('4.2.1', { ...floor, ...from('4.1.0', '4.2.0') }),
      lintRelease('4.3.0'),
    ],
    found: [],
  },
  {
    name: 'a recalled floor before which there is nobody else to strand yet',
    releases: [lintRelease('4.1.0'), lintRelease('4.2.0', { ...floor, ...recalled })],
    found: [],
  },
  {
    name: 'a floor outside a channel that the others of it lie behind',
    releases: [
      lintRelease('4.1.0', { channels: ['stable', 'candidate'] }),
      lintRelease('4.2.0', { ...floor, channels: ['candidate'] }),
      lintRelease('4.3.0', { channels: ['stable', 'candidate'] }),
    ],
    found: ['dead-end 4.1.0', 'floor-unreachable 4.2.0'],
  },
];

const hops: readonly Case[] = [
  {
    name: 'Kubernetes one minor at a time',
    releases: [lintRelease('4.1.0', { kubernetes: '1.26.8' }), lintRelease('4.2.0', { kubernetes: '1.27.1' })],
    found: [],
  },
  {
    name: 'Kubernetes skips a minor, from two releases alike',
    releases: [
      lintRelease('4.1.0', { kubernetes: '1.26.8' }),
      lintRelease('4.1.1', { kubernetes: '1.26.8' }),
      lintRelease('4.2.0', { kubernetes: '1.28.0', ...from('4.1.x') }),
    ],
    found: ['kubernetes-skips-minor 4.2.0 4.1.0 4.1.1'],
  },
  {
    name: 'Kubernetes may skip one where no edge is',
    releases: [
      lintRelease('4.1.0', { kubernetes: '1.26.8' }),
      lintRelease('4.2.0', { kubernetes: '1.27.8' }),
      lintRelease('4.3.0', { kubernetes: '1.28.0' }),
    ],
    found: [],
  },
  {
    name: 'Kubernetes goes down',
    releases: [lintRelease('4.1.0', { kubernetes: '1.27.8' }), lintRelease('4.2.0', { kubernetes: '1.27.1' })],
    found: ['kubernetes-goes-down 4.2.0 4.1.0'],
  },
  {
    name: 'the agent moves first, onto a Kubernetes it does not know',
    releases: [
      lintRelease('4.1.0', { kubernetes: '1.26.8' }),
      lintRelease('4.2.0', {
        kubernetes: '1.27.1',
        agent: { version: '4.2.0', kubernetes: { min: '1.27.0', max: '1.30.0' } },
      }),
      lintRelease('4.3.0', {
        kubernetes: '1.27.1',
        agent: { version: '4.3.0', kubernetes: { min: '1.20.0', max: '1.27.0' } },
      }),
    ],
    found: ['kubernetes-outside-agent 4.2.0 4.1.0', 'kubernetes-outside-agent 4.3.0 4.2.0'],
  },
  {
    name: 'the agent at both ends of its range',
    releases: [
      lintRelease('4.1.0', { kubernetes: '1.26.8' }),
      lintRelease('4.2.0', {
        kubernetes: '1.26.8',
        agent: { version: '4.2.0', kubernetes: { min: '1.26.8', max: '1.26.8' } },
      }),
    ],
    found: [],
  },
  {
    name: 'a provider that has ended, and an older agent',
    releases: [
      lintRelease('4.1.0', { kubernetes: '1.26.8' }),
      lintRelease('4.2.0', { agent: { version: '4.0.9', kubernetes: { min: '1.20.0', max: '1.40.0' } } }),
    ],
    found: ['agent-goes-back 4.2.0 4.1.0', 'provider-missing 4.2.0 4.1.0'],
  },
  {
    name: 'Kubernetes that nobody knows is not judged',
    releases: [
      lintRelease('4.1.0', { profiles: { maas: { version: '1.0.0', digest: 'a' } } }),
      lintRelease('4.2.0', { profiles: { maas: { version: '1.0.0', digest: 'b', kubernetes: '1.30.0' } } }),
    ],
    found: [],
  },
];

describe.each([
  ['paths', paths],
  ['floors', floors],
  ['hops', hops],
])('%s', (_title, cases) => {
  test.each(cases)('$name', (each) => {
    expect(found(each.releases)).toEqual(each.found);
  });
});

test('of the published table it finds the patches that lead nowhere, and nothing else', () => {
  const rows = published.upgradePaths.filter((row) => row.supported);
  const versions = [...new Set(rows.flatMap((row) => [row.from, row.to]))];
  const kubernetes = new Map(published.kubernetesPerPlatformVersion.map((row) => [row.platform, row.kubernetes]));
  const releases = versions.map((version) =>
    lintRelease(version, {
      upgradeFrom: rows.filter((row) => row.to === version).map((row) => row.from),
      kubernetes: kubernetes.get(version) ?? '',
      ...(kubernetes.has(version) ? {} : { profiles: {} }),
    }),
  );
  expect(found(releases).filter((each) => !each.startsWith('provider-missing'))).toEqual([
    'dead-end 4.1.13',
    'dead-end 4.4.23',
  ]);
});
