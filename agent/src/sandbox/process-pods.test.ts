import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PodOrder, PodRuntime } from '../cluster/simulated/pod-runtime.ts';
import { createBundleFolder } from './bundle-folder.ts';
import { createProcessPods } from './process-pods.ts';
import { commandLineOf, openProcessRecord } from './process-record.ts';

let folder: string;
let bundles: ReadonlyMap<string, string>;
let runtime: PodRuntime;
let tokens: Set<string>;
let sabotaged: boolean;
let lines: readonly string[];

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** A program as it lies in a release, under the digest of its text. */
function releaseOf(program: string): AgentRelease {
  const version = parsePlatformVersion('4.2.7');
  if (version === undefined) throw new TypeError('4.2.7');
  bundles = new Map([...bundles, [digestOf(program), program]]);
  return { version, digest: digestOf(program) };
}

const order = (release: AgentRelease, owner: PodOrder['owner'] = { kind: 'guard' }): PodOrder => ({
  podName: 'a-pod',
  owner,
  release,
  restarts: 0,
});

async function start(program: string, owner?: PodOrder['owner']) {
  const release = releaseOf(program);
  expect(await runtime.pull(release)).toBe('pulled');
  return runtime.start(order(release, owner));
}

const pidsIn = async (file: string): Promise<readonly number[]> => {
  const { pids }: { pids: readonly number[] } = JSON.parse(await readFile(file, 'utf8'));
  return pids;
};

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await is()) return;
    await sleep(50);
  }
  throw new Error(`not seen within 10 s: ${what}`);
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-pods-'));
  await mkdir(path.join(folder, 'bundles'));
  bundles = new Map();
  tokens = new Set();
  sabotaged = false;
  lines = [];
  const record = openProcessRecord(path.join(folder, 'processes.json'), {
    marker: path.join(folder, 'bundles'),
    run: folder,
    runPrefix: 'nowhere',
  });
  runtime = createProcessPods({
    bundles: createBundleFolder(path.join(folder, 'bundles'), async ({ digest }) => {
      const program = bundles.get(digest);
      if (program === undefined) throw new Error('the server does not have it');
      return Buffer.from(program);
    }),
    record,
    socketDirectory: folder,
    callSocketPath: path.join(folder, 'calls.sock'),
    grant(_podName, token) {
      tokens.add(token);
      return () => tokens.delete(token);
    },
    timings: '{"poll":{"interval":1000}}',
    isSabotaged: () => sabotaged,
    onLine: (_podName, line) => {
      lines = [...lines, line];
    },
  });
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const stays = 'setInterval(() => {}, 1000);';
const answersProbes = (status: string): string => `
  import { createServer } from 'node:http';
  createServer((request, response) => response.writeHead(${status}).end()).listen(process.env.GATEHOUSE_HEALTH_PORT);`;

describe('a pod that is a process', () => {
  test('has the environment that a pod template gives it, and the role of its owner', async () => {
    const program = 'console.log(JSON.stringify({ role: process.argv[2], ...process.env })); process.exitCode = 7;';
    const pod = await start(program, { kind: 'rehearsal', attemptId: 'an-attempt' });
    const { exitCode, lastLines } = await pod.ended;
    expect(exitCode).toBe(7);
    expect(JSON.parse(lastLines ?? '')).toMatchObject({
      role: 'rehearse',
      POD_NAME: 'a-pod',
      GATEHOUSE_AGENT_VERSION: '4.2.7',
      GATEHOUSE_AGENT_DIGEST: digestOf(program),
      GATEHOUSE_ATTEMPT_ID: 'an-attempt',
      GATEHOUSE_CLUSTER: 'simulated',
      GATEHOUSE_TIMINGS: '{"poll":{"interval":1000}}',
    });
  });

  test('is ready as its probe says', async () => {
    const pod = await start(
      `${answersProbes('globalThis.isReady ? 200 : 503')} setTimeout(() => { globalThis.isReady = true; }, 300);`,
    );
    expect(await pod.isReady()).toBe(false);
    await until('ready', () => pod.isReady());
    pod.terminate();
    await pod.ended;
    expect(await pod.isReady()).toBe(false);
  });

  test('leaves its last words, however it ends', async () => {
    const pod = await start(`console.log('first'); throw new Error('cannot start: no such setting');`);
    const { exitCode, lastLines } = await pod.ended;
    expect(exitCode).toBe(1);
    expect(lastLines).toContain('cannot start: no such setting');
    expect((lastLines ?? '').length).toBeLessThanOrEqual(2_048);
  });

  test('is terminated, and killed when it does not obey', async () => {
    const obeys = await start(`process.on('SIGTERM', () => process.exit(0)); console.log('up'); ${stays}`);
    const resists = await start(`process.on('SIGTERM', () => console.log('no')); console.log('up'); ${stays}`);
    await until('both are up', () => lines.filter((line) => line === 'up').length === 2);
    obeys.terminate();
    expect((await obeys.ended).exitCode).toBe(0);
    resists.terminate();
    await until('it does not obey', () => lines.includes('no'));
    resists.kill();
    expect((await resists.ended).exitCode).toBe(137);
  });

  test('is known by its token as long as it lives, and written down', async () => {
    const pod = await start(stays);
    expect(tokens.size).toBe(1);
    expect(await pidsIn(path.join(folder, 'processes.json'))).toHaveLength(1);
    pod.kill();
    await pod.ended;
    expect(tokens.size).toBe(0);
    expect(await pidsIn(path.join(folder, 'processes.json'))).toEqual([]);
  });

  test('exits at its start when its gateway was broken, and says who did that', async () => {
    sabotaged = true;
    const { exitCode, lastLines } = await (await start(stays)).ended;
    expect(exitCode).toBe(1);
    expect(lastLines).toContain('made to fail');
  });
});

