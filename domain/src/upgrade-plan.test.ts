import { describe, expect, test } from 'vitest';
import { kubernetes, platform } from './testing/facts.ts';
import { graphRelease, graphReleases, risk, riskGateway } from './testing/upgrade-releases.ts';
import { buildUpgradeGraph, type GraphRelease } from './upgrade-graph.ts';
import { planUpgrade, type UpgradePlan } from './upgrade-plan.ts';
import type { RiskGateway, RiskTests, UpgradeRisk } from './upgrade-risk.ts';

interface Ask {
  readonly from: string;
  readonly to: string;
  readonly releases: readonly GraphRelease[];
  readonly fleet?: readonly RiskGateway[];
  readonly acceptedRisks?: readonly string[];
  readonly channel?: string;
  readonly kept?: readonly (readonly [string, string])[];
}

function ask({ from, to, releases, fleet = [], acceptedRisks = [], channel, kept = [] }: Ask): UpgradePlan {
  const keptEdges = kept.map((edge) => ({ from: platform(edge[0]), to: platform(edge[1]) }));
  const graph = buildUpgradeGraph(releases, { channel, keptEdges });
  return planUpgrade({ graph, from: platform(from), to: platform(to), fleet, acceptedRisks });
}

const wayOf = (plan: UpgradePlan) => (plan.kind === 'plan' ? plan.hops.map(({ to }) => to) : undefined);
const reasonsOf = (plan: UpgradePlan) => (plan.kind === 'none' ? plan.reasons : []);
const codesOf = (plan: UpgradePlan) => reasonsOf(plan).map(({ code }) => code);
const from = (...upgradeFrom: readonly string[]) => ({ upgradeFrom });

