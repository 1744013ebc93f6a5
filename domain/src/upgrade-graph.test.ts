import { describe, expect, test } from 'vitest';
import { platform } from './testing/facts.ts';
import { graphRelease, graphReleases, risk } from './testing/upgrade-releases.ts';
import { buildUpgradeGraph, type GraphRelease, patternMatches, stepBetween } from './upgrade-graph.ts';

interface Case {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly releases: readonly GraphRelease[];
  readonly channel?: string;
  readonly kept?: readonly (readonly [string, string])[];
  /** The basis of the step, or the codes it is refused with. */
  readonly outcome: string | readonly string[];
}

const recalled = { recalled: { reason: 'It loses data.' } };
const floor = { floor: { reason: 'It moves the database.' } };
const candidate = { channels: ['candidate'] };
const known = graphReleases;
const only = (version: string, more: Partial<GraphRelease>) => [graphRelease(version, more)];

const edges: readonly Case[] = [
  {
    name: 'an edge names the version',
    from: '4.1.12',
    to: '4.2.7',
    releases: only('4.2.7', { upgradeFrom: ['4.1.12'] }),
    outcome: 'edge',
  },
  {
    name: 'an edge names the minor',
    from: '4.1.12',
    to: '4.2.7',
    releases: only('4.2.7', { upgradeFrom: ['4.1.x'] }),
    outcome: 'edge',
  },
  {
    name: 'an edge names the major, and leads to the next',
    from: '4.1.12',
    to: '5.3.1',
    releases: only('5.3.1', { upgradeFrom: ['4.x'] }),
    outcome: 'edge',
  },
  {
    name: 'edges alone count, even against the rule of thumb',
    from: '4.1.12',
    to: '4.1.13',
    releases: only('4.1.13', { upgradeFrom: ['4.1.11'] }),
    outcome: ['no-supported-step'],
  },
  {
    name: 'edges may skip what the rule of thumb would not',
    from: '4.1.3',
    to: '4.3.0',
    releases: [...known('4.1.3', '4.1.12', '4.2.7'), graphRelease('4.3.0', { upgradeFrom: ['4.1.3'] })],
    outcome: 'edge',
  },
  {
    name: 'no edge at all: new installations only',
    from: '4.1.12',
    to: '4.1.13',
    releases: only('4.1.13', { upgradeFrom: [] }),
    outcome: ['new-installations-only'],
  },
  {
    name: 'the same version is none',
    from: '4.1.12',
    to: '4.1.12',
    releases: known('4.1.12'),
    outcome: ['same-version'],
  },
  { name: 'never back', from: '4.2.7', to: '4.1.12', releases: known('4.1.12', '4.2.7'), outcome: ['downgrade'] },
  {
    name: 'never back, not even along an edge',
    from: '4.2.7',
    to: '4.1.12',
    releases: only('4.1.12', { upgradeFrom: ['4.2.7'] }),
    outcome: ['downgrade'],
  },
  {
    name: 'what was not imported is unknown',
    from: '4.1.12',
    to: '4.2.7',
    releases: known('4.1.12'),
    outcome: ['release-unknown'],
  },
];

