/**
 * The sandbox as the control plane starts it, with a signed repository behind HTTP. The agents in that repository are
 * programs that end at once, so what is seen is the sandbox and not the agent.
 */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import type { SimulatedState } from '../cluster/simulated/state.ts';
import { createControlPlaneInMemory } from '../testing/control-plane-in-memory.ts';
import { serveControlPlane } from '../testing/serve-control-plane.ts';
import { openRepository, type TestRepository } from '../testing/test-repository.ts';
import { type Sandbox, startSandbox } from './host.ts';

const ids = ['3b241101-e2bb-4255-8caf-4136c566a962', '7c9e6679-7425-40de-944b-e07fc1f90ae7'] as const;

let folder: string;
let repository: TestRepository;
let server: { readonly url: URL; close(): Promise<void> };
let running: Sandbox[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-host-'));
  repository = await openRepository();
  server = await serveControlPlane(
    createControlPlaneInMemory({ gatewayId: ids[0], token: 'token-1', repository, clock: systemClock }),
  );
  running = [];
});
afterEach(async () => {
  for (const sandbox of running) await sandbox.stop();
  await server.close();
  await repository.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function writeGateways(directory: string, gatewayId: string = ids[0]): Promise<void> {
  await mkdir(directory, { recursive: true });
  const root = Buffer.from(repository.root).toString('base64');
  const common = { provider: 'vsphere', controlPlanes: 3, workers: 1, registrationToken: 'token-1', root };
  const gateways = [
    { ...common, name: 'site-a', gatewayId, installation: 'cli' },
    { ...common, name: 'site-b', gatewayId: ids[1], installation: 'existing-cluster' },
  ];
  await writeFile(path.join(directory, 'gateways.json'), JSON.stringify(gateways));
}

async function start(directory: string, at: URL = server.url): Promise<Sandbox> {
  const sandbox = await startSandbox({ server: at, directory, log: () => {}, signal: new AbortController().signal });
  running.push(sandbox);
  return sandbox;
}

async function stateOf(directory: string, gateway: string): Promise<SimulatedState> {
  const file = path.join(directory, 'clusters', gateway, 'state.json');
  // Written by the sandbox.
  return JSON.parse(await readFile(file, 'utf8')) as SimulatedState;
}

async function waitFor<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await read().catch(() => undefined);
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`not seen within 15 s: ${what}`);
}

const waitForGuard = (directory: string, gateway: string) =>
  waitFor(`the guard of ${gateway} ran`, async () => {
    const state = await stateOf(directory, gateway);
    return state.pods.find((pod) => pod.owner.kind === 'guard' && pod.lastEnd?.exitCode === 0);
  });

