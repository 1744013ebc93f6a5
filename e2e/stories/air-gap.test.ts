/**
 * Releases carried to a control plane that no network leads to: one file made by the publisher, its images pushed to a
 * registry of the operator, gateways that pull from there. Killed in the middle, repeated, out of order, from a stranger.
 */

import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type FakePublisher, startFakePublisher } from '@gatehouse/release/fake-publisher';
import { startFakeRegistry } from '@gatehouse/release/fake-registry';
import { pullImage } from '@gatehouse/release/oci-registry';
import { rootFingerprint } from '@gatehouse/release/trusted-releases';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../src/control-plane.ts';
import { type Finished, type Running, repositoryRoot, run, start, waitFor } from '../src/program.ts';
import { type StoryRegistry, startRegistry } from '../src/registry.ts';

let folder: string;
let publishersRegistry: StoryRegistry;
let site: StoryRegistry;
let publisher: FakePublisher;
let plane: ControlPlane;
const agents: Record<string, string> = {};
const bundles: Record<string, string> = {};
let fingerprint = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-air-gap-'));
  publishersRegistry = await startRegistry();
  site = await startRegistry();
  publisher = await startFakePublisher(path.join(folder, 'publisher'), {
    registryUrl: `http://${publishersRegistry.host}`,
    layerBytes: 200_000,
  });
  agents['4.1.12'] = await publisher.publish('4.1.12');
  fingerprint = rootFingerprint(await readFile(path.join(publisher.repositoryDirectory, 'metadata/1.root.json')));
  plane = await startControlPlane(['--no-sandbox']);
});
afterAll(async () => {
  await plane?.stop();
  await publishersRegistry?.stop();
  await site?.stop();
  await rm(folder, { recursive: true, force: true });
});

const cli = path.join(repositoryRoot, 'cli/src/main.ts');
const digestOf = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

/** As its own process without the launcher before it, so that a kill meets it and nothing else. */
function startCommand(args: readonly string[]): Running {
  const env = { GATEHOUSE_SERVER: plane.server, GATEHOUSE_TOKEN: plane.token, NO_COLOR: '1' };
  return start(process.execPath, [cli, ...args], { cwd: folder, env });
}

const bundleArguments = (to: string, host: string, repository: string, more: readonly string[] = []) => [
  'release',
  'bundle',
  repository,
  '--to',
  to,
  '--images-from',
  host,
  '--plain-http',
  ...more,
];

async function makeBundle(name: string, ...more: readonly string[]): Promise<string> {
  const to = path.join(folder, `${name}.tar`);
  const made = await plane.gatehouse(bundleArguments(to, publishersRegistry.host, publisher.repositoryDirectory, more));
  expect(made, made.stderr).toMatchObject({ exitCode: 0 });
  return to;
}

const importBundle = (file: string, ...more: readonly string[]): Promise<Finished> =>
  plane.gatehouse(['release', 'import', file, '--plain-http', ...more]);

async function releases(): Promise<readonly string[]> {
  const { stdout } = await plane.gatehouse(['release', 'list', '-o', 'name']);
  return stdout.trim() === '' ? [] : stdout.trim().split('\n');
}

const imagesIn = (host: string, repository: string, digest: string) =>
  pullImage({ registry: { url: `http://${host}` }, repository, digest });