describe('the way', () => {
  const story = graphReleases('3.4.7', '3.4.9', '4.0.3', '4.0.5', '4.1.2', '4.1.8', '4.2.0', '4.2.4');
  test.each([
    ['from a major to the minors of the next', '3.4.9', '4.2.4', ['4.0.5', '4.1.8', '4.2.4']],
    ['only the last hop may end at an older patch', '3.4.9', '4.2.0', ['4.0.5', '4.1.8', '4.2.0']],
    ['to the latest patch first', '3.4.7', '4.2.4', ['3.4.9', '4.0.5', '4.1.8', '4.2.4']],
    ['within a minor at once', '4.2.0', '4.2.4', ['4.2.4']],
    ['nowhere', '4.2.0', '4.2.0', []],
  ])('by the rule of thumb, %s', (_name, start, to, way) => {
    const plan = ask({ from: start, to, releases: story });
    expect(wayOf(plan)).toEqual(way);
    expect(plan.kind === 'plan' && plan.hops.map(({ basis }) => basis)).toEqual(way.map(() => 'rule-of-thumb'));
  });

  test('is empty also for a version that nobody knows or that was recalled', () => {
    expect(ask({ from: '9.9.9', to: '9.9.9', releases: [] })).toEqual({ kind: 'plan', hops: [] });
    const recalled = graphRelease('4.1.0', { recalled: { reason: 'Bad.' } });
    expect(ask({ from: '4.1.0', to: '4.1.0', releases: [recalled] })).toEqual({ kind: 'plan', hops: [] });
  });

  test('is the shortest, and stops at a floor all the same', () => {
    const edges = [graphRelease('4.1.0', from()), graphRelease('4.3.0', from('4.1.x', '4.2.x'))];
    expect(wayOf(ask({ from: '4.1.0', to: '4.3.0', releases: [...edges, graphRelease('4.2.0')] }))).toEqual(['4.3.0']);
    const floor = graphRelease('4.2.0', { floor: { reason: 'It moves the database.' } });
    expect(wayOf(ask({ from: '4.1.0', to: '4.3.0', releases: [...edges, floor] }))).toEqual(['4.2.0', '4.3.0']);
  });

  test('of equally short ones has the fewest risks, then the most edges, then the newest release', () => {
    const last = graphRelease('4.2.0', from('4.1.x'));
    const names = (more: Partial<GraphRelease>[]) =>
      wayOf(
        ask({
          from: '4.1.0',
          to: '4.2.0',
          acceptedRisks: ['r'],
          releases: [
            last,
            ...more.map((each, index) => graphRelease(`4.1.${index + 1}`, each)),
            graphRelease('4.1.0', from()),
          ].map((release) => (release === last ? { ...last, upgradeFrom: ['4.1.1', '4.1.2', '4.1.3'] } : release)),
        }),
      );
    expect(names([from('4.1.0'), from('4.1.0'), from('4.1.0')])).toEqual(['4.1.3', '4.2.0']);
    expect(names([from('4.1.0'), from('4.1.0'), {}])).toEqual(['4.1.2', '4.2.0']);
    expect(names([{}, from('4.1.0'), { ...from('4.1.0'), risks: [risk('r')] }])).toEqual(['4.1.2', '4.2.0']);
    expect(names([{}, { ...from('4.1.0'), risks: [risk('r')] }, { ...from('4.1.0'), risks: [risk('r')] }])).toEqual([
      '4.1.1',
      '4.2.0',
    ]);
  });

  test('goes round what was recalled, and round what is not in the channel', () => {
    const releases = (more: Partial<GraphRelease>) => [
      ...graphReleases('4.0.1', '4.1.1', '4.2.0'),
      graphRelease('4.1.2', more),
    ];
    const channel = 'stable';
    expect(wayOf(ask({ from: '4.0.1', to: '4.2.0', releases: releases({}), channel }))).toEqual(['4.1.2', '4.2.0']);
    const recalled = releases({ recalled: { reason: 'Bad.' } });
    expect(wayOf(ask({ from: '4.0.1', to: '4.2.0', releases: recalled }))).toEqual(['4.1.1', '4.2.0']);
    const candidate = releases({ channels: ['candidate'] });
    expect(wayOf(ask({ from: '4.0.1', to: '4.2.0', releases: candidate, channel }))).toEqual(['4.1.1', '4.2.0']);
    expect(wayOf(ask({ from: '4.0.1', to: '4.2.0', releases: candidate }))).toEqual(['4.1.2', '4.2.0']);
  });

  test('that has started goes on although a newer patch has appeared', () => {
    const releases = graphReleases('4.0.1', '4.1.1', '4.1.2', '4.2.0');
    expect(wayOf(ask({ from: '4.1.1', to: '4.2.0', releases }))).toEqual(['4.1.2', '4.2.0']);
    expect(wayOf(ask({ from: '4.1.1', to: '4.2.0', releases, kept: [['4.1.1', '4.2.0']] }))).toEqual(['4.2.0']);
    // Whatever made it an edge once.
    expect(wayOf(ask({ from: '4.0.1', to: '4.2.0', releases, kept: [['4.0.1', '4.2.0']] }))).toEqual(['4.2.0']);
  });

  test('may begin at a version that was never imported', () => {
    const releases = [graphRelease('4.1.5', from('4.1.x')), graphRelease('4.2.0', from('4.1.5'))];
    expect(wayOf(ask({ from: '4.1.2', to: '4.2.0', releases }))).toEqual(['4.1.5', '4.2.0']);
  });
});

