import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Release } from '@gatehouse/contract/operator-types';
import { codes, toProblem } from '@gatehouse/contract/problem';
import { generateKeys } from '@gatehouse/release/keys';
import { publishRelease } from '@gatehouse/release/publish-release';
import { sampleSource } from '@gatehouse/release/sample-releases';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatehouse } from '../gatehouse.ts';
import { clockTime } from '../time.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-recall-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function run(line: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const out: string[] = [];
  const error: string[] = [];
  const exitCode = await gatehouse(['release', ...line], {
    env: { HOME: directory, ...env },
    cwd: directory,
    isInteractive: false,
    hasColour: false,
    out: (text) => out.push(text),
    error: (text) => error.push(text),
    now: () => Date.parse('2026-11-23T10:00:00Z'),
    interrupted: new AbortController().signal,
  });
  return { exitCode, out: out.join('\n'), error: error.join('\n') };
}

const because = ['--reason', 'It forgets its Lease.'];

describe("a publisher's recall", () => {
  let repository = '';
  let folders: readonly string[] = [];
  beforeEach(async () => {
    repository = path.join(directory, 'repository');
    const keys = path.join(directory, 'keys');
    folders = ['--repository', repository, '--keys', keys];
    await generateKeys(keys);
    const made = await publishRelease({
      repositoryDirectory: repository,
      keysDirectory: keys,
      source: sampleSource('4.2.7'),
      agentBundle: Buffer.from('the agent of a test'),
      now: new Date('2026-11-23T09:00:00Z'),
    });
    expect(made.kind).toBe('ok');
  });

  it('is signed into the folder, listed there, and said once', async () => {
    expect(await run(['recall', '4.2.7', ...because, ...folders])).toMatchObject({
      exitCode: 0,
      out: 'Recalled 4.2.7 in signed metadata: It forgets its Lease.',
      error: `Bring it to every control plane with \`gatehouse release import ${repository}\`.`,
    });
    expect((await run(['list', '--repository', repository])).out).toMatch(/^4\.2\.7 {5}It forgets its Lease\. /m);
    expect(await run(['recall', '4.2.7', '--reason', 'Another.', ...folders])).toMatchObject({
      exitCode: 0,
      out: '4.2.7 was recalled at 2026-11-23T10:00:00.000Z: It forgets its Lease.',
    });
  });

  it('can be written into a file for others to sign', async () => {
    expect(
      await run(['recall', '4.2.7', ...because, ...folders, '--prepare', path.join(directory, 'recall.json')]),
    ).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('recalls 4.2.7: It forgets its Lease.') as string,
    });
    expect((await run(['list', '--repository', repository])).out).not.toContain('It forgets its Lease.');
    expect(await run(['publish', path.join(directory, 'recall.json'), ...folders])).toMatchObject({ exitCode: 0 });
    expect((await run(['list', '--repository', repository])).out).toContain('It forgets its Lease.');
  });

  it('of a version that was never published is refused', async () => {
    expect(await run(['recall', '9.9.9', ...because, ...folders])).toMatchObject({ exitCode: 4, out: '' });
  });

  it.each([
    { name: 'without a reason', line: [], without: [] },
    { name: 'without keys', line: because, without: ['--keys'] },
    { name: 'without a folder', line: because, without: ['--repository'] },
    { name: 'with gateways', line: [...because, '--even-if-paused', 'site-a'], without: [] },
    { name: 'taken back', line: ['--withdraw'], without: [] },
  ])('$name is a wrong command line', async ({ line, without }) => {
    const given = folders.filter(
      (word, index) => !without.includes(word) && !without.includes(folders[index - 1] ?? ''),
    );
    expect(await run(['recall', '4.2.7', ...line, ...given])).toMatchObject({ exitCode: 2, out: '' });
  });
});

