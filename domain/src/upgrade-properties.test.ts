/**
 * What holds of every set of releases, small enough for brute force and dense enough for ways, floors, recalls, channels
 * and risks to meet. The rules are written once more, apart from the product's, in testing/upgrade-releases.ts.
 */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { platform } from './testing/facts.ts';
import { fewestHops, graphRelease, naiveStep, riskGateway, sorted } from './testing/upgrade-releases.ts';
import { buildUpgradeGraph, type GraphRelease, type KeptEdge, stepBetween, stepsFrom } from './upgrade-graph.ts';
import { planUpgrade, type UpgradeHop, type UpgradePlan } from './upgrade-plan.ts';
import type { RiskGateway, UpgradeRisk } from './upgrade-risk.ts';
import { compareVersions, type PlatformVersion, versionParts } from './version.ts';

interface KnownReleases {
  readonly releases: readonly GraphRelease[];
  readonly channel: string | undefined;
  readonly keptEdges: readonly KeptEdge[];
  /** Of the releases and of one that nobody knows, oldest first. */
  readonly versions: readonly PlatformVersion[];
}

const anyVersion: fc.Arbitrary<PlatformVersion> = fc
  .tuple(fc.integer({ min: 3, max: 5 }), fc.nat(3), fc.nat(3))
  .map((parts) => platform(parts.join('.')));

const anyPattern: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: anyVersion },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.integer({ min: 3, max: 5 }), fc.nat(3)).map(([major, minor]) => `${major}.${minor}.x`),
  },
  { weight: 1, arbitrary: fc.constantFrom('3.x', '4.x', '4.x.x', '5.x') },
);

const risks: readonly UpgradeRisk[] = [
  { name: 'always', message: 'Always.' },
  { name: 'on-maas', message: 'On MAAS.', appliesTo: [{ provider: ['maas'] }] },
  { name: 'old-agent', message: 'With an old agent.', appliesTo: [{ agent: { max: '4.0.99' } }] },
  { name: 'from-three', message: 'From 3.', from: ['3.x'] },
];
const riskNames: readonly string[] = risks.map(({ name }) => name);

const onceIn = <Value>(times: number, value: Value) =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constant(value) });

const anyRelease: fc.Arbitrary<GraphRelease> = fc
  .record({
    version: anyVersion,
    channels: fc.subarray(['stable', 'candidate'], { minLength: 1 }),
    upgradeFrom: fc.option(fc.array(anyPattern, { maxLength: 5 }), { nil: undefined }),
    floor: onceIn(5, { reason: 'A floor.' }),
    recalled: onceIn(8, { reason: 'Bad.' }),
    risks: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.subarray([...risks]) }),
  })
  .map(({ version, upgradeFrom, floor, recalled, ...rest }) =>
    graphRelease(version, {
      ...rest,
      ...(upgradeFrom === undefined ? {} : { upgradeFrom }),
      ...(floor === undefined ? {} : { floor }),
      ...(recalled === undefined ? {} : { recalled }),
    }),
  );

const anyKnown: fc.Arbitrary<KnownReleases> = fc
  .record({
    releases: fc.uniqueArray(anyRelease, { selector: ({ version }) => version, maxLength: 16 }),
    channel: fc.constantFrom(undefined, undefined, 'stable'),
    kept: fc.array(fc.tuple(fc.nat(15), fc.nat(15)), { maxLength: 3 }),
    unknown: anyVersion,
  })
  .map(({ unknown, kept, ...rest }) => {
    const versions = rest.releases.map(({ version }) => version);
    const keptEdges = kept.flatMap((places): readonly KeptEdge[] => {
      const [from, to] = places.map((place) => versions[place]);
      return from === undefined || to === undefined ? [] : [{ from, to }];
    });
    return { ...rest, keptEdges, versions: sorted([...new Set([unknown, ...versions])], compareVersions) };
  });

const anyFleet: fc.Arbitrary<readonly RiskGateway[]> = fc.uniqueArray(
  fc.record({ provider: fc.constantFrom('maas', 'vsphere'), agent: anyVersion }).map(({ provider, agent }) => ({
    ...riskGateway(`${provider}-${agent}`),
    provider,
    agent,
  })),
  { selector: ({ name }) => name, maxLength: 3 },
);

test('every pair of versions agrees with the rules written once more, whatever is known', () => {
  fc.assert(
    fc.property(anyKnown, (known) => {
      const graph = buildUpgradeGraph(known.releases, known);
      for (const from of known.versions) {
        const steps = known.versions.flatMap((to) => {
          const basis = naiveStep(known, from, to);
          const step = stepBetween(graph, from, to);
          expect(step.kind === 'step' ? step.basis : undefined, `${from} to ${to}`).toBe(basis);
          return basis === undefined ? [] : [{ version: to, basis }];
        });
        expect(stepsFrom(graph, from)).toEqual(steps);
      }
    }),
    { numRuns: 300 },
  );
});