const thumb: readonly Case[] = [
  {
    name: 'a later patch is always a step',
    from: '4.1.3',
    to: '4.1.12',
    releases: known('4.1.3', '4.1.4', '4.1.12'),
    outcome: 'rule-of-thumb',
  },
  {
    name: 'the latest patch reaches any patch of the next minor',
    from: '4.1.12',
    to: '4.2.3',
    releases: known('4.1.12', '4.2.3', '4.2.7'),
    outcome: 'rule-of-thumb',
  },
  {
    name: 'an older patch does not',
    from: '4.1.11',
    to: '4.2.3',
    releases: known('4.1.11', '4.1.12', '4.2.3'),
    outcome: ['no-supported-step'],
  },
  {
    name: 'also not when the later patch is for new installations only: it is known',
    from: '4.1.11',
    to: '4.2.3',
    releases: [...known('4.1.11', '4.2.3'), graphRelease('4.1.12', { upgradeFrom: [] })],
    outcome: ['no-supported-step'],
  },
  {
    name: 'patches are numbers, not text',
    from: '4.1.9',
    to: '4.2.0',
    releases: known('4.1.9', '4.1.10', '4.2.0'),
    outcome: ['no-supported-step'],
  },
  {
    name: 'no minor is skipped',
    from: '4.1.12',
    to: '4.3.0',
    releases: known('4.1.12', '4.2.7', '4.3.0'),
    outcome: ['no-supported-step'],
  },
  {
    name: 'a minor that nobody knows is skipped no more than others',
    from: '4.1.12',
    to: '4.3.0',
    releases: known('4.1.12', '4.3.0'),
    outcome: ['no-supported-step'],
  },
  {
    name: 'the latest of the latest minor reaches any patch of the next major',
    from: '4.9.2',
    to: '5.0.4',
    releases: known('4.8.1', '4.9.2', '5.0.1', '5.0.4', '5.0.6'),
    outcome: 'rule-of-thumb',
  },
  {
    name: 'an older patch of the latest minor does not',
    from: '4.9.1',
    to: '5.0.4',
    releases: known('4.9.1', '4.9.2', '5.0.4'),
    outcome: ['no-supported-step'],
  },
  {
    name: 'the latest patch of an earlier minor does not',
    from: '4.8.1',
    to: '5.0.4',
    releases: known('4.8.1', '4.9.2', '5.0.4'),
    outcome: ['no-supported-step'],
  },
  {
    name: 'the second minor of the next major is too far',
    from: '4.9.2',
    to: '5.1.0',
    releases: known('4.9.2', '5.1.0'),
    outcome: ['no-supported-step'],
  },
  {
    name: 'two majors are too far',
    from: '4.9.2',
    to: '6.0.0',
    releases: known('4.9.2', '6.0.0'),
    outcome: ['no-supported-step'],
  },
  {
    name: 'a version that was never imported may begin one',
    from: '4.1.13',
    to: '4.2.3',
    releases: known('4.1.12', '4.2.3'),
    outcome: 'rule-of-thumb',
  },
  {
    name: 'a recalled patch is no longer the latest known one',
    from: '4.1.11',
    to: '4.2.3',
    releases: [...known('4.1.11', '4.2.3'), graphRelease('4.1.12', recalled)],
    outcome: 'rule-of-thumb',
  },
  {
    name: 'nor is one of another channel',
    from: '4.1.11',
    to: '4.2.3',
    channel: 'stable',
    releases: [...known('4.1.11', '4.2.3'), graphRelease('4.1.12', candidate)],
    outcome: 'rule-of-thumb',
  },
  {
    name: 'a recalled one may be left for the next minor',
    from: '4.1.12',
    to: '4.2.3',
    releases: [...known('4.1.11', '4.2.3'), graphRelease('4.1.12', recalled)],
    outcome: 'rule-of-thumb',
  },
];

const keptEdges: readonly Case[] = [
  {
    name: 'a plan that has started keeps its edge when a newer patch appears',
    from: '4.1.12',
    to: '4.2.3',
    releases: known('4.1.12', '4.1.13', '4.2.3'),
    kept: [['4.1.12', '4.2.3']],
    outcome: 'rule-of-thumb',
  },
  {
    name: 'and that edge alone',
    from: '4.1.12',
    to: '4.2.4',
    releases: known('4.1.12', '4.1.13', '4.2.3', '4.2.4'),
    kept: [['4.1.12', '4.2.3']],
    outcome: ['no-supported-step'],
  },
  {
    name: 'a kept edge makes none where the release names its own',
    from: '4.1.12',
    to: '4.2.3',
    releases: only('4.2.3', { upgradeFrom: ['4.1.13'] }),
    kept: [['4.1.12', '4.2.3']],
    outcome: ['no-supported-step'],
  },
  {
    name: 'a kept edge does not lead back',
    from: '4.2.3',
    to: '4.1.12',
    releases: known('4.1.12', '4.2.3'),
    kept: [['4.2.3', '4.1.12']],
    outcome: ['downgrade'],
  },
  {
    name: 'a kept edge does not lead to what was recalled since',
    from: '4.1.12',
    to: '4.2.3',
    releases: [...known('4.1.12', '4.1.13'), graphRelease('4.2.3', recalled)],
    kept: [['4.1.12', '4.2.3']],
    outcome: ['release-recalled'],
  },
  {
    name: 'a kept edge does not pass a floor that has appeared since',
    from: '4.1.12',
    to: '4.2.3',
    releases: [...known('4.1.12', '4.2.3'), graphRelease('4.1.13', floor)],
    kept: [['4.1.12', '4.2.3']],
    outcome: ['floor-skipped'],
  },
];

