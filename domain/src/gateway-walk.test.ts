import { describe, expect, test } from 'vitest';
import { type WalkGateway, walksOver } from './gateway-walk.ts';
import { kubernetes, platform } from './testing/facts.ts';
import { ownersWalker, type SmallMap, type SmallRelease, walker, walkMap } from './testing/walk-map.ts';

/** Each with the next minor of Kubernetes. */
const line: readonly SmallRelease[] = [
  { version: '3.4.2', kubernetes: '1.25.4' },
  { version: '4.0.3', kubernetes: '1.26.1' },
  { version: '4.1.9', kubernetes: '1.27.6' },
  { version: '4.2.7', kubernetes: '1.28.2' },
];
const steps = [
  ['3.4.2', '4.0.3'],
  ['4.0.3', '4.1.9'],
  ['4.1.9', '4.2.7'],
] as const;

const without = (...versions: readonly string[]) => line.filter(({ version }) => !versions.includes(version));
const changed = (version: string, more: Partial<SmallRelease>): readonly SmallRelease[] =>
  line.map((release) => (release.version === version ? { ...release, ...more } : release));

function walk(gateway: WalkGateway, releases: readonly SmallRelease[] = line, more: SmallMap = { taken: steps }) {
  return walksOver(walkMap(releases, more))(gateway);
}

/** `from → stop → stop`, each stop with what it brings: `a` an agent, `p` a profile. */
function told(gateway: WalkGateway, releases?: readonly SmallRelease[], more?: SmallMap): string {
  const decision = walk(gateway, releases, more);
  switch (decision.kind) {
    case 'walk':
      return [
        decision.from,
        ...decision.stops.map(
          ({ release, bringsAgent, bringsProfile }) => `${release}${bringsAgent ? 'a' : ''}${bringsProfile ? 'p' : ''}`,
        ),
      ].join(' ');
    case 'hold':
      return `hold ${decision.from}: ${decision.reasons.map(({ code }) => code).join(' ')}`;
    case 'arrived':
    case 'beyond':
      return decision.kind;
  }
}

const away = walker('3.4.2', { kubernetes: '1.25.4' });