describe('air gap, in order', () => {
  it('the publisher writes one file, the same each time', async () => {
    const one = await makeBundle('4.1.12');
    const two = await makeBundle('again');
    expect(await digestOf(one)).toBe(await digestOf(two));
    bundles['4.1.12'] = one;
  });

  it('a bundle that is killed in the middle leaves nothing under its name, and goes on where it was', async () => {
    const whole = await digestOf(bundles['4.1.12'] ?? '');
    const front = await startStallingFront(publishersRegistry.host, 3);
    const to = path.join(folder, 'killed.tar');
    const running = startCommand(bundleArguments(to, front.host, publisher.repositoryDirectory));
    await waitFor('the registry to stall', () => Promise.resolve(front.isStalling() || undefined), {
      timeoutSeconds: 60,
      explain: running.output,
    });
    running.kill('SIGKILL');
    await running.stop();
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['killed.tar.partial']));
    expect(await readdir(folder)).not.toContain('killed.tar');
    await front.close();

    const again = await plane.gatehouse(bundleArguments(to, publishersRegistry.host, publisher.repositoryDirectory));
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
    expect(again.stderr).toMatch(/^Kept sha256/m);
    expect(await digestOf(to)).toBe(whole);
  });

  it('from here on, the publisher is out of reach', async () => {
    agents['4.2.7'] = await publisher.publish('4.2.7', { upgradeFrom: ['4.1.12'] });
    bundles['4.2.7'] = await makeBundle('4.2.7', '--version', '4.2.7');
    await publishersRegistry.stop();
    await rm(path.join(folder, 'publisher'), { recursive: true });
  });

  it('the first import with another root than the one that was told is refused, and leaves nothing', async () => {
    const other = fingerprint.replace(/^./, (first) => (first === '0' ? '1' : '0'));
    const refused = await importBundle(bundles['4.1.12'] ?? '', '--root-fingerprint', other, '--images-to', site.host);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('No root in');
    expect(await releases()).toEqual([]);
    await expect(imagesIn(site.host, 'gatehouse/agent', agents['4.1.12'] ?? '')).rejects.toThrow('404');
  });

  it('a damaged file is refused before an image is pushed', async () => {
    const damaged = path.join(folder, 'damaged.tar');
    await cp(bundles['4.1.12'] ?? '', damaged);
    await flipByte(damaged, 0.6);
    const refused = await importBundle(damaged, '--images-to', site.host);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toMatch(/has other content|is not the file that was signed/);
    expect(await releases()).toEqual([]);
    await expect(imagesIn(site.host, 'gatehouse/agent', agents['4.1.12'] ?? '')).rejects.toThrow('404');
  });

  it('the file alone brings root, release and images; a gateway is told where to pull from', async () => {
    const prefix = `${site.host}/mirror`;
    const imported = await importBundle(
      bundles['4.1.12'] ?? '',
      '--root-fingerprint',
      fingerprint,
      '--images-to',
      prefix,
    );
    expect(imported, imported.stderr).toMatchObject({ exitCode: 0 });
    expect(imported.stdout).toContain('New releases: 4.1.12');
    expect(imported.stdout).toContain('The platform is on 4.1.12.');
    expect(imported.stdout).toContain(`--registry-prefix ${prefix}`);
    expect(await releases()).toEqual(['4.1.12']);
    const image = await imagesIn(site.host, 'mirror/gatehouse/agent', agents['4.1.12'] ?? '');
    expect(image.architecture).toBe('amd64');

    const create = ['gateway', 'create', 'site-a', '--installation', 'existing-cluster', '--provider', 'vsphere'];
    const created = await plane.gatehouse([...create, '--registry-prefix', prefix]);
    expect(created, created.stderr).toMatchObject({ exitCode: 0 });
    expect(created.stderr).toContain(`It pulls every image from ${prefix}.`);
    const manifest = await (await fetch(/'(http[^']+)'/.exec(created.stdout)?.[1] ?? '')).text();
    expect(manifest).toContain(`image: ${prefix}/gatehouse/agent@${agents['4.1.12']}`);
    expect(manifest).toContain(`registryPrefix: ${prefix}`);

    const without = await plane.gatehouse(create.map((word) => (word === 'site-a' ? 'site-b' : word)));
    expect(without.stderr).toContain(`--registry-prefix ${prefix}`);
  });

  it('the same file again brings nothing new and sends nothing', async () => {
    const again = await importBundle(bundles['4.1.12'] ?? '', '--images-to', `${site.host}/mirror`);
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain('No new release.');
    expect(again.stderr).toContain('All images were there already.');
  });

  it('an import that is killed while it pushes changes nothing, and the next sends only the rest', async () => {
    let isStalling = true;
    const registry = await startFakeRegistry({
      stalls: ({ method }) => isStalling && method === 'PUT' && registry.uploads.length >= 3,
    });
    const file = bundles['4.2.7'] ?? '';
    const running = startCommand(['release', 'import', file, '--plain-http', '--images-to', registry.host]);
    await waitFor(
      'the registry to stall',
      () => Promise.resolve(registry.requests.filter(({ line }) => line.startsWith('PUT')).length > 3 || undefined),
      { timeoutSeconds: 60, explain: running.output },
    );
    running.kill('SIGKILL');
    await running.stop();
    expect(await releases()).toEqual(['4.1.12']);
    expect(registry.uploads).toHaveLength(3);

    isStalling = false;
    const again = await importBundle(file, '--images-to', registry.host);
    expect(again, again.stderr).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain('New releases: 4.2.7');
    expect(new Set(registry.uploads).size).toBe(registry.uploads.length);
    expect(await releases()).toEqual(['4.1.12', '4.2.7']);
    await registry.close();
  });

  it('an older file after a newer one is refused, before an image is pushed', async () => {
    const registry = await startFakeRegistry();
    const refused = await importBundle(bundles['4.1.12'] ?? '', '--images-to', registry.host);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('was seen before');
    expect(registry.requests).toEqual([]);
    await registry.close();
  });

  it('a file of another publisher is refused', async () => {
    const registry = await startFakeRegistry();
    const stranger = await startFakePublisher(path.join(folder, 'stranger'), { registryUrl: registry.url });
    await stranger.publish('4.9.9');
    const file = path.join(folder, 'stranger.tar');
    const made = await plane.gatehouse(bundleArguments(file, registry.host, stranger.repositoryDirectory));
    expect(made, made.stderr).toMatchObject({ exitCode: 0 });
    const refused = await importBundle(file, '--images-to', `${site.host}/mirror`);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('these files are from somebody else');
    expect(await releases()).toEqual(['4.1.12', '4.2.7']);
    await registry.close();
  });

  it('standard input is as good as a file, through a pipe or not', async () => {
    const command = `"${process.execPath}" "${cli}" release import - --plain-http --images-to ${site.host}/mirror`;
    const env = { GATEHOUSE_SERVER: plane.server, GATEHOUSE_TOKEN: plane.token };
    for (const line of [`${command} < "${bundles['4.2.7']}"`, `cat "${bundles['4.2.7']}" | ${command}`]) {
      const piped = await run('sh', ['-c', line], { cwd: folder, env });
      expect(piped, piped.stderr).toMatchObject({ exitCode: 0 });
      expect(piped.stdout).toContain('No new release.');
    }
  });

  it('a registry that does not answer is named in words, and nothing is imported', async () => {
    const failed = await importBundle(bundles['4.2.7'] ?? '', '--images-to', '127.0.0.1:1');
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain('HEAD http://127.0.0.1:1/v2/network/calico/blobs/');
    expect(failed.stderr).toContain('Nothing was imported; the same command goes on where it was.');
    expect(failed.stderr).not.toMatch(/^ +at /m);
  });

  it('what cannot be is refused as a wrong use', async () => {
    const file = bundles['4.2.7'] ?? '';
    const remote = await plane.gatehouse([
      'release',
      'import',
      file,
      '--images-to',
      'registry.example',
      '--plain-http',
    ]);
    expect(remote).toMatchObject({ exitCode: 2 });
    expect(remote.stderr).toContain('registry.example is not on it');
    expect(await importBundle(file, '--images-to', 'https://registry.example')).toMatchObject({ exitCode: 2 });
    expect(await importBundle(path.join(folder, 'nothing.tar'))).toMatchObject({ exitCode: 3 });
  });
});

async function flipByte(file: string, where: number): Promise<void> {
  const bytes = await readFile(file);
  const at = Math.floor(bytes.length * where);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

/** Passes requests on to a registry, and says nothing any more once so many blobs were fetched. */
async function startStallingFront(registry: string, blobsMax: number) {
  let blobs = 0;
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url?.includes('/blobs/') === true) blobs += 1;
    if (blobs > blobsMax) return;
    pass(request, response, registry).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    host: `127.0.0.1:${address.port}`,
    isStalling: () => blobs > blobsMax,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function pass(request: IncomingMessage, response: ServerResponse, registry: string): Promise<void> {
  const { accept } = request.headers;
  const answer = await fetch(`http://${registry}${request.url}`, {
    method: request.method ?? 'GET',
    headers: accept === undefined ? {} : { accept },
  });
  const body = Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(body);
}
