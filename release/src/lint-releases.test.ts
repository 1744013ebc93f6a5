import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateKeys } from './keys.ts';
import { lintFolders } from './lint-releases.ts';
import type { Outcome } from './outcome.ts';
import { publishRecall } from './publish-recall.ts';
import { publishRelease } from './publish-release.ts';

const now = new Date('2026-11-23T10:42:00.000Z');
const digest = `sha256:${'a'.repeat(64)}`;

let scratch = '';
beforeEach(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-lint-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}

interface Source {
  readonly kubernetes?: string;
  /** Lines of release.yaml. */
  readonly more?: string;
}

async function writeSource(version: string, { kubernetes = '1.26.8', more = '' }: Source = {}): Promise<string> {
  const folder = path.join(scratch, 'sources', version);
  await mkdir(path.join(folder, 'profiles', 'maas', 'ubuntu'), { recursive: true });
  await writeFile(
    path.join(folder, 'release.yaml'),
    `platformVersion: ${version}
channels: [stable]
serverMinimum: 0.1.0
agent:
  repository: registry.example/gatehouse/agent
  digest: ${digest}
  kubernetes: { min: 1.25.0, max: 1.30.99 }
${more}
`,
  );
  await writeFile(
    path.join(folder, 'profiles', 'maas', 'profile.yaml'),
    `version: ${version}
layers:
  - { kind: os, packs: [{ name: ubuntu, version: 22.04.4 }] }
  - { kind: kubernetes, packs: [{ name: kubernetes, version: ${kubernetes} }] }
`,
  );
  await writeFile(path.join(folder, 'profiles', 'maas', 'ubuntu', 'values.yaml'), 'image: ubuntu\n');
  return folder;
}

async function publish(...sources: readonly string[]): Promise<string> {
  const [keysDirectory, repositoryDirectory] = [path.join(scratch, 'keys'), path.join(scratch, 'repository')];
  value(await generateKeys(keysDirectory));
  for (const source of sources) value(await publishRelease({ repositoryDirectory, keysDirectory, source, now }));
  return repositoryDirectory;
}

const lint = async (...folders: readonly string[]) => {
  const { releases, findings } = value(await lintFolders(folders));
  return { releases, found: findings.map(({ code, releases: concerned }) => [code, ...concerned].join(' ')) };
};

const sourcesFolder = () => path.join(scratch, 'sources');

describe('sources', () => {
  test('of one release, or of many in one folder, beside what is none', async () => {
    const first = await writeSource('4.1.0');
    await writeSource('4.2.0', { kubernetes: '1.28.1' });
    await mkdir(path.join(sourcesFolder(), 'notes'));
    await writeFile(path.join(sourcesFolder(), 'README.md'), 'Releases.');
    expect(await lint(first)).toEqual({ releases: ['4.1.0'], found: [] });
    expect(await lint(sourcesFolder())).toEqual({
      releases: ['4.1.0', '4.2.0'],
      found: ['kubernetes-skips-minor 4.2.0 4.1.0'],
    });
  });

  test('every fault of what cannot be read, with its file, and the others are judged all the same', async () => {
    await writeSource('4.1.0');
    await writeSource('4.2.0', {
      more: 'upgradeFrom: [4.1.0]\nrisks: [{ name: r, message: m, fixedIn: 4.3 }]\nnote: n',
    });
    await writeSource('4.2.1', { more: 'upgradeFrom: ["4.1"]' });
    const broken = await writeSource('4.4.0');
    await writeFile(path.join(broken, 'release.yaml'), 'platformVersion: 4.4');
    const { findings } = value(await lintFolders([sourcesFolder()]));
    expect(new Set(findings.map(({ code, severity }) => `${severity} ${code}`))).toEqual(
      new Set([
        'error source-invalid',
        'error version-malformed',
        'error edge-malformed',
        'error no-way-in',
        'error dead-end',
      ]),
    );
    const messages = findings.map(({ message }) => message).join('\n');
    expect(messages).toContain(`${path.join(sourcesFolder(), '4.2.0')}, release.yaml, note: there is no such field.`);
    expect(messages).toContain(`${broken}, release.yaml, platformVersion: `);
    expect(messages).toContain('4.2.1 names "4.1", which matches nothing.');
  });
});

describe('a repository', () => {
  test('has what was published, with Kubernetes from its profiles', async () => {
    const repository = await publish(
      await writeSource('4.1.0', { more: 'upgradeFrom: []' }),
      await writeSource('4.2.0', { kubernetes: '1.28.1', more: 'upgradeFrom: [4.1.x, 4.0.x]' }),
    );
    expect(await lint(repository)).toEqual({
      releases: ['4.1.0', '4.2.0'],
      found: ['kubernetes-skips-minor 4.2.0 4.1.0', 'edge-matches-nothing 4.2.0'],
    });
  });

  test('is judged with its recalls', async () => {
    const repository = await publish(
      await writeSource('4.1.0'),
      await writeSource('4.2.0'),
      await writeSource('4.3.0', { more: 'upgradeFrom: [4.2.0]' }),
    );
    expect((await lint(repository)).found).toEqual([]);
    const keysDirectory = path.join(scratch, 'keys');
    const recall = { repositoryDirectory: repository, keysDirectory, version: '4.2.0', reason: 'It loses data.', now };
    value(await publishRecall(recall));
    expect((await lint(repository)).found).toEqual(['dead-end 4.1.0', 'unreachable 4.3.0']);
  });

  test('together with the source that is to come next, and with the source of what is there', async () => {
    const first = await writeSource('4.1.0', { more: 'notes: First.\nfixes: [Something.]' });
    const repository = await publish(first);
    const next = await writeSource('4.2.0', { kubernetes: '1.28.1' });
    expect((await lint(repository, first)).found).toEqual([]);
    expect((await lint(repository, first, next)).found).toEqual(['kubernetes-skips-minor 4.2.0 4.1.0']);
  });

  test('beside a source of the same version that was changed since', async () => {
    const source = await writeSource('4.1.0');
    const repository = await publish(source);
    const changed = path.join(scratch, 'changed');
    await cp(source, changed, { recursive: true });
    await writeFile(path.join(changed, 'profiles', 'maas', 'ubuntu', 'values.yaml'), 'image: ubuntu-2\n');
    expect((await lint(repository, changed)).found).toEqual(['release-differs 4.1.0']);
  });
});

describe('refused is', () => {
  test.each([
    ['a folder with nothing in it', '.', 'folder-unknown'],
    ['a folder that is not there', 'nowhere', 'folder-unknown'],
    ['a repository that is broken', 'broken', 'repository-invalid'],
  ])('%s', async (_name, name, code) => {
    await mkdir(path.join(scratch, 'broken', 'metadata'), { recursive: true });
    await writeFile(path.join(scratch, 'broken', 'metadata', 'timestamp.json'), '{}');
    const folder = name === '.' ? path.join(scratch, 'broken', 'metadata') : path.join(scratch, name);
    const linted = await lintFolders([folder]);
    expect(linted).toMatchObject({ kind: 'refused', reasons: [{ code, message: expect.stringContaining(folder) }] });
  });
});
