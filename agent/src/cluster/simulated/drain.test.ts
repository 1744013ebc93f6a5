import { toInstant } from '@gatehouse/domain/instant';
import { parseKubernetesVersion, parsePlatformVersion } from '@gatehouse/domain/version';
import { expect, test } from 'vitest';
import { createFunctionPods, type PodProgram } from './function-pods.ts';
import { createSimulatedCluster, newSimulatedState } from './simulated-cluster.ts';
import type { PodState } from './state.ts';
import { createVirtualClock } from './virtual-clock.ts';

const start = toInstant(Date.parse('2026-11-23T08:00:00Z'));

function parsed<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('not a version');
  return value;
}

test('guard and agent live on the nodes that are replaced: each is drained and made again elsewhere', async () => {
  const clock = createVirtualClock(start);
  const stays: PodProgram = async (pod) => {
    pod.probeWith(() => true);
    await clock.sleep(Number.MAX_SAFE_INTEGER, pod.terminated);
    return 0;
  };
  const version = parsed(parseKubernetesVersion('1.33.5'));
  const size = { controlPlanes: 1, workers: 0 };
  const cluster = { clusterName: 'site-b', version, osVariable: 'osImage', os: 'os-1', ...size };
  const simulated = createSimulatedCluster({
    clock,
    runtime: createFunctionPods(() => stays),
    state: newSimulatedState({ kind: 'cluster-api', cluster }, start),
  });
  const release = { version: parsed(parsePlatformVersion('4.2.7')), digest: `sha256:${'a'.repeat(64)}` };
  const repository = 'registry.example/gatehouse/agent';
  const door = simulated.connect();
  simulated.installGuard(release, repository);
  await door.applyDeployment({ template: door.renderTemplate(release, { repository }), minReadySeconds: 0 });
  await clock.advance(5_000);
  const before = simulated.read().pods;
  const kinds = (pods: readonly PodState[]) => pods.map(({ owner }) => owner.kind).toSorted();
  expect(kinds(before)).toEqual(['guard', 'replica-set']);

  await door.profile?.readClusterApi();
  await door.profile?.patchTopology({ controlPlaneOverrides: { osImage: 'os-2' } });
  await clock.advance(60_000);
  const after = simulated.read().pods;
  expect(kinds(after)).toEqual(['guard', 'replica-set']);
  expect(after.map(({ name }) => name).filter((name) => before.some((pod) => pod.name === name))).toEqual([]);
  const nodes = (await door.listNodes()).map(({ name }) => name);
  expect(after.every(({ nodeName }) => nodes.includes(nodeName ?? ''))).toBe(true);
  await simulated.stop();
});
