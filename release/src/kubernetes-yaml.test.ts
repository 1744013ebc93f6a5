import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { type Dialect, parseYaml } from './kubernetes-yaml.ts';
import { newReader } from './source-reader.ts';

const growing = Array.from({ length: 12 }, (_, level) =>
  level === 0
    ? 'a0: &a0 [x,x,x,x,x,x,x,x,x]'
    : `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(',')}]`,
).join('\n');
const many = `a: &a x\n${Array.from({ length: 20_000 }, (_, index) => `k${index}: *a`).join('\n')}`;
const merged = `a: &a {x: 1}\n${Array.from({ length: 20_000 }, (_, index) => `k${index}: {<<: *a}`).join('\n')}`;
const anchors = Array.from({ length: 20_000 }, (_, index) => `k${index}: &a${index} x`).join('\n');

const bombs: readonly (readonly [what: string, text: string, reason: RegExp])[] = [
  ['aliases that grow without end', growing, /alias/],
  ['20,000 aliases that make nothing grow', many, /^it has more than 100 aliases$/],
  ['20,000 merges', merged, /^it has more than 100 aliases$/],
  ['20,000 anchors', anchors, /^it has more than 1000 anchors$/],
  ['100,000 brackets that nobody closes', '['.repeat(100_000), /^it is no YAML: it is nested deeper than can be read$/],
  ['10,000 lists in each other', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, /nested deeper than can be read$/],
  ['10,000 dashes', `${'- '.repeat(10_000)}a`, /nested deeper than can be read$/],
  ['an alias of itself', 'a: &a [*a]', /^an alias stands within what it stands for$/],
];
const cases = bombs.flatMap((bomb) =>
  (['yaml-1.2', 'kubernetes', 'rendered'] satisfies Dialect[]).map((dialect) => [bomb[0], dialect, bomb] as const),
);

test.each(cases)(
  '%s, as %s, are refused with the reason, within a second of CPU',
  (_what, dialect, [, text, reason]) => {
    const before = process.cpuUsage();
    const parsed = parseYaml(text, dialect);
    const { user, system } = process.cpuUsage(before);
    expect(parsed).toEqual({ kind: 'fault', reason: expect.stringMatching(reason) });
    expect((user + system) / 1e6).toBeLessThan(1);
  },
);

test('what only looks like an alias or an anchor is a text', () => {
  const text = `${Array.from({ length: 2000 }, (_, index) => `k${index}: a *b &c\nq${index}: "*b"`).join('\n')}\nt: |\n  *b\n  &c\n`;
  expect(parseYaml(text, 'kubernetes')).toMatchObject({
    kind: 'ok',
    documents: [{ value: { q1: '*b', t: '*b\n&c\n' } }],
  });
});

test('some aliases are read', () => {
  const uses = Array.from({ length: 90 }, (_, index) => `k${index}: *a`).join('\n');
  const parsed = parseYaml(`a: &a x\n${uses}`, 'kubernetes');
  expect(parsed).toMatchObject({ kind: 'ok', documents: [{ value: { k89: 'x' } }] });
});

test('a file that no memory has room for is refused before it is read', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-yaml-'));
  try {
    const file = await open(path.join(directory, 'release.yaml'), 'w');
    await file.truncate(2 ** 40);
    await file.close();
    const faults: Parameters<typeof newReader>[1] = [];
    expect(await newReader(directory, faults).documents('release.yaml', 'yaml-1.2')).toBeUndefined();
    expect(JSON.stringify(faults)).toContain('it is larger than 5000000 bytes');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
