import { describe, expect, test } from 'vitest';
import { explain } from './explain.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { walksOver } from './gateway-walk.ts';
import { isProfileUpdateAvailable } from './profile-availability.ts';
import { digestOf, gateway, kubernetes, observation, ownersFacts, platform, t0 } from './testing/facts.ts';
import { type SmallRelease, walkMap } from './testing/walk-map.ts';
import { walkFacts } from './walk-facts.ts';
import { profileStepSentence } from './walk-text.ts';

const line: readonly SmallRelease[] = [
  { version: '4.0.3', kubernetes: '1.26.1' },
  { version: '4.1.9', kubernetes: '1.27.6' },
  { version: '4.2.7', kubernetes: '1.28.2' },
];

/** On a release's agent and another's profile, as the platform's last release makes of it. */
function walked(
  on: { readonly agent: string; readonly profile: string },
  releases = line,
  bare: GatewayFacts = gateway(),
): GatewayFacts {
  const map = walkMap(releases);
  const release = map.releases.get(map.platform);
  if (release === undefined) throw new TypeError('no release of the platform');
  const { release: _release, ...rest } = bare;
  const { appliedProfile: _none, ...seen } = observation({
    agent: { version: platform(on.agent), digest: digestOf(`agent-${on.agent}`) },
    kubernetes: kubernetes(releases.find(({ version }) => version === on.profile)?.kubernetes ?? '1.26.1'),
  });
  const appliedProfile = { version: platform(on.profile), digest: digestOf(`profile-${on.profile}`) };
  const facts = {
    ...rest,
    observation: rest.identity.installation === 'cli' ? { ...seen, appliedProfile } : seen,
  };
  return { ...facts, ...walkFacts(facts, release, walksOver(map)) };
}

const codes = (facts: GatewayFacts) => explain(facts, t0).map(({ code }) => code);

describe('what a walk makes of a gateway', () => {
  test('on the platform’s release: current, and nothing of a way', () => {
    const facts = walked({ agent: '4.2.7', profile: '4.2.7' });
    expect(codes(facts)).toEqual([]);
    expect(facts).not.toHaveProperty('walk');
    expect(facts).not.toHaveProperty('platformRelease');
  });

  test('one step behind: the platform’s release alone, as if there were no walks', () => {
    const facts = walked({ agent: '4.1.9', profile: '4.1.9' });
    expect(facts).toMatchObject({ release: { platformVersion: '4.2.7' } });
    expect(facts).not.toHaveProperty('walk');
    expect(facts).not.toHaveProperty('platformRelease');
    expect(profileStepSentence(facts)).toBeUndefined();
  });

  test('two steps behind: the next release, the platform’s, and the way', () => {
    const facts = walked({ agent: '4.0.3', profile: '4.0.3' });
    expect(facts).toMatchObject({
      release: { platformVersion: '4.1.9' },
      platformRelease: { platformVersion: '4.2.7' },
      walk: { kind: 'on-way', from: '4.0.3', stops: [{ release: '4.1.9' }, { release: '4.2.7' }] },
    });
    expect(explain(facts, t0)[0]?.message).toBe(
      'The gateway site-b is on its way to platform version 4.2.7: 4.0.3 → 4.1.9 → 4.2.7. Next is 4.1.9.',
    );
    expect(isProfileUpdateAvailable(facts)).toBe(true);
    expect(profileStepSentence(facts)).toBe(
      'This is profile update 1 of 2 on the way to platform version 4.2.7: 4.0.3 → 4.1.9 → 4.2.7. ' +
        'Each is reviewed and confirmed by itself.',
    );
  });

  test('the only profile update that is left is not counted, although agents still walk', () => {
    const same = line.map((release) =>
      release.version === '4.2.7' ? { ...release, kubernetes: '1.27.6', profileOf: '4.1.9' } : release,
    );
    const facts = walked({ agent: '4.0.3', profile: '4.0.3' }, same);
    expect(facts.walk).toMatchObject({ stops: [{ bringsProfile: true }, { bringsProfile: false }] });
    expect(profileStepSentence(facts)).toBeUndefined();
  });

  test('a stop that brings all that the platform’s release has is the last: no way is shown for it', () => {
    const twin: SmallRelease = { version: '4.2.7', kubernetes: '1.27.6', agentOf: '4.1.9', profileOf: '4.1.9' };
    const facts = walked({ agent: '4.0.3', profile: '4.0.3' }, [...line.slice(0, 2), { ...twin, upgradeFrom: [] }]);
    expect(facts).toMatchObject({
      release: { platformVersion: '4.1.9' },
      platformRelease: { platformVersion: '4.2.7' },
    });
    expect(facts).not.toHaveProperty('walk');
    expect(codes(walked({ agent: '4.1.9', profile: '4.1.9' }, [...line.slice(0, 2), twin]))).toEqual([]);
  });

  test('without a way: neither agent nor profile is offered, and why', () => {
    const gap = line.filter(({ version }) => version !== '4.1.9');
    const facts = walked({ agent: '4.0.3', profile: '4.0.3' }, gap);
    expect(codes(facts)).toEqual(['no-way-to-platform-version', 'no-supported-step']);
    expect(isProfileUpdateAvailable(facts)).toBe(false);
    expect(facts).toMatchObject({ release: { platformVersion: '4.2.7' } });
  });

  test('on an existing cluster the same for its agent', () => {
    const facts = walked({ agent: '4.0.3', profile: '4.0.3' }, line, ownersFacts());
    expect(codes(facts)).toEqual(['on-its-way', 'agent-update-waiting-for-poll']);
  });

  test('newer than the platform: the platform’s release, and what it says of it', () => {
    const facts = walked({ agent: '4.3.0', profile: '4.2.7' });
    expect(codes(facts)).toEqual(['agent-newer-than-release']);
  });

  test('never heard: the platform’s release', () => {
    const { observation: _none, release: _release, ...silent } = gateway();
    const map = walkMap(line);
    const release = map.releases.get(map.platform);
    expect(release && walkFacts(silent, release, walksOver(map))).toEqual({ release });
  });
});
