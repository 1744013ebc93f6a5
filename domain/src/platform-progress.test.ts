import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Instant, minutes } from './instant.ts';
import type { Gate } from './platform-gates.ts';
import { decideProgress, type Hop, nextHop, type ProgressDecision, type ProgressFacts } from './platform-progress.ts';
import { at, platform } from './testing/facts.ts';
import { sorted } from './testing/upgrade-releases.ts';
import { compareVersions, type PlatformVersion } from './version.ts';

const hop = (from: string, to: string): Hop => ({ from: platform(from), to: platform(to) });
const hops = [hop('3.4.9', '4.0.2'), hop('4.0.2', '4.1.5'), hop('4.1.5', '4.2.0')];

function gate(gateway: string, state: Gate['state'], opensAt?: Instant): Gate {
  const code = opensAt === undefined ? 'gateway-not-current' : 'gateway-settling';
  return {
    gatewayId: `id-${gateway}`,
    gateway,
    tenant: 'acme',
    state,
    reasons: state === 'open' ? [] : [{ code, message: `${gateway} is not ready` }],
    ...(opensAt === undefined ? {} : { opensAt }),
  };
}
function facts(version: string, more: Partial<ProgressFacts> = {}): ProgressFacts {
  return { version: platform(version), hops, gates: [], obstacles: [], ...more };
}
const recalled = { code: 'release-recalled', message: '4.1.5 was recalled' };

describe('a plan', () => {
  test.each([
    ['takes its first hop when nothing holds it', '3.4.9', { kind: 'advance', number: 1, hop: hops[0] }],
    ['goes on where the platform is', '4.0.2', { kind: 'advance', number: 2, hop: hops[1] }],
    ['is done after the last one', '4.2.0', { kind: 'done' }],
  ])('%s', (_name, version, decision) => {
    expect(decideProgress(facts(version))).toEqual(decision);
  });

  test('waits before a hop for every gateway that is not ready, by name, and for what else is in the way', () => {
    const gates = [gate('site-a', 'closed'), gate('site-b', 'open'), gate('site-c', 'closed'), gate('d', 'waived')];
    expect(decideProgress(facts('4.0.2', { gates, obstacles: [recalled] }))).toEqual({
      kind: 'hold',
      before: hops[1],
      reasons: [
        recalled,
        { code: 'gateway-not-current', message: 'site-a is not ready' },
        { code: 'gateway-not-current', message: 'site-c is not ready' },
      ],
    });
  });

  test('waits before its end for the gateways too, and for nothing else', () => {
    expect(decideProgress(facts('4.2.0', { gates: [gate('site-a', 'closed')], obstacles: [recalled] }))).toEqual({
      kind: 'hold',
      reasons: [{ code: 'gateway-not-current', message: 'site-a is not ready' }],
    });
  });

  test('says when time alone lets it go on: once the last gateway has settled', () => {
    const settling = [gate('site-a', 'closed', at(minutes(3))), gate('site-b', 'closed', at(minutes(9)))];
    expect(decideProgress(facts('3.4.9', { gates: settling }))).toMatchObject({ opensAt: at(minutes(9)) });
    const others = [
      facts('3.4.9', { gates: [...settling, gate('site-c', 'closed')] }),
      facts('3.4.9', { gates: settling, obstacles: [recalled] }),
    ];
    for (const other of others) expect(decideProgress(other)).not.toHaveProperty('opensAt');
  });

  test('does nothing on a platform that is not on its way', () => {
    expect(decideProgress(facts('4.1.6'))).toMatchObject({ kind: 'hold', reasons: [{ code: 'platform-left-plan' }] });
    expect(nextHop(facts('4.1.6'))).toBe(undefined);
  });
});

describe('whatever happens on the way', () => {
  const path = fc
    .uniqueArray(fc.tuple(fc.nat(3), fc.nat(4), fc.nat(4)), { minLength: 2, maxLength: 7, selector: String })
    .map((parts) =>
      sorted(
        parts.map(([major, minor, patch]) => platform(`${major}.${minor}.${patch}`)),
        compareVersions,
      ),
    );
  const world = fc.record({
    gates: fc.array(fc.constantFrom<Gate['state']>('open', 'open', 'open', 'closed', 'waived'), { maxLength: 3 }),
    isObstructed: fc.boolean(),
  });
  const story = fc.record({ path, worlds: fc.array(world, { maxLength: 40 }) });

  test('a hop is taken only with every gate open or waived, in order, none skipped, never back, each once', () => {
    fc.assert(
      fc.property(story, ({ path: versions, worlds }) => {
        const planned = versions.slice(1).map((to, index): Hop => ({ from: versions[index] ?? to, to }));
        const visited: PlatformVersion[] = versions.slice(0, 1);
        for (const { gates: states, isObstructed } of worlds) {
          const place = visited.length;
          const version = versions[place - 1] ?? platform('0.0.0');
          const gates = states.map((state, index) => gate(`site-${index}`, state));
          const obstacles = isObstructed ? [recalled] : [];
          const given: ProgressFacts = { version, hops: planned, gates, obstacles };
          const decision = decideProgress(given);
          // The same facts, the same answer: asking twice takes no hop twice.
          expect(decideProgress(given)).toEqual(decision);
          const isLast = place === versions.length;
          const holding = states.filter((state) => state === 'closed').length + (isObstructed && !isLast ? 1 : 0);
          const goesOn = isLast ? 'done' : `hop ${place} ${version} ${versions[place]}`;
          expect(inWords(decision)).toBe(holding > 0 ? `held by ${holding}` : goesOn);
          if (decision.kind === 'advance') visited.push(decision.hop.to);
        }
        expect(visited).toEqual(versions.slice(0, visited.length));
      }),
    );
  });
});

function inWords(decision: ProgressDecision): string {
  switch (decision.kind) {
    case 'advance':
      return `hop ${decision.number} ${decision.hop.from} ${decision.hop.to}`;
    case 'hold':
      return `held by ${decision.reasons.length}`;
    case 'done':
      return 'done';
  }
}