test('the edges of the graph are those of every pair', () => {
  fc.assert(
    fc.property(anyKnown, (known) => {
      const graph = buildUpgradeGraph(known.releases, known);
      for (const { edges: into, release } of graph.nodes.values()) {
        const all = [...graph.nodes.keys()].flatMap((from) => {
          const basis = graph.basisOf(from, release);
          return basis === undefined ? [] : [{ from, basis }];
        });
        expect(new Set(into)).toEqual(new Set(all));
        expect(into).toHaveLength(all.length);
      }
    }),
    { numRuns: 200 },
  );
});

interface Question {
  readonly known: KnownReleases;
  readonly fleet: readonly RiskGateway[];
  readonly acceptedRisks: readonly string[];
}
const anyQuestion: fc.Arbitrary<Question> = fc.record({
  known: anyKnown,
  fleet: anyFleet,
  acceptedRisks: fc.subarray([...riskNames]),
});

const plansOf = ({ known, fleet, acceptedRisks }: Question) => {
  const graph = buildUpgradeGraph(known.releases, known);
  return known.versions.flatMap((from) =>
    known.versions.map((to) => ({ from, to, plan: planUpgrade({ graph, from, to, fleet, acceptedRisks }) })),
  );
};

/** Which risks of the step are in the way or were accepted, by the plain words of the four above. */
function naiveRisks({ known, fleet }: Question, start: PlatformVersion, from: PlatformVersion, to: PlatformVersion) {
  const target = known.releases.find(({ version }) => version === to);
  const before = known.releases.find(({ version }) => version === from);
  const agentsAreOld = fleet.some(({ agent = 'unknown' }) => {
    const runs = from === start || before === undefined ? agent : before.agent;
    return runs !== 'unknown' && compareVersions(runs, platform('4.0.99')) <= 0;
  });
  return (target?.risks ?? []).filter(({ name }) => {
    if (name === 'on-maas') return fleet.some(({ provider }) => provider === 'maas');
    if (name === 'old-agent') return agentsAreOld;
    return name === 'always' || versionParts(from).major === 3;
  });
}

function naiveLegal(question: Question, start: PlatformVersion) {
  return (from: PlatformVersion, to: PlatformVersion) =>
    naiveStep(question.known, from, to) !== undefined &&
    naiveRisks(question, start, from, to).every(({ name }) => question.acceptedRisks.includes(name));
}

/** All of the fewest hops, then the rank by which one of them is chosen. */
function bestWay(
  question: Question,
  from: PlatformVersion,
  to: PlatformVersion,
): readonly PlatformVersion[] | undefined {
  const isLegal = naiveLegal(question, from);
  const waysTo = (at: PlatformVersion, left: number): readonly (readonly PlatformVersion[])[] => {
    if (left === 0) return at === to ? [[]] : [];
    return question.known.versions
      .filter((next) => isLegal(at, next))
      .flatMap((next) => waysTo(next, left - 1).map((rest) => [next, ...rest]));
  };
  const fewest = fewestHops(question.known.versions, isLegal, { from, to });
  if (fewest === undefined) return undefined;
  const ranked = waysTo(from, fewest).map((way) => {
    const hops = way.map((version, index) => [way[index - 1] ?? from, version] as const);
    const risks = hops.flatMap((hop) => naiveRisks(question, from, ...hop)).length;
    const thumbs = hops.filter((hop) => naiveStep(question.known, ...hop) === 'rule-of-thumb').length;
    return { way, risks, thumbs };
  });
  const [best] = sorted(ranked, (a, b) => a.risks - b.risks || a.thumbs - b.thumbs || compareWays(b.way, a.way));
  return best?.way;
}

function compareWays(a: readonly PlatformVersion[], b: readonly PlatformVersion[]): number {
  for (const [index, version] of a.entries()) {
    const order = compareVersions(version, b[index] ?? version);
    if (order !== 0) return order;
  }
  return 0;
}

/** No plan is longer than any. */
const lengthOf = (plan: UpgradePlan | undefined) =>
  plan?.kind === 'plan' ? plan.hops.length : Number.POSITIVE_INFINITY;

const versionsOf = (hops: readonly UpgradeHop[]) => hops.map(({ to }) => to);