describe('the way of a gateway', () => {
  test.each<{ name: string; gateway: WalkGateway; releases?: readonly SmallRelease[]; map?: SmallMap; way: string }>([
    {
      name: 'on the platform version there is none',
      gateway: walker('4.2.7', { kubernetes: '1.28.2' }),
      way: 'arrived',
    },
    {
      name: 'one step behind it is that step',
      gateway: walker('4.1.9', { kubernetes: '1.27.6' }),
      way: '4.1.9 4.2.7ap',
    },
    { name: 'away for three, it takes each of them', gateway: away, way: '3.4.2 4.0.3ap 4.1.9ap 4.2.7ap' },
    {
      name: 'with the next agent already, its profile follows there first',
      gateway: walker('4.0.3', { profileOf: '3.4.2', kubernetes: '1.25.4' }),
      way: '3.4.2 4.0.3p 4.1.9ap 4.2.7ap',
    },
    {
      name: 'with an agent that ran ahead, the profile alone takes the steps',
      gateway: walker('4.2.7', { profileOf: '3.4.2', kubernetes: '1.25.4' }),
      way: '3.4.2 4.0.3p 4.1.9p 4.2.7p',
    },
    {
      name: 'on an existing cluster only the agent walks',
      gateway: ownersWalker('3.4.2', { kubernetes: '1.25.4' }),
      way: '3.4.2 4.0.3a 4.1.9a 4.2.7a',
    },
    {
      name: 'a stop with the same agent and the same profile is none',
      gateway: away,
      releases: changed('4.0.3', { kubernetes: '1.25.4', agentOf: '3.4.2', profileOf: '3.4.2' })
        .map((release) => (release.version === '4.1.9' ? { ...release, kubernetes: '1.26.3' } : release))
        .map((release) => (release.version === '4.2.7' ? { ...release, kubernetes: '1.27.3' } : release)),
      way: '4.0.3 4.1.9ap 4.2.7ap',
    },
    {
      name: 'a stop with the same profile brings only its agent',
      gateway: away,
      releases: [
        ...line.slice(0, 1),
        { version: '4.0.3', kubernetes: '1.25.4', profileOf: '3.4.2' },
        { version: '4.1.9', kubernetes: '1.26.3' },
        { version: '4.2.7', kubernetes: '1.27.3' },
      ],
      way: '3.4.2 4.0.3a 4.1.9ap 4.2.7ap',
    },
    {
      name: 'a stop that a supported step leaves out is left out',
      gateway: walker('4.0.3', { kubernetes: '1.26.1' }),
      releases: [...line.slice(0, 2), { version: '4.1.8', kubernetes: '1.27.1' }, ...line.slice(2)],
      map: {
        taken: [
          ['3.4.2', '4.0.3'],
          ['4.0.3', '4.1.8'],
          ['4.1.8', '4.1.9'],
          ['4.1.9', '4.2.7'],
        ],
      },
      way: '4.0.3 4.1.9ap 4.2.7ap',
    },
    {
      name: 'where Kubernetes would skip a minor the stop between is made',
      gateway: walker('4.0.3', { kubernetes: '1.26.1' }),
      releases: changed('4.2.7', { upgradeFrom: ['4.0.3', '4.1.9'] }),
      way: '4.0.3 4.1.9ap 4.2.7ap',
    },
    {
      name: 'and left out on an existing cluster, where it is the owner who moves Kubernetes',
      gateway: ownersWalker('4.0.3', { kubernetes: '1.26.1' }),
      releases: changed('4.2.7', { upgradeFrom: ['4.0.3', '4.1.9'] }),
      way: '4.0.3 4.2.7a',
    },
    {
      name: 'a recalled release is gone around',
      gateway: walker('4.0.3', { kubernetes: '1.26.1' }),
      releases: [
        ...changed('4.1.9', { isRecalled: true }).slice(0, 3),
        { version: '4.1.10', kubernetes: '1.27.7' },
        ...line.slice(3),
      ],
      way: '4.0.3 4.1.10ap 4.2.7ap',
    },
    {
      name: 'whoever is on a recalled release leaves it',
      gateway: walker('4.1.9', { kubernetes: '1.27.6' }),
      releases: changed('4.1.9', { isRecalled: true }),
      way: '4.1.9 4.2.7ap',
    },
    {
      name: 'stops that the platform made come before others',
      gateway: walker('4.0.3', { kubernetes: '1.26.1' }),
      releases: [
        ...line.slice(0, 3),
        { version: '4.1.12', kubernetes: '1.27.9' },
        ...changed('4.2.7', { upgradeFrom: ['4.1.x'] }).slice(3),
      ],
      map: { taken: steps },
      way: '4.0.3 4.1.9ap 4.2.7ap',
    },
    {
      name: 'a step that the platform took stays one, although a newer patch came',
      gateway: walker('4.0.3', { kubernetes: '1.26.1' }),
      releases: [...line.slice(0, 2), { version: '4.0.4', kubernetes: '1.26.2' }, ...line.slice(2)],
      way: '4.0.3 4.1.9ap 4.2.7ap',
    },
    {
      name: 'an agent of no known release is taken for what it says it is',
      gateway: { ...away, agent: { ...away.agent, digest: 'sha256:other' } },
      releases: without('3.4.2'),
      way: '3.4.2 4.0.3ap 4.1.9ap 4.2.7ap',
    },
    {
      name: 'the same version of another digest is brought what the release has',
      gateway: {
        ...ownersWalker('4.2.7', { kubernetes: '1.28.2' }),
        agent: { version: platform('4.2.7'), digest: 'sha256:own' },
      },
      way: '4.2.7 4.2.7a',
    },
    {
      name: 'before the first profile is there only the agent counts',
      gateway: (({ profile: _none, ...rest }) => rest)(away),
      way: '3.4.2 4.0.3a 4.1.9a 4.2.7a',
    },
    {
      name: 'an agent that is newer than the platform has nowhere to walk',
      gateway: ownersWalker('4.2.7', { kubernetes: '1.28.2' }),
      map: { platform: '4.1.9', taken: steps.slice(0, 2) },
      way: 'beyond',
    },
    {
      name: 'an owner’s Kubernetes that an agent does not support yet is waited for at that stop',
      gateway: ownersWalker('3.4.2', { kubernetes: '1.25.4' }),
      releases: changed('4.1.9', { range: ['1.26', '1.28'] }),
      way: '3.4.2 4.0.3a 4.1.9a 4.2.7a',
    },
    {
      name: 'or gone around where there is a way',
      gateway: ownersWalker('4.0.3', { kubernetes: '1.25.4' }),
      releases: [...changed('4.1.9', { range: ['1.26', '1.28'] }).slice(0, 3), { version: '4.1.10' }, ...line.slice(3)],
      way: '4.0.3 4.1.10a 4.2.7a',
    },
    {
      name: 'a gateway’s own Kubernetes outside the range of the next agent is held there, and not before',
      gateway: walker('4.1.9', { kubernetes: '1.24.2' }),
      releases: changed('4.2.7', { range: ['1.27', '1.30'] }),
      way: '4.1.9 4.2.7ap',
    },
    {
      name: 'the Kubernetes of the gateway is unknown: its profile says it',
      gateway: { ...away, kubernetes: 'unknown' },
      way: '3.4.2 4.0.3ap 4.1.9ap 4.2.7ap',
    },
  ])('$name', ({ gateway, releases, map, way }) => expect(told(gateway, releases, map)).toBe(way));

  test('the first stop is what the gateway is brought to next', () => {
    expect(walk(away)).toMatchObject({ next: { platformVersion: '4.0.3', agent: { version: '4.0.3' } } });
  });

  test('an agent that ran ahead is kept, and its release named', () => {
    expect(walk(walker('4.2.7', { profileOf: '3.4.2', kubernetes: '1.25.4' }))).toMatchObject({
      next: {
        platformVersion: '4.0.3',
        agentRelease: '4.2.7',
        agent: { version: '4.2.7' },
        profile: { version: '4.0.3' },
      },
    });
  });
});