const bars: readonly Case[] = [
  {
    name: 'an edge does not pass a floor',
    from: '4.1.12',
    to: '4.3.0',
    releases: [graphRelease('4.2.7', floor), graphRelease('4.3.0', { upgradeFrom: ['4.1.x'] })],
    outcome: ['floor-skipped'],
  },
  {
    name: 'nor two, and says each',
    from: '4.1.12',
    to: '4.4.0',
    releases: [
      graphRelease('4.2.7', floor),
      graphRelease('4.3.0', floor),
      graphRelease('4.4.0', { upgradeFrom: ['4.1.x'] }),
    ],
    outcome: ['floor-skipped', 'floor-skipped'],
  },
  {
    name: 'one may go to a floor',
    from: '4.1.12',
    to: '4.2.7',
    releases: only('4.2.7', { ...floor, upgradeFrom: ['4.1.x'] }),
    outcome: 'edge',
  },
  {
    name: 'and on from it',
    from: '4.2.7',
    to: '4.3.0',
    releases: [graphRelease('4.2.7', floor), graphRelease('4.3.0', { upgradeFrom: ['4.2.7'] })],
    outcome: 'edge',
  },
  {
    name: 'a floor outside the channel is not passed either',
    from: '4.1.12',
    to: '4.3.0',
    channel: 'stable',
    releases: [graphRelease('4.2.7', { ...floor, ...candidate }), graphRelease('4.3.0', { upgradeFrom: ['4.1.x'] })],
    outcome: ['floor-skipped'],
  },
  {
    name: 'a recalled floor is not passed',
    from: '4.1.12',
    to: '4.3.0',
    releases: [graphRelease('4.2.7', { ...floor, ...recalled }), graphRelease('4.3.0', { upgradeFrom: ['4.1.x'] })],
    outcome: ['floor-skipped'],
  },
  {
    name: 'nor does another recalled floor take its place',
    from: '4.1.12',
    to: '4.3.0',
    releases: [
      graphRelease('4.2.7', { ...floor, ...recalled }),
      graphRelease('4.2.8', { ...floor, ...recalled }),
      graphRelease('4.3.0', { upgradeFrom: ['4.1.x'] }),
    ],
    outcome: ['floor-skipped', 'floor-skipped'],
  },
  {
    name: 'but for a later floor of the same minor, which takes its place',
    from: '4.1.12',
    to: '4.2.8',
    releases: [
      graphRelease('4.2.7', { ...floor, ...recalled }),
      graphRelease('4.2.8', { ...floor, upgradeFrom: ['4.1.x'] }),
    ],
    outcome: 'edge',
  },
  {
    name: 'not for a floor of the next minor',
    from: '4.1.12',
    to: '4.3.0',
    releases: [
      graphRelease('4.2.7', { ...floor, ...recalled }),
      graphRelease('4.3.0', { ...floor, upgradeFrom: ['4.1.x'] }),
    ],
    outcome: ['floor-skipped'],
  },
  {
    name: 'an offered floor is passed for no other floor',
    from: '4.1.12',
    to: '4.2.8',
    releases: [graphRelease('4.2.7', floor), graphRelease('4.2.8', { ...floor, upgradeFrom: ['4.1.x'] })],
    outcome: ['floor-skipped'],
  },
  {
    name: 'a recalled release is no target',
    from: '4.1.12',
    to: '4.2.7',
    releases: only('4.2.7', { ...recalled, upgradeFrom: ['4.1.x'] }),
    outcome: ['release-recalled'],
  },
  {
    name: 'a release of another channel is none',
    from: '4.1.12',
    to: '4.2.7',
    channel: 'stable',
    releases: only('4.2.7', { ...candidate, upgradeFrom: ['4.1.x'] }),
    outcome: ['not-in-channel'],
  },
  {
    name: 'without a channel every release is',
    from: '4.1.12',
    to: '4.2.7',
    releases: only('4.2.7', { channels: [], upgradeFrom: ['4.1.x'] }),
    outcome: 'edge',
  },
  {
    name: 'everything at once',
    from: '4.1.12',
    to: '4.3.0',
    channel: 'stable',
    releases: [
      graphRelease('4.2.7', floor),
      graphRelease('4.3.0', { ...recalled, ...candidate, upgradeFrom: ['4.2.x'] }),
    ],
    outcome: ['release-recalled', 'not-in-channel', 'no-supported-step', 'floor-skipped'],
  },
];