describe('a hop brings', () => {
  const profile = (digest: string, version?: string) => ({
    version: platform('1.0.0'),
    digest,
    ...(version === undefined ? {} : { kubernetes: kubernetes(version) }),
  });
  const releases = [
    graphRelease('4.1.0', {
      profiles: {
        vsphere: profile('a', '1.26.8'),
        maas: profile('a', '1.26.8'),
        openstack: profile('a'),
        nutanix: profile('a', '1.26.8'),
        toString: profile('a', '1.26.8'),
      },
    }),
    graphRelease('4.2.0', {
      agent: platform('4.2.9'),
      profiles: {
        vsphere: profile('b', '1.28.0'),
        maas: profile('a', '1.26.8'),
        openstack: profile('b', '1.27.0'),
        cloudstack: profile('b', '1.27.0'),
      },
      fixes: ['Nodes keep their names.'],
      floor: { reason: 'It moves the database.' },
    }),
  ];

  test('agent, Kubernetes and profile of each provider, fixes and the floor', () => {
    const plan = ask({ from: '4.1.0', to: '4.2.0', releases });
    expect(plan).toEqual({
      kind: 'plan',
      hops: [
        {
          from: '4.1.0',
          to: '4.2.0',
          basis: 'rule-of-thumb',
          agent: { from: '4.1.0', to: '4.2.9' },
          providers: [
            { provider: 'cloudstack', profile: 'new', kubernetes: { to: '1.27.0' } },
            { provider: 'maas', profile: 'unchanged', kubernetes: { from: '1.26.8', to: '1.26.8' } },
            { provider: 'nutanix', profile: 'missing', kubernetes: { from: '1.26.8' } },
            { provider: 'openstack', profile: 'changed', kubernetes: { to: '1.27.0' } },
            { provider: 'toString', profile: 'missing', kubernetes: { from: '1.26.8' } },
            {
              provider: 'vsphere',
              profile: 'changed',
              kubernetes: { from: '1.26.8', to: '1.28.0' },
              kubernetesRefusal: expect.objectContaining({ code: 'kubernetes-skips-minor' }),
            },
          ],
          risks: [],
          fixes: ['Nodes keep their names.'],
          floor: { reason: 'It moves the database.' },
        },
      ],
    });
  });

  test('less when nobody knows where it begins', () => {
    const plan = ask({ from: '4.1.1', to: '4.2.0', releases: releases.slice(1) });
    expect(plan.kind === 'plan' && plan.hops[0]).toMatchObject({
      agent: { to: '4.2.9' },
      providers: [
        { provider: 'cloudstack', profile: 'unknown', kubernetes: { to: '1.27.0' } },
        { provider: 'maas', profile: 'unknown' },
        { provider: 'openstack', profile: 'unknown' },
        { provider: 'vsphere', profile: 'unknown' },
      ],
    });
    expect(plan.kind === 'plan' && plan.hops[0]?.agent).not.toHaveProperty('from');
  });
});

