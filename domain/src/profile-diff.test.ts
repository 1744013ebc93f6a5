import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalText, isSameJson } from './json.ts';
import { objectKey } from './object-reference.ts';
import { type Json, type KubernetesObject, type LayerKind, layerKinds, type Pack, type Profile } from './profile.ts';
import { applyProfileDiff, diffProfiles } from './profile-diff.ts';
import { object, oldProfile, pack, platform, profile } from './testing/facts.ts';
import { applyValueChanges, diffValues } from './value-diff.ts';

// Plain JSON, with keys that bite, such as `__proto__`.
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(fc.constantFrom('a', 'b', ''), fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'a.b', '0', '__proto__', 'constructor'), tie('value'), { maxKeys: 3 }),
  ),
})).value;
const values = fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'x.y'), json, { maxKeys: 3 });
const anyObject: fc.Arbitrary<KubernetesObject> = fc
  .record({
    kind: fc.constantFrom('ConfigMap', 'Deployment'),
    name: fc.constantFrom('one', 'two'),
    apiVersion: fc.constantFrom('v1', 'apps/v1', 'apps/v1beta1'),
    data: json,
  })
  .map(({ kind, name, apiVersion, data }) => ({ apiVersion, kind, metadata: { name }, data }));
const anyPack = (name: string): fc.Arbitrary<Pack> =>
  fc
    .record({
      version: fc.constantFrom('1.0.0', '1.1.0'),
      values,
      secretPaths: fc.subarray(['a', 'b']),
      objects: fc.array(anyObject, { maxLength: 4 }),
      beforeNodes: fc.boolean(),
    })
    .map((more) => ({ name, ...more }));
const anyPacks = fc
  .shuffledSubarray(['one', 'two', 'three'])
  .chain((names) => fc.tuple(...names.map((name) => anyPack(name))));
const anyProfile: fc.Arbitrary<Profile> = fc
  .record({
    kinds: fc.subarray([...layerKinds]),
    packs: fc.array(anyPacks, { minLength: 5, maxLength: 5 }),
    digest: fc.uuid(),
  })
  .map(({ kinds, packs, digest }) => ({
    provider: 'vsphere',
    version: platform('4.2.7'),
    digest,
    layers: kinds.map((kind) => ({ kind, packs: packs[layerKinds.indexOf(kind)] ?? [] })),
  }));

test('the difference of two values applied to the first gives the second, and is empty only when they are the same', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const changes = diffValues(a, b);
      expect(isSameJson(applyValueChanges(a, changes), b)).toBe(true);
      expect(changes.length === 0).toBe(isSameJson(a, b));
    }),
    { numRuns: 500 },
  );
});

test('the difference of two profiles applied to the first gives the second', () => {
  fc.assert(
    fc.property(anyProfile, anyProfile, (a, b) => {
      expect(applyProfileDiff(diffProfiles(a, b), a)).toEqual(b);
    }),
    { numRuns: 500 },
  );
});

test('a profile does not differ from itself', () => {
  fc.assert(
    fc.property(anyProfile, (a) => {
      const { layers } = diffProfiles(a, a);
      expect(layers.every(({ isMoved, packs }) => !isMoved && packs.every(({ change }) => change === 'same'))).toBe(
        true,
      );
    }),
  );
});

test('a difference is applied to no other profile than the one it was made from', () => {
  const [a, b] = [profile('a', { kubernetes: '1.33.5', os: 'u1' }), profile('b', { kubernetes: '1.34.1', os: 'u1' })];
  expect(() => applyProfileDiff(diffProfiles(a, b), b)).toThrow('the difference is from profile sha256:a');
});

describe('what changes', () => {
  const from = pack('cilium', {
    version: '1.0.0',
    values: { mtu: 1500, hubble: { enabled: true }, nodes: ['a', 'b'] },
    objects: [object('ConfigMap', 'cilium', { data: { mtu: '1500' } }), object('Service', 'hubble')],
  });
  const to = pack('cilium', {
    version: '1.1.0',
    values: { mtu: 9000, hubble: {}, nodes: ['a', 'c'], mode: 'native' },
    objects: [object('ConfigMap', 'cilium', { data: { mtu: '9000' } }), object('Secret', 'ca')],
  });
  const base = { kubernetes: '1.33.5', os: 'u1' };
  const diff = diffProfiles(
    profile('a', base, [{ kind: 'network', packs: [from, pack('dns')] }]),
    profile('b', base, [{ kind: 'network', packs: [pack('gateway-api'), to] }]),
  );
  const network = diff.layers.find(({ kind }) => kind === 'network');

  test('is said by layer', () => {
    const moved = diff.layers.filter(({ isMoved }) => isMoved).map(({ kind }): LayerKind => kind);
    expect(moved).toEqual(['network']);
  });

  test('and by pack: those of the second in order, then those that go', () => {
    expect(network?.packs.map(({ name, change }) => [name, change])).toEqual([
      ['gateway-api', 'added'],
      ['cilium', 'changed'],
      ['dns', 'removed'],
    ]);
  });

  test('and by value and object', () => {
    const cilium = network?.packs[1];
    expect(cilium).toMatchObject({
      version: { from: '1.0.0', to: '1.1.0' },
      values: [
        { kind: 'changed', path: ['mtu'], from: 1500, to: 9000 },
        { kind: 'removed', path: ['hubble', 'enabled'], from: true },
        { kind: 'changed', path: ['nodes', 1], from: 'b', to: 'c' },
        { kind: 'added', path: ['mode'], to: 'native' },
      ],
      objects: {
        added: [{ kind: 'Secret' }],
        changed: [{ to: { data: { mtu: '9000' } } }],
        deleted: [{ kind: 'Service' }],
      },
    });
  });
});

test('an object that moves to a newer version of its API is the same object', () => {
  const key = (apiVersion: string) => objectKey({ apiVersion, kind: 'Ingress', namespace: 'a', name: 'b' });
  expect(key('networking.k8s.io/v1beta1')).toBe(key('networking.k8s.io/v1'));
  expect(key('networking.k8s.io/v1')).not.toBe(key('extensions/v1beta1'));
  expect(key('v1')).not.toBe(key('apps/v1'));
});

test('the canonical text does not depend on the order of keys, and tells everything else apart', () => {
  expect(canonicalText({ b: 1, a: [true, null, 'x'] })).toBe('{"a":[true,null,"x"],"b":1}');
  fc.assert(
    fc.property(values, values, (a, b) => {
      const backwards = Object.keys(a).reduceRight<Record<string, Json>>(
        (all, key) => ({ ...all, [key]: a[key] ?? null }),
        {},
      );
      expect(canonicalText(backwards)).toBe(canonicalText(a));
      expect(canonicalText(a) === canonicalText(b)).toBe(isSameJson(a, b));
      expect(JSON.parse(canonicalText(a))).toEqual(a);
    }),
  );
});

test('two packs of one name in a layer are a bug of the release', () => {
  const twice = profile('a', { kubernetes: '1.33.5', os: 'u1' }, [
    { kind: 'storage', packs: [pack('csi'), pack('csi')] },
  ]);
  expect(() => diffProfiles(twice, { ...twice, ...oldProfile })).toThrow('two packs of one name');
});
