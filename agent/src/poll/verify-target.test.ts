import type { ProfileUpdateOrder, Target } from '@gatehouse/contract/agent-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refuseStrangePack, verifyInitialProfile, verifyOrder } from '../apply/profile-order.ts';
import { createMapsInMemory, type MapsInMemory } from '../cluster/maps-in-memory.ts';
import { openRepository, type TestRepository } from '../testing/test-repository.ts';
import { openReleaseShelf, type ReleaseShelf } from './release-shelf.ts';
import { freshnessOfProfile, type Standing, verifyTarget } from './verify-target.ts';

const nothing: Standing = { agents: new Set(), plans: new Map(), profiles: new Set() };
const settings = { controlPlanes: 3, workers: 0 };

describe('what a target names', () => {
  let repository: TestRepository;
  let world: MapsInMemory;
  let isAway: boolean;
  let now: number;

  beforeEach(async () => {
    repository = await openRepository();
    world = createMapsInMemory(() => now);
    isAway = false;
    now = Date.now();
  });
  afterEach(async () => {
    await repository.dispose();
  });

  /** A new process each time: nothing is kept but what is in the gateway. */
  const open = (): Promise<ReleaseShelf> =>
    openReleaseShelf({
      cluster: world.cluster,
      root: repository.root,
      namespace: 'gatehouse-site-a',
      clock: { monotonic: () => 0 },
      controlPlane: {
        readRepositoryFile: async (kind, file) => {
          if (isAway) throw new Error('no route to host');
          return repository.read(kind, file);
        },
        time: () => undefined,
      },
    });
  const agent = (version: string): NonNullable<Target['agent']> => {
    const { version: agentVersion, digest } = repository.release(version).agent;
    return { release: version, version: agentVersion, digest, isRetried: false };
  };
  const profile = (version: string) => {
    const pointer = repository.release(version).profiles['vsphere'];
    if (pointer === undefined) throw new Error('no vsphere profile');
    return { release: version, digest: pointer.digest };
  };
  const target = (more: Omit<Target, 'generation' | 'settings'>): Target => ({ generation: 1, settings, ...more });
  const codes = (reasons: readonly { readonly code: string }[]): readonly string[] => reasons.map(({ code }) => code);

  test('is verified from the root the agent was installed with', async () => {
    const shelf = await open();
    expect(
      await verifyTarget(
        shelf,
        target({ agent: agent('4.2.7'), initialProfile: profile('4.1.12') }),
        'vsphere',
        nothing,
      ),
    ).toEqual([]);
  });

  test('is verified again after a restart with the server gone', async () => {
    await verifyTarget(
      await open(),
      target({ agent: agent('4.2.7'), initialProfile: profile('4.1.12') }),
      'vsphere',
      nothing,
    );
    isAway = true;
    const shelf = await open();
    const verified = await verifyInitialProfile(shelf, profile('4.1.12'), 'vsphere', 'current');
    expect(verified.kind).toBe('ok');
    expect(await verifyTarget(shelf, target({ agent: agent('4.2.7') }), 'vsphere', nothing)).toEqual([]);
  });

  test('is a hold while the server cannot be reached and nothing is kept', async () => {
    isAway = true;
    const reasons = await verifyTarget(await open(), target({ agent: agent('4.2.7') }), 'vsphere', nothing);
    expect(codes(reasons)).toContain('repository-unreachable');
  });

  test.each([
    [
      'a release that is not signed',
      (): Omit<Target, 'generation' | 'settings'> => ({ agent: { ...agent('4.2.7'), release: '9.9.9' } }),
      'unknown-release',
    ],
    [
      'another agent under the name of a release',
      () => ({ agent: { ...agent('4.2.7'), digest: agent('4.1.12').digest } }),
      'release-mismatch',
    ],
    [
      'another profile under the name of a release',
      () => ({ initialProfile: { ...profile('4.2.7'), digest: profile('4.1.12').digest } }),
      'release-mismatch',
    ],
  ])('is refused: %s', async (_, named, code) => {
    const reasons = await verifyTarget(await open(), target(named()), 'vsphere', nothing);
    expect(codes(reasons)).toContain(code);
  });

  test('is refused: a profile of a provider that the release has none for', async () => {
    const reasons = await verifyTarget(await open(), target({ initialProfile: profile('4.2.7') }), 'nutanix', nothing);
    expect(codes(reasons)).toContain('release-mismatch');
  });

  test('what lies in the gateway is checked each time it is taken', async () => {
    await verifyTarget(await open(), target({ agent: agent('4.2.7') }), 'vsphere', nothing);
    const map = await world.cluster.readMap('target');
    const forged = Object.keys(map?.data ?? {}).map(
      (key) => [key, 'H4sIAAAAAAAAA6tWKkktLlGyUkooLlGyqgUALMP0yBIAAAA='] as const,
    );
    expect(forged.length).toBeGreaterThan(0);
    await world.cluster.writeMap('target', Object.fromEntries(forged), map?.resourceVersion);
    isAway = true;
    const reasons = await verifyTarget(await open(), target({ agent: agent('4.2.7') }), 'vsphere', nothing);
    expect(reasons.length).toBeGreaterThan(0);
  });

  test('of a recalled release only what runs or has begun is gone on with', async () => {
    await repository.recall('4.2.7', 'It loses volumes.', new Date());
    const running: Standing = { ...nothing, agents: new Set([agent('4.2.7').digest]) };
    const named = target({ agent: agent('4.2.7') });
    expect(await verifyTarget(await open(), named, 'vsphere', running)).toEqual([]);
    expect(codes(await verifyTarget(await open(), named, 'vsphere', nothing))).toEqual(['release-recalled']);
    const other = target({ initialProfile: profile('4.2.7') });
    expect(codes(await verifyTarget(await open(), other, 'vsphere', nothing))).toEqual(['release-recalled']);
  });

  describe('once the metadata has expired', () => {
    const order = () => ({
      planId: `sha256:${'a'.repeat(64)}`,
      release: '4.2.7',
      retry: 0,
      isCancelled: false,
      steps: [],
      from: { version: '4.1.12', digest: profile('4.1.12').digest },
      to: { version: '4.2.7', digest: profile('4.2.7').digest },
    });
    const begun = (to: string | undefined): Standing => ({ ...nothing, plans: new Map([[order().planId, to]]) });
    const cases: readonly (readonly [
      string,
      () => Omit<Target, 'generation' | 'settings'>,
      () => Standing,
      readonly string[],
    ])[] = [
      [
        'the agent that runs is still good',
        () => ({ agent: agent('4.2.7') }),
        () => ({ ...nothing, agents: new Set([agent('4.2.7').digest]) }),
        [],
      ],
      [
        'another is not',
        () => ({ agent: agent('4.2.7') }),
        () => ({ ...nothing, agents: new Set([agent('4.1.12').digest]) }),
        ['metadata-expired'],
      ],
      [
        'the profile that was applied is',
        () => ({ initialProfile: profile('4.1.12') }),
        () => ({ ...nothing, profiles: new Set([profile('4.1.12').digest]) }),
        [],
      ],
      [
        'a first profile that has not begun is not',
        () => ({ initialProfile: profile('4.1.12') }),
        () => nothing,
        ['metadata-expired'],
      ],
      ['an update that has begun is', () => ({ profileUpdate: order() }), () => begun(order().to.digest), []],
      ['one that an older agent began is', () => ({ profileUpdate: order() }), () => begun(undefined), []],
      ['one that has not begun is not', () => ({ profileUpdate: order() }), () => nothing, ['metadata-expired']],
      [
        'another under the name of one that has begun is not',
        () => ({ profileUpdate: order() }),
        () => begun(profile('4.1.12').digest),
        ['metadata-expired'],
      ],
      ['what is only proposed is not', () => ({ proposed: order() }), () => nothing, ['metadata-expired']],
    ];
    test.each(cases)('%s', async (_, named, standing, expected) => {
      const all = target({ agent: agent('4.2.7'), initialProfile: profile('4.1.12'), profileUpdate: order() });
      expect(await verifyTarget(await open(), all, 'vsphere', nothing)).toEqual([]);
      now += 8 * 86_400_000;
      isAway = true;
      const reasons = await verifyTarget(await open(), target(named()), 'vsphere', standing());
      expect([...new Set(codes(reasons))].filter((code) => code !== 'repository-unreachable')).toEqual(expected);
    });

    test('a plan goes on only to the profile it began with', () => {
      expect(freshnessOfProfile('plan', 'a', { ...nothing, plans: new Map([['plan', 'a']]) })).toBe('signed');
      expect(freshnessOfProfile('plan', 'b', { ...nothing, plans: new Map([['plan', 'a']]) })).toBe('current');
    });
  });

  test('an order for other nodes than the signed profile says is refused', async () => {
    const shelf = await open();
    await shelf.refresh();
    const order = (kubernetes: string, os: string) => ({
      planId: `sha256:${'a'.repeat(64)}`,
      release: '4.2.7',
      from: { version: '4.1.12', digest: profile('4.1.12').digest },
      to: { version: '4.2.7', digest: profile('4.2.7').digest },
      steps: [
        {
          id: 'control-planes',
          kind: 'control-planes' as const,
          move: 'version' as const,
          to: { kubernetes, os },
          nodes: [],
        },
      ],
      retry: 0,
      isCancelled: false,
    });
    const signed = await verifyOrder(shelf, order('1.27.11', 'ubuntu-2204-kube-v1.27.11'), 'vsphere', 'current');
    expect(signed.kind).toBe('ok');
    for (const lie of [order('1.27.11', 'an-image-of-mine'), order('1.30.0', 'ubuntu-2204-kube-v1.27.11')]) {
      expect(await verifyOrder(shelf, lie, 'vsphere', 'current')).toMatchObject({
        kind: 'refused',
        reasons: [{ code: 'order-refused' }],
      });
    }
  });

  test('an order that deletes what is never deleted or still wanted, or has a step twice or a pack of nowhere, is none', async () => {
    const shelf = await open();
    const to = { version: '4.2.7', digest: profile('4.2.7').digest };
    const step = { id: 'pack:network/cilium', kind: 'pack', layer: 'network', pack: 'cilium' } as const;
    const order = (steps: ProfileUpdateOrder['steps']): ProfileUpdateOrder => ({
      planId: to.digest,
      release: '4.2.7',
      from: to,
      to,
      steps,
      retry: 0,
      isCancelled: false,
    });
    const verify = (steps: ProfileUpdateOrder['steps']) => verifyOrder(shelf, order(steps), 'vsphere', 'current');
    const [object] = repository
      .profile('4.2.7', 'vsphere')
      .layers.flatMap(({ packs }) => packs.flatMap((p) => p.objects));
    const { apiVersion, kind, metadata } = object as { apiVersion: string; kind: string; metadata: { name: string } };
    const lies: readonly (readonly [ProfileUpdateOrder['steps'], RegExp])[] = [
      [
        [{ ...step, deletes: [{ apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' }] }],
        /never|no profile update/,
      ],
      [[{ ...step, deletes: [{ apiVersion, kind, ...metadata }] }], /which profile 4\.2\.7 has/],
      [[step, step], /twice/],
    ];
    for (const [lie, word] of lies) {
      const refused = await verify(lie);
      expect(refused).toMatchObject({ kind: 'refused', reasons: [{ code: 'order-refused' }] });
      expect(JSON.stringify(refused)).toMatch(word);
    }

    const strange = await verify([{ ...step, pack: 'marker' }]);
    if (strange.kind === 'refused') throw new Error('its packs are looked at with the gateway’s');
    const asked = (hasPack: boolean, begunPlanId?: string) =>
      refuseStrangePack(strange.value, { hasPack: () => hasPack, begunPlanId });
    expect(asked(false)).toMatchObject({ reasons: [{ code: 'order-refused' }] });
    expect(asked(true)).toBeUndefined();
    expect(asked(false, to.digest)).toBeUndefined();
  });
});
