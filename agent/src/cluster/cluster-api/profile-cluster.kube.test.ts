/**
 * The suite of expectations over real Cluster API controllers with in-memory machines. The gateway's Cluster is the one
 * that `gateway install` makes; everything is read and written with the accounts of the install manifest.
 */

import { parseKubernetesVersion } from '@gatehouse/domain/version';
import { defaultOsVariable, renderGatewayCluster } from '@gatehouse/release/gateway-cluster';
import { objectNames } from '@gatehouse/release/object-names';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll } from 'vitest';
import type { Cluster } from '../cluster.ts';
import { createKubernetesCluster } from '../kubernetes/connect.ts';
import { at } from '../kubernetes/json.ts';
import { applyAll, installLabGateway, type Lab, openLab, waitFor } from '../kubernetes/lab-gateway.ts';
import { describeProfileCluster, type ProfileClusterUnderTest } from '../profile-expectations.ts';

const osFrom = 'ubuntu-24.04-2026.09';
const versions = {
  from: version('1.33.5'),
  next: version('1.34.1'),
  afterNext: version('1.35.0'),
  lower: version('1.32.9'),
};

function version(text: string) {
  const parsed = parseKubernetesVersion(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
}

let lab: Lab;

/** A gateway takes longest to be made: one that a test left as it was serves the next as well, and one is made ahead. */
interface Gateway extends Pick<ProfileClusterUnderTest, 'cluster' | 'namespace'> {
  readonly clusterPath: string;
  readonly generation: unknown;
  remove(): Promise<void>;
}
let unused: Gateway | undefined;
let ahead: Promise<Gateway> | undefined;
let isEnding = false;
const removals: Promise<void>[] = [];

beforeAll(async () => {
  lab = await openLab(providedKubernetesLab().kubeconfigPath);
});
afterAll(async () => {
  isEnding = true;
  if (unused !== undefined) removals.push(unused.remove());
  if (ahead !== undefined) removals.push(ahead.then((gateway) => gateway.remove()));
  await Promise.all(removals);
});

describeProfileCluster('real Cluster API', async () => {
  const gateway = unused ?? (await takeGateway());
  unused = undefined;
  const { cluster, namespace, clusterPath } = gateway;
  return {
    cluster,
    versions,
    os: { variable: defaultOsVariable, from: osFrom, to: 'ubuntu-24.04-2026.11', neverStarts: 'unbootable' },
    namespace,
    owner: {
      async pauseCluster(isPaused) {
        await lab.api.merge(clusterPath, { spec: { paused: isPaused } });
      },
      async editConfigMap(name, data) {
        const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
        const query = { fieldManager: 'kubectl-edit' };
        await lab.api.ask({ method: 'PATCH', path, query, patch: 'merge', body: { data } });
      },
    },
    waitFor,
    async dispose() {
      if ((await generationOf(clusterPath)) === gateway.generation) unused = gateway;
      else removals.push(gateway.remove());
    },
  };
});

const generationOf = async (path: string): Promise<unknown> => at(await lab.api.get(path), 'metadata', 'generation');

async function takeGateway(): Promise<Gateway> {
  const gateway = await (ahead ?? makeGateway());
  ahead = makeGateway();
  // Told to whoever takes it.
  ahead.catch(() => {});
  return gateway;
}

async function makeGateway(): Promise<Gateway> {
  const gateway = await installLabGateway(lab, 'cli');
  const { name, namespaces } = gateway;
  const namespace = `${namespaces.agent}-packs`;
  const clusterPath = `/apis/cluster.x-k8s.io/v1beta2/namespaces/${namespaces.cluster}/clusters/${name}`;
  await applyAll(lab, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    renderGatewayCluster({
      gatewayName: name,
      kubernetesVersion: versions.from,
      os: osFrom,
      controlPlanes: 3,
      workers: 2,
      clusterClass: { name: 'gatehouse-gateway', namespace: 'default' },
    }),
  ]);
  const cluster = createKubernetesCluster({
    connection: gateway.as(objectNames.agent),
    namespace: namespaces.agent,
    own: { name, namespace: namespaces.cluster, osVariable: defaultOsVariable, managed: 'kubeconfig' },
  });
  await waitFor('the gateway is at rest', 300, async () => (isEnding || (await isAtRest(cluster)) ? true : undefined));
  return {
    cluster,
    namespace,
    clusterPath,
    generation: await generationOf(clusterPath),
    async remove() {
      await lab.api.merge(clusterPath, { spec: { paused: false } });
      await lab.api.remove(clusterPath);
      // Its controllers need the namespace until then.
      await waitFor('the Cluster is gone', 300, async () =>
        (await lab.api.get(clusterPath)) === undefined ? true : undefined,
      );
      await lab.api.remove(`/api/v1/namespaces/${namespace}`);
      await gateway.uninstall();
    },
  };
}

async function isAtRest(cluster: Cluster): Promise<boolean> {
  try {
    const seen = await cluster.profile?.readClusterApi();
    const nodes = await cluster.listNodes();
    if (seen === undefined) return false;
    const { controlPlane, workers, machines } = seen;
    return (
      seen.isObserved &&
      seen.isTopologyReconciled &&
      seen.isControlPlaneAvailable === true &&
      seen.isEtcdHealthy === true &&
      controlPlane.statusVersion === versions.from &&
      [controlPlane, ...workers].every(
        (one) =>
          one.isObserved &&
          one.isRollingOut === false &&
          [one.replicas, one.ready, one.available, one.upToDate].every((count) => count === one.wanted),
      ) &&
      machines.length === 5 &&
      nodes.length === 5 &&
      nodes.every((node) => node.ready === true)
    );
  } catch {
    // While it is being made there is no control plane, no kubeconfig, no API server.
    return false;
  }
}