describe('a risk', () => {
  const onMaas: UpgradeRisk = risk('slow-disks', {
    message: 'Volumes detach.',
    url: 'https://example.org/slow-disks',
    appliesTo: [{ provider: ['maas'] }],
    fixedIn: '4.2.3',
  });
  const releases = [graphRelease('4.1.0'), graphRelease('4.2.0', { risks: [onMaas] })];
  const maas = riskGateway('site-m', { provider: 'maas' });
  const asked = { from: '4.1.0', to: '4.2.0', releases };

  test('that applies to nobody is shown and taken', () => {
    expect(ask({ ...asked, fleet: [riskGateway('site-a')] })).toMatchObject({
      hops: [
        { risks: [{ risk: onMaas, verdict: 'does-not-apply', gateways: [], isAccepted: false, isInTheWay: false }] },
      ],
    });
  });
  test('that applies is in the way, with the gateways by name', () => {
    const plan = ask({ ...asked, fleet: [riskGateway('site-a'), maas] });
    expect(plan).toEqual({
      kind: 'none',
      deadEnd: '4.1.0',
      reasons: [
        {
          code: 'risk-applies',
          message: 'From 4.1.0 to 4.2.0: there is the risk slow-disks, which applies to site-m: Volumes detach.',
          nextStep:
            'Read https://example.org/slow-disks. Accept the risk slow-disks by name (`--accept-risk slow-disks`), or go to 4.2.3 or newer, which is without it.',
        },
      ],
    });
  });
  test('that was accepted by its name is taken, and another name does not help', () => {
    expect(codesOf(ask({ ...asked, fleet: [maas], acceptedRisks: ['slow-disk'] }))).toEqual(['risk-applies']);
    expect(ask({ ...asked, fleet: [maas], acceptedRisks: ['slow-disks'] })).toMatchObject({
      hops: [{ risks: [{ verdict: 'applies', gateways: ['site-m'], isAccepted: true, isInTheWay: false }] }],
    });
  });
  test('that cannot be judged counts as applying', () => {
    const newer = { ...onMaas, appliesTo: [Object.fromEntries([['storage', ['ceph']]])] };
    const plan = ask({
      from: '4.1.0',
      to: '4.2.0',
      releases: [graphRelease('4.1.0'), graphRelease('4.2.0', { risks: [newer] })],
      fleet: Array.from({ length: 7 }, (_, index) => riskGateway(`site-${index}`)),
    });
    expect(reasonsOf(plan)).toMatchObject([
      {
        code: 'risk-not-judged',
        message:
          'From 4.1.0 to 4.2.0: there is the risk slow-disks, which cannot be judged for site-0, site-1, site-2, site-3, site-4, 2 more and so counts as applying: Volumes detach.',
      },
    ]);
  });
  test('names every gateway it concerns, in order, however alike or of one name they are', () => {
    const fleet = ['c', 'a', 'b', 'a'].map((name, index) =>
      riskGateway(name, { provider: 'maas', controlPlanes: index === 3 ? 1 : 3 }),
    );
    expect(ask({ ...asked, fleet: [...fleet, riskGateway('d')], acceptedRisks: ['slow-disks'] })).toMatchObject({
      hops: [{ risks: [{ gateways: ['a', 'a', 'b', 'c'] }] }],
    });
  });
  test.each<[Partial<RiskGateway>, RiskTests]>([
    [{ provider: 'maas' }, { provider: ['maas'] }],
    [{ installation: 'existing-cluster' }, { installation: ['existing-cluster'] }],
    [{ kubernetes: kubernetes('1.26.8') }, { kubernetes: { max: '1.26.99' } }],
    [{ agent: platform('4.0.1') }, { agent: { max: '4.0.99' } }],
    [{ profile: platform('4.0.1') }, { profile: { max: '4.0.99' } }],
    [{ controlPlanes: 1 }, { controlPlanes: [1] }],
  ])('is judged for gateways that differ by %o alone', (fact, tests) => {
    const facts = {
      kubernetes: kubernetes('1.27.1'),
      agent: platform('4.1.0'),
      profile: platform('4.1.0'),
      controlPlanes: 3,
    };
    const fleet = [riskGateway('a', facts), riskGateway('b', { ...facts, ...fact }), riskGateway('c', facts)];
    const risks = [risk('r', { appliesTo: [tests] })];
    const plan = ask({
      ...asked,
      releases: [graphRelease('4.1.0'), graphRelease('4.2.0', { risks })],
      fleet,
      acceptedRisks: ['r'],
    });
    expect(plan).toMatchObject({ hops: [{ risks: [{ verdict: 'applies', gateways: ['b'] }] }] });
  });
  test('is gone round where there is a way without it', () => {
    const round = [...releases, graphRelease('4.2.3', from('4.1.x')), graphRelease('4.3.0', from('4.2.0', '4.2.3'))];
    expect(wayOf(ask({ from: '4.1.0', to: '4.3.0', releases: round, fleet: [maas] }))).toEqual(['4.2.3', '4.3.0']);
  });

  describe('of a later hop is judged for what the hops before bring', () => {
    const oldKubernetes = risk('old-kubernetes', { appliesTo: [{ kubernetes: { max: '1.26.99' } }] });
    const oldAgent = risk('old-agent', { appliesTo: [{ agent: { max: '4.1.99' } }] });
    const oldProfile = risk('old-profile', { appliesTo: [{ profile: { max: '4.1.99' } }] });
    const profiles = { vsphere: { version: platform('4.2.0'), digest: 'b', kubernetes: kubernetes('1.27.0') } };
    const chain = (risks: readonly UpgradeRisk[]) => [
      graphRelease('4.1.0'),
      graphRelease('4.2.0', { profiles }),
      graphRelease('4.3.0', { risks }),
    ];
    const old = {
      kubernetes: kubernetes('1.26.8'),
      agent: platform('4.1.0'),
      profile: platform('4.1.0'),
    };
    const ours = riskGateway('ours', old);
    const owners = riskGateway('owners', { ...old, installation: 'existing-cluster' });
    const far = (risks: readonly UpgradeRisk[], fleet: readonly RiskGateway[]) =>
      ask({ from: '4.1.0', to: '4.3.0', releases: chain(risks), fleet });

    test('on a gateway of ours agent, profile and Kubernetes', () => {
      expect(wayOf(far([oldKubernetes, oldAgent, oldProfile], [ours]))).toEqual(['4.2.0', '4.3.0']);
    });
    test('on an existing cluster the agent alone', () => {
      expect(wayOf(far([oldAgent], [owners]))).toEqual(['4.2.0', '4.3.0']);
      expect(far([oldKubernetes], [ours, owners])).toMatchObject({
        kind: 'none',
        nearest: '4.2.0',
        deadEnd: '4.2.0',
        reasons: [{ code: 'risk-applies', message: expect.stringContaining('applies to owners:') }],
      });
    });
    test('of the first hop it is judged for what is there now', () => {
      const releases = [graphRelease('4.2.0', { profiles }), graphRelease('4.3.0', { risks: [oldKubernetes] })];
      expect(codesOf(ask({ from: '4.2.0', to: '4.3.0', releases, fleet: [ours] }))).toEqual(['risk-applies']);
    });
    test('for a provider that the release does not have, it cannot be', () => {
      const elsewhere = riskGateway('elsewhere', { ...old, provider: 'maas' });
      expect(codesOf(far([oldKubernetes], [elsewhere]))).toEqual(['risk-not-judged']);
    });
  });
});