describe('a bundle', () => {
  test('that nobody has cannot be pulled', async () => {
    const release = { ...releaseOf(stays), digest: digestOf('another') };
    expect(await runtime.pull(release)).toEqual({ error: expect.stringContaining('the server does not have it') });
  });

  test('is not started when it is not what its digest says, on the way or on the disk', async () => {
    const release = releaseOf(stays);
    bundles = new Map([[release.digest, 'something else']]);
    expect(await runtime.pull(release)).toEqual({ error: expect.stringContaining('is not the one') });
    bundles = new Map([[release.digest, stays]]);
    expect(await runtime.pull(release)).toBe('pulled');
    const [, hex] = release.digest.split(':');
    await writeFile(path.join(folder, 'bundles', hex ?? '', 'agent.mjs'), 'changed');
    bundles = new Map();
    expect(await runtime.pull(release)).toMatchObject({ error: expect.any(String) });
  });
});

describe('when the sandbox is killed', () => {
  /** A process with pods as the sandbox starts them, which is then killed. */
  async function killHostOf(program: string): Promise<readonly number[]> {
    const record = path.join(folder, 'of-the-killed.json');
    const host = spawn(process.execPath, ['--input-type=module', '-e', hostProgram(program, record)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(host.stdout, 'data');
    const pids = await pidsIn(record);
    expect(pids).toHaveLength(1);
    host.kill('SIGKILL');
    await once(host, 'exit');
    return pids;
  }

  function hostProgram(program: string, record: string): string {
    const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
    const bundlesFolder = path.join(folder, 'bundles');
    const where = { marker: bundlesFolder, run: path.join(folder, 'run-of-the-killed'), runPrefix: 'nowhere' };
    return `
      import { createBundleFolder } from ${module('./bundle-folder.ts')};
      import { createProcessPods } from ${module('./process-pods.ts')};
      import { openProcessRecord } from ${module('./process-record.ts')};
      const runtime = createProcessPods({
        bundles: createBundleFolder(${JSON.stringify(bundlesFolder)}, async () => Buffer.from(${JSON.stringify(program)})),
        record: openProcessRecord(${JSON.stringify(record)}, ${JSON.stringify(where)}),
        socketDirectory: ${JSON.stringify(folder)}, callSocketPath: '', grant: () => () => {}, timings: '{}',
        isSabotaged: () => false, onLine: () => console.log('up'),
      });
      const release = { version: '4.2.7', digest: ${JSON.stringify(digestOf(program))} };
      await runtime.pull(release);
      runtime.start({ podName: 'a-pod', owner: { kind: 'guard' }, release, restarts: 0 });`;
  }

  const isRunning = (pid: number): boolean => commandLineOf(pid).includes(path.join(folder, 'bundles'));

  test('its pods leave by themselves', async () => {
    const [pid = 0] = await killHostOf(`console.log('up'); ${stays}`);
    await until('the pod has left', () => !isRunning(pid));
  });

  test('a pod that could not notice is ended by the next sandbox, and nobody else is', async () => {
    const [pid = 0] = await killHostOf(`import { writeSync } from 'node:fs'; writeSync(1, 'up\\n'); for (;;);`);
    expect(isRunning(pid)).toBe(true);
    const file = path.join(folder, 'next.json');
    const run = path.join(folder, 'run-of-the-killed');
    await mkdir(run);
    await writeFile(file, JSON.stringify({ run, pids: [pid, process.pid] }));
    const marker = path.join(folder, 'bundles');
    openProcessRecord(file, { marker, run: folder, runPrefix: path.join(folder, 'run-of-') });
    await until('the pod was ended', () => !isRunning(pid));
    await expect(readFile(run)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await pidsIn(file)).toEqual([]);
  });
});
