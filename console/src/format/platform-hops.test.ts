import type { Release } from '@gatehouse/contract/operator-types';
import { describe, expect, it } from 'vitest';
import { hopState, isUnderWay, releasesAhead } from './platform-hops.ts';

const hop = (number: number, takenAt?: string) => ({
  number,
  from: '4.1.12',
  to: '4.2.7',
  basis: 'edge' as const,
  ...(takenAt === undefined ? {} : { takenAt }),
});

describe('a hop', () => {
  it.each([
    ['is taken once it was, whatever became of the plan', hop(1, '2026-07-01T09:00:00Z'), 'cancelled', 2, 'taken'],
    ['is held when it comes next and the plan is', hop(2), 'held', 2, 'held'],
    ['comes next when nothing holds it', hop(2), 'moving', 2, 'next'],
    ['is still to come after that', hop(3), 'held', 2, 'later'],
    ['is left where the plan ended before it', hop(2), 'cancelled', undefined, 'left'],
    ['is left where another plan took its place', hop(2), 'superseded', undefined, 'left'],
  ] as const)('%s', (_name, one, state, nextHop, becomes) => {
    expect(hopState(one, { state, ...(nextHop === undefined ? {} : { nextHop }) })).toBe(becomes);
  });
});

describe('the releases ahead', () => {
  const releases = (platform: string | undefined): readonly Release[] =>
    ['4.1.12', '4.2.7', '4.3.1'].map((version) => ({
      version,
      publishedAt: '2026-07-01T09:00:00Z',
      channels: [],
      agentVersion: version,
      agentDigest: '',
      profiles: {},
      notes: '',
      isPlatformVersion: version === platform,
    }));
  it.each([
    ['4.1.12', ['4.3.1', '4.2.7']],
    ['4.3.1', []],
    [undefined, ['4.3.1', '4.2.7', '4.1.12']],
  ])('of %s are %o', (platform, ahead) => {
    expect(releasesAhead(releases(platform)).map(({ version }) => version)).toEqual(ahead);
  });
});

it('a plan is under way while it moves or waits', () => {
  const states = ['held', 'moving', 'done', 'cancelled', 'superseded'] as const;
  expect(states.filter((state) => isUnderWay({ state }))).toEqual(['held', 'moving']);
});
