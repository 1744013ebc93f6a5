import { describe, expect, test } from 'vitest';
import { packText, yamlLines } from './pack-text.ts';
import { reviewProfiles } from './profile-review.ts';
import { mask } from './secrets.ts';
import { object, pack, profile } from './testing/facts.ts';

describe('a value as YAML', () => {
  test.each([
    { name: 'plain texts', value: { a: 'x', b: 'two words' }, yaml: ['a: x', 'b: two words'] },
    {
      name: 'texts that look like something else',
      value: { a: 'true', b: '1', c: '', d: 'x: y', e: '- z', f: '#' },
      yaml: ['a: "true"', 'b: "1"', 'c: ""', 'd: "x: y"', 'e: "- z"', 'f: "#"'],
    },
    { name: 'other values', value: { a: 1, b: false, c: null }, yaml: ['a: 1', 'b: false', 'c: null'] },
    { name: 'keys sorted, odd ones quoted', value: { b: 1, '1': 2, a: 3 }, yaml: ['"1": 2', 'a: 3', 'b: 1'] },
    { name: 'nested', value: { a: { b: { c: 1 } }, d: {}, e: [] }, yaml: ['a:', '  b:', '    c: 1', 'd: {}', 'e: []'] },
    {
      name: 'lists',
      value: { a: ['x', { b: 1, c: 2 }, ['z']] },
      yaml: ['a:', '  - x', '  - b: 1', '    c: 2', '  - - z'],
    },
    { name: 'several lines', value: { a: 'one\n  two\nthree\n' }, yaml: ['a: |', '  one', '    two', '  three'] },
    { name: 'several lines without a last newline', value: { a: 'one\ntwo' }, yaml: ['a: |-', '  one', '  two'] },
    { name: 'several lines that a block would not keep', value: { a: 'one\n\n' }, yaml: ['a: "one\\n\\n"'] },
  ])('$name', ({ value, yaml }) => {
    expect(yamlLines(value)).toEqual(yaml);
  });
});

const base = { kubernetes: '1.33.5', os: 'u1' };
const current = profile('a', base, [
  {
    kind: 'network',
    packs: [
      pack('cilium', {
        version: '1.0.0',
        values: { mtu: 1500, password: 'old', token: 'same' },
        objects: [
          object('ConfigMap', 'cilium', { data: { x: '1' } }),
          object('Service', 'hubble'),
          object('PersistentVolumeClaim', 'data'),
        ],
      }),
    ],
  },
]);
const pending = profile('b', base, [
  {
    kind: 'network',
    packs: [
      pack('cilium', {
        version: '1.1.0',
        values: { mtu: 9000, password: 'new', token: 'same' },
        objects: [object('ConfigMap', 'cilium', { data: { x: '2' } })],
      }),
    ],
  },
]);

describe('the review of two profiles', () => {
  const network = reviewProfiles(current, pending).find(({ layer }) => layer === 'network');
  const cilium = network?.packs[0];

  test('shows current and pending, and that a secret changes without showing it', () => {
    expect(cilium?.current).toBe(
      `name: cilium\nversion: "1.0.0"\nvalues:\n  mtu: 1500\n  password: "${mask}"\n  token: "${mask}"\nobjects:\n` +
        '  - ConfigMap kube-system/cilium\n  - Service kube-system/hubble\n  - PersistentVolumeClaim kube-system/data\n',
    );
    expect(cilium?.pending).toContain(`password: "${mask} (changed)"\n  token: "${mask}"\n`);
    expect(cilium?.pending).toContain('  - ConfigMap kube-system/cilium (changed)\n');
  });

  test('names what is deleted, and no claim', () => {
    expect(cilium?.deletes).toEqual(['Service kube-system/hubble']);
  });

  test('marks the layers that move', () => {
    expect(reviewProfiles(current, pending).map(({ layer, isMoved }) => [layer, isMoved])).toEqual([
      ['os', false],
      ['kubernetes', false],
      ['network', true],
    ]);
  });

  test('lines stand beside each other', () => {
    expect(cilium?.lines.find(({ left }) => left?.text === '  mtu: 1500')).toEqual({
      kind: 'changed',
      left: { number: 4, text: '  mtu: 1500' },
      right: { number: 4, text: '  mtu: 9000' },
    });
  });
});

test('a pack that comes has no current side, one that goes no pending one', () => {
  const without = profile('c', base, [{ kind: 'network', packs: [] }]);
  const [, , added] = reviewProfiles(without, pending);
  expect(added?.packs[0]).toMatchObject({ change: 'added', toVersion: '1.1.0' });
  expect(added?.packs[0]).not.toHaveProperty('current');
  const [, , removed] = reviewProfiles(current, without);
  expect(removed?.packs[0]).toMatchObject({ change: 'removed', fromVersion: '1.0.0' });
  expect(removed?.packs[0]).not.toHaveProperty('pending');
});

test('an object that another pack takes over is not shown as deleted', () => {
  const moved = profile('d', base, [
    { kind: 'network', packs: [] },
    { kind: 'add-ons', packs: [pack('hubble', { objects: [object('Service', 'hubble')] })] },
  ]);
  const network = reviewProfiles(current, moved).find(({ layer }) => layer === 'network');
  expect(network?.packs[0]?.deletes).toEqual(['ConfigMap kube-system/cilium']);
});

test('a pack without values or objects is short', () => {
  expect(packText(pack('p'))).toBe('name: p\nversion: "1.0.0"\nvalues: {}\n');
});