describe.each([
  ['by the edges of a release', edges],
  ['by the rule of thumb', thumb],
  ['by a kept edge', keptEdges],
  ['barred', bars],
])('one step %s', (_title, cases) => {
  test.each(cases)('$name', ({ from, to, releases, channel, kept, outcome }) => {
    const graph = buildUpgradeGraph(releases, {
      channel,
      keptEdges: kept?.map((edge) => ({ from: platform(edge[0]), to: platform(edge[1]) })),
    });
    const step = stepBetween(graph, platform(from), platform(to));
    expect(step.kind === 'step' ? step.basis : step.reasons.map(({ code }) => code)).toEqual(outcome);
  });
});

describe('a refusal says', () => {
  test('what the next step may be instead', () => {
    const graph = buildUpgradeGraph(graphReleases('4.1.12', '4.2.3', '4.2.7', '4.3.0'));
    expect(stepBetween(graph, platform('4.1.12'), platform('4.3.0'))).toEqual({
      kind: 'refused',
      reasons: [
        {
          code: 'no-supported-step',
          message:
            '4.3.0 names no versions it may be upgraded from, and by the rule of thumb 4.1.12 is not one of them.',
          nextStep: 'From 4.1.12 the next step may be 4.2.3, 4.2.7.',
        },
      ],
    });
  });
  test('that there is no next step', () => {
    const graph = buildUpgradeGraph([graphRelease('4.3.0', { upgradeFrom: ['4.2.x'] })]);
    expect(stepBetween(graph, platform('4.1.12'), platform('4.3.0'))).toMatchObject({
      reasons: [{ nextStep: 'Import a release that may be upgraded from 4.1.12.' }],
    });
  });
  test('the newest ten next steps, and how many more there are', () => {
    const graph = buildUpgradeGraph([
      ...Array.from({ length: 13 }, (_, patch) => graphRelease(`4.1.${patch}`)),
      graphRelease('4.3.0'),
    ]);
    expect(stepBetween(graph, platform('4.1.0'), platform('4.3.0'))).toMatchObject({
      reasons: [{ nextStep: expect.stringMatching(/ 4\.1\.3, .* 4\.1\.12, or one of 2 older ones\.$/) }],
    });
  });
  test('why there is a floor, and why one was recalled', () => {
    const graph = buildUpgradeGraph([
      graphRelease('4.2.7', floor),
      graphRelease('4.3.0', { ...recalled, upgradeFrom: ['4.1.x'] }),
    ]);
    const step = stepBetween(graph, platform('4.1.12'), platform('4.3.0'));
    expect(step.kind === 'refused' && step.reasons.map(({ message }) => message)).toEqual([
      '4.3.0 was recalled: It loses data.',
      'Nobody passes 4.2.7 without stopping at it: It moves the database.',
    ]);
  });
});

test('a step brings the risks of its edge alone, and any whose edges it cannot read', () => {
  const graph = buildUpgradeGraph([
    graphRelease('4.2.7', {
      upgradeFrom: ['4.x'],
      risks: [
        risk('always'),
        risk('from-old', { from: ['4.1.11', '4.0.x'] }),
        risk('from-new', { from: ['4.1.12'] }),
        risk('unreadable', { from: ['>=9.0'] }),
      ],
    }),
  ]);
  const names = (from: string) => {
    const step = stepBetween(graph, platform(from), platform('4.2.7'));
    return step.kind === 'step' && step.risks.map(({ name }) => name);
  };
  expect(names('4.1.12')).toEqual(['always', 'from-new', 'unreadable']);
  expect(names('4.1.11')).toEqual(['always', 'from-old', 'unreadable']);
  expect(names('4.0.3')).toEqual(['always', 'from-old', 'unreadable']);
  expect(names('4.1.1')).toEqual(['always', 'unreadable']);
});

test.each([
  ['4.1.12', true],
  ['4.1.x', true],
  ['4.x', true],
  ['4.x.x', true],
  ['4.1', false],
  ['4.1.1', false],
  ['4.2.x', false],
  ['5.x', false],
  ['x', false],
  ['*', false],
  ['4.1.X', false],
  ['4.1.12.x', false],
])('the pattern %s matches 4.1.12: %s', (pattern, matches) => {
  expect(patternMatches(pattern, platform('4.1.12'))).toBe(matches);
});

test('two releases of one version are a fault of the caller', () => {
  expect(() => buildUpgradeGraph(graphReleases('4.1.1', '4.1.1'))).toThrow('same version');
});