async function ask(
  directory: string,
  verb: string,
  body: string,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const socketPath = await realpath(path.join(directory, 'control.sock'));
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: `/${verb}`, method: 'POST' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const trouble = (gateway: string, by: string): string => JSON.stringify({ gateway, by });

test('each gateway gets a cluster as the signed profile has it, and runs what its first release brings', async () => {
  const directory = path.join(folder, 'sandbox');
  await writeGateways(directory);
  await start(directory);
  const guard = await waitForGuard(directory, 'site-a');
  expect(guard.release).toEqual({ version: '4.1.12', digest: repository.release('4.1.12').agent.digest });
  await waitForGuard(directory, 'site-b');

  const installed = await stateOf(directory, 'site-a');
  expect(installed.clusterApi).toMatchObject({
    clusterName: 'site-a',
    topology: { version: '1.26.8', variables: { osImage: 'ubuntu-2204-kube-v1.26.8' } },
  });
  expect(installed.clusterApi?.controlPlane.machines).toHaveLength(3);
  expect(installed.maps.settings?.data).toMatchObject({ serverUrl: server.url.href, gatewayId: ids[0] });
  expect(installed.maps.identity?.data).toEqual({ registrationToken: 'token-1' });
  const owners = await stateOf(directory, 'site-b');
  expect(owners.clusterApi).toBeUndefined();
  expect(owners.ownersNodes).toHaveLength(4);
});

test('a sandbox goes on where it was stopped, also when the control plane has another address now', async () => {
  const directory = path.join(folder, 'sandbox');
  await writeGateways(directory);
  const first = await start(directory);
  await waitForGuard(directory, 'site-a');
  await ask(directory, 'break', trouble('site-a', 'pause'));
  await first.stop();
  expect(existsSync(path.join(directory, 'control.sock'))).toBe(false);
  expect(JSON.parse(await readFile(path.join(directory, 'processes.json'), 'utf8'))).toMatchObject({ pids: [] });
  const before = await stateOf(directory, 'site-a');
  expect(before.clusterApi?.isPaused).toBe(true);

  await start(directory, new URL('http://127.0.0.1:9'));
  const after = await waitFor('the new address', async () => {
    const state = await stateOf(directory, 'site-a');
    return state.maps.settings?.data['serverUrl'] === 'http://127.0.0.1:9/' ? state : undefined;
  });
  expect(after.clusterApi?.isPaused).toBe(true);
  expect(after.clusterApi?.controlPlane).toEqual(before.clusterApi?.controlPlane);
  expect(after.pods.map(({ name }) => name)).toEqual(before.pods.map(({ name }) => name));
});

test('a gateway of another control plane with the same name begins anew', async () => {
  const directory = path.join(folder, 'sandbox');
  await writeGateways(directory);
  const first = await start(directory);
  const guard = await waitForGuard(directory, 'site-a');
  await first.stop();
  await writeGateways(directory, '0b5a1e6e-90a5-4c29-9c0b-0d1d2f4b9c11');
  await start(directory);
  const fresh = await waitFor('another guard', async () => {
    const state = await stateOf(directory, 'site-a');
    return state.pods.find((pod) => pod.owner.kind === 'guard' && pod.name !== guard.name);
  });
  expect(fresh.restarts).toBe(0);
});

test('trouble is made and mended on the gateway that is named, and refused where it cannot be', async () => {
  const directory = path.join(folder, 'sandbox');
  await writeGateways(directory);
  await start(directory);
  await waitForGuard(directory, 'site-a');
  await waitForGuard(directory, 'site-b');
  const read = (gateway: string) => stateOf(directory, gateway);

  for (const by of ['bad-agent', 'no-address', 'pause']) {
    expect(await ask(directory, 'break', trouble('site-a', by))).toMatchObject({ status: 200 });
  }
  const broken = await waitFor('the troubles', async () => {
    const state = await read('site-a');
    return state.clusterApi?.isPaused === true && state.troubles.noAddress === true ? state : undefined;
  });
  // What runs there already stays well.
  expect(broken.troubles.badAgent?.except).toEqual([repository.release('4.1.12').agent.digest]);
  expect((await read('site-b')).troubles).toEqual({});

  for (const by of ['bad-agent', 'no-address', 'pause']) {
    expect(await ask(directory, 'mend', trouble('site-a', by))).toMatchObject({ status: 200 });
  }
  await waitFor('no trouble', async () => {
    const state = await read('site-a');
    return state.clusterApi?.isPaused === false && Object.keys(state.troubles).length === 0 ? true : undefined;
  });

  expect(await ask(directory, 'break', trouble('site-b', 'pause'))).toMatchObject({ status: 409 });
  expect(await ask(directory, 'break', trouble('site-b', 'bad-agent'))).toMatchObject({ status: 200 });
  expect(await ask(directory, 'break', trouble('site-c', 'pause'))).toMatchObject({ status: 404 });
  expect(await ask(directory, 'break', trouble('site-a', 'flood'))).toMatchObject({ status: 400 });
  expect(await ask(directory, 'break', 'no JSON')).toMatchObject({ status: 400 });
  expect(await ask(directory, 'burn', trouble('site-a', 'pause'))).toMatchObject({ status: 404 });
});

test('trouble that was acknowledged, or its mending, is there after a kill', async () => {
  const directory = path.join(folder, 'sandbox');
  await writeGateways(directory);
  await start(directory);
  await waitForGuard(directory, 'site-a');
  // Read at once: what is in the file when the answer comes is all that a kill leaves.
  for (const [verb, isThere] of [
    ['break', true],
    ['mend', false],
    ['break', true],
  ] as const) {
    expect(await ask(directory, verb, trouble('site-a', 'no-address'))).toMatchObject({ status: 200 });
    expect((await stateOf(directory, 'site-a')).troubles.noAddress === true).toBe(isThere);
  }
});

test('trouble that cannot be written down is not acknowledged', async () => {
  const directory = path.join(folder, 'sandbox');
  await writeGateways(directory);
  await start(directory);
  await waitForGuard(directory, 'site-a');
  await rm(path.join(directory, 'clusters', 'site-a'), { recursive: true, force: true });
  const answer = await ask(directory, 'break', trouble('site-a', 'no-address'));
  expect(answer).toMatchObject({ status: 500, text: expect.stringContaining('could not be written down') });
});

test('a second sandbox in the same folder is refused, and the first one stays', async () => {
  const directory = path.join(folder, 'sandbox');
  await writeGateways(directory);
  await start(directory);
  await waitForGuard(directory, 'site-a');
  await expect(start(directory)).rejects.toThrow(/already runs/);
  expect(await ask(directory, 'mend', trouble('site-a', 'pause'))).toMatchObject({ status: 200 });
});

test('a folder whose path is too long for a socket is no hindrance', async () => {
  const directory = path.join(folder, 'a-rather-long-name'.repeat(6), 'sandbox');
  await writeGateways(directory);
  const sandbox = await start(directory);
  await waitForGuard(directory, 'site-a');
  expect(await ask(directory, 'mend', trouble('site-a', 'pause'))).toMatchObject({ status: 200 });
  await sandbox.stop();
  expect(existsSync(path.join(directory, 'control.sock'))).toBe(false);
});

test('a file that the control plane did not write is refused with what is wrong in it', async () => {
  const directory = path.join(folder, 'sandbox');
  await mkdir(directory);
  await writeFile(path.join(directory, 'gateways.json'), '[{"name":"site-a"}]');
  await expect(start(directory)).rejects.toThrow(/does not say which gateways/);
});