describe('where there is none it says', () => {
  test.each([
    ['that it would go back', '4.2.0', '4.1.0', ['downgrade'], undefined],
    ['that the release was not imported, and how far one can get', '4.1.0', '4.9.9', ['release-unknown'], '4.2.0'],
  ])('%s', (_name, start, to, codes, nearest) => {
    const plan = ask({ from: start, to, releases: graphReleases('4.1.0', '4.2.0') });
    expect(codesOf(plan)).toEqual(codes);
    expect(plan.kind === 'none' && plan.nearest).toBe(nearest);
    expect(plan).not.toHaveProperty('deadEnd');
  });
  test.each([
    ['recalled', { recalled: { reason: 'It loses data.' } }, ['release-recalled']],
    ['of another channel', { channels: [] }, ['not-in-channel']],
    ['for new installations only', from(), ['new-installations-only']],
    [
      'all of it',
      { recalled: { reason: 'Bad.' }, channels: [], ...from() },
      ['release-recalled', 'not-in-channel', 'new-installations-only'],
    ],
  ])('that the target is %s, whatever else is in the way', (_name, more, codes) => {
    const releases = [...graphReleases('4.1.0', '4.2.0'), graphRelease('4.3.0', more)];
    const plan = ask({ from: '4.1.0', to: '4.3.0', releases, channel: 'stable' });
    expect(codesOf(plan)).toEqual(codes);
    expect(plan.kind === 'none' && plan.nearest).toBe('4.2.0');
  });

  test('the dead end, and what the releases beyond it need', () => {
    const releases = [
      graphRelease('4.1.12', from()),
      graphRelease('4.1.13', from('4.1.12')),
      graphRelease('4.2.7', from('4.1.12')),
      graphRelease('4.3.0', from('4.2.7')),
    ];
    expect(ask({ from: '4.1.13', to: '4.3.0', releases })).toEqual({
      kind: 'none',
      deadEnd: '4.1.13',
      reasons: [
        {
          code: 'dead-end',
          message: 'From 4.1.13 no supported step leads on towards 4.3.0.',
          nextStep: 'Import a release that may be upgraded from 4.1.13.',
        },
        {
          code: 'no-supported-step',
          message: '4.2.7 may be upgraded from 4.1.12 only, which cannot be reached from 4.1.13.',
        },
      ],
    });
  });
  test('which import is missing', () => {
    const releases = [
      ...graphReleases('4.1.0', '4.1.4'),
      graphRelease('4.3.0', from('4.2.7', '4.2.8')),
      graphRelease('4.4.0', from('4.3.x')),
    ];
    const plan = ask({ from: '4.1.0', to: '4.4.0', releases });
    expect(plan).toMatchObject({ nearest: '4.1.4', deadEnd: '4.1.4' });
    expect(reasonsOf(plan)).toMatchObject([
      { code: 'dead-end' },
      {
        code: 'release-missing',
        message: '4.3.0 may be upgraded from 4.2.7, 4.2.8 only; 4.2.7, 4.2.8 was not imported.',
        nextStep: 'Import 4.2.7 or 4.2.8, if there is such a release.',
      },
    ]);
  });
  test('which import is missing by the rule of thumb, across minors and majors', () => {
    const minors = ask({ from: '4.1.0', to: '4.3.2', releases: graphReleases('4.1.0', '4.3.0', '4.3.2') });
    expect(reasonsOf(minors)[1]).toEqual({
      code: 'release-missing',
      message: 'By the rule of thumb 4.3.0 follows on 4.2.x only; 4.2.x was not imported.',
      nextStep: 'Import 4.2.x, if there is such a release.',
    });
    const majors = ask({ from: '3.1.0', to: '5.0.0', releases: graphReleases('3.1.0', '5.0.0') });
    expect(reasonsOf(majors)[1]?.message).toContain('follows on 4.x only');
  });
  test('that the only beginning beyond is for new installations', () => {
    const releases = [graphRelease('4.1.0'), graphRelease('4.3.0', from()), graphRelease('4.4.0', from('4.3.0'))];
    expect(codesOf(ask({ from: '4.1.0', to: '4.4.0', releases }))).toEqual(['dead-end', 'new-installations-only']);
  });
  test('which edges of a release beyond were not imported, although it has others', () => {
    const releases = [
      graphRelease('4.1.0'),
      graphRelease('4.3.0', from()),
      graphRelease('4.4.0', from('4.2.9', '4.3.0')),
    ];
    const plan = ask({ from: '4.1.0', to: '4.4.0', releases });
    expect(codesOf(plan)).toEqual(['dead-end', 'new-installations-only', 'release-missing']);
    expect(reasonsOf(plan)[2]?.message).toContain('; 4.2.9 was not imported');
  });

  test('which floor cannot be passed, and why one cannot stop at it', () => {
    const releases = [
      graphRelease('4.1.0', from()),
      graphRelease('4.2.3', { floor: { reason: 'It moves the database.' }, ...from('4.1.9') }),
      graphRelease('4.3.0', from('4.1.x', '4.2.3')),
    ];
    const plan = ask({ from: '4.1.0', to: '4.3.0', releases });
    expect(plan).toMatchObject({ deadEnd: '4.1.0' });
    expect(codesOf(plan)).toEqual(['floor-skipped', 'dead-end', 'release-missing']);
    expect(reasonsOf(plan)[0]?.message).toBe(
      'From 4.1.0 to 4.3.0: Nobody passes 4.2.3 without stopping at it: It moves the database.',
    );
  });
  test('what is in the way after the floor, when one can stop there', () => {
    const releases = [
      graphRelease('4.1.0', from()),
      graphRelease('4.2.3', { floor: { reason: 'It moves the database.' } }),
      graphRelease('4.3.0', from('4.1.x')),
    ];
    const plan = ask({ from: '4.1.0', to: '4.3.0', releases });
    expect(plan).toMatchObject({ nearest: '4.2.3', deadEnd: '4.2.3' });
    expect(codesOf(plan)).toEqual(['floor-skipped', 'dead-end', 'no-supported-step']);
  });
  test('the risks on the way by the floor, rather than the floor on the way round them', () => {
    const releases = [
      graphRelease('4.1.0', from()),
      graphRelease('4.2.3', { floor: { reason: 'It moves the database.' }, risks: [risk('r')], ...from('4.1.x') }),
      graphRelease('4.3.0', from('4.1.x', '4.2.x')),
    ];
    expect(codesOf(ask({ from: '4.1.0', to: '4.3.0', releases }))).toEqual(['risk-applies']);
  });
  test('which recall is in the way', () => {
    const releases = [
      graphRelease('4.1.0', from()),
      graphRelease('4.2.0', { recalled: { reason: 'It loses data.' }, ...from('4.1.x') }),
      graphRelease('4.3.0', from('4.2.x')),
    ];
    expect(ask({ from: '4.1.0', to: '4.3.0', releases })).toMatchObject({
      deadEnd: '4.1.0',
      reasons: [{ code: 'release-recalled', message: 'From 4.1.0 to 4.2.0: 4.2.0 was recalled: It loses data.' }],
    });
  });
  test('every risk on the way, not only the first', () => {
    const releases = [
      graphRelease('4.1.0'),
      graphRelease('4.2.0', { risks: [risk('one'), risk('two')] }),
      graphRelease('4.3.0', { risks: [risk('three')] }),
    ];
    const plan = ask({ from: '4.1.0', to: '4.3.0', releases, acceptedRisks: ['two'] });
    expect(reasonsOf(plan).map(({ message }) => message)).toEqual([
      'From 4.1.0 to 4.2.0: there is the risk one, which applies: What one does.',
      'From 4.2.0 to 4.3.0: there is the risk three, which applies: What three does.',
    ]);
    expect(plan).toMatchObject({ deadEnd: '4.1.0' });
  });
});