describe('where there is no way', () => {
  const risk = { name: 'slow-disk', message: 'It is slow.', appliesTo: [{ provider: ['vsphere'] }] };
  test.each<{ name: string; gateway?: WalkGateway; releases: readonly SmallRelease[]; map?: SmallMap; way: string }>([
    {
      name: 'a release in between was never imported',
      releases: without('4.0.3'),
      way: 'hold 3.4.2: no-way-to-platform-version no-supported-step no-supported-step',
    },
    {
      name: 'the only one in between was recalled',
      releases: changed('4.1.9', { isRecalled: true }),
      map: {},
      gateway: walker('4.0.3', { kubernetes: '1.26.1' }),
      way: 'hold 4.0.3: no-way-to-platform-version no-supported-step release-recalled',
    },
    {
      name: 'Kubernetes would skip a minor',
      releases: changed('4.1.9', { kubernetes: '1.28.0' }),
      way: 'hold 3.4.2: no-way-to-platform-version no-supported-step kubernetes-skips-minor',
    },
    {
      name: 'an agent does not support the Kubernetes that its own profile brings',
      releases: changed('4.2.7', { range: ['1.20', '1.27'] }),
      way: 'hold 3.4.2: no-way-to-platform-version kubernetes-outside-range',
    },
    {
      name: 'an agent does not support the Kubernetes of the stop before',
      releases: changed('4.2.7', { range: ['1.28', '1.40'] }),
      way: 'hold 3.4.2: no-way-to-platform-version kubernetes-outside-range',
    },
    {
      name: 'a profile needs an agent that its release does not have',
      releases: changed('4.2.7', { profileNeedsAgent: '4.3.0' }),
      way: 'hold 3.4.2: no-way-to-platform-version agent-not-accepted',
    },
    {
      name: 'a floor cannot be stopped at',
      gateway: ownersWalker('4.0.3', { kubernetes: '1.26.1' }),
      releases: [...line.slice(0, 3), { version: '4.1.10', upgradeFrom: [], isFloor: true }, ...line.slice(3)],
      map: { taken: steps },
      way: 'hold 4.0.3: no-way-to-platform-version floor-skipped new-installations',
    },
    {
      name: 'a risk that nobody accepted is on a step that the platform did not take',
      releases: changed('4.1.9', { risks: [risk] }),
      map: { taken: [] },
      way: 'hold 3.4.2: no-way-to-platform-version no-supported-step risk-not-accepted',
    },
  ])('$name', ({ gateway = away, releases, map, way }) => {
    expect(told(gateway, releases, map)).toBe(way.replace('new-installations', 'no-supported-step'));
  });

  test('a risk on a step that the platform took, and one that was accepted by name, is in nobody’s way', () => {
    const risky = changed('4.1.9', { risks: [risk] });
    expect(told(away, risky, { taken: steps })).toContain('4.1.9ap');
    expect(told(away, risky, { taken: [], acceptedRisks: ['slow-disk'] })).toContain('4.1.9ap');
    expect(told(away, changed('4.1.9', { risks: [{ ...risk, appliesTo: [{ provider: ['maas'] }] }] }), {})).toContain(
      '4.1.9ap',
    );
  });

  test('it says how far it could be brought, what stands before the end, and what to do', () => {
    const decision = walk(away, changed('4.1.9', { kubernetes: '1.28.0' }));
    expect(decision).toMatchObject({
      reasons: [
        {
          message:
            "No supported way leads the gateway site-b from 3.4.2 to 4.2.7, the platform's version; it could be brought to 4.0.3 at most, and stays as it is.",
          nextStep: expect.stringContaining('gatehouse release import'),
        },
        { message: 'By the rule of thumb no step leads from 4.0.3 to 4.2.7.' },
        {
          message: `On the way to 4.1.9: Kubernetes would go from ${kubernetes('1.26.1')} to 1.28.0; it moves one minor at a time.`,
        },
      ],
    });
  });
});
