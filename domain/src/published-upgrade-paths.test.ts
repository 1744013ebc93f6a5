/**
 * What a vendor of such a platform publishes as supported, beside what the graph makes of it. The file stands here as it
 * was given to us; its `about` says what it holds. Real tables are uneven, as no rule of thumb is.
 */

import { describe, expect, test } from 'vitest';
import { platform } from './testing/facts.ts';
import published from './testing/published-upgrade-paths.json' with { type: 'json' };
import { fewestHops, graphRelease } from './testing/upgrade-releases.ts';
import { buildUpgradeGraph, stepBetween, stepsFrom } from './upgrade-graph.ts';
import { planUpgrade } from './upgrade-plan.ts';
import type { PlatformVersion } from './version.ts';

const supported = published.upgradePaths.filter((row) => row.supported);
const refused = published.upgradePaths.filter((row) => !row.supported);
const listed = new Set(supported.map(({ from, to }) => `${from} ${to}`));
const versions = [...new Set(supported.flatMap(({ from, to }) => [from, to]))].map(platform);
// A version that is only a source gets an empty list.
const graph = buildUpgradeGraph(
  versions.map((version) =>
    graphRelease(version, { upgradeFrom: supported.filter(({ to }) => to === version).map(({ from }) => from) }),
  ),
);
const everyPair = versions.flatMap((from) => versions.map((to) => ({ from, to })));
const isListed = (from: PlatformVersion, to: PlatformVersion) => listed.has(`${from} ${to}`);

test('the table is the one we know', () => {
  expect({ supported: supported.length, refused: refused.length, versions: versions.length }).toEqual({
    supported: 55,
    refused: 1,
    versions: 20,
  });
});

test.each(supported)('$from to $to is one supported step', ({ from, to }) => {
  expect(stepBetween(graph, platform(from), platform(to))).toEqual({ kind: 'step', basis: 'edge', risks: [] });
});

test.each(refused)('$from to $to is refused from each such version, known or not', ({ from, to }) => {
  const sources = [...versions, platform('4.1.0'), platform('4.1.99')].filter((version) =>
    version.startsWith(from.replace('x', '')),
  );
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    expect(stepBetween(graph, source, platform(to)).kind, source).toBe('refused');
  }
});

test('no other pair is one step', () => {
  const allowed = everyPair.filter(({ from, to }) => stepBetween(graph, from, to).kind === 'step');
  expect(new Set(allowed.map(({ from, to }) => `${from} ${to}`))).toEqual(listed);
  expect(allowed).toHaveLength(listed.size);
  for (const from of versions) {
    expect(stepsFrom(graph, from).map(({ version }) => version)).toEqual(
      [...graph.nodes.keys()].filter((to) => isListed(from, to)),
    );
  }
});

describe('plans of several hops', () => {
  test('all pairs agree with brute force: there is a plan where there is a way, of listed steps, and no longer', () => {
    for (const { from, to } of everyPair) {
      const plan = planUpgrade({ graph, from, to, fleet: [], acceptedRisks: [] });
      const fewest = fewestHops(versions, isListed, { from, to });
      const ends = `${from} to ${to}`;
      expect(plan.kind === 'plan' ? plan.hops.length : undefined, ends).toBe(fewest);
      if (plan.kind !== 'plan') continue;
      expect(
        plan.hops.every((hop) => isListed(hop.from, hop.to)),
        ends,
      ).toBe(true);
      const walked = [from, ...plan.hops.map((hop) => hop.to)];
      expect(walked.slice(0, -1), ends).toEqual(plan.hops.map((hop) => hop.from));
      expect(walked.at(-1), ends).toBe(to);
    }
  });

  test('the longest leads through every minor, by the patch that may cross', () => {
    const plan = planUpgrade({
      graph,
      from: platform('4.1.7'),
      to: platform('4.5.23'),
      fleet: [],
      acceptedRisks: [],
    });
    expect(plan.kind === 'plan' && plan.hops.map(({ to }) => to)).toEqual([
      '4.2.7',
      '4.2.13',
      '4.3.6',
      '4.4.20',
      '4.5.23',
    ]);
  });

  test('a patch with no way on says so', () => {
    const plan = planUpgrade({ graph, from: platform('4.1.13'), to: platform('4.3.6'), fleet: [], acceptedRisks: [] });
    expect(plan).toMatchObject({ kind: 'none', deadEnd: '4.1.13' });
    expect(plan).not.toHaveProperty('nearest');
    expect(plan.kind === 'none' && plan.reasons.map(({ code }) => code)).toEqual(['dead-end', 'no-supported-step']);
  });
});
