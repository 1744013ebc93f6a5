import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toInstant } from '@gatehouse/domain/instant';
import { type KubernetesVersion, parseKubernetesVersion, parsePlatformVersion } from '@gatehouse/domain/version';
import { describe, expect, test } from 'vitest';
import { type Cluster, ClusterUnreachable } from '../cluster.ts';
import { describeCluster, type TestImage, type TestImages } from '../cluster-expectations.ts';
import { describeProfileCluster } from '../profile-expectations.ts';
import { connectSimulatedCluster } from './client.ts';
import { createFunctionPods, type PodContext, type PodProgram } from './function-pods.ts';
import { serveCalls } from './serve-calls.ts';
import { createSimulatedCluster, newSimulatedState, type SimulatedCluster } from './simulated-cluster.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

const start = toInstant(Date.parse('2026-11-23T08:00:00Z'));

function kubernetes(text: string): KubernetesVersion {
  const version = parseKubernetesVersion(text);
  if (version === undefined) throw new TypeError(text);
  return version;
}

function image(text: string, digit: string): TestImage {
  const version = parsePlatformVersion(text);
  if (version === undefined) throw new TypeError(text);
  return {
    release: { version, digest: `sha256:${digit.repeat(64)}` },
    repository: 'registry.example/gatehouse/agent',
  };
}

const images: TestImages = {
  well: image('4.1.12', 'a'),
  alsoWell: image('4.2.7', 'b'),
  exitsAtStart: image('4.2.8', 'c'),
  hangs: image('4.2.9', 'd'),
  crashesWhenReady: image('4.2.10', 'e'),
  missing: image('4.2.11', 'f'),
};

function programs(clock: VirtualClock): ReadonlyMap<string, PodProgram> {
  const isRehearsal = ({ owner }: PodContext): boolean => owner.kind === 'rehearsal';
  const well: PodProgram = async (pod) => {
    await clock.sleep(500, pod.terminated);
    if (isRehearsal(pod)) return 0;
    pod.probeWith(() => true);
    await clock.sleep(Number.MAX_SAFE_INTEGER, pod.terminated);
    return 0;
  };
  return new Map<string, PodProgram>([
    [images.well.release.digest, well],
    [images.alsoWell.release.digest, well],
    [
      images.exitsAtStart.release.digest,
      async (pod) => {
        pod.print('cannot start: no such setting');
        return 3;
      },
    ],
    [
      images.hangs.release.digest,
      async (pod) => {
        await clock.sleep(Number.MAX_SAFE_INTEGER, pod.terminated);
        return 0;
      },
    ],
    [
      images.crashesWhenReady.release.digest,
      async (pod) => {
        if (isRehearsal(pod)) return 0;
        pod.probeWith(() => true);
        await clock.sleep(3_000, pod.terminated);
        return 4;
      },
    ],
  ]);
}

/** A bound that is in the clock's time, so that a test that waits in vain ends at once. */
function waitOn(clock: VirtualClock) {
  return async <T>(what: string, seconds: number, read: () => Promise<T | undefined>): Promise<T> => {
    for (let passed = 0; passed <= seconds * 1_000; passed += 250) {
      const found = await read();
      if (found !== undefined) return found;
      await clock.advance(250);
    }
    throw new Error(`not seen within ${seconds} s: ${what}`);
  };
}

interface Reached {
  readonly cluster: Cluster;
  close(): Promise<void>;
}
type Reach = (simulated: SimulatedCluster) => Promise<Reached>;

const inThisProcess: Reach = async (simulated) => ({ cluster: simulated.connect(), close: async () => {} });

/** As a process in the sandbox does. */
const overItsSocket: Reach = async (simulated) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-simulated-'));
  const socketPath = path.join(directory, 'calls.sock');
  const seen = simulated.connect();
  const server = await serveCalls(socketPath, (token) => (token === 'a-token' ? seen : undefined));
  return {
    cluster: await connectSimulatedCluster({ socketPath, token: 'a-token', podName: 'a-pod' }),
    async close() {
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
};

describe.each([
  ['in this process', inThisProcess],
  ['over its socket', overItsSocket],
])('%s', (_, reach) => {
  describeCluster('a simulated cluster', async () => {
    const clock = createVirtualClock(start);
    const known = programs(clock);
    const simulated = createSimulatedCluster({
      clock,
      runtime: createFunctionPods(({ digest }) => known.get(digest)),
      state: newSimulatedState({ kind: 'existing', kubernetes: kubernetes('1.33.5'), nodes: [] }, start),
    });
    const { owner } = simulated;
    const reached = await reach(simulated);
    return {
      cluster: reached.cluster,
      images,
      owner: {
        pauseDeployment: async (isPaused) => owner.pauseDeployment(isPaused),
        deleteDeployment: async () => owner.deleteDeployment(),
        deletePod: async (name) => owner.deletePod(name),
        setImage: async ({ release, repository }, manager) =>
          owner.setImage({ digest: release.digest, repository }, manager),
        limitPods: async (count) => owner.limitPods(count),
      },
      waitFor: waitOn(clock),
      async dispose() {
        await reached.close();
        await simulated.stop();
      },
    };
  });

  describeProfileCluster('a simulated Cluster API', async () => {
    const clock = createVirtualClock(start);
    const os = { variable: 'osImage', from: 'os-1', to: 'os-2', neverStarts: 'os-unbootable' };
    const versions = {
      from: kubernetes('1.33.5'),
      next: kubernetes('1.34.2'),
      afterNext: kubernetes('1.35.1'),
      lower: kubernetes('1.32.9'),
    };
    const size = { controlPlanes: 3, workers: 2 };
    const cluster = { clusterName: 'site-b', version: versions.from, osVariable: os.variable, os: os.from, ...size };
    const simulated = createSimulatedCluster({
      clock,
      runtime: createFunctionPods(() => undefined),
      state: newSimulatedState({ kind: 'cluster-api', cluster }, start),
    });
    const reached = await reach(simulated);
    return {
      cluster: reached.cluster,
      versions,
      os,
      namespace: 'default',
      owner: {
        pauseCluster: async (isPaused) => simulated.owner.pauseCluster(isPaused),
        editConfigMap: async (name, data) =>
          simulated.owner.editObject(`v1|ConfigMap|default|${name}`, (object) => ({
            ...object,
            data: { ...(object['data'] as Record<string, string>), ...data },
          })),
      },
      waitFor: waitOn(clock),
      async dispose() {
        await reached.close();
        await simulated.stop();
      },
    };
  });
});

test('a token that no pod has reaches nothing', async () => {
  const clock = createVirtualClock(start);
  const simulated = createSimulatedCluster({
    clock,
    runtime: createFunctionPods(() => undefined),
    state: newSimulatedState({ kind: 'existing', kubernetes: kubernetes('1.33.5'), nodes: [] }, start),
  });
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-simulated-'));
  const socketPath = path.join(directory, 'calls.sock');
  const server = await serveCalls(socketPath, () => undefined);
  const connection = { socketPath, token: 'guessed', podName: 'a-pod' };
  await expect(connectSimulatedCluster(connection)).rejects.toBeInstanceOf(ClusterUnreachable);
  await server.close();
  await rm(directory, { recursive: true });
  await expect(connectSimulatedCluster(connection)).rejects.toBeInstanceOf(ClusterUnreachable);
  await simulated.stop();
});