describe("an operator's recall", () => {
  let server: Server;
  let env: Record<string, string>;
  const seen: { method: string; url: string; body: unknown }[] = [];
  let answer: { readonly status: number; readonly body: unknown };
  const release: Release = {
    version: '4.2.7',
    publishedAt: '2026-11-20T10:00:00.000Z',
    channels: ['stable'],
    agentVersion: '4.2.7',
    agentDigest: `sha256:${'a'.repeat(64)}`,
    profiles: {},
    notes: '',
    isPlatformVersion: true,
    recalled: {
      reason: 'It forgets its Lease.',
      at: '2026-11-23T10:00:00.000Z',
      by: 'ann',
      isSigned: false,
      gateways: [
        { name: 'site-a', tenant: 'default', parts: ['agent', 'profile'], isEvenIfPaused: true },
        { name: 'site-b', tenant: 'default', parts: ['agent'], isEvenIfPaused: false },
      ],
      gatewaysTotal: 3,
    },
  };

  beforeEach(async () => {
    seen.length = 0;
    answer = { status: 200, body: release };
    server = createServer((request, reply) => {
      let text = '';
      request.on('data', (part) => {
        text += String(part);
      });
      request.on('end', () => {
        seen.push({
          method: request.method ?? '',
          url: request.url ?? '',
          body: text === '' ? undefined : JSON.parse(text),
        });
        reply.statusCode = answer.status;
        reply.end(JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    if (typeof bound !== 'object' || bound === null) throw new Error('not listening');
    env = { GATEHOUSE_SERVER: `http://127.0.0.1:${bound.port}`, GATEHOUSE_TOKEN: 'secret' };
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is sent with its reason and its gateways by name, and answered with who is on it', async () => {
    const line = ['recall', '4.2.7', ...because, '--even-if-paused', 'site-a', '--even-if-paused', 'site-c'];
    expect(await run(line, env)).toEqual({
      exitCode: 0,
      out: `Release 4.2.7 is recalled: it is offered to nobody.
Release 4.2.7 was recalled by ann at ${clockTime('2026-11-23T10:00:00.000Z')}: It forgets its Lease.
  - site-a runs its agent and profile; leaves it even if paused
  - site-b runs its agent
  and 1 more`,
      error:
        'The platform is on it. Move on with `gatehouse platform upgrade <version>` once there is a good one; gateways do not hold that step.',
    });
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/v1/releases/4.2.7/recall',
        body: { reason: 'It forgets its Lease.', evenIfPaused: ['site-a', 'site-c'] },
      },
    ]);
  });

  it('is withdrawn, and a signed one is not', async () => {
    expect(await run(['recall', '4.2.7', '--withdraw', '--reason', 'wrong'], env)).toMatchObject({
      exitCode: 0,
      out: 'The recall of 4.2.7 is withdrawn: it is offered again.',
    });
    expect(seen).toMatchObject([{ method: 'DELETE', url: '/v1/releases/4.2.7/recall?reason=wrong' }]);
    const reasons = [{ code: 'recall-signed', message: 'The publisher has recalled it.', nextStep: 'Upgrade.' }];
    answer = { status: codes['recall-signed'].status, body: toProblem('recall-signed', 'It stays.', { reasons }) };
    expect(await run(['recall', '4.2.7', '--withdraw'], env)).toMatchObject({
      exitCode: 4,
      error: expect.stringContaining('The publisher has recalled it.') as string,
    });
  });

  it('needs a reason, and asks nobody without one', async () => {
    expect(await run(['recall', '4.2.7'], env)).toMatchObject({ exitCode: 2, out: '' });
    expect(await run(['recall', '4.2.7', '--withdraw', '--even-if-paused', 'a'], env)).toMatchObject({ exitCode: 2 });
    expect(seen).toEqual([]);
  });

  it('is seen in the list of releases, with every gateway on it', async () => {
    answer = { status: 200, body: { items: [release, { ...release, version: '4.2.8', recalled: undefined }] } };
    const { out } = await run(['list'], env);
    expect(out).toMatch(/^VERSION +PLATFORM +RECALLED/);
    expect(out).toMatch(/^4\.2\.7 +current +recalled /m);
    expect(out).toMatch(/^4\.2\.8 +current +- /m);
    expect(out).toContain('  - site-b runs its agent\n');
  });
});