describe('a plan', () => {
  test('is the way that brute force chooses among all of the fewest hops, and there is none where that finds none', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        for (const { from, to, plan } of plansOf(question)) {
          const way = plan.kind === 'plan' ? versionsOf(plan.hops) : undefined;
          expect(way, `${from} to ${to}`).toEqual(bestWay(question, from, to));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('has only legal steps, one after the other, and stops at every floor', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        for (const { from, to, plan } of plansOf(question)) {
          if (plan.kind !== 'plan') continue;
          const isLegal = naiveLegal(question, from);
          for (const hop of plan.hops) expect(isLegal(hop.from, hop.to), `${hop.from} to ${hop.to}`).toBe(true);
          expect([from, ...versionsOf(plan.hops)]).toEqual([...plan.hops.map((hop) => hop.from), to]);
          const { releases, channel } = question.known;
          const floors = releases.filter(
            ({ version, floor, recalled, channels }) =>
              floor !== undefined &&
              recalled === undefined &&
              (channel === undefined || channels.includes(channel)) &&
              compareVersions(version, from) > 0 &&
              compareVersions(version, to) <= 0,
          );
          expect(versionsOf(plan.hops)).toEqual(expect.arrayContaining(floors.map(({ version }) => version)));
        }
      }),
    );
  });

  test('is empty if and only if one is there already', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        for (const { from, to, plan } of plansOf(question)) {
          expect(plan.kind === 'plan' && plan.hops.length === 0).toBe(from === to);
        }
      }),
    );
  });

  test('does not depend on the order in which releases and edges are given', () => {
    const anyOrder = anyQuestion.chain((question) =>
      fc.record({
        question: fc.constant(question),
        releases: fc.shuffledSubarray([...question.known.releases], { minLength: question.known.releases.length }),
      }),
    );
    fc.assert(
      fc.property(anyOrder, ({ question, releases }) => {
        const turned = releases.map((release) =>
          release.upgradeFrom === undefined
            ? release
            : { ...release, upgradeFrom: sorted(release.upgradeFrom, (a, b) => (a < b ? 1 : -1)) },
        );
        const other = { ...question, known: { ...question.known, releases: turned } };
        const shape = (all: ReturnType<typeof plansOf>) =>
          all.map(({ plan }) => (plan.kind === 'plan' ? versionsOf(plan.hops) : plan.reasons.map(({ code }) => code)));
        expect(shape(plansOf(other))).toEqual(shape(plansOf(question)));
      }),
    );
  });

  test('that has started stays legal when any release but a floor appears, and is never longer then', () => {
    fc.assert(
      fc.property(anyQuestion, anyRelease, (question, another) => {
        const { floor: _none, ...release } = another;
        const { known } = question;
        fc.pre(!known.releases.some(({ version }) => version === release.version));
        const releases = [...known.releases, release];
        for (const { from, to, plan } of plansOf(question)) {
          if (plan.kind !== 'plan') continue;
          const grown = buildUpgradeGraph(releases, { ...known, keptEdges: [...known.keptEdges, ...plan.hops] });
          for (const hop of plan.hops) expect(stepBetween(grown, hop.from, hop.to).kind).toBe('step');
          for (const [index, hop] of plan.hops.entries()) {
            const rest = planUpgrade({ ...question, graph: grown, from: hop.from, to });
            // What is already done may change what risks mean, so only a plan without any is compared midway.
            const isComparable =
              index === 0 ? from !== release.version : known.releases.every((each) => each.risks.length === 0);
            expect(isComparable ? lengthOf(rest) : 0).toBeLessThanOrEqual(plan.hops.length - index);
          }
        }
      }),
    );
  });

  test('is there and no longer when more risks are accepted', () => {
    fc.assert(
      fc.property(anyQuestion, fc.subarray([...riskNames]), (question, more) => {
        const bolder = { ...question, acceptedRisks: [...question.acceptedRisks, ...more] };
        const after = plansOf(bolder);
        for (const [index, { plan }] of plansOf(question).entries()) {
          expect(lengthOf(after[index]?.plan)).toBeLessThanOrEqual(lengthOf(plan));
        }
      }),
    );
  });
});

describe('where there is no plan', () => {
  test('the nearest is the newest that can be reached before, and the dead end can be reached', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        const plans = plansOf(question);
        for (const { from, to, plan } of plans) {
          if (plan.kind === 'plan') continue;
          const reached = plans
            .filter((each) => each.from === from && each.plan.kind === 'plan' && each.to !== from)
            .map((each) => each.to);
          expect(plan.nearest).toBe(reached.filter((version) => compareVersions(version, to) < 0).at(-1));
          expect([undefined, from, ...reached]).toContain(plan.deadEnd);
        }
      }),
    );
  });

  test('accepting every risk that is named opens it, where nothing else is named', () => {
    fc.assert(
      fc.property(anyQuestion, (question) => {
        for (const { from, to, plan } of plansOf(question)) {
          if (plan.kind === 'plan') continue;
          const graph = buildUpgradeGraph(question.known.releases, question.known);
          const isRisk = plan.reasons.every(({ code }) => code === 'risk-applies' || code === 'risk-not-judged');
          const all = planUpgrade({ ...question, graph, from, to, acceptedRisks: riskNames });
          expect(all.kind === 'plan', `${from} to ${to}`).toBe(isRisk);
        }
      }),
    );
  });
});
