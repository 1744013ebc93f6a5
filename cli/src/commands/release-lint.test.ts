import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatehouse } from '../gatehouse.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-lint-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function source(version: string, kubernetes: string, more = ''): Promise<void> {
  const profile = path.join(directory, version, 'profiles', 'maas');
  await mkdir(profile, { recursive: true });
  await writeFile(
    path.join(directory, version, 'release.yaml'),
    `platformVersion: ${version}
channels: [stable]
serverMinimum: 0.1.0
agent: { repository: registry.example/agent, kubernetes: { min: 1.25.0, max: 1.30.99 } }
${more}
`,
  );
  await writeFile(
    path.join(profile, 'profile.yaml'),
    `version: ${version}\nlayers: [{ kind: kubernetes, packs: [{ name: kubernetes, version: ${kubernetes} }] }]\n`,
  );
}

async function lint(...line: readonly string[]) {
  const out: string[] = [];
  const error: string[] = [];
  const exitCode = await gatehouse(['release', 'lint', ...line], {
    env: {},
    cwd: directory,
    isInteractive: false,
    hasColour: false,
    out: (text) => out.push(text),
    error: (text) => error.push(text),
    now: () => 0,
    interrupted: new AbortController().signal,
  });
  return { exitCode, out: out.join('\n'), error: error.join('\n') };
}

describe('release lint', () => {
  it('says nothing but the count of what is well, without a control plane', async () => {
    await source('4.1.0', '1.26.8');
    await source('4.2.0', '1.27.1');
    expect(await lint(directory)).toEqual({ exitCode: 0, out: '', error: '2 releases: 0 errors, 0 warnings.' });
  });

  it('fails on an error, and shows each finding with its next step', async () => {
    await source('4.1.0', '1.26.8');
    await source('4.2.0', '1.28.1', 'upgradeFrom: [4.1.0, 4.0.x]');
    expect(await lint(directory)).toEqual({
      exitCode: 1,
      out: `SEVERITY   CODE                     RELEASES
error      kubernetes-skips-minor   4.2.0, 4.1.0
  From 4.1.0 to 4.2.0: on maas, Kubernetes would go from 1.26.8 to 1.28.1; it moves one minor at a time.
  Take the edge out, or publish a release with the Kubernetes between.
warning    edge-matches-nothing     4.2.0
  4.2.0 may be upgraded from 4.0.x, and there is no such release.
  Check the version, or add the release that is missing.`,
      error: '2 releases: 1 error, 1 warning.',
    });
  });

  it('fails on a warning only when it is to be strict', async () => {
    await source('4.1.0', '1.26.8', 'upgradeFrom: [4.0.x]');
    expect(await lint(directory)).toMatchObject({ exitCode: 0, error: '1 release: 0 errors, 1 warning.' });
    expect(await lint(directory, '--strict')).toMatchObject({ exitCode: 1, error: '1 release: 0 errors, 1 warning.' });
  });

  it('names three releases in a line, and all of them as JSON', async () => {
    await source('4.1.0', '1.26.8');
    for (const patch of [0, 1, 2, 3, 4])
      await source(`4.3.${patch}`, '1.26.8', patch === 0 ? '' : 'upgradeFrom: [4.3.0]');
    await source('4.4.0', '1.26.8', 'upgradeFrom: [4.1.x, 4.3.x]');
    expect((await lint(directory)).out).toContain('unreachable   4.3.1, 4.3.2, 4.3.3, and 1 more');
    const { exitCode, out } = await lint(directory, '-o', 'json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      releases: ['4.1.0', '4.3.0', '4.3.1', '4.3.2', '4.3.3', '4.3.4', '4.4.0'],
      errors: 2,
      warnings: 0,
      items: [
        { code: 'no-way-in', severity: 'error', releases: ['4.3.0'] },
        { code: 'unreachable', severity: 'error', releases: ['4.3.1', '4.3.2', '4.3.3', '4.3.4'] },
      ],
    });
  });

  it.each([
    ['a folder that holds nothing of the kind', ['.'], 4],
    ['no folder', [], 2],
    ['an unknown form', ['.', '-o', 'xml'], 2],
  ])('ends without a judgement for %s', async (_name, line, exitCode) => {
    expect(await lint(...line.map((word) => (word === '.' ? directory : word)))).toMatchObject({ exitCode, out: '' });
  });
});
